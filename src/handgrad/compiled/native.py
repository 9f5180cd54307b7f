"""Plain functions as C functions: compiled for a dtype, called by address, typed by their annotations.

What LLVM has to look at in one piece decides how long compiling takes, so each of the inner loops is a function of its
own, and the engine that calls them has next to no loops. A function is known by its place, "loops.copy", so that Numba
and what needs it are imported only when something has to be compiled.
"""

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

from handgrad.compiled.cache import Code, announce, load
from handgrad.compiled.expressions import NotCompilable


class Numbers:
    """A pointer to numbers of the dtype that a function is compiled for."""

    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...


class Integers:
    """A pointer to 64-bit integers."""

    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...


@cache
def address(place: str, dtype: np.dtype[Any]) -> int:
    """Where the function at "module.name" of this room lies in memory, compiled for a dtype."""

    def make() -> Code:
        module, name = place.split(".")
        function = getattr(import_module(f"handgrad.compiled.{module}"), name)
        return _compiled(function, function.__globals__, function, dtype)

    return load(f"{place}_{dtype.name}", make)


@cache
def generated(text: str, like: Callable[..., Any], dtype: np.dtype[Any]) -> int:
    """The address of a function that is given as text, with the signature of another."""
    name = text.split("def ", 1)[1].split("(", 1)[0]

    def make() -> Code:
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(compile(text, f"<{name}>", "exec"), namespace)
        from numba.core.errors import NumbaError

        try:
            return _compiled(namespace[name], namespace, like, dtype)
        except NumbaError as refusal:
            raise NotCompilable(f"{name}: its formulas mix numbers and conditions, or similar") from refusal

    return load(f"{name}_{dtype.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}", make)


def _compiled(
    function: FunctionType, namespace: dict[str, Any], like: Callable[..., Any], dtype: np.dtype[Any]
) -> Code:
    """The function with `T` and the elementary functions of the dtype, typed like another, as object code."""
    from numba import cfunc

    from handgrad.compiled.functions import functions
    from handgrad.compiled.pointers import FAST

    announce(dtype.name)
    vocabulary = functions(dtype) | {"T": dtype.type}
    own = FunctionType(function.__code__, namespace | vocabulary, function.__name__)
    compiled: Any = cfunc(signature(like, dtype), fastmath=FAST, error_model="numpy")(own)
    _, _, (code, _) = compiled._library.serialize_using_object_code()
    return compiled.native_name, code


def signature(function: Callable[..., Any], dtype: np.dtype[Any]) -> Any:
    """Numba's signature from a function's annotations: `int` is 64-bit, `float` a number of the dtype."""
    from numba import types

    number = types.float64 if dtype == np.float64 else types.float32
    known: dict[Any, Any] = {int: types.int64, float: number, None: types.void}
    known |= {Numbers: types.CPointer(number), Integers: types.CPointer(types.int64)}
    *arguments, result = (known[each] for each in inspect.get_annotations(function).values())
    return result(*arguments)
