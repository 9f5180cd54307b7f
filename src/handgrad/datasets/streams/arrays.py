"""Streams from arrays, in memory or mapped from files, and from batches that somebody else makes."""

import hashlib
import mmap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_integer, require_numeric, require_rows
from handgrad.datasets.streams.moments import Moments
from handgrad.datasets.streams.parts import Part, Selection, Source, chosen, taken
from handgrad.preprocessing import Preprocessing

PIECE = 1 << 20  # bytes of X that are read at a time: small, so that a buffer mixes rows from many places
Batches = Iterable[Any] | Callable[[], Iterable[Any]]


@dataclass(frozen=True, eq=False)
class ArraySource:
    """X (N, D) of any numeric dtype with y (N,) or (N, C), neither copied nor cast as a whole."""

    X: Array
    y: Array
    weight: Array | None = None
    one_shot: bool = field(default=False, init=False)
    preprocessing: None = field(default=None, init=False)
    class_names: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        X, y = require_numeric("X", self.X), require_numeric("y", self.y)
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"X has shape {X.shape}; expected (N, D), at least one row and one column")
        if y.ndim not in (1, 2):
            raise ValueError(f"y has shape {y.shape}; expected ({len(X)},) or ({len(X)}, C)")
        require_rows("y", y, len(X))
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        if self.weight is not None:
            weight = require_numeric("sample_weight", self.weight)
            if weight.shape != (len(X),):
                raise ValueError(f"sample_weight has shape {weight.shape}; expected ({len(X)},), one for each row of X")
            object.__setattr__(self, "weight", weight)

    @property
    def rows(self) -> int:
        """N."""
        return len(self.X)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """x1 to xD."""
        return _numbered(self.X.shape[1])

    @property
    def pieces(self) -> int:
        """Pieces of a megabyte."""
        return -(-self.rows // self._length)

    @property
    def _length(self) -> int:
        return max(1, PIECE // (self.X.shape[1] * self.X.itemsize))

    def read(self, piece: int) -> Iterator[Part]:
        """One part: copies of these rows."""
        first = piece * self._length
        rows = slice(first, first + self._length)
        weight = None if self.weight is None else np.array(self.weight[rows])
        yield Part("", first, first, np.array(self.X[rows]), np.array(self.y[rows]), weight)
        for array in (self.X, self.y, self.weight):
            forget_pages(array)

    def fingerprint(self) -> str:
        """Of the shapes and dtypes, of all targets and weights, and of a thousand rows of X from first to last."""
        digest = hashlib.sha256()
        spread = np.unique(np.linspace(0, self.rows - 1, num=1000).astype(np.int64))
        for array in (self.X[spread], self.y, self.weight):
            if array is not None:
                digest.update(f"{array.shape} {array.dtype.str}".encode())
                digest.update(np.ascontiguousarray(array).data)
        forget_pages(self.X)
        return f"{self.rows} {digest.hexdigest()[:16]}"

    def standardised(self, taken: tuple[Selection, ...]) -> Source:
        """With means and scales of these rows taken out."""
        return Standardised(self, taken)


@dataclass(frozen=True, eq=False)
class BatchSource:
    """Batches (X, y) or (X, y, weights) of any length, made anew for each pass; they come in their own order."""

    batches: Batches
    known: int | None = None
    pieces: int = field(default=1, init=False)
    feature_names: None = field(default=None, init=False)
    preprocessing: None = field(default=None, init=False)
    class_names: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.known is not None:
            require_integer("rows", self.known)
        elif self.one_shot:
            raise ValueError(
                "an iterator gives its batches once, and its rows must be known before: pass a function that returns a "
                "new iterator for each epoch, or, for a single epoch, rows="
            )

    @property
    def one_shot(self) -> bool:
        """Whether it is an iterator, which is used up by one pass."""
        return isinstance(self.batches, Iterator)

    @cached_property
    def rows(self) -> int:
        """As told, or counted in a pass of its own."""
        counted = self.known if self.known is not None else sum(len(part.X) for part in self.read(0))
        if counted == 0:
            raise ValueError("the batches have no rows; expected at least one")
        return counted

    def read(self, piece: int) -> Iterator[Part]:
        """All batches, one part each."""
        first = 0
        for number, batch in enumerate(self.batches() if callable(self.batches) else self.batches):
            part = _part_of(batch, number, first)
            first += len(part.X)
            yield part

    def fingerprint(self) -> str:
        """Of the number of rows: more is not known without reading."""
        return f"batches of {self.rows} rows"

    def standardised(self, taken: tuple[Selection, ...]) -> Source:
        """With means and scales of these rows taken out."""
        return Standardised(self, taken)


@dataclass(frozen=True, eq=False)
class Standardised:
    """A source of numbers with the means and scales of the rows `of` taken out; one pass finds them, when needed."""

    source: Source
    of: tuple[Selection, ...]
    one_shot: bool = field(default=False, init=False)
    class_names: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.source.one_shot:
            raise ValueError("an iterator gives its batches once, but means and scales need a pass of their own")

    @property
    def rows(self) -> int:
        """Those of the source."""
        return self.source.rows

    @property
    def pieces(self) -> int:
        """Those of the source."""
        return self.source.pieces

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.preprocessing.feature_names

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """The columns with their means and scales."""
        moments: Moments | None = None
        for piece in range(self.source.pieces):
            for part in self.source.read(piece):
                moments = Moments(part.X.shape[-1]) if moments is None else moments
                require_columns(part, len(moments.mean))
                require_numbers(part)
                moments.add(chosen(part, taken(self.of, part.first, len(part.X))).X.astype(np.float64))
        if moments is None or not moments.count:
            raise ValueError("the stream has no rows to take means and scales from")
        return Preprocessing(moments.columns(_numbered(len(moments.mean))), "y")

    def read(self, piece: int) -> Iterator[Part]:
        """The source's parts, standardised, in float64."""
        for part in self.source.read(piece):
            require_columns(part, len(self.preprocessing.columns))
            require_numbers(part)
            yield part._replace(X=self.preprocessing.transform(part.X)) if len(part.X) else part

    def fingerprint(self) -> str:
        """That of the source, and which rows the means are of."""
        return f"{self.source.fingerprint()} standardised {self.of}"

    def standardised(self, taken: tuple[Selection, ...]) -> Source:
        """With means and scales of other rows."""
        return Standardised(self.source, taken)


def require_columns(part: Part, columns: int) -> None:
    """Refuse a part with another number of columns."""
    if part.X.ndim != 2 or part.X.shape[1] != columns:
        raise ValueError(f"{part.row(0)} on: X has shape {part.X.shape}; expected (rows, {columns})")


def require_numbers(part: Part, names: tuple[str, ...] | None = None) -> None:
    """Refuse a number that is not finite, and say where it is."""
    for what, array in (("X", part.X), ("y", part.y), ("the weight", part.weight)):
        if array is None or array.dtype.kind != "f" or np.isfinite(array).all():
            continue
        row, *column = np.argwhere(~np.isfinite(array))[0].tolist()
        place = f" in column {column[0]}" if column else ""
        place += f" ({names[column[0]]!r})" if what == "X" and column and names is not None else ""
        raise ValueError(
            f"{part.row(row)}: {what} has {array[(row, *column)]}{place}; expected finite numbers; "
            "fill or drop such rows first"
        )


def forget_pages(array: Array | None) -> None:
    """Let the system have back the memory of the pages of a mapped file that were read; they stay in its cache.

    Only where NumPy mapped a file to share: what is in private pages is nowhere else, and would be lost.
    """
    base: Any = array
    shared = False
    while isinstance(base, np.ndarray):
        shared = base.mode in ("r", "r+", "w+") if isinstance(base, np.memmap) else shared
        base = base.base
    if shared and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _part_of(batch: Any, number: int, first: int) -> Part:
    """A batch as a part, or an error that says which batch it is."""
    place = f"batch {number}"
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        given = type(batch).__name__ + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
        raise TypeError(f"{place} is a {given}; expected a tuple (X, y), or (X, y, weights)")
    try:
        X, y, *weight = (require_numeric(name, each) for name, each in zip(("X", "y", "weights"), batch, strict=False))
        for name, each in (("y", y), *(("weights", each) for each in weight)):
            require_rows(name, np.atleast_1d(each), len(np.atleast_1d(X)))
    except (TypeError, ValueError) as wrong:
        raise type(wrong)(f"{place}: {wrong}") from wrong
    return Part(place, 0, first, X, y, weight[0] if weight else None)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{number}" for number in range(1, columns + 1))
