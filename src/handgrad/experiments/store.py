"""The store: a SQLite file that keeps every finished network, each in a transaction of its own.

What was finished is never trained again, whatever kills the program meanwhile; two programs may share a store.
"""

import json
import os
import platform
import shutil
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple, TypeVar

import numpy as np

from handgrad.arrays import Array
from handgrad.experiments.work import Run

_APPLICATION = 0x68677264  # "hgrd"
_SCHEMA = 1
_WAIT = 60  # seconds for another program that writes
_TABLES = """
CREATE TABLE recipes (digest TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE environments (id INTEGER PRIMARY KEY, description TEXT NOT NULL UNIQUE);
CREATE TABLE runs (
    key TEXT PRIMARY KEY,            -- of recipe, seed, sources of randomness, engine and version of the maths
    recipe TEXT NOT NULL REFERENCES recipes,
    seed INTEGER NOT NULL,
    metrics TEXT NOT NULL,           -- {name: number}
    curves TEXT NOT NULL,            -- names
    points BLOB NOT NULL,            -- float64: the epochs, then each curve
    seconds REAL NOT NULL,
    finished TEXT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments
) WITHOUT ROWID;
"""
Given = TypeVar("Given")


class StoreError(OSError):
    """The store cannot be read or written; what it holds is as it was."""


class Finished(NamedTuple):
    """A run that is about to be stored, and what it is a run of."""

    key: str
    recipe: str  # its digest
    seed: int
    run: Run


