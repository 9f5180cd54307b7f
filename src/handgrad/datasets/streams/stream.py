"""A stream: rows that are read again for every epoch, and need never fit into memory."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from handgrad import randomness
from handgrad.arrays import Array, ArrayLike, require_integer
from handgrad.datasets.dataset import Dataset, require_share_or_rows
from handgrad.datasets.readers import PathLike
from handgrad.datasets.streams.arrays import ArraySource, BatchSource
from handgrad.datasets.streams.parquet import ParquetFiles
from handgrad.datasets.streams.parts import Part, Selection, Source, chosen, count, taken
from handgrad.datasets.streams.survey import Wanted
from handgrad.datasets.streams.table import TableSource
from handgrad.datasets.tables import TASKS
from handgrad.preprocessing import Preprocessing
from handgrad.randomness import require_seed
from handgrad.rules import unknown

BUFFER = 64 << 20  # bytes, of two buffers together
Change = Callable[[Array, Array], tuple[Array, Array]]


@dataclass(frozen=True, eq=False, repr=False)
class Stream:
    """Rows X and y that are read part by part, as `stream` makes it; `hg.train(net, stream, ...)` trains on it.

    `buffer` is the size of the two buffers in which rows are shuffled, together, in bytes.

    >>> import numpy as np
    >>> rows = Stream(ArraySource(np.ones((1000, 3)), np.zeros(1000)))
    >>> rows
    Stream(1000 rows)
    >>> train, test = rows.split(test=0.2)
    >>> train.rows + test.rows
    1000
    """

    source: Source
    buffer: int = BUFFER
    selections: tuple[Selection, ...] = ()
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        require_integer("buffer", self.buffer)

    def __repr__(self) -> str:
        return f"Stream({self.rows} rows)"

    @cached_property
    def rows(self) -> int:
        """How many rows an epoch has."""
        return count(self.selections, self.source.rows)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns of X, where they have any."""
        return self.source.feature_names

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, of a table with classes."""
        return self.source.class_names

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How raw rows become X; give it to `net.preprocessing`, and it is saved with the network."""
        return self.source.preprocessing

    def split(self, test: float = 0.25, seed: int = 0, standardise: bool = True) -> "tuple[Stream, Stream]":
        """The rows in two streams, `(train, test)`, drawn one by one by their numbers: the shares are met about.

        Means and scales are those of the training rows and serve both; one pass over the rows finds them, when they
        are first needed.

        Raises
        ------
        ValueError
            `test` is no share between 0 and 1 and no number of rows, or a part would be empty.
        """
        test = require_share_or_rows("test", test)
        share = test / self.rows if isinstance(test, int) else test
        purpose = f"split {len(self.selections)}"
        seed = require_seed("seed", seed)
        kept = (*self.selections, Selection(seed, purpose, share, math.inf))
        aside = (*self.selections, Selection(seed, purpose, -math.inf, share))
        if not 0 < count(aside, self.source.rows) < self.rows:
            raise ValueError(f"test={test:g} leaves a part of the {self.rows} rows empty; name another share or seed")
        source = self.source.standardised(kept) if standardise else self.source
        return replace(self, source=source, selections=kept), replace(self, source=source, selections=aside)

    def map(self, change: Change) -> "Stream":
        """The stream with `change(X, y)` in place of X and y, applied to some rows at a time: (n, D) and (n,).

        >>> import numpy as np
        >>> rows = Stream(ArraySource(np.ones((3, 2)), np.arange(3))).map(lambda X, y: (2 * X, y))
        >>> next(rows.parts()).X[0]
        array([2., 2.])
        """
        return replace(self, changes=(*self.changes, change))

    def parts(self, order: Iterable[int] | None = None) -> Iterator[Part]:
        """The rows, piece after piece, in this order of the source's pieces or their own."""
        for piece in range(self.source.pieces) if order is None else order:
            for part in self.source.read(int(piece)):
                part = chosen(part, taken(self.selections, part.first, len(part.X)))
                for change in self.changes:
                    X, y = change(part.X, part.y)
                    if len(X) != len(part.X) or len(y) != len(part.X):
                        raise ValueError(
                            f"map: {len(part.X)} rows became {len(X)} of X and {len(y)} of y; keep them all"
                        )
                    part = part._replace(X=X, y=y)
                if len(part.X):
                    yield part

    def order(self, seed: int | None, epoch: int) -> Array:
        """The order of the pieces in an epoch: the same for all networks, so that a stack reads once for all."""
        return randomness.order(randomness.key(0, seed, "pieces", epoch), self.source.pieces)

    def fingerprint(self) -> str:
        """What tells this stream from another without reading it; functions of `map` are counted, not looked into."""
        return f"{self.source.fingerprint()} {self.selections} {self.buffer} {len(self.changes)}"


