"""What a check found: a table with one row for each parameter, a verdict, and findings in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.differences import Derivative

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-7  # of the relative error, in float64
NEARBY = (1 + 1e-6, 1 - 1e-6, 1 + 3e-6)  # parameters times these: almost the same gradient, with other rounding
PASSING = ("ok", "zero")
MOST_UNJUDGED = 0.05  # a parameter with a larger share of entries on kinks is inconclusive
_SAFETY = 10  # rounding errors add up to a few times their typical size
_RESOLVED = (
    1000  # times the rounding error: a gradient this large is told to three digits, a smaller one proves nothing
)


class GradientError(AssertionError):
    """A gradient is wrong, or too little of it could be judged."""


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient against its measurement.

    Over the judged entries, `size` is max(‖analytic‖, ‖numeric‖), `relative_error` is ‖analytic - numeric‖ / size, and
    `noise` is the largest ‖analytic - numeric‖ that rounding of the loss explains. `zero` says that neither side is
    more than rounding; the relative error is then 0. `index` is the entry that differs most, with both derivatives.
    """

    name: str
    shape: tuple[int, ...]
    entries: int
    unjudged: int
    relative_error: float
    size: float
    noise: float
    zero: bool
    index: tuple[int, ...]
    analytic: float
    numeric: float
    tolerance: float

    @property
    def verdict(self) -> str:
        """What the comparison shows.

        - "WRONG": the two differ by more than the tolerance and more than rounding explains.
        - "inconclusive": too many entries lie on kinks.
        - "zero": the parameter moves nothing, and its gradient says so. A bias before batch norm, a layer cut off.
        - "below noise": the gradient is not zero, but so small that its differences drown in rounding.
        - "ok": the two agree to the tolerance, or where rounding is coarser, to rounding and at least three digits.
        """
        if not self.relative_error * self.size <= max(self.tolerance * self.size, self.noise):
            return "WRONG"
        if self.unjudged > MOST_UNJUDGED * self.entries:
            return "inconclusive"
        if self.zero:
            return "zero"
        return "below noise" if self.size < _RESOLVED * self.noise else "ok"


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and what speaks for it; `cause` is a short slug."""

    parameter: str
    cause: str
    evidence: str


@dataclass(frozen=True)
class Report:
    """The outcome of a gradient check; print it to read it."""

    title: str
    loss: float
    checks: tuple[ParameterCheck, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Every parameter's gradient agrees with its measurement, and enough of it was judged."""
        return all(check.verdict in PASSING for check in self.checks)

    @property
    def inconclusive(self) -> bool:
        """Nothing was found wrong, but too much lies on kinks or below noise to say that it is right."""
        return not self.passed and all(check.verdict != "WRONG" for check in self.checks)

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of any parameter whose gradient is above the noise."""
        return max((check.relative_error for check in self.checks if check.verdict != "below noise"), default=0.0)

    def raise_if_failed(self) -> None:
        """Raise GradientError, with the whole report as its message, unless the check passed."""
        if not self.passed:
            raise GradientError(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "title": self.title,
            "passed": self.passed,
            "inconclusive": self.inconclusive,
            "loss": self.loss,
            "max_relative_error": self.max_relative_error,
            "parameters": [asdict(check) | {"verdict": check.verdict} for check in self.checks],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """The table, indexed by parameter."""
        import pandas as pd

        return pd.DataFrame(self.to_dict()["parameters"]).set_index("name")

    def __str__(self) -> str:
        verdict = "PASSED" if self.passed else "INCONCLUSIVE" if self.inconclusive else "FAILED"
        rows: list[tuple[str, ...]] = [
            ("parameter", "shape", "entries", "on kinks", "rel. error", "analytic", "numeric", "verdict")
        ]
        rows += [_row(check) for check in self.checks]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [f"{self.title}: {verdict} (loss {self.loss:.6g}, tolerance {self.checks[0].tolerance:g})", ""]
        lines += ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        lines += ["", *(f"{finding.parameter}: {finding.evidence}" for finding in self.findings)]
        return "\n".join(lines).rstrip()


def compare(
    name: str, analytic: Array, numeric: Derivative, tolerance: float, nearby: Sequence[Array] = ()
) -> ParameterCheck:
    """One parameter's gradient (any shape) against its measured derivatives (the same entries, flat).

    `nearby` holds the gradient at parameters moved by some 1e-6 of their size. A gradient below the noise that is
    another number there is what rounding left of zero; one that is not zero, however small, hardly changes.
    """
    flat = np.asarray(analytic, dtype=np.float64).reshape(-1)
    judged = numeric.judged
    difference = np.where(judged, np.abs(flat - numeric.values), 0.0)
    ours = float(np.linalg.norm(flat[judged]))
    size = max(ours, float(np.linalg.norm(numeric.values[judged])))
    noise = _SAFETY * float(np.linalg.norm(numeric.noise))
    moved = max((float(np.linalg.norm((np.reshape(there, -1) - flat)[judged])) for there in nearby), default=0.0)
    zero = size <= noise and (ours == 0 or moved > 0.1 * ours)
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    return ParameterCheck(
        name=name,
        shape=np.shape(analytic),
        entries=flat.size,
        unjudged=int((~judged).sum()),
        relative_error=0.0 if zero else float(np.linalg.norm(difference)) / size,
        size=size,
        noise=noise,
        zero=zero,
        index=tuple(int(i) for i in np.unravel_index(worst, np.shape(analytic))),
        analytic=float(flat[worst]),
        numeric=float(numeric.values[worst]),
        tolerance=tolerance,
    )


def conclude(title: str, loss: float, checks: list[ParameterCheck]) -> Report:
    """The report on these checks."""
    findings = tuple(_finding(check) for check in checks if check.verdict not in PASSING)
    return Report(title, loss, tuple(checks), findings)


def _finding(check: ParameterCheck) -> Finding:
    if check.verdict == "inconclusive":
        share = check.unjudged / check.entries
        evidence = f"{check.unjudged} of {check.entries} entries ({share:.0%}) lie on kinks and could not be judged"
        return Finding(check.name, "on-kinks", evidence)
    if check.verdict == "below noise":
        evidence = (
            f"the gradient's norm is {check.size:.2g}, and rounding of the loss moves its differences by up to "
            f"{check.noise:.2g}; that shows nothing but that it is small"
        )
        return Finding(check.name, "below-noise", evidence)
    at = "" if check.index == () else f"[{', '.join(map(str, check.index))}]"
    evidence = (
        f"the gradient is wrong by {check.relative_error:.2g} of its size; "
        f"at {check.name}{at} it is {check.analytic:.8g}, but the loss changes by {check.numeric:.8g}"
    )
    return Finding(check.name, "unknown", evidence)


def _row(check: ParameterCheck) -> tuple[str, ...]:
    shape = "x".join(map(str, check.shape)) or "scalar"
    figures = (f"{check.relative_error:.1e}", f"{check.analytic:.6g}", f"{check.numeric:.6g}")
    return (check.name, shape, f"{check.entries:,}", f"{check.unjudged:,}", *figures, check.verdict)


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    left = (0, 1, len(row) - 1)
    return [text.ljust(w) if i in left else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))]
