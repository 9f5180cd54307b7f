"""Moments of an activation under a normal pre-activation: what all of mean field theory is made of."""

from collections.abc import Callable

import numpy as np

from handgrad.activations import Formula, activations
from handgrad.arrays import Array, require_number
from handgrad.theory import quadrature

_FINEST, _FINEST_OF_PAIRS = 20, 10  # panels shrink to 1e-11 and, in two dimensions, to 2e-5 standard deviations


class NotIntegrable(ValueError):
    """An expectation that is not finite, mostly because f overflows where the variance reaches."""


def gaussian_moments(activation: str | Formula, variance: float = 1.0) -> tuple[float, float]:
    """E[f(h)²] and E[f'(h)²] for a normal pre-activation h ~ N(0, variance).

    By Gauss-Legendre quadrature on panels that are cut at the record's kinks and halved until they agree: to about
    1e-12 of the value for the built-in activations. A spike away from 0 that is thinner than its panel may be missed;
    list its place in the record's `kinks`.

    Raises ValueError for an unknown activation, a variance that is not positive, and an activation that is not finite
    within 12 standard deviations; TypeError for what is no activation.

    >>> [round(moment, 10) for moment in gaussian_moments("relu", variance=3.0)]
    [1.5, 0.5]
    """
    formula, variance = activations.find(activation), require_number("variance", variance, above=0)

    def squares(h: Array) -> Array:
        a = formula.value(h)
        return np.stack([a * a, formula.derivative(h, a) ** 2])

    second_moment, slope = expectation(formula, squares, variance)
    return float(second_moment), float(slope)


def growth(formula: Formula, variance: float) -> float:
    """The derivative of E[f(h)²] by the variance: E[f(h) f'(h) h] / variance, which needs no second derivative of f."""

    def integrand(h: Array) -> Array:
        a = formula.value(h)
        return np.stack([a * formula.derivative(h, a) * h, a * a])

    return float(expectation(formula, integrand, variance)[0] / variance)


def pair_moment(formula: Formula, variance: float, c: float, *, slopes: bool = False) -> float:
    """E[f(h₁) f(h₂)], or E[f'(h₁) f'(h₂)], for normal h₁, h₂ of that variance and correlation c.

    h₁ = √q z₁ and h₂ = √q (c z₁ + √(1 - c²) z₂): an integral over z₂ for each z₁, each cut at the kinks it meets.
    """
    g: Callable[[Array], Array] = formula.derivative if slopes else formula.value
    if abs(c) == 1:
        return float(expectation(formula, lambda h: (g(h) * g(c * h))[None], variance, mirrored=c < 0)[0])
    root = np.sqrt(variance)
    z1, weights1 = quadrature.nodes(quadrature.panels(formula, np.zeros(()), root, _FINEST_OF_PAIRS))
    h1, weights1 = root * z1.ravel(), (weights1 * quadrature.density(z1)).ravel()  # (N,)
    centre, scale = c * h1, root * np.sqrt((1 - c) * (1 + c))
    z2, weights2 = quadrature.nodes(quadrature.panels(formula, centre, scale, _FINEST_OF_PAIRS))
    h2 = centre[:, None, None] + scale * z2  # (N, panels, 16)
    with np.errstate(all="ignore"):  # what overflows is refused
        given_h1 = (g(h2) * quadrature.density(z2) * weights2).sum(axis=(-2, -1))  # E[g(h₂) | h₁]
        return float(_require_finite(formula, weights1 @ (g(h1) * given_h1), root))


def is_scale_invariant(formula: Formula) -> bool:
    """Whether f(kh) = k f(h) for k > 0, as for relu, leaky_relu and identity: lengths then have no scale of their own.

    >>> is_scale_invariant(activations.find("leaky_relu")), is_scale_invariant(activations.find("elu"))
    (True, False)
    """
    h = np.linspace(-8.0, 8.0, 161)
    with np.errstate(all="ignore"):
        return bool(formula.value(h).any()) and all(
            np.allclose(formula.value(k * h), k * formula.value(h), rtol=1e-12, atol=0) for k in (2**-6, 2**6)
        )


def expectation(
    formula: Formula,
    g: Callable[[Array], Array],
    variance: float,
    *,
    mean: float = 0.0,
    mirrored: bool = False,
) -> Array:
    """E[g(h)], h ~ N(mean, variance), for g made of the formula; `mirrored` where g also meets the kinks at -h."""
    root = np.sqrt(variance)
    edges = quadrature.panels(formula, np.asarray(mean), root, _FINEST)
    if mirrored:
        edges = np.union1d(edges, -edges)
    with np.errstate(all="ignore"):  # what overflows is refused
        return _require_finite(formula, quadrature.expectation(lambda z: g(mean + root * z), edges), root)


def _require_finite(formula: Formula, found: Array, root: float) -> Array:
    if not np.isfinite(found).all():
        raise NotIntegrable(
            f"activation {formula} is too steep or too rough to integrate over 12 standard deviations of "
            f"{root:.3g}; expected f and df to be finite there, and piecewise smooth"
        )
    return found
