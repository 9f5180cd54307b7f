"""The verdict on one parameter: its gradient against what was measured, as a whole and entry by entry."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.coverage import FOUND, missing_probability
from handgrad.gradcheck.measuring import Measured

PASSING = ("ok", "zero")
MOST_UNJUDGED = 0.05  # a parameter with a larger share of entries not judged is inconclusive
_SAMPLED = 10  # times as large may be the error that random directions must see
STATED = 1e-6  # the error, relative to the gradient's norm, whose chance of being missed a sampled check states


class Budget(NamedTuple):
    """What rounding may cost in a precision: the tolerated relative error, norm-wise and of an entry, and how small an
    error must be visible for a gradient to be called right.
    """

    epsilon: float
    tolerance: float
    entry: float
    visible: float


FLOAT64 = Budget(2.0**-52, 1e-7, 1e-6, 1e-6)
FLOAT32 = Budget(2.0**-23, 1e-4, 1e-2, 1e-2)  # backpropagation in float32 rounds each of some hundred sums by 6e-8


def with_tolerance(budget: Budget, tolerance: float | None) -> Budget:
    """The budget with another tolerance, if one is given."""
    return budget if tolerance is None else budget._replace(tolerance=tolerance, entry=max(budget.entry, tolerance))


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient against its measurement.

    `entries` in all, of which `measured` were, `judged` could be judged, and `kinks` lie on a kink (judged only if the
    gradient lies between the one-sided slopes). Over the judged ones `size` is max(‖analytic‖, ‖numeric‖),
    `relative_error` is ‖analytic - numeric‖ / size, and `noise` the largest ‖analytic - numeric‖ that error bars
    explain. Where only some were measured, `missing` is the probability that an error of 1e-6 of the norm was missed,
    `unseen_error` the relative error that random directions show. `index` is the entry that differs most, with both
    derivatives; `point` says where the check was made.
    """

    name: str
    shape: tuple[int, ...]
    entries: int
    measured: int
    judged: int
    kinks: int
    relative_error: float
    size: float
    noise: float
    missing: float
    unseen_error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    verdict: str
    tolerance: float
    point: str = "as given"

    @property
    def unjudged(self) -> int:
        """Measured entries that could not be judged."""
        return self.measured - self.judged


def compare(measured: Measured, jitter: Array, budget: Budget, shape: tuple[int, ...] | None = None) -> ParameterCheck:
    """One parameter's gradient against its measurement.

    `jitter` (n,) is how much rounding moves the gradient itself, entry by entry.
    """
    shape = measured.variable.shape if shape is None else shape
    analytic, numeric = measured.analytic, measured.numeric
    judged = measured.judged & ~_too_coarse(measured, jitter, budget)
    error = np.where(judged, np.abs(analytic - numeric), 0.0)
    allowed = np.where(judged, measured.bars + jitter[measured.which], 0.0)
    ours = float(np.linalg.norm(analytic[judged]))
    size = max(ours, float(np.linalg.norm(numeric[judged])))
    noise = float(np.linalg.norm(allowed))
    uncertain = float(np.linalg.norm(allowed[~measured.kinked]))  # on a kink there is no one slope to be told finely
    zero = size <= noise and (ours == 0 or float(np.linalg.norm(jitter)) > 0.1 * ours)
    excess = error - allowed - budget.entry * np.maximum(np.abs(analytic), np.abs(numeric))
    worst = int(np.argmax(np.where(judged, np.where(np.isnan(excess), np.inf, excess), -np.inf)))
    wrong = not float(np.linalg.norm(error)) <= max(budget.tolerance * size, noise) or excess[worst] > 0
    wrong = wrong or _wrong_along(measured, jitter, budget)
    index = np.unravel_index(int(measured.which[worst]), shape) if shape else ()
    return ParameterCheck(
        name=measured.variable.name,
        shape=shape,
        entries=measured.variable.x.size,
        measured=len(judged),
        judged=int(judged.sum()),
        kinks=int(measured.kinked.sum()),
        relative_error=0.0 if zero and not wrong else float(np.linalg.norm(error)) / (size or 1.0),
        size=size,
        noise=noise,
        missing=_missing(measured),
        unseen_error=_error_along(measured),
        index=tuple(int(i) for i in index),
        analytic=float(analytic[worst]),
        numeric=float(numeric[worst]),
        verdict=_verdict(wrong, zero, judged, _visible(measured, uncertain, size, budget)),
        tolerance=budget.tolerance,
    )


