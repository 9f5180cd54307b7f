"""Data by name, as the command line takes it: a built-in name, or the path of a file or folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.datasets import bundled, idx, synthetic
from handgrad.datasets.dataset import Dataset
from handgrad.datasets.readers import READERS, read_rows
from handgrad.datasets.streams.parquet import ParquetFiles
from handgrad.datasets.tables import from_pandas
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd

_SYNTHETIC: tuple[Callable[..., Dataset], ...] = (
    synthetic.moons,
    synthetic.circles,
    synthetic.spirals,
    synthetic.xor,
    synthetic.gaussians,
    synthetic.regression_plane,
    synthetic.regression_curve,
)
_REAL: tuple[Callable[[], Dataset], ...] = (
    bundled.digits,
    bundled.iris,
    bundled.wine,
    bundled.breast_cancer,
    bundled.diabetes,
    idx.mnist,
)
NAMES = tuple(maker.__name__ for maker in (*_SYNTHETIC, *_REAL))


def load(data: str | os.PathLike[str], target: str | None = None, seed: int = 0, task: str | None = None) -> Dataset:
    """The dataset of a built-in name (one of `NAMES`), a .csv, .parquet or .npz file, a folder of Parquet or IDX files.

    A table needs the name of its `target` column; the others have their own. `seed` draws synthetic data.
    `task` says how a file's target is taken, as `from_pandas` does; it does not touch the others.

    >>> load("iris")
    Dataset(150 rows, 4 features, species: 3 classes)
    >>> load("mons")
    Traceback (most recent call last):
        ...
    ValueError: unknown dataset 'mons'; did you mean 'moons'? Known: moons, circles, spirals, xor, gaussians, \
regression_plane, regression_curve, digits, iris, wine, breast_cancer, diabetes, mnist; or a path ending in .csv, \
.parquet, .npz, or a folder of IDX files

    Raises
    ------
    FileNotFoundError
        The file does not exist, or the folder lacks IDX files.
    ValueError
        The name is unknown, a file has no `target`, other data has one, or the file is not what it should be.
    """
    path = Path(data)
    if data not in NAMES and (path.suffix.lower() in READERS or is_parquet(path)):
        return _from_file(path, target, task)
    if data not in NAMES and not path.is_dir():
        error = unknown("dataset", str(data), NAMES)
        raise ValueError(f"{error}; or a path ending in {', '.join(READERS)}, or a folder of IDX files")
    if target is not None:
        raise ValueError(f"target is {target!r}, but {str(data)!r} has its own target; leave target out")
    for maker in _SYNTHETIC:
        if data == maker.__name__:
            return maker(seed=seed)
    for real in _REAL:
        if data == real.__name__:
            return real()
    return idx.from_idx(path)


def is_parquet(path: Path) -> bool:
    """Whether it is a Parquet file, by its name, or a folder that holds some."""
    return path.suffix.lower() == ".parquet" or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


def _read_folder(path: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.concat([read_rows(file) for file in ParquetFiles(path).files], ignore_index=True)


def _from_file(path: Path, target: str | None, task: str | None) -> Dataset:
    rows = _read_folder(path) if path.is_dir() else read_rows(path)
    if target is None:
        raise ValueError(f"target is None; name the column of {path} to predict: {', '.join(rows.columns)}")
    return from_pandas(rows, target, task)
