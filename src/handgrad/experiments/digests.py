"""Short digests of what a name does not tell: the data in a table, the code of somebody's own rule."""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from handgrad.datasets import Dataset
from handgrad.rules import Rule

_LENGTH = 16  # hexadecimal digits: 64 bits


def digest(parts: Any) -> str:
    """Of plain values, the same on every machine.

    >>> digest({"b": 1, "a": [2.5, None]}) == digest({"a": [2.5, None], "b": 1})
    True
    """
    return _short(json.dumps(parts, sort_keys=True, allow_nan=False).encode())


def digest_of_data(dataset: Dataset) -> str:
    """Of all that decides what networks see of a dataset: its numbers, and the raw rows behind them."""
    names: list[Any] = [dataset.feature_names, dataset.target_name, dataset.class_names]
    rows: Any = dataset.rows
    raw = rows.to_csv() if hasattr(rows, "to_csv") else list(_value(rows))
    return digest([names, *_value(dataset.X), *_value(dataset.y), raw])


def digest_of_rule(rule: Rule) -> str | None:
    """Of the code of somebody's own rule; None for one that is built in, which its name tells.

    Raises ValueError where the code uses an object whose content cannot be told.
    """
    registered = rule.registry.rules.get(rule.name) if rule.registry else None
    if registered is not None and registered(**rule.parameters) == rule:
        return None
    held = {name: value for name, value in vars(rule).items() if name not in ("name", "parameters")}
    return digest([[name, *_value(value)] for name, value in sorted(held.items())])


def _value(value: Any, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """A value as text that differs where the value does: functions by their code, arrays by their numbers."""
    if isinstance(value, FunctionType | MethodType | partial):
        if not any(value is each for each in seen):  # a function that calls itself
            yield from _code(value, (*seen, value))
    elif isinstance(value, CodeType):
        yield from _instructions(value, seen)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    elif isinstance(value, tuple | list | frozenset | set):
        for each in sorted(value, key=repr) if isinstance(value, frozenset | set) else value:
            yield from _value(each, seen)
    elif isinstance(value, dict):
        for key in sorted(value, key=repr):
            yield repr(key)
            yield from _value(value[key], seen)
    elif isinstance(value, ModuleType | BuiltinFunctionType | np.ufunc | type):
        yield getattr(value, "__qualname__", value.__name__)
    elif " at 0x" in repr(value):
        raise ValueError(f"a rule of your own uses {value!r}, whose content cannot be told; pass plain values instead")
    else:
        yield repr(value)


def _code(function: Any, seen: tuple[Any, ...]) -> Iterator[str]:
    """What a function does: its instructions, its defaults, what it closes over, and the globals that it names."""
    if isinstance(function, partial):
        yield from _value((function.func, function.args, function.keywords), seen)
        return
    function = getattr(function, "__func__", function)
    yield from _instructions(function.__code__, seen)
    yield from _value((function.__defaults__, function.__kwdefaults__), seen)
    yield from _value([cell.cell_contents for cell in function.__closure__ or ()], seen)
    for name in sorted(_names(function.__code__) & set(function.__globals__)):
        yield name
        yield from _value(function.__globals__[name], seen)


def _names(code: CodeType) -> set[str]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _instructions(code: CodeType, seen: tuple[Any, ...]) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        yield from _value(constant, seen)


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:_LENGTH]
