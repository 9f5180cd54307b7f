"""Narrow ReLU networks without biases: how lengths scatter, and how often a network is born dead.

All weights are independent and symmetric about 0; for the scatter of lengths normal, N(0, 2 / fan_in).
"""

from collections.abc import Sequence

import numpy as np

from handgrad.arrays import require_integer


def length_fluctuation(widths: Sequence[int]) -> float:
    """Var[M] / E[M]² of the mean square M = |a|² / n of the last hidden activations, for hidden layers of these widths.

    One given input, ReLU, zero biases and he_normal weights: given |a|² = n M, the n' pre-activations above are
    independent N(0, 2 M), so E[M'] = M and Var[M'] = 5 M² / n'. Layer by layer therefore exactly

        E[M²] / E[M]² = Π (1 + 5 / nₗ) ≈ exp(5 Σ 1 / nₗ)

    The sum of the reciprocal widths decides, as Hanin & Rolnick 2018 prove for any symmetric weights of that variance
    (their theorem on fully connected networks); the 5 is that of normal ones.

    Raises ValueError for no widths at all or one below 1, TypeError for widths that are not whole numbers.

    >>> length_fluctuation([10, 10])
    1.25
    """
    sizes = [require_integer(f"widths[{index}]", width) for index, width in enumerate(widths)]
    if not sizes:
        raise ValueError("widths is empty; expected the width of at least one hidden layer")
    return float(np.prod([1 + 5 / n for n in sizes]) - 1)


def dead_input_probability(width: int, depth: int) -> float:
    """P(some hidden layer is all 0) for one given input: 1 - (1 - 2⁻ⁿ)ᵈ for d layers of n units.

    Each unit that sees a signal is off with probability ½, whatever the other units and layers below do. Lu et al.
    2019, who bound the death of whole networks by it.

    Raises ValueError for a width or depth below 1.

    >>> round(dead_input_probability(width=2, depth=2), 4)
    0.4375
    """
    n, layers = require_integer("width", width), require_integer("depth", depth)
    return float(-np.expm1(layers * np.log1p(-(2.0**-n))))


def born_dead_probability(width: int, depth: int) -> tuple[float, float]:
    """Bounds (low, high) on P(the network gives all inputs the same output), for scalar inputs.

    Without biases a network of one input is a function on two rays, x > 0 and x < 0. In the first layer each unit
    serves one ray, so a ray starts alive alone with probability 2⁻ⁿ for either, else both do. A ray then survives the
    d - 1 layers above with S = (1 - 2⁻ⁿ)ᵈ⁻¹. Hidden signals of two rays form an angle of 0 to 90°; their units are
    both off with probability ½ to ¼, so the rays die together at best and independently at worst:

        2¹⁻ⁿ (1 - S) + (1 - 2¹⁻ⁿ) (1 - S)²  ≤  P  ≤  1 - S

    `high` also holds for inputs of more columns, since these contain a line through 0; `low` does not. Bounds of this
    kind are due to Lu et al. 2019; these are derived here.

    Raises ValueError for a width or depth below 1.

    >>> [round(bound, 5) for bound in born_dead_probability(width=2, depth=2)]
    [0.15625, 0.25]
    """
    n, layers = require_integer("width", width), require_integer("depth", depth)
    ray_dies = dead_input_probability(n, layers - 1) if layers > 1 else 0.0
    one_ray = 2.0 ** (1 - n)
    return float(one_ray * ray_dies + (1 - one_ray) * ray_dies**2), ray_dies
