"""A table of one's own: the text of a CSV file as a dataset, and what of it had to be left out.

Tables as they are have a name in every row and cells that are empty. The library refuses them, for it cannot know what
is meant; a page that shows what it left out may go on with the rest.
"""

import io
from csv import Error as CSVError
from csv import reader as csv_reader
from typing import TYPE_CHECKING, NamedTuple

from handgrad.datasets import Dataset, from_pandas
from handgrad.playground.document import Source
from handgrad.playground.limits import Limits
from handgrad.preprocessing import too_many_categories
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd


class LeftOut(NamedTuple):
    """Columns, and the number of rows."""

    columns: tuple[str, ...] = ()
    rows: int = 0


class Table(NamedTuple):
    """The dataset, and what was left out."""

    dataset: Dataset
    left_out: LeftOut = LeftOut()


def read_table(csv: str, limits: Limits) -> "pd.DataFrame":
    """The text of a table as a DataFrame; its header is looked at first, for pandas takes long over a strange one."""
    import pandas as pd

    try:
        names = next((row for row in csv_reader(io.StringIO(csv)) if any(map(str.strip, row))), [])
    except CSVError as wrong:
        raise ValueError(f"data.csv has a first line that cannot be read ({wrong})") from wrong
    limits.require("columns", len(names), f"data.csv has {len(names):,} columns")
    if len(set(names)) < len(names):
        raise ValueError("data.csv has two columns of one name; expected a line of different names")
    try:
        frame = pd.read_csv(io.StringIO(csv))
    except (ValueError, pd.errors.ParserError) as wrong:
        raise ValueError(f"data.csv cannot be read as a table ({wrong})") from wrong
    if frame.empty:
        raise ValueError("data.csv has no rows; expected a line of column names, and rows below it")
    return frame


def own_table(source: Source, limits: Limits) -> Table:
    """The document's own table, with the chosen columns."""
    assert source.csv is not None
    assert source.target is not None
    frame = read_table(source.csv, limits)
    limits.require("rows", len(frame), f"data.csv has {len(frame):,} rows")
    frame = _chosen(frame, source)
    left_out = _useless(frame, source.target)
    frame = without(frame, left_out)
    if frame.empty:
        raise ValueError("data.csv has no row without an empty cell; fill them, or choose two columns")
    _require_few(frame, source.target, limits)
    dataset = from_pandas(frame, source.target, source.task)
    limits.require("classes", dataset.n_classes, f"data.target has {dataset.n_classes:,} classes")
    if source.columns is not None and dataset.X.shape[1] != 2:
        raise ValueError(f"data.columns: {' and '.join(source.columns)} are not both numbers; choose two that are")
    return Table(dataset, left_out)


def without(frame: "pd.DataFrame", left_out: LeftOut) -> "pd.DataFrame":
    """The frame without those columns, and without rows in which a cell is empty."""
    return frame.drop(columns=list(left_out.columns)).dropna()


def _chosen(frame: "pd.DataFrame", source: Source) -> "pd.DataFrame":
    """The frame of the chosen columns and the target."""
    if source.columns is None:
        return frame
    for name in (*source.columns, source.target):
        if name not in frame.columns:
            raise unknown("column of data.csv", str(name), frame.columns)
    if source.target in source.columns:
        raise ValueError(f"data.columns holds the target, {source.target!r}; choose two others")
    return frame[[*source.columns, source.target]]


def _useless(frame: "pd.DataFrame", target: str) -> LeftOut:
    """Columns that tell rows apart rather than anything about them, or are mostly empty; then rows with empty cells."""
    features = [name for name in frame.columns if name != target]
    columns = tuple(name for name in features if _is_name(frame[name]) or frame[name].isna().mean() > 0.5)
    return LeftOut(columns, int(frame.drop(columns=list(columns)).isna().any(axis=1).sum()))


def _is_name(values: "pd.Series") -> bool:
    """Whether it is a text with too many values to be encoded."""
    return values.dtype.kind not in "fiub" and too_many_categories(values.nunique(), len(values))


def _require_few(frame: "pd.DataFrame", target: str, limits: Limits) -> None:
    """Refuse a table of which more inputs would be made than can be held, before they are made."""
    features = frame.drop(columns=target, errors="ignore")
    inputs = sum(1 if values.dtype.kind in "fiub" else values.nunique() for _, values in features.items())
    limits.require("columns", inputs, f"data.csv makes {inputs:,} inputs")
    limits.require("cells", inputs * len(frame), f"data.csv makes {inputs * len(frame):,} numbers")
