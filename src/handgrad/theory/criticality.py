"""The edge of chaos: for which weights signals of deep networks neither become alike nor part."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.activations import Formula, activations
from handgrad.arrays import Array, ArrayLike, require_number, require_numeric
from handgrad.theory.fixed_points import TINY
from handgrad.theory.moments import NotIntegrable, gaussian_moments, growth, is_scale_invariant

_LENGTHS = 2.0 ** np.arange(-40, 37)  # where critical lengths are looked for
_ROUNDING = 1e-9


def critical_point(activation: str | Formula, sigma_b: float) -> tuple[float, float]:
    """(sigma_w, q*) with χ₁ = 1 at a fixed point that attracts: two equations for two unknowns.

        sigma_w² E[f'(√q z)²] = 1        q = sigma_w² E[f(√q z)²] + sigma_b²

    The edge of chaos of Poole et al. 2016 and Schoenholz et al. 2017. With f(0) = 0 and sigma_b = 0 it lies at
    q* = 0, reached slowly: sigma_w is then 1 / |f'(0)|, for a kink at 0 with the mean of both squared slopes.
    Scale-invariant activations (relu, leaky_relu, identity) are critical at sigma_b = 0 alone, √2 for relu, at any
    length; q* = 1 stands for all.

    Raises ValueError where there is no such point: activations such as softplus have none; scale-invariant ones have
    none with biases; gelu, silu and mish only from some sigma_b on, which the error names, because below it lengths
    leave the fixed point and grow.

    >>> sigma_w, q = critical_point("tanh", sigma_b=0.05**0.5)
    >>> round(sigma_w**2, 3), round(q, 3)
    (1.761, 0.57)
    """
    formula, sigma_b = activations.find(activation), require_number("sigma_b", sigma_b, at_least=0)
    if is_scale_invariant(formula):
        return _scale_invariant_point(formula, sigma_b)
    if sigma_b == 0 and _is_zero_at_zero(formula) and _attracts(formula, 1e-4):
        return _sigma_w(formula, TINY), 0.0
    for q in _roots(lambda q: _variance_left(formula, q) - sigma_b**2):
        if _attracts(formula, q):
            return _sigma_w(formula, q), q
    raise ValueError(
        f"{formula} has no critical point at sigma_b = {sigma_b:.6g}: " + _smallest_sigma_b(formula, sigma_b)
    )


def critical_line(activation: str | Formula, sigma_b: ArrayLike) -> Array:
    """The critical sigma_w of each sigma_b, (n,) -> (n,), NaN where there is none; `critical_point` tells why.

    >>> critical_line("relu", [0.0, 0.1]).round(4)
    array([1.4142,    nan])
    """
    given = np.atleast_1d(require_numeric("sigma_b", sigma_b))
    if given.ndim != 1:
        raise ValueError(f"sigma_b has shape {given.shape}; expected (n,), one spread of biases each")
    numbers = [require_number(f"sigma_b[{i}]", float(each), at_least=0) for i, each in enumerate(given)]
    formula = activations.find(activation)
    return np.array([_sigma_w_or_nan(formula, each) for each in numbers])


def _sigma_w_or_nan(formula: Formula, sigma_b: float) -> float:
    try:
        return critical_point(formula, sigma_b)[0]
    except ValueError:
        return float("nan")


def _scale_invariant_point(formula: Formula, sigma_b: float) -> tuple[float, float]:
    if sigma_b > 0:
        raise ValueError(
            f"{formula} has no critical point at sigma_b = {sigma_b:.6g}: at its critical sigma_w biases add to every "
            "length without end; expected sigma_b = 0"
        )
    return _sigma_w(formula, 1.0), 1.0


def _is_zero_at_zero(formula: Formula) -> bool:
    return bool(formula.value(np.zeros(1))[0] == 0)


def _sigma_w(formula: Formula, q: float) -> float:
    """The sigma_w with χ₁ = 1 at q."""
    return float(1 / np.sqrt(gaussian_moments(formula, q)[1]))


def _variance_left(formula: Formula, q: float) -> float:
    """The sigma_b² that makes q a fixed point of the sigma_w with χ₁ = 1: q - E[f²] / E[f'²]."""
    try:
        second_moment, slope = gaussian_moments(formula, q)
    except NotIntegrable:
        return -np.inf
    return q - second_moment / slope if slope > 0 else -np.inf


def _attracts(formula: Formula, q: float) -> bool:
    """Whether the length map has at most slope 1 at q, with the sigma_w of q."""
    return _pull(formula, q) <= _ROUNDING


def _pull(formula: Formula, q: float) -> float:
    try:
        slope = gaussian_moments(formula, q)[1]
        return growth(formula, q) / slope - 1 if slope > 0 else np.inf
    except NotIntegrable:
        return np.inf


def _roots(function: Callable[[float], float]) -> Any:
    """Where the function changes sign, from the shortest length up."""
    from scipy.optimize import brentq

    low, at_low = _LENGTHS[0], function(_LENGTHS[0])
    for high in _LENGTHS[1:]:
        at_high = function(high)
        if np.isfinite([at_low, at_high]).all() and (at_low > 0) != (at_high > 0):
            yield float(brentq(function, low, high, xtol=1e-300, rtol=1e-14))
        low, at_low = high, at_high


def _smallest_sigma_b(formula: Formula, sigma_b: float) -> str:
    """Why there is none: the smallest sigma_b from which there is one, if any."""
    turning = [q for q in _roots(lambda q: _pull(formula, q)) if _variance_left(formula, q) > sigma_b**2]
    if not turning:
        return "no length is kept with χ₁ = 1"
    smallest = np.ceil(1e4 * np.sqrt(_variance_left(formula, turning[0]))) / 1e4
    return f"lengths leave the fixed point with χ₁ = 1; expected sigma_b of at least {smallest:.4f}"
