"""One pass over a table that is never in memory as a whole: categories, classes, means and scales."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets.streams.moments import Moments
from handgrad.datasets.streams.parquet import ParquetFiles, Rows, Texts, numbers_of, values_of
from handgrad.datasets.streams.parts import Selection, rows_of, taken
from handgrad.datasets.tables import FEW_CLASSES
from handgrad.preprocessing import FEW_CATEGORIES, Column, NumericColumn, Preprocessing, TextColumn

MOST_TEXTS = 10_000  # different ones of a column; one column of X for each
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What is asked of a table: its target, the rows that means and scales are of (None: no standardisation)."""

    target: str
    task: str | None
    weight: str | None
    fitted_on: tuple[Selection, ...] | None


@dataclass(frozen=True)
class Survey:
    """What the pass found. `classes` are the target's values, sorted, None for regression; counts are of those rows."""

    preprocessing: Preprocessing
    classes: tuple[object, ...] | None
    counts: Array | None  # (C,)
    mean: float  # of the target
    scale: float
    low: float
    high: float


def survey(files: ParquetFiles, wanted: Wanted, progress: Progress) -> Survey:
    """Read once all columns that it needs; numbers that stay as they are it leaves to training.

    Raises
    ------
    ValueError
        A value is missing or not finite; a text column has nearly as many different texts as rows; the target has one
        class; or no row is taken.
    """
    inputs = [name for name in files.names if name not in (wanted.target, wanted.weight)]
    seen = _Seen(files, wanted, inputs)
    columns = [*seen.numeric, *seen.texts, wanted.target]
    for group in files.groups:
        for rows in files.read(group, columns):
            seen.add(rows)
            progress(rows.first + rows.batch.num_rows, files.rows)
    return seen.survey()


class _Seen:
    """What has been seen so far."""

    def __init__(self, files: ParquetFiles, wanted: Wanted, inputs: list[str]) -> None:
        self.files, self.wanted, self.inputs = files, wanted, inputs
        standardised = wanted.fitted_on is not None
        self.numeric = [name for name in inputs if not files.is_text(name)] if standardised else []  # else not needed
        self.moments = Moments(len(self.numeric))
        self.texts: dict[str, set[str]] = {name: set() for name in inputs if files.is_text(name)}
        self.counts: dict[object, int] | None = {} if self._may_be_classes() else None
        self.of_target = Moments(1)

    def _may_be_classes(self) -> bool:
        if self.files.is_text(self.wanted.target) and self.wanted.task == "regress":
            raise ValueError(f"target column {self.wanted.target!r} is text; expected numbers to regress on")
        guessed = self.wanted.task is None and not self.files.has_fractions(self.wanted.target)
        return self.wanted.task == "classify" or guessed

    def add(self, rows: Rows) -> None:
        """Take note of some rows."""
        mask = taken(self.wanted.fitted_on or (), rows.first, rows.batch.num_rows)
        for name, texts in self.texts.items():
            texts.update(_texts(values_of(rows, name)).texts)
            if len(texts) > MOST_TEXTS:
                raise _too_many(name, f"more than {MOST_TEXTS:,} different texts")
        if self.numeric:
            numbers = np.empty((len(self.numeric), rows.batch.num_rows))
            numbers_of(rows, self.numeric, numbers)
            self.moments.add(rows_of(numbers.T, mask))
        target = values_of(rows, self.wanted.target)
        if self.counts is not None:
            self._count(target, mask)
        if not isinstance(target, Texts):
            self.of_target.add(target[mask, None].astype(np.float64))

    def _count(self, target: Array | Texts, mask: Array) -> None:
        """Count the classes; a numeric target with many values is none, unless it was called so."""
        assert self.counts is not None
        values, codes = (
            (target.texts, target.codes) if isinstance(target, Texts) else np.unique(target, return_inverse=True)
        )
        counts = np.bincount(codes[mask], minlength=len(values))
        for value, count in zip(np.asarray(values, dtype=object).tolist(), counts.tolist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if isinstance(target, Texts) or self.wanted.task == "classify":
            if len(self.counts) > MOST_TEXTS:
                raise ValueError(f"target column {self.wanted.target!r} has more than {MOST_TEXTS:,} classes")
        elif len(self.counts) > FEW_CLASSES:
            self.counts = None

    def survey(self) -> Survey:
        """All that was seen."""
        for name, texts in self.texts.items():
            if len(texts) > max(FEW_CATEGORIES, self.files.rows / 2):
                raise _too_many(name, f"{len(texts)} different texts in {self.files.rows} rows")
        classes, counts = self._classes()
        names = None if classes is None else tuple(str(each) for each in classes)
        numeric = self.moments.columns(self.numeric) if self.wanted.fitted_on is not None else ()
        numbers: dict[str, Column] = {column.name: column for column in numeric}
        columns = tuple(
            TextColumn(name, tuple(sorted(self.texts[name])))
            if name in self.texts
            else numbers.get(name, NumericColumn(name))
            for name in self.inputs
        )
        target = NumericColumn("y") if classes is not None else self.of_target.columns([self.wanted.target])[0]
        low, high = float(self.of_target.low[0]), float(self.of_target.high[0])
        described = Preprocessing(columns, self.wanted.target, names)
        return Survey(described, classes, counts, target.mean, target.scale, low, high)

    def _classes(self) -> tuple[tuple[object, ...] | None, Array | None]:
        if self.counts is None:
            return None, None
        classes = tuple(sorted(self.counts))  # type: ignore[type-var]
        if len(classes) < 2:
            raise ValueError(
                f"target column {self.wanted.target!r} has one class, {str(classes[0])!r}; "
                "expected at least two to tell apart"
            )
        return classes, np.array([self.counts[each] for each in classes])


def _texts(values: Array | Texts) -> Texts:
    assert isinstance(values, Texts)
    return values


def _too_many(name: str, what: str) -> ValueError:
    return ValueError(f"column {name!r} has {what}, too many to one-hot encode; drop or group it")
