"""Plain functions as C functions: compiled for a dtype, called by address, typed by their annotations.

What LLVM has to look at in one piece decides how long compiling takes, so each of the inner loops is a function of its
own, and the engine that calls them has next to no loops.
"""

import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import types

from handgrad.compiled.cache import native
from handgrad.compiled.functions import functions


class Numbers:
    """A pointer to numbers of the dtype that a function is compiled for."""

    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...


class Integers:
    """A pointer to 64-bit integers."""

    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...


def number(dtype: np.dtype[Any]) -> Any:
    """Numba's type for a dtype."""
    return types.float64 if dtype == np.float64 else types.float32


def address(function: Callable[..., Any], dtype: np.dtype[Any]) -> int:
    """Where the function lies in memory, compiled for a dtype: `int` is 64-bit, `float` a number of the dtype."""
    return int(compiled_for(function, dtype).address)


@cache
def compiled_for(function: Callable[..., Any], dtype: np.dtype[Any]) -> Any:
    """The C function of a plain function of numbers, `Numbers` and `Integers`."""
    assert isinstance(function, FunctionType)
    text = f"# {dtype.name}, {function.__module__}\n{inspect.getsource(function)}"
    own = FunctionType(function.__code__, function.__globals__ | vocabulary(dtype), function.__name__)
    return native(own, signature(function, dtype), text)


@cache
def generated(text: str, like: Callable[..., Any], dtype: np.dtype[Any]) -> int:
    """The address of a function that is given as text, with the signature of another."""
    namespace = vocabulary(dtype) | {"__name__": __name__}
    exec(compile(text, "<generated>", "exec"), namespace)
    name = text.split("def ", 1)[1].split("(", 1)[0]
    compiled = native(namespace[name], signature(like, dtype), f"# {dtype.name}\n{text}")
    _alive.append(compiled)
    return int(compiled.address)


_alive: list[Any] = []  # compiled code lives as long as its object


def signature(function: Callable[..., Any], dtype: np.dtype[Any]) -> Any:
    """Numba's signature from a function's annotations."""
    known: dict[Any, Any] = {int: types.int64, float: number(dtype), None: types.void}
    known |= {Numbers: types.CPointer(number(dtype)), Integers: types.CPointer(types.int64)}
    *arguments, result = (known[each] for each in inspect.get_annotations(function).values())
    return result(*arguments)


def vocabulary(dtype: np.dtype[Any]) -> dict[str, Any]:
    """What compiled functions may use: elementary functions of that dtype, and `T`, which makes a constant of it."""
    return functions(dtype) | {"T": dtype.type}