def _too_coarse(measured: Measured, jitter: Array, budget: Budget) -> Array:
    """The few entries measured so coarsely, beside a kink for one, that they alone would blur the whole.

    One that is wrong by more than its error bar stays.
    """
    within = np.abs(measured.analytic - measured.numeric) <= measured.bars + jitter[measured.which]
    size = float(np.linalg.norm(measured.numeric[measured.judged]))
    coarse = measured.judged & ~measured.kinked & within & (measured.bars > 0.5 * budget.visible * size)
    few = 0 < coarse.sum() <= MOST_UNJUDGED * len(coarse)
    return coarse if few else np.zeros_like(coarse)


def incomparable(name: str, shape: tuple[int, ...], entries: int, budget: Budget) -> ParameterCheck:
    """The check of a gradient that has another shape or is not finite: wrong, with nothing to measure."""
    nan = float("nan")
    return ParameterCheck(
        name, shape, entries, 0, 0, 0, np.inf, nan, nan, 0.0, np.inf, (), nan, nan, "WRONG", budget.tolerance
    )


def _verdict(wrong: bool, zero: bool, judged: Array, visible: bool) -> str:
    """What the comparison shows.

    - "WRONG": the two differ by more than the tolerance and more than the error bars explain.
    - "inconclusive": too many entries could not be judged.
    - "zero": the parameter moves nothing, and its gradient says so. A bias before batch norm, a layer cut off.
    - "below noise": so small, or measured so coarsely, that a wrong gradient would look the same.
    - "ok": the two agree, and an error would have shown.
    """
    if wrong:
        return "WRONG"
    if (~judged).sum() > MOST_UNJUDGED * len(judged):
        return "inconclusive"
    if zero:
        return "zero"
    return "ok" if visible else "below noise"


def _tolerated_along(measured: Measured, jitter: Array, budget: Budget) -> Array:
    """How far slopes along directions may differ: error bars, and the tolerance of the whole array's norm."""
    return measured.along_numeric.bars + budget.tolerance * _norm(measured) + float(np.linalg.norm(jitter))


def _norm(measured: Measured) -> float:
    """The norm of the whole gradient times the scale of the moves, from its slopes: E[(a·g)²] = ‖a‖²."""
    return float(np.sqrt(np.mean(np.square(measured.along)))) if len(measured.along) else 0.0


def _error_along(measured: Measured) -> float:
    """The relative error of the whole gradient, estimated from its slopes: E[(Δ·g)²] = ‖Δ‖²."""
    known = np.isfinite(measured.along_numeric.bars)
    if not known.any():
        return 0.0
    apart = (measured.along - measured.along_numeric.values)[known]
    return float(np.sqrt(np.mean(np.square(apart)))) / (_norm(measured) or 1.0)


def _wrong_along(measured: Measured, jitter: Array, budget: Budget) -> bool:
    apart = np.abs(measured.along - measured.along_numeric.values)
    return bool((apart > _tolerated_along(measured, jitter, budget)).any())


def _visible(measured: Measured, noise: float, size: float, budget: Budget) -> bool:
    """Whether an error that must be visible would have been seen."""
    if measured.complete:
        return noise <= budget.visible * size
    error = _SAMPLED * budget.visible * _norm(measured)
    return missing_probability(measured.along_numeric.bars, error) <= 1 - FOUND


def _missing(measured: Measured) -> float:
    if measured.complete:
        return 0.0
    bars = measured.along_numeric.bars + FLOAT64.tolerance * _norm(measured)
    return missing_probability(bars, STATED * _norm(measured))
