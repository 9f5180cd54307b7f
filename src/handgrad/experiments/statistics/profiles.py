"""What share of the runs gets how far: a setting's whole distribution, where a mean is one number."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.experiments.statistics.intervals import wilson
from handgrad.experiments.statistics.values import LEVEL, require_values


@dataclass(frozen=True, eq=False)
class Profile:
    """The share of a setting's runs above each threshold, with a band; all (T,)."""

    thresholds: Array
    share: Array
    low: Array
    high: Array
    level: float
    seeds: int


def performance_profile(
    values_by_setting: Mapping[str, ArrayLike], thresholds: ArrayLike, level: float = LEVEL
) -> dict[str, Profile]:
    """For each setting with values (S,), the share of its runs above each threshold (T,): F̂(τ) = #{x > τ} / S.

    The band is Wilson's interval at each threshold alone: a curve crosses it somewhere more often than 1 - level. Two
    profiles that do not cross say that one setting is better at every quantile. Settings need not share their seeds.
    Raises ValueError for values or thresholds that are not finite, and for a level not between 0 and 1.
    Source: Agarwal et al. 2021, section 4.1; they make the band by bootstrap, which has no width at shares 0 and 1.

    >>> performance_profile({"relu": [0.7, 0.8, 0.9, 0.95]}, [0.5, 0.8])["relu"].share
    array([1. , 0.5])
    """
    level = require_number("level", level, above=0, below=1)
    tau = require_values("thresholds", thresholds, "threshold")
    profiles = {}
    for name, given in values_by_setting.items():
        values = np.sort(require_values(repr(name), given))
        above = len(values) - np.searchsorted(values, tau, side="right")
        low, high = wilson(above, len(values), level)
        profiles[name] = Profile(tau, above / len(values), low, high, level, len(values))
    return profiles
