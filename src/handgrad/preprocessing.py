"""How raw columns become X: numbers are standardised or left as they are, text is one-hot encoded.

What is learned from rows (means, scales) is learned from the training rows only, kept in plain records, and travels
with the network as JSON, so that a saved network reads the same raw table that it was trained on.
"""

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeGuard

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_number, require_numeric
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd

FEW_CATEGORIES = 20  # up to so many are always encoded; beyond, a category must have two rows on average


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers v (B,) -> (v - mean) / scale (B, 1); mean 0 and scale 1 leave it unchanged.

    >>> NumericColumn("age").fit(np.array([20.0, 40.0]))
    NumericColumn(name='age', mean=30.0, scale=10.0)
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", require_number(f"mean of column {self.name!r}", self.mean))
        object.__setattr__(self, "scale", require_number(f"scale of column {self.name!r}", self.scale, above=0))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of its one feature: its own."""
        return (self.name,)

    def fit(self, values: Array) -> Self:
        """The same column with the mean and the standard deviation of these values; scale 1 if they are all equal."""
        v = as_numbers(self.name, values)  # (B,)
        if np.all(v == v[0]):
            return type(self)(self.name, float(v[0]), 1.0)  # v.mean() could be off by an ulp, and the scale 1e-17
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = float(v.mean()), float(v.std())
        if not np.isfinite([mean, scale]).all():
            raise ValueError(f"column {self.name!r} is too large to standardise (its variance overflows); rescale it")
        return type(self)(self.name, mean, scale or 1.0)  # a variance below 1e-308 underflows to 0

    def encode(self, values: Array) -> Array:
        """The values (B,) as a column of X, (B, 1)."""
        v = as_numbers(self.name, values)  # (B,)
        with np.errstate(over="ignore"):
            x = (v - self.mean) / self.scale  # (B,)
        return _require_finite(self.name, x)[:, None]

    def to_dict(self) -> dict[str, Any]:
        """Its fields, for JSON."""
        return {"name": self.name, "mean": self.mean, "scale": self.scale}


@dataclass(frozen=True)
class TextColumn:
    """A column of text (B,) -> one column of zeros and ones for each category, (B, categories).

    Values are compared as text, so that a table in which "1" was read as the number 1 still matches.

    >>> TextColumn("colour", ("blue", "red")).encode(np.array(["red", "blue"]))
    array([[0., 1.],
           [1., 0.]])
    """

    name: str
    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.categories or len(set(self.categories)) < len(self.categories):
            raise ValueError(f"categories of column {self.name!r} are {self.categories}; expected distinct texts")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each category, such as `colour=red`."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def fit(self, values: Array) -> Self:
        """The column itself: its categories belong to the table's description, not to some of its rows."""
        return self

    def encode(self, values: Array) -> Array:
        """The values (B,) as columns of X, (B, categories)."""
        position = {category: i for i, category in enumerate(self.categories)}
        codes = np.array([position.get(str(value), -1) for value in values])  # (B,)
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            error = unknown("category", str(values[row]), self.categories)
            raise ValueError(f"column {self.name!r} at row {row}: {error}")
        return np.equal(codes[:, None], np.arange(len(self.categories))).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Its fields, for JSON."""
        return {"name": self.name, "categories": list(self.categories)}


Column: TypeAlias = NumericColumn | TextColumn


@dataclass(frozen=True)
class Preprocessing:
    """The columns that X is made of, in order, and the names that its rows and targets go by.

    `class_names` is None for regression. A Preprocessing never changes: fitting gives a new one.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"age": [20, 40], "colour": ["red", "blue"]})
    >>> fitted = Preprocessing.fit(rows, target_name="price", class_names=None)
    >>> fitted.feature_names
    ('age', 'colour=blue', 'colour=red')
    >>> fitted.transform(rows)
    array([[-1.,  0.,  1.],
           [ 1.,  1.,  0.]])
    """

    columns: tuple[Column, ...]
    target_name: str
    class_names: tuple[str, ...] | None = None

    @classmethod
    def fit(
        cls,
        rows: "pd.DataFrame",
        *,
        standardise: bool = True,
        target_name: str,
        class_names: Sequence[str] | None,
    ) -> Self:
        """Describe every column of the rows but the target, and standardise the numbers or leave them unchanged.

        A column of numbers (bool among them) is numeric, a column of text becomes its categories in sorted order.

        Raises
        ------
        ValueError
            No rows or no columns; a missing or infinite value; numbers and text in one column; column names that are
            repeated or not text; or a text column with nearly as many different values as rows.
        """
        names = [name for name in rows.columns if name != target_name]
        if not names:
            raise ValueError(f"rows has no columns besides the target {target_name!r}; a network needs inputs")
        columns = tuple(_describe(name, read_column(rows, name)) for name in names)
        described = cls(columns, target_name, None if class_names is None else tuple(class_names))
        return described.refit(rows, standardise=standardise)

    def refit(self, rows: "pd.DataFrame | ArrayLike", *, standardise: bool = True) -> Self:
        """The same columns and categories, with the numbers' means and scales taken from other rows.

        >>> plain = Preprocessing((NumericColumn("age"),), "price")
        >>> plain.refit([[1.0], [5.0]]).columns
        (NumericColumn(name='age', mean=3.0, scale=2.0),)
        """
        if standardise:
            pairs = zip(self.columns, self._read(rows), strict=True)
            columns = tuple(column.fit(values) for column, values in pairs)
        else:
            columns = tuple(NumericColumn(c.name) if isinstance(c, NumericColumn) else c for c in self.columns)
        return type(self)(columns, self.target_name, self.class_names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of X, (D,)."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def transform(self, rows: "pd.DataFrame | ArrayLike") -> Array:
        """The rows as X (B, D), float64.

        `rows` is a DataFrame with the raw columns in any order, where other columns (such as the target) are ignored;
        or, if all columns are numeric, an array (B, columns) in the order of `columns`.

        Raises
        ------
        ValueError
            A column is missing, a value is not a finite number, a category is unknown, there are no rows, or an array
            has another number of columns. The row (counted from 0) and the column are named.
        """
        X = np.empty((_count_rows(rows), len(self.feature_names)))  # (B, D)
        first = 0
        for column, values in zip(self.columns, self._read(rows), strict=True):
            last = first + len(column.feature_names)
            X[:, first:last] = column.encode(values)
            first = last
        return X

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values that JSON keeps exactly.

        >>> Preprocessing((NumericColumn("age", 30.0, 10.0),), "price").to_dict()["columns"]
        [{'name': 'age', 'mean': 30.0, 'scale': 10.0}]
        """
        return {
            "columns": [column.to_dict() for column in self.columns],
            "target_name": self.target_name,
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The Preprocessing that `to_dict` wrote.

        >>> ages = Preprocessing((NumericColumn("age", 30.0, 10.0),), "kind", ("cat", "dog"))
        >>> Preprocessing.from_dict(ages.to_dict()) == ages
        True

        Raises
        ------
        ValueError
            d is not what `to_dict` writes.
        """
        try:
            columns = tuple(_column_from_dict(each) for each in d["columns"])
            target_name, class_names = d["target_name"], d["class_names"]
            _require_texts(target_name)
            return cls(columns, target_name, None if class_names is None else _require_texts(*class_names))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"d is not what Preprocessing.to_dict writes ({error!r}); was the file changed?"
            ) from error

    def _read(self, rows: "pd.DataFrame | ArrayLike") -> Iterator[Array]:
        """The raw values (B,) of each column, in order."""
        _count_rows(rows)
        if _is_table(rows):
            return (read_column(rows, column.name) for column in self.columns)
        return iter(np.ascontiguousarray(values) for values in self._require_array(rows).T)

    def _require_array(self, rows: ArrayLike) -> Array:
        """The rows as an array (B, columns) of numbers."""
        names = ", ".join(column.name for column in self.columns)
        text = [column.name for column in self.columns if isinstance(column, TextColumn)]
        if text:
            raise ValueError(f"rows is an array but column {text[0]!r} is text; pass a DataFrame with columns {names}")
        array = require_numeric("rows", rows)
        if array.ndim != 2 or array.shape[1] != len(self.columns):
            expected = f"(B, {len(self.columns)}), the columns {names}"
            raise ValueError(f"rows has shape {array.shape}; expected {expected}; did you pass the target column too?")
        return array


def read_column(rows: "pd.DataFrame", name: str) -> Array:
    """A table's column as an array (B,): of numbers if its type is numeric, else of the objects it holds.

    Raises
    ------
    ValueError
        There are no rows, no such column or several, or a value is missing.
    """
    _count_rows(rows)
    count = int(np.sum(rows.columns.isin([name])))  # by pandas: a list of a thousand names for each column takes long
    if count == 0:
        raise ValueError(f"rows lacks a column that X is made of: {unknown('column', name, rows.columns)}")
    if count > 1:
        raise ValueError(f"rows has {count} columns named {name!r}; column names must differ")
    column = rows[name]
    _require_no_missing(name, column.isna().to_numpy())
    return np.array(column.to_numpy() if column.dtype.kind in "buif" else column.to_numpy(dtype=object))


def holds_text(name: str, values: Array) -> bool:
    """Whether the values (B,) are text, rather than numbers.

    >>> holds_text("size", np.array(["S", 3, "L"], dtype=object))
    Traceback (most recent call last):
        ...
    ValueError: column 'size' has 3 at row 1; expected text in every row, as in row 0, or a number in every row
    """
    if values.dtype.kind in "buif":
        return False
    text = [isinstance(value, str) for value in values]
    number = [isinstance(value, numbers.Real | Decimal | np.bool_) for value in values]
    alike = text if text[0] else number
    if not all(alike):
        row = alike.index(False)
        first = ", as in row 0," if row else ""
        one, other = ("text", "a number") if text[0] else ("a number", "text")
        expected = f"expected {one} in every row{first} or {other} in every row"
        raise ValueError(f"column {name!r} has {values[row]!r} at row {row}; {expected}")
    return text[0]


def as_numbers(name: str, values: Array) -> Array:
    """The values (B,) as finite float64 (B,); numbers written as text are read.

    >>> as_numbers("age", np.array(["20", "old"], dtype=object))
    Traceback (most recent call last):
        ...
    ValueError: column 'age' has 'old' at row 1; expected a number
    """
    if values.dtype.kind not in "buif":
        values = np.array([_number(name, row, value) for row, value in enumerate(values)])
    return _require_finite(name, values.astype(np.float64, copy=False))


def _number(name: str, row: int, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"column {name!r} has {value!r} at row {row}; expected a number") from None


def _require_finite(name: str, values: Array) -> Array:
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"column {name!r} has {values[row]} at row {row}; expected a finite number; fill or drop it")
    return values


def too_many_categories(categories: int, rows: int) -> bool:
    """Whether so many different texts tell the rows apart rather than anything about them.

    >>> too_many_categories(20, 20), too_many_categories(60, 100)
    (False, True)
    """
    return categories > max(FEW_CATEGORIES, rows / 2)


def _describe(name: object, values: Array) -> Column:
    """The column that these values make, not fitted yet."""
    if not isinstance(name, str):
        raise ValueError(f"rows has a column named {name!r}; expected text; rename with rows.columns.astype(str)")
    if not holds_text(name, values):
        return NumericColumn(name)
    categories = tuple(sorted(set(values)))
    if too_many_categories(len(categories), len(values)):
        row = next((row for row, value in enumerate(values) if not _reads_as_number(value)), 0)
        raise ValueError(
            f"column {name!r} has {len(categories)} different texts in {len(values)} rows, too many to one-hot encode; "
            f"drop or group it, or, if it should hold numbers, correct row {row} ({values[row]!r})"
        )
    return TextColumn(name, categories)


def _column_from_dict(d: Mapping[str, Any]) -> Column:
    _require_texts(d["name"])
    if "categories" in d:
        return TextColumn(d["name"], _require_texts(*d["categories"]))
    return NumericColumn(d["name"], d["mean"], d["scale"])


def _require_texts(*values: object) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is not text")
    return tuple(str(value) for value in values)


def _reads_as_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_table(rows: object) -> "TypeGuard[pd.DataFrame]":
    return hasattr(rows, "columns")


def _count_rows(rows: Any) -> int:
    count = len(rows)
    if count == 0:
        raise ValueError("rows has no rows; expected at least one")
    return count


def _require_no_missing(name: str, missing: Array) -> None:
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        values = "1 value is" if count == 1 else f"{count} values are"
        raise ValueError(
            f"column {name!r} has no value at row {row} ({values} missing: empty, nan, NA or null); "
            "fill or drop such rows first"
        )
