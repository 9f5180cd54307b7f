"""Tables from files: CSV, Parquet and NumPy's npz, each as a DataFrame with named columns."""

import os
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]


def read_rows(path: PathLike) -> "pd.DataFrame":
    """The raw rows of a .csv, .parquet or .npz file, for `Preprocessing.transform` and `from_pandas`.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        There is no such file.
    ValueError
        The ending is another, or the file is not a table with distinct column names and at least one row.
    """
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise ValueError(f"path is {str(path)!r}; expected a file ending in {', '.join(READERS)}")
    return reader(path)


def read_csv(path: PathLike) -> "pd.DataFrame":
    """A comma-separated table in UTF-8, its first line the column names."""
    import pandas as pd

    file = require_file(path)
    try:
        header = pd.read_csv(file, header=None, nrows=1, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(file, index_col=False, encoding="utf-8-sig", low_memory=False)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{file} is empty; expected a line of column names, then rows") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{file} is not a comma-separated table ({str(error).strip()})") from error
    names = [str(name) for name in header.iloc[0]]
    separator = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    if separator:
        raise ValueError(f"{file} separates its fields by {separator!r}; expected commas; save it as comma-separated")
    return _require_table(file, frame, names)


def read_parquet(path: PathLike) -> "pd.DataFrame":
    """A Parquet table."""
    import pyarrow as pa
    from pyarrow import parquet

    file = require_file(path)
    with file.open("rb") as stream:
        try:
            table = parquet.ParquetFile(stream).read()
            frame = table.to_pandas()  # row labels that pandas stored are no column
        except (pa.ArrowException, OSError, KeyError, TypeError) as error:  # the last three: damaged pages, notes
            raise ValueError(f"{file} is not a readable Parquet file ({error})") from error
    return _require_table(file, frame, table.column_names)


def read_npz(path: PathLike) -> "pd.DataFrame":
    """NumPy arrays saved by name: (B,) becomes one column, X (B, k) the columns X1 to Xk."""
    import pandas as pd

    file = require_file(path)
    with file.open("rb") as stream:
        try:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds one array without a name, as .npy files do; use numpy.savez")
            arrays = {name: archive[name] for name in archive.files}
        except (ValueError, EOFError, OSError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{file} is not a readable .npz file of numbers and text ({error})") from error
    named = [pair for name, array in arrays.items() for pair in _named_columns(file, name, array)]
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{file} has arrays of different lengths {lengths}; each row needs one value of each")
    frame = pd.DataFrame(dict(named))
    return _require_table(file, frame, [name for name, _ in named])


READERS = {".csv": read_csv, ".parquet": read_parquet, ".npz": read_npz}


def _named_columns(file: Path, name: str, array: Array) -> list[tuple[str, Array]]:
    if array.ndim == 1:
        return [(name, array)]
    if array.ndim == 2:
        return [(f"{name}{i}", values) for i, values in enumerate(array.T, start=1)]
    raise ValueError(f"{file}: {name} has shape {array.shape}; expected (B,) or (B, columns); reshape it to (B, -1)")


def require_file(path: PathLike) -> Path:
    file = Path(path)
    if file.is_dir():
        raise IsADirectoryError(f"path is {str(path)!r}, a folder; expected a file")
    if not file.exists():
        raise FileNotFoundError(
            f"path is {str(path)!r}, but there is no such file (the working folder is {Path.cwd()})"
        )
    return file


def _require_table(file: Path, frame: "pd.DataFrame", names: Sequence[str]) -> "pd.DataFrame":
    """The frame, if its column names, as they stand in the file, are distinct and not empty, and it has rows."""
    repeated = [name for name in names if list(names).count(name) > 1]
    if repeated:
        count = repeated.count(repeated[0])
        raise ValueError(f"{file} has {count} columns named {repeated[0]!r}; column names must differ")
    if "" in names:
        raise ValueError(
            f"{file}: column {list(names).index('')} has no name; was the table saved with its row numbers? "
            "Save it without them (index=False) or name the column"
        )
    if len(frame) == 0:
        raise ValueError(f"{file} has column names but no rows; expected at least one")
    return frame
