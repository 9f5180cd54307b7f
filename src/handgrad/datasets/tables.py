"""Datasets from tables: a named target column, and every other column an input."""

from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets.dataset import Dataset
from handgrad.datasets.readers import PathLike, read_csv, read_npz, read_parquet
from handgrad.preprocessing import Preprocessing, as_numbers, holds_text, read_column
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd

FEW_CLASSES = 20  # an integer target with at most so many different values is taken for classes
TASKS = ("classify", "regress")


def from_csv(path: PathLike, target: str, task: str | None = None) -> Dataset:
    r"""A dataset from a comma-separated table in UTF-8, whose first line names the columns.

    The target and the other columns are read as `from_pandas` says.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fruit.csv")
    ...     _ = path.write_text("weight,colour,kind\n150,red,apple\n120,yellow,banana\n")
    ...     dataset = from_csv(path, target="kind")
    >>> dataset.feature_names, dataset.class_names
    (('weight', 'colour=red', 'colour=yellow'), ('apple', 'banana'))

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        There is no such file.
    ValueError
        The file is empty, not UTF-8 or not a table, or its columns are not what `from_pandas` takes.
    """
    return from_pandas(read_csv(path), target, task)


def from_parquet(path: PathLike, target: str, task: str | None = None) -> Dataset:
    """A dataset from a Parquet file; raises as `from_csv` does.

    >>> import pandas as pd, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "line.parquet")
    ...     pd.DataFrame({"x": [0.0, 1.0], "height": [0.5, 2.5]}).to_parquet(path)
    ...     dataset = from_parquet(path, target="height")
    >>> dataset.y
    array([0.5, 2.5])
    """
    return from_pandas(read_parquet(path), target, task)


def from_npz(path: PathLike, target: str, task: str | None = None) -> Dataset:
    """A dataset from arrays that `numpy.savez` saved by name; the array named `target`, (B,), is y.

    An input (B,) makes one column of its name, an input X (B, k) the columns X1 to Xk. Raises as `from_csv` does.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "points.npz")
    ...     np.savez(path, X=np.eye(2), y=np.array([0, 1]))
    ...     dataset = from_npz(path, target="y")
    >>> dataset.feature_names
    ('X1', 'X2')
    """
    return from_pandas(read_npz(path), target, task)


def from_pandas(frame: "pd.DataFrame", target: str, task: str | None = None) -> Dataset:
    """A dataset from a DataFrame: the column `target` is y, the others are inputs, numbers as they are, text one-hot.

    A text target gives classes, in sorted order. So does an integer or bool target with at most 20 different values;
    their names are the values, written out. Any other numeric target is regression. `task="classify"` or
    `task="regress"` says otherwise.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"rooms": [2, 3, 5], "floor": ["low", "high", "low"], "price": [110.0, 150.0, 230.0]})
    >>> from_pandas(frame, target="price")
    Dataset(3 rows, 3 features, price: regression)

    Raises
    ------
    ValueError
        There is no such target column, or no other; the target has a single class; a value is missing or infinite (its
        row and column are named); a column is neither numbers nor text; or column names are repeated.
    """
    if task is not None and task not in TASKS:
        raise unknown("task", task, TASKS)
    if target not in frame.columns:
        raise unknown("target column", target, frame.columns)
    y, class_names = _read_target(target, read_column(frame, target), task)
    rows = frame.drop(columns=target).reset_index(drop=True)
    preprocessing = Preprocessing.fit(rows, standardise=False, target_name=target, class_names=class_names)
    X = preprocessing.transform(rows)
    return Dataset(X, y, preprocessing.feature_names, target, class_names, rows, preprocessing)


def _read_target(name: str, values: Array, task: str | None) -> tuple[Array, tuple[str, ...] | None]:
    """The target column (B,) as y (B,) and its class names, or None for regression."""
    text = holds_text(name, values)
    if values.dtype == object and not text:
        values = np.array(values.tolist())  # whole numbers among objects count as integers
    task = task or _guess_task(values, text)
    if task == "regress":
        return as_numbers(name, values), None
    if not text:
        as_numbers(name, values)  # refuses nan and inf, which are no classes
    classes, y = np.unique(values, return_inverse=True)  # (C,), (B,)
    if len(classes) < 2:
        raise ValueError(
            f"target column {name!r} has one class, {str(classes[0])!r}; expected at least two to tell apart"
        )
    return y, tuple(str(each) for each in classes)


def _guess_task(values: Array, text: bool) -> str:
    few_integers = values.dtype.kind in "bui" and len(np.unique(values)) <= FEW_CLASSES
    return "classify" if text or few_integers else "regress"
