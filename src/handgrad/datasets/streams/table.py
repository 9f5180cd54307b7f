"""A stream's source from Parquet: a target column, and every other column an input."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets.streams.parquet import ParquetFiles, Rows, Texts, numbers_of, values_of
from handgrad.datasets.streams.parts import Part, Selection
from handgrad.datasets.streams.survey import Progress, Survey, Wanted, survey
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn
from handgrad.rules import unknown


@dataclass(frozen=True)
class TableSource:
    """Rows of Parquet files as X and y; the first question about classes or columns of X reads all of it once."""

    files: ParquetFiles
    wanted: Wanted
    one_shot: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        names = self.files.names
        for argument, name in (("target", self.wanted.target), ("weight", self.wanted.weight)):
            if name is not None and name not in names:
                raise unknown(f"{argument} column", name, names)
        if len(names) == 1 + (self.wanted.weight is not None):
            raise ValueError(f"rows has no columns besides the target {self.wanted.target!r}; a network needs inputs")
        for name in names:
            self.files.is_text(name)  # a column that is neither is refused now

    @property
    def rows(self) -> int:
        """Of all files."""
        return self.files.rows

    @property
    def pieces(self) -> int:
        """Row groups of all files."""
        return len(self.files.groups)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of X."""
        return self.preprocessing.feature_names

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The target's classes, written out; None for regression."""
        return self.preprocessing.class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """How raw rows become X."""
        return self.survey.preprocessing

    @cached_property
    def survey(self) -> Survey:
        """What one pass over all rows finds."""
        return survey(self.files, self.wanted, lambda done, rows: None)

    def surveyed(self, progress: Progress) -> Survey:
        """The same, telling how many rows of all have been read."""
        if "survey" not in self.__dict__:
            self.__dict__["survey"] = survey(self.files, self.wanted, progress)
        return self.survey

    def read(self, piece: int) -> Iterator[Part]:
        """The rows of a row group."""
        columns = [column.name for column in self.preprocessing.columns] + [self.wanted.target]
        columns += [] if self.wanted.weight is None else [self.wanted.weight]
        for rows in self.files.read(self.files.groups[piece], columns):
            try:
                X, y = self._inputs(rows), self._targets(rows)
            except ValueError as wrong:
                raise ValueError(f"{wrong}" if rows.place in str(wrong) else f"{rows.row(0)} on: {wrong}") from wrong
            weight = None if self.wanted.weight is None else np.asarray(values_of(rows, self.wanted.weight))
            yield Part(rows.place, rows.offset, rows.first, X, y, weight)

    def fingerprint(self) -> str:
        """Of the files, and of what is asked of them."""
        return f"{self.files.fingerprint()} {self.wanted}"

    def standardised(self, taken: tuple[Selection, ...]) -> "TableSource":
        """With means and scales of these rows taken out."""
        return TableSource(self.files, replace(self.wanted, fitted_on=taken))

    def _inputs(self, rows: Rows) -> Array:
        """X (n, D), laid out column by column, as it comes."""
        numeric, numbers, mean, scale, texts = self._layout
        X = np.empty((len(self.feature_names), rows.batch.num_rows))  # (D, n)
        block = X if not texts else np.empty((len(numeric), rows.batch.num_rows))
        numbers_of(rows, numeric, block)
        if self.wanted.fitted_on is not None:
            with np.errstate(over="ignore"):  # what overflows is refused by the network
                block -= mean
                block /= scale
        if texts:
            X[numbers] = block
        for at, column in texts:
            X[at : at + len(column.categories)] = _encoded(column, values_of(rows, column.name)).T
        return X.T

    @cached_property
    def _layout(self) -> tuple[list[str], Array, Array, Array, list[tuple[int, TextColumn]]]:
        """The numeric columns with their places in X, means and scales (k, 1); the text columns with theirs."""
        widths = [len(column.feature_names) for column in self.preprocessing.columns]
        placed = list(zip(np.cumsum([0, *widths]).tolist(), self.preprocessing.columns, strict=False))
        numeric = [(at, column) for at, column in placed if isinstance(column, NumericColumn)]
        texts = [(at, column) for at, column in placed if isinstance(column, TextColumn)]
        mean, scale = (np.array([getattr(column, of) for _, column in numeric])[:, None] for of in ("mean", "scale"))
        places = np.array([at for at, _ in numeric], dtype=np.int64)
        return [column.name for _, column in numeric], places, mean, scale, texts

    def _targets(self, rows: Rows) -> Array:
        """Class indices int64, or numbers float64, (n,)."""
        values, classes = values_of(rows, self.wanted.target), self.survey.classes
        if classes is None:
            return np.asarray(values, dtype=np.float64)
        if isinstance(values, Texts):
            places = {each: place for place, each in enumerate(classes)}
            return np.array([places[each] for each in values.texts], dtype=np.int64)[values.codes]
        return np.searchsorted(np.array(classes), values).astype(np.int64)


def _encoded(column: TextColumn, values: Array | Texts) -> Array:
    """Its columns of X, (n, width): each distinct text is looked up once."""
    assert isinstance(values, Texts)
    return column.encode(np.array(values.texts, dtype=object))[values.codes]
