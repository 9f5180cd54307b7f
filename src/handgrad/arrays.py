"""The door: what an argument must be before anything is computed with it.

Every check raises before any state changes, names the argument, says what came and what was expected.
"""

import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
ArrayLike: TypeAlias = npt.ArrayLike


def require_integer(argument: str, value: object, at_least: int = 1) -> int:
    """The value as an int, if it is a whole number of at least `at_least`.

    >>> require_integer("epochs", 0)
    Traceback (most recent call last):
        ...
    ValueError: epochs is 0; expected a whole number of at least 1
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{argument} is {value!r}; expected a whole number of at least {at_least}")
    if value < at_least:
        raise ValueError(f"{argument} is {value}; expected a whole number of at least {at_least}")
    return int(value)


def require_bool(argument: str, value: object) -> bool:
    """The value as a bool, if it is one (NumPy's too) or 0 or 1.

    >>> require_bool("shuffle", "no")
    Traceback (most recent call last):
        ...
    TypeError: shuffle is 'no'; expected True or False
    """
    if value not in (False, True):
        raise TypeError(f"{argument} is {value!r}; expected True or False")
    return bool(value)


def require_number(
    argument: str,
    value: object,
    *,
    above: float = -np.inf,
    at_least: float = -np.inf,
    at_most: float = np.inf,
    below: float = np.inf,
) -> float:
    """The value as a float, if it is a finite number inside the bounds.

    >>> require_number("learning_rate", -0.1, above=0)
    Traceback (most recent call last):
        ...
    ValueError: learning_rate is -0.1; expected a finite number above 0
    """
    bounds = [("above", above, -np.inf), ("at least", at_least, -np.inf), ("at most", at_most, np.inf)]
    bounds += [("below", below, np.inf)]
    limits = " and ".join(f"{word} {bound:g}" for word, bound, unbounded in bounds if bound != unbounded)
    expected = f"expected a finite number {limits}".rstrip()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{argument} is {value!r}; {expected}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{argument} is too large for a float; {expected}") from None
    if not (np.isfinite(number) and number > above and at_least <= number <= at_most and number < below):
        raise ValueError(f"{argument} is {value}; {expected}")
    return number


def require_numeric(argument: str, values: ArrayLike) -> Array:
    """The values as an array of numbers; text, objects, ragged lists and masked values are refused.

    >>> require_numeric("X", [["a", "b"]])
    Traceback (most recent call last):
        ...
    TypeError: X holds <U1, not numbers; encode text columns first (handgrad.datasets.from_csv does)
    """
    if np.ma.is_masked(values):
        raise TypeError(
            f"{argument} has masked values, which would be taken as they lie beneath; fill or drop them first"
        )
    try:
        array = np.asarray(values)
    except ValueError as ragged:
        raise ValueError(f"{argument} is ragged: its rows differ in length; expected a rectangular array") from ragged
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{argument} holds {array.dtype}, not numbers; encode text columns first (handgrad.datasets.from_csv does)"
        )
    return array


def require_finite(argument: str, array: Array, names: Sequence[str] | None = None) -> Array:
    """The array, if all its values are finite; otherwise an error that names the first bad row and column.

    >>> require_finite("X", np.array([[1.0, 2.0], [np.nan, 4.0]]))
    Traceback (most recent call last):
        ...
    ValueError: X has nan at row 1, column 0 (1 value is not finite); fill or drop such rows first
    """
    finite = np.isfinite(array)
    if finite.all():
        return array
    where = tuple(int(i) for i in np.argwhere(~finite)[0])
    axes = ("network", "row", "column")[-len(where) :] if len(where) > 1 else ("row",)
    place = ", ".join(f"{axis} {i}" for axis, i in zip(axes, where, strict=True))
    if names is not None:
        place += f" ({names[where[-1]]!r})"
    bad = int((~finite).sum())
    count = "1 value is" if bad == 1 else f"{bad} values are"
    raise ValueError(f"{argument} has {array[where]} at {place} ({count} not finite); fill or drop such rows first")


def require_rows(argument: str, array: Array, rows: int, like: str = "X") -> Array:
    """The array, if its first axis has that many rows."""
    if array.shape[0] != rows:
        raise ValueError(f"{argument} has {array.shape[0]} rows but {like} has {rows}; each row of {like} needs one")
    return array
