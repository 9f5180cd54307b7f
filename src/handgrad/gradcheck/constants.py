"""Numbers that may have slipped into a gradient as a factor: how many rows, how many outputs, a learning rate.

They are read from what a function has at hand: arrays and numbers among its closure, defaults, attributes and the
globals it names, and the shapes of the parameters.
"""

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.gradcheck.subjects import Point

_LARGEST = 10**15  # a whole number beyond is no count


def constants_of(functions: tuple[Any, ...], point: Point) -> dict[str, float]:
    """The numbers that functions have at hand, by what they are; shapes before scalars, for they are likelier."""
    counts: dict[str, float] = {}
    for name, value in (pair for function in functions for pair in _at_hand(function)):
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and len(shape) > 0 and all(type(length) is int for length in shape):
            counts[f"rows of {name}"] = float(shape[0])
            if len(shape) == 2:
                counts[f"columns of {name}"] = float(shape[1])
    for name, x in point.items():
        counts |= {f"length of axis {axis} of {name}": float(length) for axis, length in enumerate(x.shape)}
    return counts | _products(counts) | scalars_of(functions)


def scalars_of(functions: tuple[Any, ...]) -> dict[str, float]:
    """The single numbers that functions have at hand, by name; those of objects too, such as a model's settings."""
    found = {}
    for name, value in (pair for function in functions for pair in _at_hand(function)):
        inside = getattr(value, "__dict__", {}) if not callable(value) and not inspect.ismodule(value) else {}
        for each, number in ((name, value), *((f"{name}.{key}", number) for key, number in inside.items())):
            fits = isinstance(number, float | np.number) or (type(number) is int and abs(number) < _LARGEST)
            if fits and np.isfinite(float(number)):
                found[each] = float(number)
    return found


def _products(counts: Mapping[str, float]) -> dict[str, float]:
    """Rows times columns: what a mean over all entries divides by."""
    found = {}
    for name, rows in counts.items():
        columns = counts.get(f"columns of {name.removeprefix('rows of ')}") if name.startswith("rows of ") else None
        if columns:
            found[f"size of {name.removeprefix('rows of ')}"] = rows * columns
    return found


def _at_hand(function: Any) -> Iterator[tuple[str, Any]]:
    """Names and values that a function can reach without being told."""
    if isinstance(function, functools.partial):
        yield from ((str(key), value) for key, value in function.keywords.items())
        yield from (("an argument", value) for value in function.args)
        yield from _at_hand(function.func)
        return
    owner = getattr(function, "__self__", None if inspect.isroutine(function) else function)
    if owner is not None and not inspect.ismodule(owner):
        yield from vars(owner).items() if hasattr(owner, "__dict__") else ()
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function):
        return
    try:
        reachable = inspect.getclosurevars(function)
    except ValueError:  # a name that is not bound yet: what it would be is only a hint
        return
    yield from reachable.nonlocals.items()
    yield from reachable.globals.items()
    parameters = inspect.signature(function).parameters.values()
    yield from ((each.name, each.default) for each in parameters if each.default is not each.empty)
    for value in (*reachable.nonlocals.values(), *reachable.globals.values()):
        if inspect.isfunction(value) and value is not function:
            yield from ((name, each) for name, each in inspect.getclosurevars(value).nonlocals.items())
