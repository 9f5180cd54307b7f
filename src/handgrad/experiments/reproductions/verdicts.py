"""Whether a published figure agrees with what our seeds give, in words; never more than the seeds can carry."""

import math
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import ArrayLike
from handgrad.experiments.statistics import Interval, Pair
from handgrad.experiments.statistics.intervals import wilson
from handgrad.experiments.statistics.values import LEVEL, require_values
from handgrad.experiments.words import outlook

RANKS_FROM = 39  # seeds from which the smallest and the largest hold 95 % of all runs between them


@dataclass(frozen=True)
class Verdict:
    """Whether it agrees, None where that cannot be told yet, and why."""

    agrees: bool | None
    why: str

    def __str__(self) -> str:
        head = {True: "agrees", False: "does not agree", None: "cannot tell"}[self.agrees]
        return f"{head}: {self.why}"


def range_of_runs(values: ArrayLike) -> tuple[float, float]:
    """Where one more run falls with a chance of 95 %, told from the seeds' values (S,), S at least 2.

    Few seeds: x̄ ± t(S - 1) s √(1 + 1 / S), Student's interval for one more value. From 39 on their ranks, whatever the
    distribution: one more value is below the r-th smallest with a chance of r / (S + 1), r = ⌊0.025 (S + 1)⌋.

    >>> range_of_runs(range(1, 40))
    (1.0, 39.0)
    """
    from scipy.stats import t

    x = np.sort(require_values("values", values))
    if len(x) < 2:
        raise ValueError("values holds one seed, which tells nothing about the next; expected at least 2")
    tail = (1 - LEVEL) / 2
    if len(x) >= RANKS_FROM:
        r = math.floor(tail * (len(x) + 1) + 1e-9)
        return float(x[r - 1]), float(x[-r])
    half = float(t.isf(tail, len(x) - 1)) * x.std(ddof=1) * math.sqrt(1 + 1 / len(x))
    return float(x.mean() - half), float(x.mean() + half)


def placed(published: float, values: ArrayLike, rounding: float = 0.0) -> Verdict:
    """A published figure of one run among our runs (S,): inside the range of 95 % of them, or not.

    `rounding`: figures that differ by no more are the same.

    >>> str(placed(0.95, [0.94, 0.95, 0.96]))
    'agrees: inside our distribution, at its 50th percentile'
    """
    x = require_values("values", values)
    if len(x) == 1:
        return Verdict(None, "one seed tells nothing about the next")
    below = float(np.mean(x < published - rounding))
    above = float(np.mean(x > published + rounding))
    low, high = range_of_runs(x)
    if low - rounding <= published <= high + rounding:
        if 1 in (below, above):  # few seeds: the range is wider than they are
            side = "above" if below == 1 else "below"
            return Verdict(True, f"inside the range of runs that {len(x)} values suggest, if {side} all of them")
        return Verdict(True, f"inside our distribution, at its {_ordinal(50 * (1 + below - above))} percentile")
    side, share = ("above", below) if published > high else ("below", above)
    return Verdict(False, f"{side} {'all' if share == 1 else f'{100 * share:.0f} %'} of our {len(x)} values")


def better(pair: Pair) -> Verdict:
    """Whether a of the pair is better than b, as was published."""
    if pair.verdict == "better":
        return Verdict(True, f"{pair.a} is better in {100 * pair.improvement.value:.0f} % of seeds")
    if pair.verdict == "worse":
        return Verdict(False, f"{pair.a} is worse than {pair.b}")
    return Verdict(None if pair.verdict == "cannot tell" else False, outlook(pair))


def share(count: int, trials: int) -> Interval:
    """A share of runs with its Wilson interval."""
    low, high = wilson(np.array(count), trials, LEVEL)
    return Interval(count / trials, float(low), float(high), LEVEL, "Wilson", trials)


def mostly(measured: Interval, expected: bool) -> Verdict:
    """Whether most runs do, or do not, as was published: the interval of their share is all above ½, or below."""
    if measured.low > 0.5 or measured.high < 0.5:
        which = "most" if measured.value < 1 else "all"
        said = f"{which} do" if measured.low > 0.5 else "none does" if measured.value == 0 else "most do not"
        return Verdict((measured.low > 0.5) == expected, f"of {measured.seeds} runs {said}")
    return Verdict(None, f"{100 * measured.value:.0f} % of {measured.seeds} runs do")


def between(measured: Interval, low: float, high: float) -> Verdict:
    """Whether what theory says, a value or bounds on it, meets the interval of what was measured."""
    if measured.low <= high and measured.high >= low:
        return Verdict(True, "our interval holds it" if low == high else "our interval meets the bounds")
    return Verdict(False, f"our interval lies {'above' if measured.low > high else 'below'}")


def _ordinal(percent: float) -> str:
    """A rank in words.

    >>> [_ordinal(percent) for percent in (1, 12, 50, 83)]
    ['1st', '12th', '50th', '83rd']
    """
    n = round(percent)
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
