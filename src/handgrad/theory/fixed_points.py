"""Where signals settle in deep wide networks: the squared length q*, the correlation c*, and how fast they do."""

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import require_number
from handgrad.theory.moments import NotIntegrable, gaussian_moments, growth, is_scale_invariant, pair_moment
from handgrad.theory.scales import Ensemble, require_ensemble

TINY = 1e-30  # a variance at which an activation is its two slopes at 0
_SHORTEST, _LONGEST = 1e-13, 1e13  # where lengths are looked for
_ROUNDING = 1e-10


def fixed_point(activation: str | Formula, sigma_w: float, sigma_b: float) -> float:
    """q*, the squared length at which `length_map` rests: q* = sigma_w² E[f(√q* z)²] + sigma_b².

    Of several, the nearest that attracts lengths from q = 1. It is 0 where signals die out: f(0) = 0, sigma_b = 0 and
    small weights. Scale-invariant activations (relu, leaky_relu, identity) have q* = sigma_b² / (1 - sigma_w² / w²)
    with w their critical sigma_w, √2 for relu; at sigma_w = w and sigma_b = 0 every length stays, and q* = 1 is
    returned for all of them. Poole et al. 2016, eq. 3 at rest.

    Raises ValueError where lengths grow without end, so that there is no fixed point.

    >>> round(fixed_point("tanh", sigma_w=1.5, sigma_b=0.0), 4)
    0.7934
    >>> round(fixed_point("relu", sigma_w=1.0, sigma_b=1.0), 10)
    2.0
    """
    return fixed_length(require_ensemble(activation, sigma_w, sigma_b))


def chi(activation: str | Formula, sigma_w: float, sigma_b: float, q: float | None = None) -> float:
    """χ₁ = sigma_w² E[f'(√q z)²] at q, by default q*: how much the distance of two near signals grows in a layer.

    Squared gradients grow by the same factor on their way back (Schoenholz et al. 2017). Below 1 signals
    become alike (order), above 1 they part (chaos). Poole et al. 2016, eq. 6. At q* = 0 the slopes are those at 0.

    Raises ValueError where `q` is not above 0, or is not given and there is no fixed point.

    >>> round(chi("relu", sigma_w=2**0.5, sigma_b=0.0), 10)
    1.0
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    return slope_at_one(ensemble, fixed_length(ensemble) if q is None else require_number("q", q, above=0))


def correlation_fixed_point(activation: str | Formula, sigma_w: float, sigma_b: float) -> float:
    """c*, the correlation at which `correlation_map` rests: 1 where χ₁ ≤ 1, else the one below 1.

    The map is convex on [0, 1] and rests at c = 1; where its slope χ₁ there is above 1 there is one more such point,
    in [0, 1), and that one attracts (Poole et al. 2016, on two inputs).

    Raises ValueError where lengths have no fixed point, or die out (q* = 0), so that directions have no limit.

    >>> round(correlation_fixed_point("tanh", sigma_w=2.0, sigma_b=0.5), 4)
    0.5209
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    return _fixed_correlation(ensemble, require_living(ensemble, fixed_length(ensemble)))


