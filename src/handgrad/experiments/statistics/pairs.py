"""Settings against each other, seed by seed: better, worse, equivalent, or not to be told yet.

Every pair is tested, all of them together: Holm's correction pays for asking so often, and a setting is called better
only if noise alone would name any at all in at most one comparison of twenty.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.experiments.statistics.corrections import holm
from handgrad.experiments.statistics.intervals import Interval, wilson
from handgrad.experiments.statistics.values import LEVEL, require_paired

POWER = 0.8  # the chance that "about N more seeds" would show a difference of the size seen
_SAME = 1e-12  # of the values' size: differences closer than this are equal but for rounding
_EVERY_SIGN = 13  # seeds up to which Wilcoxon's test counts all 2^S signs; then it takes the normal distribution

Test = Literal["t", "wilcoxon"]
Alternative = Literal["two-sided", "less", "greater"]
Verdict = Literal["better", "worse", "equivalent", "cannot tell"]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Setting a against setting b, over the same seeds.

    `difference` is the mean of a - b with a t interval, and `improvement` the chance that a is better than b, each for
    this pair alone. `p` and `p_equivalent` are Holm's, over all pairs of the comparison, and decide the verdict: `p`
    speaks against no difference, `p_equivalent` against one as large as `margin`. `more_seeds` is about how many seeds
    more would settle it, None where it is settled or nothing was seen that could be.
    """

    a: str
    b: str
    difference: Interval
    improvement: Interval
    p: float
    p_equivalent: float = 1.0
    margin: float = 0.0
    more_seeds: int | None = None
    higher_is_better: bool = True
    test: Test = "t"
    level: float = LEVEL

    @property
    def verdict(self) -> Verdict:
        """What a is, compared with b: "better", "worse", "equivalent" (inside the margin) or "cannot tell"."""
        if self.p_equivalent <= 1 - self.level:
            return "equivalent"
        if self.p > 1 - self.level:
            return "cannot tell"
        ahead = (self.difference.value > 0) == self.higher_is_better
        if self.test == "wilcoxon":  # which asks about the middle, not the mean
            ahead = self.improvement.value > 0.5
        return "better" if ahead else "worse"

    def reversed(self) -> "Pair":
        """The same pair, b against a."""
        share = self.improvement
        mirrored = replace(share, value=1 - share.value, low=1 - share.high, high=1 - share.low)
        return replace(self, a=self.b, b=self.a, difference=self.difference.reversed(), improvement=mirrored)


def compare(
    a: ArrayLike,
    b: ArrayLike,
    *,
    names: tuple[str, str] = ("a", "b"),
    higher_is_better: bool = True,
    margin: float = 0.0,
    test: Test = "t",
    level: float = LEVEL,
) -> Pair:
    """One setting against another, a (S,) against b (S,): `compare_all` of two, asked once.

    >>> seeds = np.arange(10.0)
    >>> compare(seeds + 1, seeds).verdict
    'better'
    """
    if len(set(names)) != 2:
        raise ValueError(f"names is {names!r}; expected two different names")
    values = dict(zip(names, (a, b), strict=True))
    return compare_all(values, higher_is_better=higher_is_better, margin=margin, test=test, level=level)[0]


def compare_all(
    values_by_setting: Mapping[str, ArrayLike],
    *,
    higher_is_better: bool = True,
    margin: float = 0.0,
    test: Test = "t",
    level: float = LEVEL,
) -> tuple[Pair, ...]:
    """Every pair of settings by name, each with values (S,), paired by position.

    - Better or worse: the paired test of no difference, two-sided, p at most 1 - level after Holm over all pairs
      (Holm 1979). "t": Student's, t = d̄ √S / s, for means. "wilcoxon": signed ranks, zeros ranked and left out (Pratt
      1959), which asks about the median of symmetric differences; for a few wild differences, such as failed runs.
    - Equivalent: two one-sided tests, of d ≤ -margin and of d ≥ margin, both rejected, after Holm (Schuirmann 1987).
      It is said first: a difference that is sure, and surely smaller than the margin, is one that does not matter.
      margin is in the units of the values; 0 asks nothing.
    - Differences without spread, t = 0 / 0 or ∞, are judged by their signs alone: p = 2^(1 - S).
    - About how many seeds more: n = ((z₁ + z₂) s / d̄)² + z₁² / 2 with z₁ = z(1 - α / 2), z₂ = z(0.8), α of the first of
      Holm's steps; the last term is for the t distribution (Guenther 1981). With a margin, or as many as show
      equivalence if these are fewer: z₁ = z(1 - α), z₂ = z(0.9), margin - |d̄| in the place of d̄. Two figures,
      rounded up. Being built on the d̄ and s that were seen, it is a rough guide.

    One seed tells nothing; from two on, all is defined. Raises ValueError for values that are not finite or not of one
    length, a margin below 0, or an unknown test.

    >>> shared = np.arange(10.0)
    >>> (pair,) = compare_all({"plain": shared, "plus one": shared + 1})
    >>> pair.verdict, pair.difference.value
    ('worse', -1.0)
    """
    values = require_paired(values_by_setting)
    margin = require_number("margin", margin, at_least=0)
    level = require_number("level", level, above=0, below=1)
    if test not in ("t", "wilcoxon"):
        raise ValueError(f"test is {test!r}; expected 't' or 'wilcoxon'")
    if len(values) < 2:
        return ()
    table = np.stack(list(values.values()))  # (settings, S)
    first, second = np.triu_indices(len(table), k=1)
    noise = _SAME * np.maximum(np.abs(table).max(axis=1)[first], np.abs(table).max(axis=1)[second])
    D = table[first] - table[second]  # (m, S)
    D[np.abs(D) <= noise[:, None]] = 0.0
    p = holm(_p_values(D, noise, test))
    equivalent = holm(_p_equivalent(D, noise, test, margin)) if margin else np.ones(len(D))
    more = _more_seeds(D, noise, (1 - level) / len(D), margin)
    settled = (p <= 1 - level) | (equivalent <= 1 - level)
    differences, improvements = _intervals(D, level), _improvements(D, higher_is_better, level)
    return tuple(
        Pair(
            a=a,
            b=b,
            difference=differences[i],
            improvement=improvements[i],
            p=float(p[i]),
            p_equivalent=float(equivalent[i]),
            margin=margin,
            more_seeds=None if settled[i] or not np.isfinite(more[i]) else _two_figures(more[i]),
            higher_is_better=higher_is_better,
            test=test,
            level=level,
        )
        for i, (a, b) in enumerate(combinations(values, 2))
    )