class Store:
    """Finished runs by key, in a SQLite file (write-ahead logging); None: a file that lives as long as this object.

    Raises
    ------
    StoreError
        The file is damaged, is something else, belongs to a newer version, or cannot be written. It is left as it is.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        temporary = mkdtemp(prefix="handgrad-") if path is None else None
        self.path = Path(temporary or "", path or "runs.db")
        if self.path.is_dir():
            raise StoreError(f"store is {str(self.path)!r}, which is a folder; name a file")
        with self._errors():
            self._connection = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        self.close = weakref.finalize(self, _let_go, self._connection, temporary)
        with self._errors():
            self._open()

    def _open(self) -> None:
        """Take up a store, or begin one in an empty file; nothing else is touched."""
        with self._transaction("BEGIN"):  # one look, while another program may be making the store
            tables = self._all("SELECT name FROM sqlite_schema")
            (application,), (schema,) = self._all("PRAGMA application_id")[0], self._all("PRAGMA user_version")[0]
        if application == 0 and not tables:
            self._begin()
        elif application != _APPLICATION:
            raise StoreError(f"store {str(self.path)!r} is a SQLite file of something else; name another file")
        elif schema != _SCHEMA:
            raise StoreError(
                f"store {str(self.path)!r} has schema {schema}, and this handgrad knows {_SCHEMA}; "
                "use the version that wrote it, or name another file"
            )
        elif (state := self._all("PRAGMA quick_check(1)")[0][0]) != "ok":
            raise StoreError(f"store {str(self.path)!r} is damaged: {state}; restore it from a copy, or name another")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last runs, never the file

    def _begin(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        with self._transaction("BEGIN IMMEDIATE"):
            if not self._all("SELECT name FROM sqlite_schema"):  # or another program was quicker
                for statement in _TABLES.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version = {_SCHEMA}")

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of the keys that have no run yet, in their order."""
        with self._errors():
            self._name(keys)
            found = {key for (key,) in self._all("SELECT key FROM runs JOIN wanted USING (key)")}
        return [key for key in keys if key not in found]

    def describe(self, recipes: dict[str, Any]) -> None:
        """Note what recipes are, by digest, before their runs come."""
        rows = [(digest, json.dumps(description, sort_keys=True)) for digest, description in recipes.items()]
        with self._errors():
            self._connection.executemany("INSERT OR IGNORE INTO recipes VALUES (?, ?)", rows)

    def add(self, finished: Iterable[Finished]) -> None:
        """Keep finished runs, each in its own transaction; one that is there already stays."""
        with self._errors():
            environment = self._environment()
            for key, recipe, seed, run in finished:
                points = np.concatenate([run.epochs, *run.curves.values()], dtype=np.float64).tobytes()
                row = (key, recipe, seed, json.dumps(run.metrics), json.dumps(list(run.curves)), points, run.seconds)
                self._connection.execute(
                    "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, _now(), environment)
                )

    def metrics(self, keys: Sequence[str]) -> list[dict[str, float]]:
        """The final metrics and the seconds of runs, in the order of their keys."""
        query = "SELECT key, metrics, seconds FROM runs JOIN wanted USING (key)"
        return self._in_order(keys, query, lambda row: json.loads(row[1]) | {"seconds": row[2]})

    def curves(self, keys: Sequence[str]) -> list[dict[str, Array]]:
        """The curves of runs, with the "epochs" of their points, in the order of their keys."""
        return self._in_order(keys, "SELECT key, curves, points FROM runs JOIN wanted USING (key)", _points)

    def environments(self, keys: Sequence[str]) -> list[dict[str, str]]:
        """Where runs were made: versions and machines, each once."""
        query = (
            "SELECT DISTINCT description FROM environments JOIN runs ON environment = id JOIN wanted USING (key) "
            "ORDER BY id"
        )
        with self._errors():
            self._name(keys)
            return [json.loads(description) for (description,) in self._all(query)]

    def __len__(self) -> int:
        with self._errors():
            return int(self._all("SELECT count(*) FROM runs")[0][0])

    def _in_order(self, keys: Sequence[str], query: str, make: Callable[[Any], Given]) -> list[Given]:
        with self._errors():
            self._name(keys)
            rows = self._all(query)
        try:
            found = {row[0]: make(row) for row in rows}
        except ValueError as wrong:
            raise StoreError(
                f"store {str(self.path)!r} holds a run that cannot be read ({wrong}); it is damaged"
            ) from wrong
        return [found[key] for key in keys]

    def _name(self, keys: Sequence[str]) -> None:
        """The keys that a query joins with."""
        self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("DELETE FROM wanted")
        with self._transaction("BEGIN"):
            self._connection.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((key,) for key in keys))

    def _environment(self) -> int:
        described = json.dumps(environment(), sort_keys=True)
        self._connection.execute("INSERT OR IGNORE INTO environments (description) VALUES (?)", (described,))
        return int(self._all("SELECT id FROM environments WHERE description = ?", described)[0][0])

    def _all(self, query: str, *values: Any) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as wrong:
            raise StoreError(f"store {str(self.path)!r}: {_in_words(wrong)}") from wrong


def environment() -> dict[str, str]:
    """What results may depend on: versions, and the type of CPU."""
    packages = {name: version(name) for name in ("numpy", "numba", "scipy")}
    return {"handgrad": version("handgrad"), "python": platform.python_version(), **packages, "cpu": _cpu()}


def _let_go(connection: sqlite3.Connection, folder: str | None) -> None:
    connection.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _points(row: Any) -> dict[str, Array]:
    names = ["epochs", *json.loads(row[1])]
    return dict(zip(names, np.frombuffer(row[2]).reshape(len(names), -1), strict=True))


def _in_words(wrong: sqlite3.Error) -> str:
    """SQLite's message, and what to do."""
    said = str(wrong)
    known = {
        "unable to open": "no such folder, or no permission; name another file",
        "readonly": "it cannot be written to; name another file, or make it writable",
        "attempt to write": "it cannot be written to; name another file, or make it writable",
        "full": "free some space and run the same study again: what is finished is kept",
        "not a database": "it is something else, or damaged; name another file",
        "malformed": "it is damaged; restore it from a copy, or name another file",
        "locked": "another program has been writing for long; run the same study again later",
    }
    advice = next((advice for words, advice in known.items() if words in said), "")
    return f"{said}; {advice}" if advice else said


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
