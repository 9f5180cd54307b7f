"""How finely a function can be told from itself: the rounding in its values, measured.

Differences of order k over equally spaced, very close points remove what is smooth and leave the noise, grown by a
known factor: E[(Δᵏf)²] = (2k)! / (k!)² · σ² (Hamming 1971; Moré & Wild 2011, "Estimating computational noise").
"""

from math import comb

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.variables import Directions, Variable, look

ORDER, POINTS = 4, 8
_SPACINGS = (1e-10, 1e-7, 1e-4)  # of the scale; the next is tried where most neighbours have one value (float32 inside)
_STRIDES, _FLAT = (
    (1e-4, 1e-2, 1.0),
    1e-3,
)  # of the scale, at which a staircase climbs; and of a stride, how long it is level
_FEW = 4  # units in the last place of a value that rounding costs at least


def noise_of(variable: Variable, generator: np.random.Generator) -> float:
    """The standard deviation of the rounding in the function's values near x, along one random direction.

    A function that stands still between jumps is as coarse as they are high. Where the values hardly change, what is
    lost in them cannot be seen: a loss of log(1 + 1e-20) is 0 throughout. Then it is taken to be that of numbers of
    size 1.
    """
    signs = np.where(generator.random(variable.x.size) < 0.5, -1.0, 1.0)
    line = Directions(variable, (signs * variable.scale)[None])
    for spacing in _SPACINGS:
        values = look(line, spacing * np.arange(POINTS, dtype=np.float64)[:, None]).values[:, 0]
        if np.isfinite(values).all() and (np.diff(values) != 0).sum() > POINTS // 2:
            return float(np.sqrt(np.mean(np.diff(values, ORDER) ** 2) / comb(2 * ORDER, ORDER)))
    return max(_jumps(line), float(np.finfo(np.float64).eps) * max(1.0, abs(variable.value)))


def _jumps(line: Directions) -> float:
    """How high the steps of a staircase are, such as a loss that is rounded before it is returned; 0 for others."""
    for spacing in _STRIDES:
        offsets = spacing * np.arange(POINTS, dtype=np.float64)
        values = look(line, np.concatenate([offsets, offsets + _FLAT * spacing])[:, None]).values[:, 0]
        here, beside = values[:POINTS], values[POINTS:]
        flat = (here == beside).sum() > POINTS // 2
        if np.isfinite(here).all() and flat and (np.diff(here) != 0).sum() > POINTS // 2:
            return float(np.abs(np.diff(here)).max())
    return 0.0


def rounding(values: Array, noise: float, made_of: float) -> Array:
    """The error to expect of each value, given the measured noise; never less than a few units in its last place.

    A value is no finer than the numbers it is `made_of`: (1 - p)² at p = 1 - 1e-17 is 0, without any noise.
    """
    return np.maximum(2 * noise, _FEW * np.finfo(np.float64).eps * np.maximum(np.abs(values), made_of))
