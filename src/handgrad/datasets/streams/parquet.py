"""Parquet files read a bounded number of rows at a time, whatever the size of their row groups."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets.readers import PathLike, require_file

AT_ONCE = 1 << 21  # bytes of decoded values; what the decoder holds besides grows with it
BUFFER = 1 << 14  # bytes that are read ahead of each column


class Rows(NamedTuple):
    """A record batch of Arrow, and where it is: `first` in all files, `offset` in its row group."""

    place: str
    offset: int
    first: int
    batch: Any

    def row(self, number: int) -> str:
        """How an error names the row of that number."""
        return f"{self.place}, row {self.offset + number}"


class Texts(NamedTuple):
    """A column of text: each row's place (n,) among the distinct texts."""

    codes: Array
    texts: list[str]


class Group(NamedTuple):
    """A row group: its file, its number there, its first row in all files, and how many it has."""

    file: Path
    number: int
    first: int
    rows: int


@dataclass(frozen=True)
class ParquetFiles:
    """One Parquet file, or those of a folder in the order of their names; all must have the same columns.

    Raises
    ------
    FileNotFoundError
        There is no such file, or the folder holds none.
    ValueError
        A file is damaged or has other columns, or there are no rows.
    """

    path: PathLike

    def __post_init__(self) -> None:
        for file in self.files:
            self._require_like_the_first(file)
        if not self.groups:
            raise ValueError(f"{self.path} has column names but no rows; expected at least one")

    @cached_property
    def files(self) -> list[Path]:
        """The files by name; hidden ones and those that begin with an underscore are notes of other programs."""
        folder = Path(self.path)
        if not folder.is_dir():
            return [require_file(self.path)]
        files = sorted(each for each in folder.rglob("*.parquet") if not each.name.startswith(("_", ".")))
        if not files:
            raise FileNotFoundError(f"path is {str(self.path)!r}, a folder without .parquet files")
        named = next((each for each in files if "=" in str(each.parent.relative_to(folder))), None)
        if named is not None:
            raise ValueError(f"{named} has a column in the name of its folder; write that column into the files")
        return files

    @cached_property
    def schema(self) -> Any:
        """Arrow's, of the first file."""
        return self._schema(self.files[0])

    @cached_property
    def names(self) -> list[str]:
        """The columns; row labels that pandas stored are none.

        A repeated name is refused.
        """
        names = _names_of(self.schema)
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            count = names.count(repeated)
            raise ValueError(f"{self.files[0]} has {count} columns named {repeated!r}; column names must differ")
        return names

    @cached_property
    def groups(self) -> list[Group]:
        """The row groups that have rows, of all files."""
        groups, first = [], 0
        for file in self.files:
            with _opened(file) as parquet:
                for number in range(parquet.num_row_groups):
                    rows = parquet.metadata.row_group(number).num_rows
                    groups.append(Group(file, number, first, rows))
                    first += rows
        return [group for group in groups if group.rows]

    @property
    def rows(self) -> int:
        """Of all files."""
        return self.groups[-1].first + self.groups[-1].rows

    @property
    def size(self) -> int:
        """Bytes that a float64 for each value would take."""
        return self.rows * len(self.names) * 8

    def read(self, group: Group, columns: list[str]) -> Iterator[Rows]:
        """The rows of a row group, these columns, a bounded number at a time."""
        import pyarrow as pa

        at_once = max(1, min(1 << 16, AT_ONCE // (8 * len(columns))))
        place, offset = f"{group.file}, row group {group.number}", 0
        with _opened(group.file) as parquet:
            try:
                for batch in parquet.iter_batches(at_once, [group.number], columns, use_threads=False):
                    yield Rows(place, offset, group.first + offset, batch)
                    offset += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise ValueError(f"{place} cannot be read from row {offset} on ({error})") from error
        pa.default_memory_pool().release_unused()

    def fingerprint(self) -> str:
        """Of each file's name, size and footer, which tells types, rows, and where its values begin and end."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name} {file.stat().st_size}".encode() + _footer(file))
        return digest.hexdigest()[:16]

    def is_text(self, name: str) -> bool:
        """Whether a column is text rather than numbers; any other type is refused."""
        found = is_text(self.schema.field(name).type)
        if found is None:
            kind = self.schema.field(name).type
            raise ValueError(
                f"column {name!r} of {self.files[0]} holds {kind}; expected numbers or text; convert or drop it"
            )
        return found

    def has_fractions(self, name: str) -> bool:
        """Whether a column is of fractions in any of the files."""
        return any(has_fractions(self._schema(file).field(name).type) for file in self.files)

    def _require_like_the_first(self, file: Path) -> None:
        schema = self._schema(file)
        names = _names_of(schema)
        if names != self.names:
            raise ValueError(
                f"{file} has the columns {', '.join(names)}, but {self.files[0].name} {', '.join(self.names)}; "
                "all files of a folder need the same"
            )
        for name in names:
            kind, first = schema.field(name).type, self.schema.field(name).type
            if is_text(kind) != is_text(first):
                raise ValueError(
                    f"{file}: column {name!r} holds {kind}, but in {self.files[0].name} {first}; "
                    "all files of a folder need the same"
                )

    def _schema(self, file: Path) -> Any:
        with _opened(file) as parquet:
            return parquet.schema_arrow


def _footer(file: Path) -> bytes:
    """What a Parquet file says of itself: its last 8 bytes are the length of it and a mark."""
    with file.open("rb") as stream:
        stream.seek(-8, 2)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-8 - length, 2)
        return stream.read(length)


def is_text(kind: Any) -> bool | None:
    """Whether Arrow's type is text, or numbers; None where it is neither."""
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return True
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return False
    return None


def has_fractions(kind: Any) -> bool:
    """Whether Arrow's type is of numbers that need not be whole."""
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_floating(kind) or types.is_decimal(kind))


def numbers_of(rows: Rows, names: list[str], into: Array) -> None:
    """Columns of numbers as rows of an array (columns, n); one that is missing or not finite is refused.

    They are looked at together, for a look costs more than so few values.
    """
    for values, name in zip(into, names, strict=True):
        column = rows.batch.column(name)
        simple = column.null_count == 0 and _is_plain(column.type)
        values[...] = _as_numpy(column) if simple else values_of(rows, name)
    if not np.isfinite(into).all():
        for name in names:
            values_of(rows, name)  # says which


def values_of(rows: Rows, name: str) -> Array | Texts:
    """A column's values, (n,) numbers or texts; one that is missing or not finite is refused, with its place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = rows.batch.column(name)
    if column.null_count:
        number = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(f"{rows.row(number)}: column {name!r} has no value; fill or drop such rows first")
    if is_text(column.type):
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        return Texts(_as_numpy(coded.indices), coded.dictionary.to_pylist())
    column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    column = pc.cast(column, pa.float64()) if pa.types.is_decimal(column.type) else column
    values = _as_numpy(column)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        number = int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"{rows.row(number)}: column {name!r} has {values[number]}; expected finite numbers; "
            "fill or drop such rows first"
        )
    return values


def _as_numpy(column: Any) -> Array:
    """An Arrow column of numbers without missing ones; `to_numpy`, which bools need, loads pandas, 50 MB."""
    from pyarrow import types

    return column.to_numpy(zero_copy_only=False) if types.is_boolean(column.type) else np.from_dlpack(column)


@cache
def _is_plain(kind: Any) -> bool:
    """Whether NumPy has these numbers as they are."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _opened(file: Path) -> Any:
    """A Parquet file that is read column by column through small buffers, not mapped and not read ahead."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(str(file), memory_map=False, pre_buffer=False, buffer_size=BUFFER)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file} is not a readable Parquet file ({error})") from error


def _names_of(schema: Any) -> list[str]:
    notes = schema.pandas_metadata or {}
    labels = {each for each in notes.get("index_columns", []) if isinstance(each, str)}
    return [name for name in schema.names if name not in labels]
