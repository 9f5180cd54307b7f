"""What a stream is made of: sources that are read part by part, and which of their rows are taken."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array
from handgrad.preprocessing import Preprocessing

BLOCK = 1 << 16  # rows whose membership is decided at once


class Part(NamedTuple):
    """Some rows in sequence: X (n, D), y (n,) or (n, C), weights (n,) or None, and where they come from.

    `first` is the number of the first row in the whole source; in its `place`, a file's row group or a batch, that row
    has the number `offset`.
    """

    place: str
    offset: int
    first: int
    X: Array
    y: Array
    weight: Array | None = None
    kept: Array | None = None  # where only some of these rows are left: their numbers here before

    def row(self, number: int) -> str:
        """How an error names the row of that number in this part."""
        number = number if self.kept is None or not len(self.kept) else int(self.kept[number])
        return f"{self.place}{', ' if self.place else ''}row {self.offset + number}"


class Source(Protocol):
    """Rows that are read in pieces; a source of one piece can only be read in sequence."""

    @property
    def one_shot(self) -> bool:
        """Whether it can be read once and then no more."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def pieces(self) -> int:
        """How many pieces can be read in any order."""

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Of the columns of X, where they are known before any is read."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Of the classes, where the source knows that its y is classes."""

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How raw rows become X, where there are raw rows."""

    def read(self, piece: int) -> Iterator[Part]:
        """The rows of a piece, a bounded number of them at a time."""

    def fingerprint(self) -> str:
        """What tells this source from another, without reading it."""

    def standardised(self, taken: "tuple[Selection, ...]") -> "Source":
        """The same source with means and scales of these rows taken out of X."""


class Selection(NamedTuple):
    """Rows drawn by their number: those whose random number, in [0, 1), lies in [low, high)."""

    seed: int
    purpose: str
    low: float
    high: float

    def of(self, first: int, rows: int) -> Array:
        """Which of so many rows from `first` on are taken, (rows,) bool.

        >>> int(Selection(0, "split", 0.0, 0.25).of(0, 10_000).sum())
        2410
        """
        u = randomness.uniforms(randomness.key(self.seed, None, self.purpose), first, rows)
        return (u >= self.low) & (u < self.high)


def taken(selections: tuple[Selection, ...], first: int, rows: int) -> Array:
    """Which of these rows all selections take, (rows,) bool."""
    mask = np.ones(rows, dtype=bool)
    for selection in selections:
        mask &= selection.of(first, rows)
    return mask


def count(selections: tuple[Selection, ...], rows: int) -> int:
    """How many rows of a source they take."""
    if not selections:
        return rows
    return sum(int(taken(selections, at, min(BLOCK, rows - at)).sum()) for at in range(0, rows, BLOCK))


def chosen(part: Part, mask: Array) -> Part:
    """The rows of a part that the mask (n,) takes."""
    if mask.all():
        return part
    weight = None if part.weight is None else part.weight[mask]
    return part._replace(X=rows_of(part.X, mask), y=part.y[mask], weight=weight, kept=np.flatnonzero(mask))


def rows_of(X: Array, mask: Array) -> Array:
    """The rows of X (n, D) that the mask takes, in X's own layout."""
    if mask.all():
        return X
    if X.ndim == 2 and X.flags.f_contiguous:
        return np.take(X.T, np.flatnonzero(mask), axis=1).T
    return X[mask]
