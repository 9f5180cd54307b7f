"""Training on data that is bigger than memory: how much memory it takes, and how long the engine waits for rows.

    python benchmarks/streaming.py make FOLDER [GB]         # float32: Parquet files, and a mapped array
    python benchmarks/streaming.py train FOLDER parquet        # or memmap: one epoch, in a process of its own
    python benchmarks/streaming.py ratio FOLDER [rounds]       # an epoch streamed over the same from memory, in turns

The set has 100 inputs and one target that a network can learn. `train` prints the largest resident memory of the whole
process, imports included, as the system counts it (ru_maxrss). `ratio` takes the first million rows, which fit into
memory: medians of neighbours, with the smallest and the largest; the system's file cache holds them, so it measures
decoding and copying, not the disk.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import handgrad as hg

COLUMNS, GROUP = 100, 1 << 20  # rows of a row group: what pyarrow writes unless told otherwise
NAMES = [f"x{number}" for number in range(COLUMNS)]
ROWS_IN_MEMORY = 1_000_000
SETTINGS: dict[str, Any] = {"epochs": 1, "batch_size": 256, "optimizer": hg.Adam(1e-3)}


def make(folder: Path, gigabytes: float) -> None:
    """Write the set twice."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = int(gigabytes * 1e9 / (4 * (COLUMNS + 1)))
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    X_file = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (rows, COLUMNS))
    y_file = np.lib.format.open_memmap(folder / "y.npy", "w+", np.float32, (rows,))
    for number, start in enumerate(range(0, rows, GROUP)):
        X, y = _drawn(number, min(GROUP, rows - start))
        X_file[start : start + len(X)], y_file[start : start + len(X)] = X, y
        columns = [*X.T, y]
        table = pa.table({name: pa.array(values) for name, values in zip([*NAMES, "y"], columns, strict=True)})
        parquet.write_table(table, folder / "parquet" / f"part-{number:03}.parquet")
    print(f"{rows:,} rows in {folder}")


def _drawn(number: int, rows: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(number)
    X = generator.standard_normal((rows, COLUMNS), np.float32)
    y = np.tanh(X[:, :10].sum(axis=1)) + X[:, 10] * X[:, 11] + 0.1 * generator.standard_normal(rows, np.float32)
    return X, y.astype(np.float32)


def source(folder: Path, kind: str, rows: int | None = None) -> hg.datasets.Stream:
    """The stream of that kind, or of its first rows."""
    if kind == "memmap":
        X, y = (np.load(folder / name, mmap_mode="r")[:rows] for name in ("X.npy", "y.npy"))
        return hg.datasets.stream(X, y)
    path = folder / "parquet" if rows is None else folder / "parquet" / "part-000.parquet"
    return hg.datasets.stream(path, target="y")


def network() -> hg.Network:
    """A small one, so that reading is what takes the time."""
    return hg.Network.mlp([COLUMNS, 64, 1], loss="mse", dtype="float32")


def train(folder: Path, kind: str) -> dict[str, Any]:
    """One epoch of everything."""
    begun = time.perf_counter()
    rows = source(folder, kind)
    training = hg.Training(network(), rows, **SETTINGS)
    ready = time.perf_counter()
    history = training.run()
    seconds = time.perf_counter() - ready
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return {
        "kind": kind,
        "rows": rows.rows,
        "seconds before": round(ready - begun, 1),
        "seconds": round(seconds, 1),
        "waited": round(training.engine.waited / seconds, 3),  # type: ignore[union-attr]
        "loss": round(float(history.loss[-1]), 4),
        "peak MB": round(peak),
    }


def ratio(folder: Path, rounds: int) -> dict[str, Any]:
    """An epoch on rows that fit, from memory and streamed, in turns."""
    X, y = (np.array(np.load(folder / name, mmap_mode="r")[:ROWS_IN_MEMORY]) for name in ("X.npy", "y.npy"))
    hg.train(network(), X[:1000], y[:1000], **SETTINGS)  # compiled before
    found: dict[str, list[float]] = {"memmap": [], "parquet": []}
    for _ in range(rounds):
        for kind, ratios in found.items():
            memory = _seconds(hg.Training(network(), X, y, **SETTINGS)) / len(X)
            rows = source(folder, kind, ROWS_IN_MEMORY)
            ratios.append(_seconds(hg.Training(network(), rows, **SETTINGS)) / rows.rows / memory)
    return {
        kind: {"ratio": round(statistics.median(each), 2), "from": round(min(each), 2), "to": round(max(each), 2)}
        for kind, each in found.items()
    }


def _seconds(training: hg.Training) -> float:
    begun = time.perf_counter()
    training.run()
    return time.perf_counter() - begun


if __name__ == "__main__":
    command, folder, *more = sys.argv[1:]
    if command == "make":
        make(Path(folder), float(more[0]) if more else 4.0)
    elif command == "train":
        print(json.dumps(train(Path(folder), more[0])))
    else:
        print(json.dumps(ratio(Path(folder), int(more[0]) if more else 5)))
