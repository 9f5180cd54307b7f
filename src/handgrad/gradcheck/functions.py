"""Checking anybody's gradient: any scalar function of an array, or of a dict, list or tuple of arrays."""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_finite
from handgrad.gradcheck.subjects import Point, typical_size
from handgrad.gradcheck.variables import CLEAR, Values, Variable


class GivenFunction:
    """A function of x and its gradient, as they were given, behind named float64 arrays.

    The function gets the structure of x in fresh arrays at every call, so that one that writes into its argument
    spoils nothing; `changed` remembers that it did, `failure` what it raised away from the point.
    """

    def __init__(self, function: Callable[[Any], Any], gradient: Any, x: Any) -> None:
        self.function, self.given = function, gradient
        self.structure = Structure(x)
        self.title = f"gradient check of {name_of(function)}"
        self.point: Point = dict(zip(self.structure.names, self.structure.arrays, strict=True))
        self.changed: set[str] = set()
        self.failure: Exception | None = None
        self.in_double = not self.structure.float32 or self._takes_float64()

    @property
    def precision(self) -> type[np.floating[Any]]:
        """The precision in which the gradient was asked for."""
        return np.float32 if self.structure.float32 else np.float64

    def value(self, point: Point) -> float:
        """The function's value, if it is a finite number; otherwise an error that says what it is."""
        try:
            value = self._call(self.function, "function", point)
        except Exception as failure:
            raise ValueError(f"function raised {type(failure).__name__} at x: {failure}") from failure
        return _require_value(value)

    def gradient(self, point: Point) -> Point:
        """The gradient's arrays by name, in whatever shape they came; a structure that is not x's is refused."""
        given = self.given
        if callable(given):
            try:
                given = self._call(given, "gradient", point)
            except Exception as failure:
                raise ValueError(f"gradient raised {type(failure).__name__} at x: {failure}") from failure
        return self.structure.named(given)

    def variables(self, point: Point) -> list[Variable]:
        """One array at a time; points are looked at one after another."""
        value = self.value(point)
        return [
            Variable(name, x.shape, x.reshape(-1), typical_size(x.reshape(-1)), value, self._around(point, name), 1)
            for name, x in point.items()
        ]

    def _around(self, point: Point, name: str) -> Callable[[Array, bool], Values]:
        shape = point[name].shape

        def around(points: Array, watch: bool) -> Values:
            values = [self._value_or_nan(point | {name: moved.reshape(shape)}) for moved in points]
            return Values(np.array(values), np.full(len(points), CLEAR))

        return around

    def _value_or_nan(self, point: Point) -> float:
        try:
            return _number(self.function(self.structure.rebuild(point, self.in_double)))
        except Exception as failure:  # where the function has no value, the derivative is measured with shorter steps
            self.failure = failure
            return np.nan

    def _call(self, function: Callable[[Any], Any], role: str, point: Point) -> Any:
        in_double = role == "function" and self.in_double
        argument, untouched = self.structure.rebuild(point, in_double), self.structure.rebuild(point, in_double)
        result = function(argument)
        if not self.structure.same(argument, untouched):
            self.changed.add(role)
        return result

    def _takes_float64(self) -> bool:
        """Whether a function of float32 arrays takes float64 too: its slopes are then measured far more finely."""
        try:
            _require_value(self.function(self.structure.rebuild(self.point, True)))
        except Exception:  # whatever it is, it is raised again in float32 if that is not the reason
            return False
        return True


