"""What paired seeds say about settings, and what they do not say yet.

Each seed gives one value of every setting on the same data and the same draws, so settings are compared by their
differences seed by seed. All pairs of a comparison are tested, and Holm's correction pays for asking so often.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array

LEVEL = 0.05  # of all tests of a comparison together
POWER = 0.8  # the chance that "about N more seeds" would show a difference of the size seen
_SAME = 1e-12  # differences of accuracies that are closer than this are equal but for rounding


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """Setting a against setting b, over the same seeds.

    `difference` is the mean of a - b with its own 95 % t interval; `p` is Holm's, over all pairs of the comparison, and
    decides the verdict; `more_seeds` is about how many more would show the difference seen, None where there is none
    to show or it is shown already.
    """

    a: str
    b: str
    difference: Interval
    p: float
    more_seeds: int | None

    @property
    def verdict(self) -> str:
        """What a is, compared with b: "better", "worse" or "cannot tell"."""
        if self.p > LEVEL:
            return "cannot tell"
        return "better" if self.difference.mean > 0 else "worse"

    def reversed(self) -> "Pair":
        """The same pair, b against a."""
        mean, low, high = self.difference
        return Pair(self.b, self.a, Interval(-mean, -high, -low), self.p, self.more_seeds)


def mean_interval(values: Array) -> Interval:
    """Mean of values (S,) and its 95 % t interval, mean ± t(0.975, S - 1) s / √S; one value alone has none: nan.

    >>> mean_interval(np.array([1.0, 2.0, 3.0]))  # t(0.975, 2) = 4.303, s / √3 = 0.577
    Interval(mean=2.0, low=-0.484..., high=4.484...)
    """
    from scipy.stats import t

    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, math.nan, math.nan)
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def compare_all(values: Mapping[str, Array]) -> tuple[Pair, ...]:
    """Every pair of settings by name, each with values (S,), higher better, paired by position.

    >>> shared = np.arange(10.0)
    >>> (pair,) = compare_all({"plain": shared, "plus one": shared + 1})
    >>> pair.verdict, pair.difference.mean
    ('worse', -1.0)
    """
    names = list(combinations(values, 2))
    differences = [values[a] - values[b] for a, b in names]
    adjusted = holm(np.array([paired_p(each) for each in differences]))
    pairs = []
    for (a, b), each, p in zip(names, differences, adjusted, strict=True):
        more = None if p <= LEVEL else more_seeds(each, LEVEL / len(names))
        pairs.append(Pair(a, b, mean_interval(each), float(p), more))
    return tuple(pairs)


def paired_p(differences: Array) -> float:
    """The two-sided p value of the paired t test, from the differences (S,)."""
    from scipy.stats import ttest_1samp

    if np.ptp(differences) < _SAME:  # no spread: the test's statistic is 0 / 0 or infinite
        return 1.0 if abs(differences[0]) < _SAME or len(differences) < 2 else 0.0
    return float(ttest_1samp(differences, 0.0).pvalue)


def holm(p: Array) -> Array:
    """P values (m,) adjusted for being m tests: the i-th smallest times m - i + 1, never falling (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def more_seeds(differences: Array, level: float) -> int | None:
    """About how many seeds more a paired t test at this level needs to show a difference of the size seen.

    n = ((z₁ + z₂) s / d)² + z₁² / 2 with z₁ = z(1 - level / 2), z₂ = z(power); the last term is for the t distribution
    (Guenther 1981). Rounded up to two figures. None if no difference was seen at all.
    """
    from scipy.stats import norm

    mean = abs(float(differences.mean()))
    if mean < _SAME or len(differences) < 2:
        return None
    z = float(norm.isf(level / 2))
    needed = ((z + norm.ppf(POWER)) * differences.std(ddof=1) / mean) ** 2 + z**2 / 2
    return _two_figures(max(1.0, needed - len(differences)))


def _two_figures(number: float) -> int:
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit
