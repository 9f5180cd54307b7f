"""How squared lengths and correlations of signals change from layer to layer of wide random networks.

W_ij ~ N(0, sigma_w² / fan_in), b_i ~ N(0, sigma_b²). For inputs x and x' of D columns the first layer has
q = sigma_w² |x|² / D + sigma_b², the variance of each pre-activation; layer by layer the maps then give those above.
They are exact for infinite width; at width n measured lengths scatter by about sqrt(depth / n).
"""

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array, require_integer, require_number
from handgrad.theory.fixed_points import fixed_length, next_length, require_living
from handgrad.theory.moments import pair_moment
from handgrad.theory.scales import require_ensemble


def length_map(activation: str | Formula, sigma_w: float, sigma_b: float, q0: float, depth: int) -> Array:
    """Squared lengths q = |z|² / units of the pre-activations: q0 in the first layer, then of `depth` layers above.

    q ← sigma_w² E[f(√q z)²] + sigma_b², z ~ N(0, 1): (depth + 1,). Poole et al. 2016, eq. 3.

    Raises ValueError for an unknown activation, sigma_w or q0 not above 0, a negative sigma_b or depth, and lengths
    that grow past what a float holds.

    >>> length_map("relu", sigma_w=1.0, sigma_b=0.0, q0=8.0, depth=3)
    array([8., 4., 2., 1.])
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    lengths = [require_number("q0", q0, above=0)]
    for _ in range(require_integer("depth", depth, at_least=0)):
        lengths.append(next_length(ensemble, lengths[-1]))
    return np.array(lengths)


def correlation_map(
    activation: str | Formula, sigma_w: float, sigma_b: float, c0: float, depth: int, q: float | None = None
) -> Array:
    """Correlation c = z·z' / |z||z'| of the pre-activations of two inputs: c0 in the first layer, then `depth` above.

    c ← (sigma_w² E[f(h₁) f(h₂)] + sigma_b²) / q', with h₁, h₂ ~ N(0, q) of correlation c: (depth + 1,). Poole et al.
    2016, eq. 5. Both inputs have the same length: without `q` it rests at the fixed point q*; `q` is that of the
    first layer, from where it follows `length_map`. relu-like activations need none: their c does not depend on q
    when sigma_b is 0.

    Raises ValueError as `length_map` does, for c0 outside [-1, 1], and without q where lengths have no fixed point
    or die out (q* = 0).

    >>> correlation_map("relu", 2**0.5, 0.0, c0=0.0, depth=2).round(4)  # arc-cosine kernel: 1 / π first
    array([0.    , 0.3183, 0.4937])
    """
    ensemble = require_ensemble(activation, sigma_w, sigma_b)
    c = require_number("c0", c0, at_least=-1, at_most=1)
    resting = q is None
    length = require_living(ensemble, fixed_length(ensemble)) if q is None else require_number("q", q, above=0)
    correlations = [c]
    for _ in range(require_integer("depth", depth, at_least=0)):
        covariance = ensemble.sigma_w**2 * pair_moment(ensemble.formula, length, c) + ensemble.sigma_b**2
        after = length if resting else next_length(ensemble, length)
        c = float(np.clip(covariance / require_living(ensemble, after), -1, 1))
        correlations.append(c)
        length = after
    return np.array(correlations)