class Structure:
    """How x is built of arrays: one, or a dict, list or tuple of them; and the precision it came in."""

    def __init__(self, x: Any) -> None:
        self.keys: list[Any] | None = None  # of a dict's, list's or tuple's arrays; None: x is one array
        self.names = ["x"]
        self.build: Callable[[list[Array]], Any] = lambda arrays: arrays[0]
        if isinstance(x, Mapping):
            keys = self.keys = list(x)
            self.names = [str(key) for key in keys]
            if len(set(self.names)) < len(keys):
                self.names = [repr(key) for key in keys]
            self.build = lambda arrays: dict(zip(keys, arrays, strict=True))
        elif isinstance(x, list | tuple):
            self.keys = list(range(len(x)))
            self.names = [f"x[{index}]" for index in self.keys]
            self.build = getattr(type(x), "_make", type(x))  # a named tuple takes its fields one by one
        parts = [_require_floats(name, part) for name, part in zip(self.names, self.parts(x), strict=True)]
        if not parts:
            raise ValueError("x is empty; there is nothing to differentiate by")
        self.dtypes = [part.dtype for part in parts]
        self.float32 = any(dtype.itemsize <= 4 for dtype in self.dtypes)
        self.arrays = [part.astype(np.float64) for part in parts]

    def parts(self, x: Any) -> list[Any]:
        """The arrays of something with the structure of x."""
        return [x] if self.keys is None else [x[key] for key in self.keys]

    def rebuild(self, point: Point, in_double: bool) -> Any:
        """The structure of x with these values in fresh arrays: of float64, or of the precision that x came in."""
        dtypes = [np.dtype(np.float64)] * len(self.dtypes) if in_double else self.dtypes
        return self.build([point[name].astype(dtype) for name, dtype in zip(self.names, dtypes, strict=True)])

    def same(self, one: Any, other: Any) -> bool:
        """Whether two of these structures hold the same values."""
        try:
            pairs = list(zip(self.parts(one), self.parts(other), strict=True))
        except (KeyError, IndexError):  # some were taken out
            return False
        return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)

    def named(self, given: Any) -> Point:
        """The arrays of a gradient by name, in float64, if it has the structure of x and holds numbers."""
        fits = not isinstance(given, Mapping) if self.keys is None else set(_keys(given)) == set(self.keys)
        if not fits:
            raise ValueError(f"gradient is {reprlib.repr(given)}; expected arrays for {', '.join(self.names)}")
        return {name: _require_numbers(name, part) for name, part in zip(self.names, self.parts(given), strict=True)}


def name_of(function: Any) -> str:
    """What a reader would call the function."""
    name = getattr(function, "__name__", type(function).__name__)
    return "a function" if name == "<lambda>" else name


def _require_value(value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise TypeError(f"function gave an array of shape {array.shape}, {array.dtype}; expected one number")
    number = float(array.reshape(()))
    if not np.isfinite(number):
        raise ValueError(f"function is {number} at x; check it where it is finite")
    return number


def _number(value: Any) -> float:
    """The value as a float; NaN if it is not one finite number."""
    array = np.asarray(value)
    fits = array.size == 1 and array.dtype.kind in "fiu" and np.isfinite(array).all()
    return float(array.reshape(())) if fits else np.nan


def _keys(given: Any) -> list[Any]:
    return list(given if isinstance(given, Mapping) else range(len(given)) if isinstance(given, list | tuple) else ())


def _require_numbers(name: str, array: Any) -> Array:
    try:
        values = np.asarray(array)
    except ValueError as ragged:
        raise TypeError(f"gradient of {name} is ragged: its rows differ in length; expected an array") from ragged
    if values.dtype.kind not in "fiu":
        raise TypeError(f"gradient of {name} holds {values.dtype}; expected floats")
    return values.astype(np.float64)


def _require_floats(name: str, array: Any) -> Array:
    values = np.asarray(array)
    if values.dtype.kind != "f":
        raise TypeError(f"{name} holds {values.dtype}; expected floats (write {name}.astype(float))")
    if values.dtype.itemsize < 4:
        raise TypeError(f"{name} holds {values.dtype}, too coarse to differentiate in; write {name}.astype(np.float32)")
    if values.size == 0:
        raise ValueError(f"{name} is empty, of shape {values.shape}; there is nothing to differentiate by")
    require_finite(name, values.reshape(-1))
    return values