def stream(
    source: Any,
    y: ArrayLike | None = None,
    *,
    target: str | None = None,
    task: str | None = None,
    sample_weight: ArrayLike | str | None = None,
    rows: int | None = None,
    standardise: bool = False,
    buffer: int = BUFFER,
) -> Stream:
    """Rows that need not fit into memory, for `hg.train(net, stream, ...)`.

    Parameters
    ----------
    source
        A Parquet file or a folder of them, with `target`; or an array X (N, D), such as a `np.memmap`, with `y`; or
        batches (X, y) or (X, y, weights): a list, anything that can be iterated over anew for each epoch, or a function
        that returns an iterator.
    y
        The targets of an array X, (N,) or (N, C).
    target, task
        As `from_parquet` takes them; a text column becomes its categories, numbers stay as they are.
    sample_weight
        How much each row counts: (N,) beside an array, or the name of a column of a table.
    rows
        How many rows the batches have in all. Without it they are counted, in a pass of their own; an iterator, which
        can be read once, needs it, and trains for one epoch.
    standardise
        Take the numbers' means and scales out of X; `Stream.split` does so with those of the training rows.
    buffer
        Bytes of two buffers together. Rows are shuffled inside each: the larger they are, the better rows mix.

    Examples
    --------
    >>> import numpy as np
    >>> stream([(np.ones((4, 2)), np.zeros(4)), (np.ones((3, 2)), np.ones(3))])
    Stream(7 rows)

    Raises
    ------
    FileNotFoundError
        There is no such file, or the folder has no Parquet files.
    TypeError, ValueError
        The source is none of these, arguments do not go together, or shapes or columns do not fit.
    """
    found = _source(source, y, target, task, sample_weight, rows)
    return Stream(found.standardised(()) if standardise else found, buffer)


def _source(source: Any, y: Any, target: str | None, task: str | None, weight: Any, rows: int | None) -> Source:
    if isinstance(source, Dataset):
        raise TypeError("stream takes X and y of a dataset, not the dataset: stream(dataset.X, dataset.y)")
    if isinstance(source, str | os.PathLike):
        _refuse("a table has a target column, not", y=y, rows=rows)
        return _table(source, target, task, weight)
    _refuse("only a Parquet file or folder has", target=target, task=task)
    if y is not None:
        _refuse("the rows of an array are known; leave out", rows=rows)
        return ArraySource(source, y, weight)
    if hasattr(source, "dtype") or hasattr(source, "columns"):
        raise TypeError("X is an array or a table, but y is missing: stream(X, y)")
    if not callable(source) and not hasattr(source, "__iter__"):
        raise TypeError(
            f"source is {source!r}; expected a path of Parquet files, an array X with y, batches (X, y) that can be "
            "iterated over, or a function that returns an iterator over them"
        )
    _refuse("batches bring their weights as their third element; leave out", sample_weight=weight)
    return BatchSource(source, rows)


def _table(path: PathLike, target: str | None, task: str | None, weight: Any) -> TableSource:
    files = ParquetFiles(path)
    if target is None:
        raise ValueError(f"target is None; name the column of {path} to predict: {', '.join(files.names)}")
    if task is not None and task not in TASKS:
        raise unknown("task", task, TASKS)
    if weight is not None and not isinstance(weight, str):
        raise TypeError("sample_weight of a table is the name of a column")
    return TableSource(files, Wanted(target, task, weight, None))


def _refuse(why: str, **arguments: object) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise TypeError(f"{name} does not go with this source: {why} {name}")
