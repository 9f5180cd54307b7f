"""Numeric derivatives: central differences of fourth order, with an error bar, and kinks stepped around.

    f'(x) ≈ [8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))] / 12h

The formula errs by h⁴ f⁽⁵⁾ / 30, and by rounding, about 1.5 ε |f| / h. At h = 1e-4 both are near 1e-12 for a function
of size 1. Where the five points straddle a kink the formula means nothing: a shorter step is tried there, and if that
straddles it too, the entry is counted as not judged.

The error bar is the rounding's. Where f⁽⁵⁾ is huge (batch norm of two rows that are nearly alike) or f'' jumps (huber),
the formula may err by more; so an entry that disagrees with what is expected is measured again with the shorter step,
and that measurement counts, whatever it says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array

OFFSETS = np.array([-2.0, -1.0, 1.0, 2.0])
_WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12
_STEPS = (1e-4, 1e-6)  # relative to max(1, |x|): the best of the formula first, then one that kinks seldom catch
_ROUNDING = 4 * np.finfo(np.float64).eps  # of one value of the function, relative to max(1, |f|)

# Entries (n,) of x and their steps h (n,) -> the values (4, n) at x + OFFSETS · h, and whether no kink lies between.
Probe = Callable[[Array, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Derivative:
    """Measured derivatives (n,), the rounding error to expect of each, and which of them could be judged."""

    values: Array
    noise: Array
    judged: Array


def differentiate(probe: Probe, x: Array, f: float, expected: Array) -> Derivative:
    """The derivative of a scalar function by each entry of x (n,), where its value is f, next to what is expected."""
    expected = np.asarray(expected, dtype=np.float64).reshape(-1)
    values, noise, judged = np.zeros(x.size), np.zeros(x.size), np.zeros(x.size, dtype=bool)
    left = np.arange(x.size)
    for step in _STEPS:
        h = step * np.maximum(1, np.abs(x[left]))
        around, smooth = probe(left, h)
        good = left[smooth]
        values[good] = (_WEIGHTS @ around)[smooth] / h[smooth]
        noise[good] = 1.5 * _ROUNDING * max(1.0, abs(f)) / h[smooth]
        judged[good] = True
        doubted = np.abs(values[left] - expected[left]) > 2 * noise[left] + 1e-8 * np.abs(expected[left])
        left = left[~smooth | doubted]
    return Derivative(values, noise, judged)
