"""What a check found: a table with one row for each parameter, a verdict, and findings in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from handgrad.arrays import Array, require_integer, require_number
from handgrad.gradcheck.comparison import PASSING, STATED, Budget, ParameterCheck
from handgrad.gradcheck.diagnosis import Finding
from handgrad.gradcheck.examining import Examined

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = ("parameter", "shape", "judged", "kinks", "error", "worst entry", "analytic", "numeric", "verdict")
LEFT = ("parameter", "shape", "worst entry", "verdict")
_ABSTENTIONS = ("on-kinks", "below-noise")


class GradientError(AssertionError):
    """A gradient is wrong, or too little of it could be judged."""


@dataclass(frozen=True)
class Report:
    """The outcome of a gradient check; print it to read it.

    `checks` holds a row for each parameter, `findings` what is wrong in words, `notes` what else a reader should know.
    `analytic` and `numeric` are the two gradients by parameter (NaN where nothing was measured).
    """

    title: str
    loss: float
    tolerance: float
    checks: tuple[ParameterCheck, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    analytic: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)
    numeric: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Every gradient agrees with its measurement, enough of it was judged, and nothing else was found."""
        return not self.findings and all(check.verdict in PASSING for check in self.checks)

    def __bool__(self) -> bool:
        """As `passed`, so that `assert check_gradient(...)` means what it says."""
        return self.passed

    @property
    def inconclusive(self) -> bool:
        """Nothing was found wrong, but too much lies on kinks or below noise to say that it is right."""
        return not self.passed and all(finding.cause in _ABSTENTIONS for finding in self.findings)

    @property
    def verdict(self) -> str:
        """PASSED, FAILED or INCONCLUSIVE."""
        return "PASSED" if self.passed else "INCONCLUSIVE" if self.inconclusive else "FAILED"

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of any parameter whose gradient is above the noise."""
        return max((check.relative_error for check in self.checks if check.verdict != "below noise"), default=0.0)

    def raise_if_failed(self) -> None:
        """Raise GradientError, with the whole report as its message, unless the check passed."""
        if not self.passed:
            raise GradientError(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the gradients themselves as plain values, for JSON."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "passed": self.passed,
            "inconclusive": self.inconclusive,
            "loss": self.loss,
            "tolerance": self.tolerance,
            "max_relative_error": self.max_relative_error,
            "parameters": [asdict(check) | {"unjudged": check.unjudged} for check in self.checks],
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }

    def to_pandas(self) -> "pd.DataFrame":
        """The table, indexed by parameter."""
        import pandas as pd

        return pd.DataFrame(self.to_dict()["parameters"]).set_index("name")

    def headline(self) -> str:
        """The title and the verdict, in one line."""
        return f"{self.title}: {self.verdict} (value {self.loss:.6g}, tolerance {self.tolerance:g})"

    def rows(self) -> list[tuple[str, ...]]:
        """The table under HEADINGS, as text."""
        return [_row(check) for check in self.checks]

    def groups(self) -> list[tuple[str, str, str]]:
        """The findings as (parameters, cause, evidence), with parameters of which the same is to be said together."""
        said = groupby(self.findings, key=lambda finding: (finding.cause, finding.evidence))
        return [(", ".join(each.parameter for each in group), cause, text) for (cause, text), group in said]

    def sayings(self) -> list[str]:
        """The findings in words."""
        return [": ".join(group) for group in self.groups()]

    def __str__(self) -> str:
        rows = [HEADINGS, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = [self.headline(), "", *("  ".join(_aligned(row, widths)).rstrip() for row in rows), ""]
        lines += [*self.sayings(), *self.notes]
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        from handgrad.gradcheck.page import html

        return html(self)


def require_options(tolerance: float | None, entries: int | None) -> None:
    """Refuse options that make no sense, before anything is computed."""
    if tolerance is not None:
        require_number("tolerance", tolerance, above=0)
    if entries is not None:
        require_integer("entries", entries)


def coverage_notes(examined: Examined) -> list[str]:
    """What a check that did not measure every entry may have missed."""
    sampled = [check for check in examined.checks if 0 < check.measured < check.entries]
    if not sampled:
        return []
    worst = max(sampled, key=lambda check: check.missing)
    return [
        f"{len(sampled)} of {len(examined.checks)} gradients were sampled, and seen whole along random directions: an "
        f"error of {STATED:g} of a gradient's norm is missed with probability {worst.missing:.1g} at most "
        f"({worst.name}), a larger one less often"
    ]


def report_on(
    examined: Examined,
    checks: Sequence[ParameterCheck],
    findings: Sequence[Finding],
    notes: Sequence[str],
    budget: Budget,
) -> Report:
    """The report on what was found at one point, and elsewhere."""
    names = [name for name in examined.point if name in examined.measured]
    return Report(
        examined.subject.title,
        examined.value,
        budget.tolerance,
        tuple(checks),
        tuple(findings),
        tuple(notes),
        {name: examined.given[name] for name in names},
        {name: examined.numeric(name) for name in names},
    )


def _row(check: ParameterCheck) -> tuple[str, ...]:
    shape = "×".join(map(str, check.shape)) or "scalar"
    judged = f"{check.judged:,}" if check.judged == check.entries else f"{check.judged:,} of {check.entries:,}"
    name = check.name if check.point == "as given" else f"{check.name} ({check.point})"
    if not check.measured:
        return (name, shape, "none", "", "", "", "", "", check.verdict)
    index = "" if check.index == () else f"[{', '.join(map(str, check.index))}]"
    figures = (f"{check.relative_error:.1e}", index, f"{check.analytic:.6g}", f"{check.numeric:.6g}")
    return (name, shape, judged, f"{check.kinks:,}", *figures, check.verdict)


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    columns = zip(HEADINGS, row, widths, strict=True)
    return [text.ljust(width) if heading in LEFT else text.rjust(width) for heading, text, width in columns]
