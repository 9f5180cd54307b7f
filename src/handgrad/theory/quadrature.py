"""Integrals over a normal variable, exact for activations with kinks, steep ones and long tails.

A Gauss-Legendre rule of 16 points converges fast where the integrand is smooth. So the line is cut where activations
are not: at the record's kinks (at 0 where it has none), with panels that shrink by 4 towards these points, so that a
feature of any width is seen from nearby; and at every second standard deviation, for the density. In one dimension
each panel is then halved until both halves agree with the whole, which finds steep places elsewhere and kinks that a
record does not list.
"""

from collections.abc import Callable

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array

_REACH = 12.0  # standard deviations; beyond them the density is below 1e-31
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_TOLERANCE = 1e-13
_ROUNDS, _MANY = 50, 100_000


def density(z: Array) -> Array:
    """The standard normal density φ(z)."""
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def panels(formula: Formula, centre: Array, scale: float, finest: int) -> Array:
    """Edges (..., E) between which z -> f(centre + scale z) is smooth, on [-12, 12]; `centre` (...) has any shape.

    `finest` tells how often panels shrink by 4 towards the kinks.
    """
    middles = np.array(formula.kinks or (0.0,))
    middles = (middles - centre[..., None]) / scale  # (..., kinks)
    steps = 2 * _REACH * 0.25 ** np.arange(finest + 1)
    graded = middles[..., None] + np.concatenate([-steps, [0.0], steps])
    whole = np.broadcast_to(np.arange(-_REACH, _REACH + 1, 2.0), (*centre.shape, 13))
    edges = np.concatenate([graded.reshape(*centre.shape, -1), whole], axis=-1)
    return np.sort(np.clip(edges, -_REACH, _REACH), axis=-1)


def nodes(edges: Array) -> tuple[Array, Array]:
    """Points and weights (..., E - 1, 16) of the rule on each panel."""
    low, high = edges[..., :-1, None], edges[..., 1:, None]
    return (low + high) / 2 + (high - low) / 2 * _NODES, (high - low) / 2 * _WEIGHTS


def expectation(integrand: Callable[[Array], Array], edges: Array) -> Array:
    """E[g(z)], z ~ N(0, 1), for g of several components, (n,) -> (components, n); panels are halved where needed.

    NaN where g is not finite, so wild that 100,000 panels do not settle it, or so steep that it counts beyond 12.
    """
    total = 0.0
    low, high = edges[:-1], edges[1:]
    coarse = _on_panels(integrand, low, high)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        left, right = _on_panels(integrand, low, middle), _on_panels(integrand, middle, high)
        size = np.abs(total) + np.abs(left + right).sum(axis=-1)  # (components,)
        settled = (np.abs(left + right - coarse) <= _TOLERANCE * size[:, None]).all(axis=0)
        total = total + (left + right)[:, settled].sum(axis=-1)
        if settled.all():
            return np.where(_cut_off(integrand, size), np.nan, total)
        open_ = ~settled
        if open_.sum() > _MANY or not np.isfinite(size).all():
            return np.full(len(size), np.nan)
        low, high = np.concatenate([low[open_], middle[open_]]), np.concatenate([middle[open_], high[open_]])
        coarse = np.concatenate([left[:, open_], right[:, open_]], axis=-1)
    return np.asarray(total + coarse.sum(axis=-1))  # panels of width 1e-14: a jump that no kink announced


def _cut_off(integrand: Callable[[Array], Array], size: Array) -> Array:
    """Whether each component still counts where the line is cut, as steep exponentials do."""
    ends = np.array([-_REACH, _REACH])
    return np.asarray((np.abs(integrand(ends)) * density(ends)).max(axis=-1) > 1e-12 * size)


def _on_panels(integrand: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The integral over each panel, (components, panels)."""
    z = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * _NODES
    values = integrand(z.ravel()) * density(z.ravel())
    return (values.reshape(len(values), *z.shape) @ _WEIGHTS) * (high - low) / 2
