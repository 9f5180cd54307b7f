"""Self-normalisation: SELU draws the mean and variance of activations to 0 and 1 (Klambauer et al. 2017)."""

from typing import NamedTuple

import numpy as np

from handgrad.activations import selu
from handgrad.arrays import Array, require_number
from handgrad.theory.moments import expectation

_ROUNDS = 200


class SeluFixedPoint(NamedTuple):
    """Where the moments rest, and the Jacobian (2, 2) of their map there; below 1 its spectral norm attracts."""

    mean: float
    variance: float
    jacobian: Array

    @property
    def contraction(self) -> float:
        """The spectral norm of the Jacobian: distances to the fixed point shrink at least by this, near it."""
        return float(np.linalg.norm(self.jacobian, ord=2))


def selu_moments(mean: float, variance: float, omega: float = 0.0, tau: float = 1.0) -> tuple[float, float]:
    """Mean and variance of SELU's activations, one layer above activations of that mean and variance.

    A unit whose weights have the sum ω and the sum of squares τ sees h ~ N(ω mean, τ variance); lecun_normal has
    ω ≈ 0 and τ ≈ 1. Klambauer et al. 2017 give the integrals in closed form; here they are quadrature.

    Raises ValueError where `variance` or `tau` is not above 0.

    >>> [abs(round(moment, 10)) for moment in selu_moments(mean=0.0, variance=1.0)]
    [0.0, 1.0]
    """
    centre = require_number("mean", mean) * require_number("omega", omega)
    spread = require_number("variance", variance, above=0) * require_number("tau", tau, above=0)
    first, second = expectation(selu, lambda h: np.stack([selu.value(h), selu.value(h) ** 2]), spread, mean=centre)
    return float(first), float(second - first**2)


def selu_fixed_point() -> SeluFixedPoint:
    """The fixed point of `selu_moments` at ω = 0, τ = 1, found by applying it until it rests; it is (0, 1).

    Its Jacobian there, rows (mean', variance'), columns (mean, variance), has a spectral norm below 1: the fixed
    point attracts (Klambauer et al. 2017, theorem 1). With ω = 0 the mean below has no influence.

    >>> found = selu_fixed_point()
    >>> abs(round(found.mean, 10)), round(found.variance, 10), round(found.contraction, 4)
    (0.0, 1.0, 0.7877)
    """
    mean, variance = 0.5, 2.0
    for _ in range(_ROUNDS):
        mean, variance = selu_moments(mean, variance)
    return SeluFixedPoint(mean, variance, _jacobian(mean, variance))


def _jacobian(mean: float, variance: float) -> Array:
    """∂(mean', variance') / ∂(mean, variance) at ω = 0, τ = 1: dh / dvariance = h / (2 variance)."""

    def slopes(h: Array) -> Array:
        a, da = selu.value(h), selu.derivative(h)
        return np.stack([da * h, 2 * a * da * h])

    by_first, by_second = expectation(selu, slopes, variance) / (2 * variance)
    return np.array([[0.0, by_first], [0.0, by_second - 2 * mean * by_first]])
