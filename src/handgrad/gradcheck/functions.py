"""Checking anybody's gradient: any scalar function of an array, or of a dict or list of named arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_finite, require_number
from handgrad.gradcheck.differences import OFFSETS, differentiate
from handgrad.gradcheck.report import TOLERANCE, ParameterCheck, Report, compare, conclude


def check_gradient(function: Callable[[Any], float], gradient: Any, x: Any, *, tolerance: float = TOLERANCE) -> Report:
    """Compare a gradient with central differences of its function, at every entry.

    Parameters
    ----------
    function
        From x to a number.
    gradient
        What is to be proved: a function from x to arrays shaped like x, or those arrays.
    x
        The point: an array of floats, or a dict or list of such arrays.
    tolerance
        The largest relative error, ‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖), that counts as right.

    Raises
    ------
    TypeError, ValueError
        x is not made of finite floats, the function does not give a number there, or the gradient has another shape.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x).passed
    True
    >>> check_gradient(lambda x: (x**2).sum(), lambda x: x, x).findings[0].parameter
    'x'
    """
    require_number("tolerance", tolerance, above=0)
    point = _Point(x)
    value = point.value_of(function, point.flat)
    analytic = point.named(gradient(point.rebuild(point.flat)) if callable(gradient) else gradient, "gradient")
    checks: list[ParameterCheck] = []
    for name, (start, stop) in point.spans.items():
        probe = _Probe(function, point, start, value)
        numeric = differentiate(probe, point.flat[start:stop], value)
        checks.append(compare(name, analytic[name], numeric, tolerance))
    return conclude("gradient check of a function", value, checks)


class _Point:
    """x as one flat vector of float64, and back to the structure that the function takes."""

    def __init__(self, x: Any) -> None:
        self.x = x
        self.arrays = {name: _require_floats(name, array) for name, array in _by_name(x).items()}
        if sum(array.size for array in self.arrays.values()) == 0:
            raise ValueError("x is empty; there is nothing to differentiate by")
        self.flat = np.concatenate([array.reshape(-1) for array in self.arrays.values()])
        self.spans: dict[str, tuple[int, int]] = {}
        start = 0
        for name, array in self.arrays.items():
            self.spans[name] = (start, start + array.size)
            start += array.size

    def rebuild(self, flat: Array) -> Any:
        """The structure of x with these values, in fresh arrays."""
        values = {
            name: flat[start:stop].reshape(self.arrays[name].shape).copy() for name, (start, stop) in self.spans.items()
        }
        if isinstance(self.x, Mapping):
            return values
        return list(values.values()) if isinstance(self.x, list | tuple) else values["x"]

    def value_of(self, function: Callable[[Any], float], flat: Array) -> float:
        """The function's value there, if it is a number."""
        value = np.asarray(function(self.rebuild(flat)))
        if value.size != 1 or value.dtype.kind not in "fiu":
            raise TypeError(f"function gave an array of shape {value.shape}, {value.dtype}; expected one number")
        number = float(value.reshape(()))
        if not np.isfinite(number):
            raise ValueError(f"function is {number} at or near x; check it where it is finite")
        return number

    def named(self, gradient: Any, argument: str) -> dict[str, Array]:
        """The gradient's arrays by name, if they are shaped like x."""
        given = _by_name(gradient)
        if set(given) != set(self.arrays):
            raise ValueError(f"{argument} has {sorted(given)}; expected arrays for {sorted(self.arrays)}")
        for name, array in self.arrays.items():
            if np.shape(given[name]) != array.shape:
                raise ValueError(f"{argument} of {name} has shape {np.shape(given[name])}; expected {array.shape}")
        return {name: np.asarray(given[name], dtype=np.float64) for name in self.arrays}


class _Probe:
    """The function around one of its arrays, entry by entry; a kink shows in how one-sided differences disagree."""

    def __init__(self, function: Callable[[Any], float], point: _Point, start: int, value: float) -> None:
        self.function, self.point, self.start, self.value = function, point, start, value

    def __call__(self, entries: Array, h: Array) -> tuple[Array, Array]:
        around = np.empty((len(OFFSETS), len(entries)))
        for column, (entry, step) in enumerate(zip(entries, h, strict=True)):
            for row, offset in enumerate(OFFSETS):
                flat = self.point.flat.copy()
                flat[self.start + entry] += offset * step
                around[row, column] = self.point.value_of(self.function, flat)
        return around, _smooth(around, h, self.value)


def _smooth(around: Array, h: Array, value: float) -> Array:
    """Whether five points (4, n) around f look like a smooth function's.

    The gap between the one-sided slopes, (f(h) - 2 f + f(-h)) / h, doubles with h if f is smooth and stays if f has a
    kink at x; a kink between the points makes the central slopes at h and 2h disagree.
    """
    below2, below, above, above2 = around
    noise = 1e2 * np.finfo(float).eps * max(1.0, abs(value)) / h
    slope, slope2 = (above - below) / (2 * h), (above2 - below2) / (4 * h)
    gap, gap2 = np.abs(above - 2 * value + below) / h, np.abs(above2 - 2 * value + below2) / (2 * h)
    size = np.maximum(np.abs(slope), np.abs(slope2))
    kink_at_x = (gap > 1e-6 * size + noise) & (gap2 < 1.5 * gap)
    kink_nearby = np.abs(slope - slope2) > 1e-4 * size + noise
    return ~(kink_at_x | kink_nearby)


def _by_name(x: Any) -> dict[str, Any]:
    if isinstance(x, Mapping):
        return {str(name): array for name, array in x.items()}
    if isinstance(x, Sequence) and not isinstance(x, str) and any(np.ndim(each) for each in x):
        return {f"x[{index}]": array for index, array in enumerate(x)}
    return {"x": x}


def _require_floats(name: str, array: Any) -> Array:
    values = np.asarray(array)
    if values.dtype.kind != "f":
        raise TypeError(f"{name} holds {values.dtype}; expected floats (write x.astype(float))")
    return require_finite(name, values.astype(np.float64)) if values.ndim else values.astype(np.float64)
