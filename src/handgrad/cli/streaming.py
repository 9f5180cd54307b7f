"""Data for the command line that is read part by part: Parquet files larger than a limit, and folders of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handgrad.cli.learning import (
    VALIDATION,
    Learned,
    Settings,
    build,
    find_loss,
    find_rate,
    in_training_units,
    require_target,
    to_target_units,
)
from handgrad.cli.output import bar
from handgrad.datasets import NAMES, Dataset, Stream, is_parquet, stream
from handgrad.datasets.dataset import require_share_or_rows
from handgrad.datasets.streams.parts import Part, Selection, Source, chosen, taken
from handgrad.datasets.streams.table import TableSource
from handgrad.training import EarlyStopping, Training

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 1 << 30  # bytes of numbers from which a table is streamed
BUFFER = 24 << 20  # bytes of the two buffers; what is kept takes as much again
KEPT = 8 << 20  # bytes of X that are kept in memory to test on, to decide when to stop, and to measure training on


def open_stream(data: str, target: str | None, wanted: bool | None, task: str | None) -> Stream | None:
    """The data as a stream, if it was asked for or is large; None where it should be read into memory."""
    if data in NAMES or not is_parquet(Path(data)):
        if wanted:
            raise ValueError(f"--stream reads Parquet, but DATA is {data!r}; expected a .parquet file or a folder")
        return None
    if wanted is False or target is None:
        return None
    rows = stream(data, target=target, task=task, buffer=BUFFER)
    return rows if wanted or _table(rows).files.size > LIMIT else None


def learn_from(rows: Stream, settings: Settings, checkpoint: Path | None = None) -> Learned:
    """Train on most rows (with a checkpoint there); a few are kept to test on, and to tell when to stop.

    Those are drawn by their numbers, as many as asked for, or as fit into `KEPT` bytes. Training rows are measured on
    as many.
    """
    _look_through("reading classes and categories", rows)
    fitting = KEPT / (8 * len(rows.feature_names or ()))  # rows
    train, test = rows.split(_share(settings.test, rows.rows, fitting), settings.seed)
    held = None
    if settings.patience is not None:
        train, held = train.split(min(VALIDATION, fitting / train.rows), settings.seed)
    _look_through("reading means and scales", train)
    some = _sample(train, min(1.0, fitting / train.rows), settings.seed)
    sample, tested, *aside = _collected(train.source, [some, test] if held is None else [some, test, held])
    loss = find_loss(settings.loss, sample)
    if not sample.n_classes:
        require_target(sample)
    net = build(sample, loss, settings)
    stop, validation, kept = None, None, 0
    for rows_aside in aside:
        stop, kept = EarlyStopping(patience=settings.patience or 1), len(rows_aside.y)
        validation = rows_aside.X, in_training_units(rows_aside.y, sample, loss)
    history = Training(
        net,
        train.map(lambda X, y: (X, in_training_units(y, sample, loss))),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        optimizer=find_rate(settings.optimizer, settings.learning_rate),
        validation=validation,
        stop=stop,
        checkpoint=checkpoint,
    ).run()
    to_target_units(net, sample, loss)
    net.preprocessing = train.preprocessing
    return Learned(settings, net, history, sample, tested, kept, train.rows)


def frames(data: str, columns: "tuple[str, ...] | None") -> "Iterator[tuple[str, pd.DataFrame]]":
    """The rows of Parquet files some at a time, these columns of them or all, and where they are."""
    from handgrad.datasets.streams.parquet import ParquetFiles

    files = ParquetFiles(data)
    wanted = [name for name in files.names if columns is None or name in columns] or files.names
    with bar("predicting") as tell:
        for group in files.groups:
            for rows in files.read(group, wanted):
                yield f"{rows.row(0)} on", rows.batch.to_pandas().reset_index(drop=True)
                tell(rows.first + rows.batch.num_rows, files.rows)


def _share(test: float, rows: int, fitting: float) -> float:
    """The share of the rows to test on, no more than fit."""
    test = require_share_or_rows("test", test)
    return min(test / rows if isinstance(test, int) else test, fitting / rows)


def _look_through(what: str, rows: Stream) -> None:
    with bar(what) as tell:
        _table(rows).surveyed(tell)


def _sample(rows: Stream, share: float, seed: int) -> Stream:
    return replace(rows, selections=(*rows.selections, Selection(seed, "sample", -np.inf, share)))


def _collected(source: Source, streams: list[Stream]) -> list[Dataset]:
    """The rows that each stream takes of this source, in memory, by one pass."""
    wanted = [each.selections for each in streams]
    parts: list[list[Part]] = [[] for _ in wanted]
    for piece in range(source.pieces):
        for part in source.read(piece):
            for selections, found in zip(wanted, parts, strict=True):
                some = chosen(part, taken(selections, part.first, len(part.X)))
                found.append(some._replace(X=np.ascontiguousarray(some.X)))  # joined, they stay laid out by rows
    return [_dataset(source, found) for found in parts]


def _dataset(source: Source, parts: list[Part]) -> Dataset:
    X, y = np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts])
    if not len(X):
        raise ValueError(f"{source.rows} rows leave none to test on, to stop by, or to learn from; take more rows")
    fitted = source.preprocessing
    assert fitted is not None
    return Dataset(X, y, fitted.feature_names, fitted.target_name, fitted.class_names, None, fitted)


def _table(rows: Stream) -> TableSource:
    assert isinstance(rows.source, TableSource)
    return rows.source
