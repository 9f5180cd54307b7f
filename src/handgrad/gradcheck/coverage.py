"""Which entries are measured, and what the rest could hide.

Where not every entry can be measured, a sample spread evenly over the array is, and besides it slopes along random
directions g ~ N(0, I), which see every entry. If the gradient is wrong by Δ, the slope is wrong by Δ·g ~ N(0, ‖Δ‖²), so
a direction whose error bar is τ misses it with probability P(|N(0, 1)| < τ / ‖Δ‖) = erf(τ / (√2 ‖Δ‖)), whatever
the pattern of Δ; independent directions multiply.
"""

import math
from collections.abc import Mapping

import numpy as np

from handgrad.arrays import Array

DIRECTIONS = 4
FOUND = 0.999  # the probability with which an error must be found that is said to be visible


def spread(entries: int, at_most: int, generator: np.random.Generator) -> Array:
    """Entries to measure: all, or one drawn from each of `at_most` equal stretches."""
    if entries <= at_most:
        return np.arange(entries)
    bounds = np.arange(at_most + 1) * entries // at_most
    return generator.integers(bounds[:-1], bounds[1:])


def missing_probability(bars: Array, error: float) -> float:
    """The probability that directions with these error bars all miss a gradient wrong by that norm.

    >>> missing_probability(np.array([1e-8, 1e-8]), 1e-6) < 1e-4
    True
    """
    return math.prod(math.erf(bar / (math.sqrt(2) * error)) for bar in bars) if error > 0 else 1.0


def shares_of(point: Mapping[str, Array], entries: int) -> dict[str, int]:
    """How many entries of each array are measured, of so many in all; what small arrays do not need, large ones get."""
    allowed: dict[str, int] = {}
    left = entries
    smallest_first = sorted(point, key=lambda name: point[name].size)
    for number, name in enumerate(smallest_first):
        allowed[name] = max(1, min(point[name].size, left // (len(point) - number)))
        left -= allowed[name]
    return allowed
