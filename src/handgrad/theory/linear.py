"""Linear networks, whose learning can be solved exactly."""

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_finite, require_numeric


def linear_learning_curve(singular_values: ArrayLike, u0: ArrayLike, time: ArrayLike) -> Array:
    """How strongly a two-layer linear network has learnt each mode of its task by each time: (T,), (M,) -> (T, M).

    Gradient flow on ½ Σ (s - u)² with u = a b, one product for each singular value s of the input-output correlations
    yᵀX / B, for white inputs XᵀX / B = I and small balanced starting weights a = b = √u0 along the modes:

        u(t) = s u0 / (u0 + (s - u0) e^(-2 s t))

    A sigmoid: nothing for about log(s / u0) / 2s, then all at once; strong modes first. Saxe, McClelland & Ganguli
    2014, on the time course of learning (with τ = 1). For a full batch and the loss mean_squared_error of C outputs,
    whose gradient is 2 / C times this flow's, time is steps · learning_rate · 2 / C, for a small learning rate.

    Parameters
    ----------
    singular_values
        s, (M,), at least 0.
    u0
        The starting strengths, (M,) or one for all, above 0.
    time
        When, (T,), at least 0.

    Raises ValueError for values out of these ranges and for shapes that do not fit.

    >>> linear_learning_curve([2.0, 1.0], u0=0.01, time=[0.0, 2.0, 10.0]).round(3)
    array([[0.01 , 0.01 ],
           [1.875, 0.355],
           [2.   , 1.   ]])
    """
    from scipy.special import exprel

    s, t = _row("singular_values", singular_values), _row("time", time)[:, None]
    start = require_finite("u0", require_numeric("u0", u0)).astype(float)
    if start.shape not in ((), s.shape):
        raise ValueError(f"u0 has shape {start.shape}; expected one number, or {s.shape} as singular_values")
    if not (start > 0).all():
        raise ValueError(f"u0 is {start.min():g} at the lowest; expected values above 0, for 0 never grows")
    # (u0 + (s - u0) e^(-2st)) / s without 0 / 0, where exprel(x) = (eˣ - 1) / x
    decay, grown = np.exp(-2 * s * t), 2 * t * exprel(-2 * s * t)
    return np.asarray(start / (decay + start * grown))


def _row(argument: str, values: ArrayLike) -> Array:
    array = require_finite(argument, require_numeric(argument, values)).astype(float)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{argument} has shape {array.shape}; expected a list of at least one number")
    if (array < 0).any():
        raise ValueError(f"{argument} holds {array.min():g}; expected values of at least 0")
    return array
