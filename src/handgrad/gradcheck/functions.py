"""Checking anybody's gradient: any scalar function of an array, or of a dict, list or tuple of arrays."""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_finite, require_number
from handgrad.gradcheck.differences import OFFSETS, differentiate
from handgrad.gradcheck.report import NEARBY, TOLERANCE, ParameterCheck, Report, compare, conclude


def check_gradient(function: Callable[[Any], float], gradient: Any, x: Any, *, tolerance: float = TOLERANCE) -> Report:
    """Compare a gradient with central differences of its function, at every entry.

    Parameters
    ----------
    function
        From x to a number.
    gradient
        What is to be proved: a function from x to arrays shaped like x, or those arrays. A dict answers a dict, and a
        list or tuple answers a list or tuple.
    x
        The point: an array of floats, or a dict, list or tuple of such arrays and numbers. The function is called with
        the same structure, where each number is an array of shape ().
    tolerance
        The largest relative error, ‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖), that counts as right.

    Raises
    ------
    TypeError, ValueError
        x is not made of finite floats or holds an empty array, the function does not give a number there, or the
        gradient has another structure or shape.

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
    given = [gradient(point.rebuild(scale * point.flat)) if callable(gradient) else gradient for scale in (1, *NEARBY)]
    analytic, *nearby = map(point.gradient, given)
    checks: list[ParameterCheck] = []
    for name, span, ours, *others in zip(point.names, point.spans, analytic, *nearby, strict=True):
        probe = _Probe(function, point, span.start, value)
        numeric = differentiate(probe, point.flat[span], value, ours)
        checks.append(compare(name, ours, numeric, tolerance, others))
    return conclude("gradient check of a function", value, checks)


class _Point:
    """x as one flat vector of float64, and back to the structure that the function takes."""

    def __init__(self, x: Any) -> None:
        self.keys: list[Any] | None = None  # of a dict's, list's or tuple's arrays; None: x is one array
        self.names = ["x"]
        self.build: Callable[[list[Array]], Any] = lambda arrays: arrays[0]
        if isinstance(x, Mapping):
            keys = self.keys = _keys(x)
            self.names = [str(key) for key in keys]
            self.build = lambda arrays: dict(zip(keys, arrays, strict=True))
        elif isinstance(x, list | tuple):
            self.keys = _keys(x)
            self.names = [f"x[{index}]" for index in self.keys]
            self.build = getattr(type(x), "_make", type(x))  # a named tuple takes its fields one by one
        self.arrays = [_require_floats(name, part) for name, part in zip(self.names, self.parts(x), strict=True)]
        if not self.arrays:
            raise ValueError("x is empty; there is nothing to differentiate by")
        self.flat = np.concatenate([array.reshape(-1) for array in self.arrays])
        stops = np.cumsum([array.size for array in self.arrays]).tolist()
        self.spans = [slice(stop - array.size, stop) for array, stop in zip(self.arrays, stops, strict=True)]

    def parts(self, x: Any) -> list[Any]:
        """The arrays of something with the structure of x."""
        return [x] if self.keys is None else [x[key] for key in self.keys]

    def rebuild(self, flat: Array) -> Any:
        """The structure of x with these values, in fresh arrays."""
        pairs = zip(self.spans, self.arrays, strict=True)
        return self.build([flat[span].reshape(array.shape).copy() for span, array in pairs])

    def value_of(self, function: Callable[[Any], float], flat: Array) -> float:
        """The function's value there, if it is a number."""
        value = np.asarray(function(self.rebuild(flat)))
        if value.size != 1 or value.dtype.kind not in "fiu":
            raise TypeError(f"function gave an array of shape {value.shape}, {value.dtype}; expected one number")
        number = float(value.reshape(()))
        if not np.isfinite(number):
            raise ValueError(f"function is {number} at or near x; check it where it is finite")
        return number

    def gradient(self, given: Any) -> list[Array]:
        """The arrays of a gradient, if it has the structure and the shapes of x."""
        fits = not isinstance(given, Mapping) if self.keys is None else set(_keys(given)) == set(self.keys)
        if not fits:
            raise ValueError(f"gradient is {reprlib.repr(given)}; expected arrays for {', '.join(self.names)}")
        arrays = [np.asarray(part) for part in self.parts(given)]
        for name, ours, array in zip(self.names, self.arrays, arrays, strict=True):
            if array.dtype.kind not in "fiu":
                raise TypeError(f"gradient of {name} holds {array.dtype}; expected floats")
            if array.shape != ours.shape:
                raise ValueError(f"gradient of {name} has shape {array.shape}; expected {ours.shape}")
        return [array.astype(np.float64) for array in arrays]


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


def _keys(x: Any) -> list[Any]:
    return list(x if isinstance(x, Mapping) else range(len(x)) if isinstance(x, list | tuple) else ())


def _require_floats(name: str, array: Any) -> Array:
    values = np.asarray(array)
    if values.dtype.kind != "f":
        raise TypeError(f"{name} holds {values.dtype}; expected floats (write {name}.astype(float))")
    if values.size == 0:
        raise ValueError(f"{name} is empty, of shape {values.shape}; there is nothing to differentiate by")
    require_finite(name, np.atleast_1d(values))
    return values.astype(np.float64)
