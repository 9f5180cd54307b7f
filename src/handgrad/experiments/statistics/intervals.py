"""Intervals over seeds: where the mean, the median or the interquartile mean of all seeds lies.

Few seeds get formulas that know how few they are; from 30 on the bootstrap asks the seeds themselves about their skew.
The median needs neither: the ranks of the seeds around it follow the binomial whatever the values are.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.experiments.statistics.values import LEVEL, require_values
from handgrad.randomness import generator

BOOTSTRAP_FROM = 30  # seeds
_BOOTSTRAP_TO = 2000  # beyond, skew no longer shows, and resampling takes minutes
_RESAMPLES = 2000
_QUARTER = 0.25
_AT_ONCE = 2_000_000  # numbers that a batch of resamples holds

Statistic = Literal["mean", "median", "iqm"]


@dataclass(frozen=True)
class Interval:
    """A value and the interval around it: of which level, by which method, from how many seeds.

    `level` is what the interval attains, which is less than what was asked for where a median has under six seeds.
    """

    value: float
    low: float
    high: float
    level: float = LEVEL
    method: str = "t"  # "t", "trimmed t", "order statistics", "bootstrap", "Wilson", or "none" for one seed alone
    seeds: int = 0

    @property
    def how(self) -> str:
        """How it was made, as reports say it.

        >>> interval([0.9, 0.8, 0.85]).how
        '3 seeds, 95 % t interval'
        """
        seeds = f"{self.seeds} seed{'s' * (self.seeds != 1)}"
        return f"{seeds}, no interval" if self.method == "none" else f"{seeds}, {self.kind}"

    @property
    def kind(self) -> str:
        """Its level and method."""
        return f"{100 * self.level:.3g} % {self.method} interval"

    def reversed(self) -> "Interval":
        """The interval of the negative value."""
        return Interval(-self.value, -self.high, -self.low, self.level, self.method, self.seeds)

    def to_dict(self) -> dict[str, Any]:
        """Its fields, for JSON."""
        return asdict(self)


def interval(values: ArrayLike, statistic: Statistic = "mean", level: float = LEVEL) -> Interval:
    """What seeds' values (S,) say about the mean, median or interquartile mean ("iqm") of all seeds.

    - mean, fewer than 30 seeds: x̄ ± t(S - 1) s / √S (Student 1908).
    - iqm, the mean of the middle half: g = ⌊S / 4⌋ values are cut at each end, h = S - 2g stay. Fewer than 30 seeds:
      ± t(h - 1) √(Q / (h (h - 1))), Q the squared deviations after the cut values are set to the last that stay
      (Tukey & McLaughlin 1963).
    - both, from 30 to 2000 seeds: the bias-corrected accelerated bootstrap (Efron 1987), of 2000 resamples that are
      the same in every run. Above, the formulas for few: skew no longer shows.
    - median, any number: from the r-th smallest value to the r-th largest; the chance that the median lies outside is
      2 P(Binomial(S, ½) < r), exactly, whatever the distribution. Between two ranks, interpolated (Hettmansperger &
      Sheather 1986). Fewer than six seeds have no 95 % interval: it is then from the smallest to the largest, and
      `level` tells what that is, 1 - 2^(1 - S).

    One value alone has no interval: nan. Values without spread have one of no width. Raises ValueError for values that
    are not finite or not (S,), for an unknown statistic, and for a level not between 0 and 1.

    >>> interval([1.0, 2.0, 3.0])  # t(0.975, 2) = 4.303, s / √3 = 0.577
    Interval(value=2.0, low=-0.484..., high=4.484..., level=0.95, method='t', seeds=3)
    >>> interval([1.0, 2.0, 3.0, 4.0, 50.0], "median").how
    '5 seeds, 93.8 % order statistics interval'
    """
    values = np.sort(require_values("values", values))  # so that the order of the seeds changes no bit
    level = require_number("level", level, above=0, below=1)
    if statistic not in ("mean", "median", "iqm"):
        raise ValueError(f"statistic is {statistic!r}; expected 'mean', 'median' or 'iqm'")
    if len(values) == 1:
        return Interval(float(values[0]), math.nan, math.nan, level, "none", 1)
    if statistic == "median":
        return _order_statistics(values, level)
    if not BOOTSTRAP_FROM <= len(values) <= _BOOTSTRAP_TO:
        return _trimmed_t(values, 0.0 if statistic == "mean" else _QUARTER, level)
    return _bootstrap(values, np.mean if statistic == "mean" else interquartile_mean, level)


def interquartile_mean(values: Array, axis: int = -1) -> Array:
    """The mean of the middle half: ⌊S / 4⌋ values are cut at each end."""
    from scipy.stats import trim_mean

    return np.asarray(trim_mean(values, _QUARTER, axis=axis))


def wilson(successes: Array, trials: int, level: float) -> tuple[Array, Array]:
    """The interval of shares: where p̂ is within z √(p (1 - p) / n) of p (Wilson 1927)."""
    from scipy.stats import norm

    z2 = float(norm.isf((1 - level) / 2)) ** 2
    share = np.asarray(successes) / trials
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * share * (1 - share) / trials + (z2 / (2 * trials)) ** 2) / (1 + z2 / trials)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _trimmed_t(values: Array, cut: float, level: float) -> Interval:
    """Tukey and McLaughlin's interval of a trimmed mean, from sorted values; Student's if nothing is cut."""
    from scipy.stats import t

    g = int(cut * len(values))
    kept = values[g : len(values) - g]
    h = len(kept)
    winsorised = np.clip(values, kept[0], kept[-1])
    error = np.sqrt(np.sum((winsorised - winsorised.mean()) ** 2) / (h * (h - 1)))
    value, half = float(kept.mean()), float(t.isf((1 - level) / 2, h - 1) * error)
    return Interval(value, value - half, value + half, level, "trimmed t" if cut else "t", len(values))


def _order_statistics(values: Array, level: float) -> Interval:
    """Hettmansperger and Sheather's interval of the median, from sorted values."""
    from scipy.stats import binom

    n = len(values)
    ranks = np.arange(1, (n + 1) // 2 + 1)
    attained = 1 - 2 * binom.cdf(ranks - 1, n, 0.5)  # by the interval from rank r to rank n - r + 1; falls with r
    r = int(np.sum(attained >= level))  # the last that holds the level
    if r == 0:
        low, high, level = values[0], values[-1], float(attained[0])
    elif r == len(ranks):  # the level is so low that the middle values hold it
        low, high = values[r - 1], values[n - r]
    else:
        inward = (attained[r - 1] - level) / (attained[r - 1] - attained[r])
        inward = (n - r) * inward / (r + (n - 2 * r) * inward)
        low = values[r - 1] + inward * (values[r] - values[r - 1])
        high = values[n - r] - inward * (values[n - r] - values[n - r - 1])
    return Interval(float(np.median(values)), float(low), float(high), level, "order statistics", n)


def _bootstrap(values: Array, statistic: Callable[..., Any], level: float) -> Interval:
    """The BCa interval; the percentile interval where the values leave the acceleration at 0 / 0."""
    from scipy.stats import bootstrap

    value, n = float(statistic(values)), len(values)
    if values[0] == values[-1]:
        return Interval(value, value, value, level, "bootstrap", n)
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about 0 / 0, which is what we look at
            low, high = bootstrap(
                (values,),
                statistic,
                n_resamples=_RESAMPLES,
                batch=max(1, _AT_ONCE // n),
                confidence_level=level,
                method=method,
                random_state=generator(0, "bootstrap"),
            ).confidence_interval
        if np.isfinite([low, high]).all():
            break
    return Interval(value, float(low), float(high), level, "bootstrap", n)