def _p_values(D: Array, noise: Array, test: Test, alternative: Alternative = "two-sided") -> Array:
    """The paired test of each row of differences (m, S), as p values (m,)."""
    from scipy.stats import ttest_1samp

    p, spread = _p_signs(D, alternative), np.ptp(D, axis=1) > noise
    if spread.any():
        rows = D[spread]
        p[spread] = (
            ttest_1samp(rows, 0.0, axis=1, alternative=alternative).pvalue
            if test == "t"
            else _wilcoxon(rows, alternative)
        )
    return p


def _p_signs(D: Array, alternative: Alternative) -> Array:
    """How often signs alone, all equally likely, would come out as one-sided as differences that are all equal."""
    sign = np.sign(D[:, 0])
    once = 0.5 ** D.shape[1]
    if alternative == "two-sided":
        return np.where(sign == 0, 1.0, 2 * once)
    return np.where(sign == (1 if alternative == "greater" else -1), once, 1.0)


def _wilcoxon(D: Array, alternative: Alternative) -> Array:
    from scipy.stats import rankdata, wilcoxon

    S = D.shape[1]
    if S > _EVERY_SIGN:
        result = wilcoxon(D, zero_method="pratt", alternative=alternative, method="approx", axis=1, keepdims=True)
        return np.asarray(result.pvalue)[:, 0]
    ranks = np.where(D == 0, 0.0, rankdata(np.abs(D), axis=1))  # (m, S)
    signs = 1.0 - 2.0 * (np.arange(2**S)[:, None] >> np.arange(S) & 1)  # (2^S, S), every way they could have come out
    p = np.empty(len(D))
    for i, seen in enumerate((np.sign(D) * ranks).sum(axis=1)):
        sums = signs @ ranks[i]
        low, high = np.mean(sums <= seen), np.mean(sums >= seen)
        p[i] = {"less": low, "greater": high, "two-sided": min(1.0, 2 * min(low, high))}[alternative]
    return p


def _p_equivalent(D: Array, noise: Array, test: Test, margin: float) -> Array:
    """The larger p of the two one-sided tests, of a difference of at least margin in either direction."""
    return np.maximum(_p_values(D + margin, noise, test, "greater"), _p_values(D - margin, noise, test, "less"))


def _intervals(D: Array, level: float) -> list[Interval]:
    """The t interval of each row's mean, as `interval` makes it, for all rows at once."""
    from scipy.stats import t

    S, mean = D.shape[1], D.mean(axis=1)
    if S == 1:
        return [Interval(float(d), math.nan, math.nan, level, "none", 1) for d in mean]
    half = t.isf((1 - level) / 2, S - 1) * D.std(axis=1, ddof=1) / np.sqrt(S)
    rows = np.stack([mean, mean - half, mean + half], axis=1)
    return [Interval(value, low, high, level, "t", S) for value, low, high in rows.tolist()]


def _improvements(D: Array, higher_is_better: bool, level: float) -> list[Interval]:
    """`probability_of_improvement` for all rows at once."""
    S, signs = D.shape[1], np.sign(D) if higher_is_better else -np.sign(D)
    scores = (signs + 1).sum(axis=1) / 2
    rows = np.stack([scores / S, *wilson(scores, S, level)], axis=1)
    return [Interval(value, low, high, level, "Wilson", S) for value, low, high in rows.tolist()]


def _more_seeds(D: Array, noise: Array, alpha: float, margin: float) -> Array:
    """How many seeds more for each row (m,), not rounded; inf where nothing was seen that more seeds could show."""
    from scipy.stats import norm

    S, size = D.shape[1], np.abs(D.mean(axis=1))
    if S == 1:
        return np.full(len(D), np.inf)

    def needed(alpha: float, power: float, size: Array) -> Array:
        """For a one-sided test at alpha."""
        z1, z2 = norm.isf(alpha), norm.ppf(power)
        ratio = np.divide(D.std(axis=1, ddof=1), size, out=np.full(len(D), np.inf), where=size > noise)
        n = ((z1 + z2) * ratio) ** 2 + z1**2 / 2
        return np.where(np.isfinite(ratio) & (np.ptp(D, axis=1) <= noise), -math.log2(alpha), n)  # by signs alone

    n = needed(alpha / 2, POWER, size)
    if margin:  # at no difference each of the two tests may fail, half as often
        n = np.minimum(n, needed(alpha, (1 + POWER) / 2, margin - size))
    return np.maximum(n - S, 1.0)


def _two_figures(number: float) -> int:
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit
