"""Measuring the gradient by one variable: entries quickly, then, where in doubt, on the ladder; then directions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.coverage import spread
from handgrad.gradcheck.differences import DIRECTION_STEPS, QUICK_STEPS, Slopes, climb, quick_slopes
from handgrad.gradcheck.variables import Directions, Entries, Variable

_AGREES = 1e-8  # relative: closer than this, a quick measurement is not doubted
_FINE = 1e-7  # error bars, of the gradient's norm, that need no finer measurement
_SPOT = 50  # doubted entries of each kind that the ladder looks at before it believes the quick values of the rest
_FAR = 10  # times the largest slope of the array: no gradient on a kink lies that far out
_JUMP = 4  # times their error bars: one-sided slopes further apart than this are a kink's


@dataclass(frozen=True)
class Measured:
    """The gradient by one variable, at some of its entries (m,) and along some directions (k,).

    `numeric` with its error bars `bars`; `judged` tells which entries could be measured, `kinked` which lie on a kink.
    There `numeric` is the one-sided slope, or the value between the two, that is nearest to the analytic one.
    """

    variable: Variable
    which: Array
    analytic: Array
    numeric: Array
    bars: Array
    judged: Array
    kinked: Array
    along: Array  # the analytic slopes along the directions
    along_numeric: Slopes
    noise: float
    step: int = 0  # of the steps along directions, the first that was short enough

    @property
    def complete(self) -> bool:
        """Whether every entry was measured."""
        return len(self.which) == self.variable.x.size


def measure(
    variable: Variable,
    gradient: Array,
    noise: float,
    at_most: int,
    directions: int,
    generator: np.random.Generator,
    first_step: int = 0,
) -> Measured:
    """The slopes of at most so many entries next to those of `gradient` (n,); along directions if that is not all.

    `first_step` is the number of the longest step worth trying along directions.
    """
    which = spread(variable.x.size, at_most, generator)
    analytic = gradient[which]
    complete = len(which) == variable.x.size
    lines, wanted = Entries(variable, which), _FINE if complete else np.inf
    numeric, bars, judged, kinked = _entries(lines, analytic, noise, wanted, generator)
    moves = generator.standard_normal((0 if complete else directions, variable.x.size)) * variable.scale
    along = moves @ gradient
    along_numeric, step = _along(Directions(variable, moves), along, noise, first_step)
    return Measured(variable, which, analytic, numeric, bars, judged, kinked, along, along_numeric, noise, step)


def _entries(
    lines: Entries, analytic: Array, noise: float, wanted: float, generator: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Numeric slopes, error bars (no larger than `wanted` of the typical slope, if possible), judged, kinked."""
    numeric, bars = np.full(len(analytic), np.nan), np.full(len(analytic), np.inf)
    for step in QUICK_STEPS:
        some = np.flatnonzero(_doubted(analytic, numeric, bars, wanted))
        if len(some):
            numeric[some], bars[some] = quick_slopes(lines.only(some), step, noise)
    judged, kinked = np.isfinite(bars), np.zeros(len(analytic), dtype=bool)
    doubted = np.flatnonzero(_doubted(analytic, numeric, bars, wanted))
    for some in _suspects(doubted, np.abs(analytic - numeric), generator):
        before = Slopes(numeric[some], bars[some])
        numeric[some], bars[some], judged[some], kinked[some] = _climbed(lines.only(some), analytic[some], noise)
        apart = np.abs(numeric[some] - before.values)
        if (judged[some] & (apart <= bars[some] + before.bars)).all() and (
            before.bars <= wanted * _typical(analytic)
        ).all():
            break  # the quick values were right, and it is the gradient that differs: so they are for the rest
    return numeric, bars, judged, kinked


def _suspects(doubted: Array, apart: Array, generator: np.random.Generator) -> Iterator[Array]:
    """The doubted entries: first the worst and some others, then the rest."""
    doubted = doubted[np.argsort(-np.nan_to_num(apart[doubted], nan=np.inf))]
    shuffled = generator.permutation(doubted[_SPOT:])
    for some in (np.concatenate([doubted[:_SPOT], shuffled[:_SPOT]]), shuffled[_SPOT:]):
        if len(some):
            yield some


