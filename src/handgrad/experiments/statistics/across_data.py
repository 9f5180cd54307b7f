"""Settings over several data sets: who ranks where, and what that can bear.

Accuracies of different data sets do not add up: their sizes and spreads differ. Ranks do, so each data set ranks the
settings, and the ranks are averaged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.experiments.statistics.corrections import holm
from handgrad.experiments.statistics.values import LEVEL, require_paired

_F_FROM = 10  # data sets; on fewer, F finds differences where there are none too often, on three settings up to 19 %


@dataclass(frozen=True)
class AcrossData:
    """What N data sets say about k settings.

    `ranks` are averages over the data sets, 1 the best. `statistic` is Friedman's χ² and `p` its p value, against all
    settings being alike; where it is above 1 - level, read no further. Ranks of two settings that are more than
    `critical_difference` apart differ (`differ`). `p_against` holds Holm's p of each setting against `against`.
    """

    ranks: dict[str, float]
    data_sets: int
    statistic: float
    p: float
    critical_difference: float
    against: str
    p_against: dict[str, float]
    level: float = LEVEL

    def differ(self, a: str, b: str) -> bool:
        """Whether all settings together and these two by themselves are told apart, all pairs counted (Nemenyi)."""
        return self.p <= 1 - self.level and abs(self.ranks[a] - self.ranks[b]) > self.critical_difference


def across_data(
    table: Mapping[str, ArrayLike],
    *,
    higher_is_better: bool = True,
    against: str | None = None,
    level: float = LEVEL,
) -> AcrossData:
    """Compare k ≥ 3 settings by their values (N,), one for each of N ≥ 2 data sets, as a mean over its seeds.

    - Friedman: χ² = 12 N / (k (k + 1)) (Σ R² - k (k + 1)² / 4), R the average ranks, corrected for ties, k - 1 degrees
      of freedom. It says too little, so from 10 data sets on p is that of F = (N - 1) χ² / (N (k - 1) - χ²) with k - 1
      and (k - 1)(N - 1) degrees of freedom (Iman & Davenport 1980); on fewer that says too much.
    - Nemenyi: ranks differ if they are more than q √(k (k + 1) / 6N) apart, q the studentized range's quantile / √2.
    - Holm: z = (R - R₀) / √(k (k + 1) / 6N) of each setting against `against`, k - 1 tests. Without `against` it is the
      setting that came out best; being chosen after the fact, it could have been any, so all k (k - 1) / 2 pairs count.

    For two settings, use `compare(a, b, test="wilcoxon")` on their values. Raises ValueError for fewer settings or data
    sets, values that are not finite or not of one length, and a name in `against` that is none. Source: Demšar 2006.

    >>> table = {"relu": [0.9, 0.8, 0.7, 0.9], "tanh": [0.8, 0.7, 0.6, 0.8], "sigmoid": [0.7, 0.6, 0.5, 0.7]}
    >>> result = across_data(table)
    >>> result.ranks, result.differ("relu", "sigmoid"), result.differ("relu", "tanh")
    ({'relu': 1.0, 'tanh': 2.0, 'sigmoid': 3.0}, True, False)
    """
    from scipy.stats import rankdata

    level = require_number("level", level, above=0, below=1)
    values = require_paired(table, each="data set")
    k, names = len(values), list(values)
    if k < 3:
        raise ValueError(f"table has {k} settings; expected at least 3; compare(a, b, test='wilcoxon') takes two")
    scores = np.stack(list(values.values()), axis=1)  # (N, k)
    N = len(scores)
    if N < 2:
        raise ValueError(f"table has {N} data set; expected at least 2; on one, compare settings seed by seed")
    if against is not None and against not in values:
        raise ValueError(f"against is {against!r}; expected one of {', '.join(map(repr, names))}")
    ranks = rankdata(-scores if higher_is_better else scores, axis=1).mean(axis=0)
    statistic, p = _friedman(scores)
    error = np.sqrt(k * (k + 1) / (6 * N))
    critical = _nemenyi(k, level) * float(error)
    chosen = int(np.argmin(ranks)) if against is None else names.index(against)
    p_against = _p_against(ranks / error, chosen, every_pair=against is None)
    return AcrossData(
        ranks=dict(zip(names, ranks.tolist(), strict=True)),
        data_sets=N,
        statistic=statistic,
        p=p,
        critical_difference=critical,
        against=names[chosen],
        p_against={name: p_against[i] for i, name in enumerate(names) if i != chosen},
        level=level,
    )


def _friedman(scores: Array) -> tuple[float, float]:
    """Friedman's χ² and its p, from scores (N, k)."""
    from scipy.stats import f, friedmanchisquare

    N, k = scores.shape
    if (scores == scores[:, :1]).all():  # every data set calls all settings equal: 0 / 0
        return 0.0, 1.0
    chi2, p = friedmanchisquare(*scores.T)
    if N >= _F_FROM:
        rest = max(N * (k - 1) - chi2, 1e-9)  # 0 where every data set ranks alike
        p = f.sf((N - 1) * chi2 / rest, k - 1, (k - 1) * (N - 1))
    return float(chi2), float(p)


@cache
def _nemenyi(k: int, level: float) -> float:
    """The quantile of the range of k independent standard normals, over √2."""
    from scipy.stats import studentized_range

    return float(studentized_range.isf(1 - level, k, np.inf) / np.sqrt(2))


def _p_against(z: Array, chosen: int, every_pair: bool) -> list[float]:
    """Holm's p of each setting against the chosen one, from ranks in standard errors (k,)."""
    from scipy.stats import norm

    first, second = np.triu_indices(len(z), k=1)
    pairs = np.ones(len(first), bool) if every_pair else (first == chosen) | (second == chosen)
    first, second = first[pairs], second[pairs]
    adjusted = holm(2 * norm.sf(np.abs(z[first] - z[second])))
    p = np.ones(len(z))
    mine = (first == chosen) | (second == chosen)
    p[np.where(first == chosen, second, first)[mine]] = adjusted[mine]
    return [float(each) for each in p]