def depth_scale(activation: str | Formula, sigma_w: float, sigma_b: float) -> float:
    """ξ_c, the depth over which correlations forget their start: |c - c*| shrinks as exp(-layer / ξ_c).

    ξ_c = -1 / log(sigma_w² E[f'(h₁) f'(h₂)]) at correlation c*, which is -1 / log χ₁ in the ordered phase and infinite
    at the critical point. Networks much deeper than a few ξ_c do not train. Schoenholz et al. 2017, eq. 9. Where
    signals die out (q* = 0) it is that of their covariance.

    Raises ValueError where lengths have no fixed point.

    >>> depth_scale("relu", sigma_w=2**0.5, sigma_b=0.0)
    inf
    >>> round(depth_scale("relu", sigma_w=1.0, sigma_b=1.0), 4)  # 1 / log 2
    1.4427
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    q = fixed_length(ensemble)
    slope = slope_at_one(ensemble, q)
    if slope > 1 + _ROUNDING:
        c = _fixed_correlation(ensemble, q)
        slope = ensemble.sigma_w**2 * pair_moment(ensemble.formula, q, c, slopes=True)
    return _scale(slope)


def length_depth_scale(activation: str | Formula, sigma_w: float, sigma_b: float) -> float:
    """ξ_q, the depth over which lengths forget their start: |q - q*| shrinks as exp(-layer / ξ_q).

    ξ_q = -1 / log |dq'/dq| at q*, with dq'/dq = sigma_w² E[f(h) f'(h) h] / q*, h ~ N(0, q*). By Stein's lemma that is
    χ₁ + sigma_w² E[f''(h) f(h)], as Schoenholz et al. 2017 write it, but needs no f''.

    Raises ValueError where lengths have no fixed point.

    >>> round(length_depth_scale("relu", sigma_w=1.0, sigma_b=1.0), 4)  # 1 / log 2
    1.4427
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    q = fixed_length(ensemble)
    return _scale(abs(ensemble.sigma_w**2 * growth(ensemble.formula, q or TINY)))


# --- of an accepted ensemble ------------------------------------------------------------------------------------------


def next_length(ensemble: Ensemble, q: float) -> float:
    """sigma_w² E[f(√q z)²] + sigma_b²."""
    formula = ensemble.formula
    second_moment = gaussian_moments(formula, q)[0] if q > 0 else float(formula.value(np.zeros(1))[0] ** 2)
    after = ensemble.sigma_w**2 * second_moment + ensemble.sigma_b**2
    if not np.isfinite(after):
        raise _endless(ensemble)
    return after


def slope_at_one(ensemble: Ensemble, q: float) -> float:
    """χ₁ at q; 0 stands for the limit of short signals."""
    return ensemble.sigma_w**2 * gaussian_moments(ensemble.formula, TINY if q == 0 else q)[1]


def fixed_length(ensemble: Ensemble) -> float:
    """q*, or a clear error."""
    if is_scale_invariant(ensemble.formula):
        return _scale_invariant_length(ensemble)
    from scipy.optimize import brentq

    def excess(q: float) -> float:
        try:
            return next_length(ensemble, q) - q
        except NotIntegrable:
            raise _endless(ensemble) from None  # f overflows on the way up

    rising = excess(1.0) > 0
    near, factor = 1.0, 2.0 if rising else 0.5
    while _SHORTEST < near < _LONGEST:
        beyond = near * factor
        if (excess(beyond) > 0) != rising:
            return float(brentq(excess, min(near, beyond), max(near, beyond), xtol=1e-300, rtol=1e-14))
        near = beyond
    if rising:
        raise _endless(ensemble)
    return 0.0


def require_living(ensemble: Ensemble, q: float) -> float:
    """q, if signals have a length at all."""
    if q == 0:
        raise ValueError(
            f"signals die out (q* = 0) for {ensemble}; expected signals that live, "
            "which take a larger sigma_w or sigma_b"
        )
    return q


def _scale_invariant_length(ensemble: Ensemble) -> float:
    """Of q ← χ₁ q + sigma_b²."""
    chi_1, sigma_b = slope_at_one(ensemble, 1.0), ensemble.sigma_b
    if abs(chi_1 - 1) <= _ROUNDING and sigma_b == 0:
        return 1.0
    if chi_1 >= 1 - _ROUNDING:
        raise _endless(ensemble)
    return sigma_b**2 / (1 - chi_1)


def _endless(ensemble: Ensemble) -> ValueError:
    return ValueError(f"lengths grow without end for {ensemble}; expected a fixed point, which takes a smaller sigma_w")


def _fixed_correlation(ensemble: Ensemble, q: float) -> float:
    from scipy.optimize import brentq

    if slope_at_one(ensemble, q) <= 1 + _ROUNDING:
        return 1.0

    def excess(c: float) -> float:
        return (ensemble.sigma_w**2 * pair_moment(ensemble.formula, q, c) + ensemble.sigma_b**2) / q - c

    if abs(excess(0.0)) < 1e-14:  # odd activations without biases
        return 0.0
    gap = 0.1
    while excess(1 - gap) >= 0:
        gap /= 4
        if gap < 1e-9:
            return 1.0
    return float(brentq(excess, 0.0, 1 - gap, xtol=1e-14))


def _scale(slope: float) -> float:
    if abs(slope - 1) <= _ROUNDING:
        return float(np.inf)
    return float(-1 / np.log(slope)) if slope > 0 else 0.0