def _doubted(analytic: Array, numeric: Array, bars: Array, wanted: float) -> Array:
    """Where a quick measurement disagrees or is too coarse to tell."""
    typical = _typical(np.where(np.isfinite(numeric), numeric, 0))
    return _differ(analytic, numeric, bars) | (np.isfinite(wanted) & (bars > wanted * typical))


def _differ(analytic: Array, numeric: Array, bars: Array) -> Array:
    """Where a measurement disagrees, or there is none."""
    near = np.abs(analytic - numeric) <= bars + _AGREES * np.maximum(np.abs(analytic), np.abs(numeric))
    return ~(np.isfinite(bars) & near)


def _typical(slopes: Array) -> float:
    return float(np.sqrt(np.mean(np.square(slopes))))


def _climbed(lines: Entries | Directions, analytic: Array, noise: float) -> tuple[Array, Array, Array, Array]:
    """The ladder's slopes, error bars, which could be judged and which lie on a kink.

    On a kink any value between the two one-sided slopes is a derivative in the sense of Clarke (1983). One outside is
    not judged, for where several kinks meet, what the chain rule gives need not lie between; unless it is far outside.
    """
    central, left, right, on_kink = climb(lines, noise)
    sides = left.bars + right.bars
    kinked = np.isfinite(sides) & (on_kink | (np.abs(left.values - right.values) > _JUMP * sides))
    low, high = np.fmin(left.values, right.values), np.fmax(left.values, right.values)
    between = np.clip(analytic, low, high)
    margin = np.maximum(left.bars, right.bars) + _AGREES * np.maximum(np.abs(low), np.abs(high))
    inside = np.abs(between - analytic) <= margin
    numeric = np.where(kinked, between, central.values)
    bars = np.where(kinked, margin, central.bars)
    resolved = np.where(np.fmax(np.abs(low), np.abs(high)) > margin, np.fmax(np.abs(low), np.abs(high)), 0.0)
    steepest = resolved.max(initial=0.0)
    far = (steepest > 0) & (np.abs(between - analytic) > margin + _FAR * steepest)
    judged = np.where(
        kinked, inside | far, np.isfinite(central.bars) & ~_may_be_one_sided(central, left, right, analytic)
    )
    return np.where(np.isfinite(numeric), numeric, 0.0), bars, judged, kinked


def _may_be_one_sided(central: Slopes, left: Slopes, right: Slopes, analytic: Array) -> Array:
    """Where a gradient that the central slope refutes may yet be one of two one-sided slopes that look alike.

    On a kink with a small jump the central slope is the mean of both, at any step: nobody is accused by it alone.
    """
    refuted = _differ(analytic, central.values, central.bars)
    low = np.minimum(left.values - left.bars, right.values - right.bars)
    high = np.maximum(left.values + left.bars, right.values + right.bars)
    excluded = (analytic < low) | (analytic > high)
    return refuted & ~excluded


def _along(lines: Directions, analytic: Array, noise: float, first_step: int) -> tuple[Slopes, int]:
    """The slopes along directions, by ever shorter steps until they agree; one that lies on a kink tells nothing.

    The other directions wait for the step that is short enough for the first, for they meet as many kinks.
    """
    numeric, bars = np.full(len(analytic), np.nan), np.full(len(analytic), np.inf)
    first, others = np.split(np.arange(len(analytic)), [1])
    enough = first_step
    for number, step in enumerate(DIRECTION_STEPS[first_step:], first_step):
        for some in (first, others):
            differ = _differ(analytic, numeric, bars)
            some = some[differ[some]]
            if len(some) and (some[0] == 0 or not differ[0]):
                numeric[some], bars[some] = quick_slopes(lines.only(some), step, noise)
                enough = number if some[0] == 0 else enough
    some = np.flatnonzero(_differ(analytic, numeric, bars))
    if len(some):
        numeric[some], bars[some], judged, kinked = _climbed(lines.only(some), analytic[some], noise)
        bars[some] = np.where(judged & ~kinked, bars[some], np.inf)
    return Slopes(np.where(np.isfinite(bars), numeric, 0.0), bars), enough
