"""Short digests of what a name does not tell: the data in a table, the code of somebody's own rule."""

import hashlib
import json
from collections.abc import Iterator
from types import CodeType, FunctionType
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
    """Of what networks see of a dataset."""
    arrays = [np.ascontiguousarray(each) for each in (dataset.X, dataset.y)]
    names = json.dumps([dataset.feature_names, dataset.target_name, dataset.class_names])
    return _short(names.encode() + b"".join(each.tobytes() for each in arrays))


def digest_of_rule(rule: Rule) -> str | None:
    """Of the code of somebody's own rule; None for one that is built in, which its name tells."""
    registered = rule.registry.rules.get(rule.name) if rule.registry else None
    if registered is not None and registered(**rule.parameters) == rule:
        return None
    functions = {name: value for name, value in vars(rule).items() if callable(value)}
    return digest([[name, *_code(value)] for name, value in sorted(functions.items())])


def _code(function: Any) -> Iterator[str]:
    """What a function does, as text: its instructions, the constants and names in them, and what it closes over."""
    if not isinstance(function, FunctionType):
        yield getattr(function, "__name__", type(function).__name__)
        return
    yield from _instructions(function.__code__)
    yield repr(function.__defaults__)
    for cell in function.__closure__ or ():
        if isinstance(cell.cell_contents, FunctionType):
            yield from _code(cell.cell_contents)
        else:
            yield repr(cell.cell_contents)


def _instructions(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
        else:
            yield repr(constant)


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:_LENGTH]
