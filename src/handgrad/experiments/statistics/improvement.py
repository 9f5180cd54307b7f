"""How often one setting comes out better than another, seed by seed."""

import numpy as np

from handgrad.arrays import ArrayLike, require_number
from handgrad.experiments.statistics.intervals import Interval, wilson
from handgrad.experiments.statistics.values import LEVEL, require_paired


def probability_of_improvement(
    a: ArrayLike, b: ArrayLike, *, higher_is_better: bool = True, level: float = LEVEL
) -> Interval:
    """The chance that a (S,) is better than b (S,) at the same seed, ties counted half, with its interval.

    p̂ = (seeds where a is better + half of the seeds where both are equal) / S, and Wilson's interval (Wilson 1927).
    Ties vary less than wins and losses, so with ties the interval is wider than it must be. It says how often, where
    the difference of means says how much. Raises ValueError for values that are not finite or not of one length.
    Source: Agarwal et al. 2021, section 4.3, which compares independent runs; here they are paired.

    >>> probability_of_improvement([3, 3, 3, 1], [2, 2, 3, 2])
    Interval(value=0.625, low=0.219..., high=0.908..., level=0.95, method='Wilson', seeds=4)
    """
    level = require_number("level", level, above=0, below=1)
    a, b = require_paired({"a": a, "b": b}).values()
    signs = np.sign(a - b) if higher_is_better else np.sign(b - a)
    score = (signs + 1).sum() / 2
    low, high = wilson(score, len(signs), level)
    return Interval(float(score / len(signs)), float(low), float(high), level, "Wilson", len(signs))
