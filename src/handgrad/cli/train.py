"""`handgrad train`: a network from a table, with what is needed to use it and to judge it."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.options import (
    ActivationOption,
    BatchSizeOption,
    DropoutOption,
    HiddenOption,
    InitOption,
    L2Option,
    LearningRateOption,
    LossOption,
    NormOption,
    OptimizerOption,
    SeedOption,
    TargetOption,
)
from handgrad.cli.output import ForceOption, JsonOption, output_folder, print_json, require_folder, show, table

if TYPE_CHECKING:
    from handgrad.cli.learning import Learned


@one_line_errors
def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A built-in name (moons, digits, iris, ...), .csv, .parquet, .npz, folder of Parquet or IDX files.",
        ),
    ],
    target: TargetOption = None,
    hidden: HiddenOption = "64,32",
    activation: ActivationOption = "relu",
    loss: LossOption = None,
    init: InitOption = "he_normal",
    optimizer: OptimizerOption = "adam",
    learning_rate: LearningRateOption = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Times that rows are seen; without it 200, or 3 of a stream.", show_default=False),
    ] = None,
    batch_size: BatchSizeOption = 32,
    l2: L2Option = 0.0,
    dropout: DropoutOption = 0.0,
    norm: NormOption = None,
    test: Annotated[float, typer.Option(help="Share of the rows that is kept to test on.")] = 0.25,
    seed: SeedOption = 0,
    patience: Annotated[
        int,
        typer.Option(
            help="Stop after so many epochs without improvement on a fifth of the training rows, kept aside; 0: never."
        ),
    ] = 20,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Read Parquet part by part; without it, what would take more than a gigabyte.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; without it, DATA-network.")] = None,
    force: ForceOption = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same call was killed or interrupted, if it was.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Train a network on a table, test it on rows it has not seen, and save it.

    Numbers are standardised and text is one-hot encoded, as learned from the training rows alone; the network
    carries that along, so that handgrad predict takes raw rows. The folder then holds model.safetensors,
    metrics.json, history.csv and plots.

    While it trains, a checkpoint lies beside the folder (DATA-network.ckpt); it is gone when all is saved. A training
    that was killed or interrupted goes on from there with --resume, and ends with the same bits.

    Parquet that is larger than memory is streamed: rows to test on are drawn by their numbers, as many as fit.

    Example: handgrad train flowers.csv --target species --hidden 16
    """
    from handgrad.cli.learning import Settings, learn, task_of
    from handgrad.cli.streaming import learn_from, open_stream
    from handgrad.datasets import Stream, load

    rows = open_stream(data, target, stream, task_of(loss))
    settings = Settings(
        hidden=hidden,
        activation=activation,
        loss=loss,
        init=init,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs if epochs is not None else 200 if rows is None else 3,
        batch_size=batch_size or None,
        l2=l2,
        dropout=dropout,
        norm=norm,
        test=test,
        seed=seed,
        patience=patience or None,
    )
    folder = Path(f"{Path(data).stem}-network") if out is None else out
    dataset = load(data, target, seed, task_of(loss)) if rows is None else rows
    require_folder(folder, force)
    with resumable(folder, resume) as checkpoint:
        if isinstance(dataset, Stream):
            learned = learn_from(dataset, settings, checkpoint)
        else:
            learned = learn(dataset, settings, checkpoint)
        metrics = {"data": data, "target": learned.train.target_name, **learned.metrics()}
        with output_folder(folder, force) as partial:
            save(learned, metrics, partial)
    if json:
        print_json(metrics | {"out": str(folder)})
    else:
        show(*_summary(learned, metrics), f"Saved in {folder}: model.safetensors, metrics.json, history.csv and plots")


@contextmanager
def resumable(folder: Path, resume: bool) -> Iterator[Path]:
    """The place of the checkpoint beside that folder; gone when all went well, or when there is nothing to resume."""
    named = folder if folder.name not in ("", "..") else Path(os.path.abspath(folder))
    place = named.with_name(f"{named.name}.ckpt")
    if place.exists() and not resume:
        raise FileExistsError(
            f"{place} is there: an earlier training was killed or interrupted; go on from it with --resume, "
            "or move it away to begin anew"
        )
    try:
        yield place
    except ArithmeticError:  # it would diverge again
        _forget(place)
        raise
    except KeyboardInterrupt:
        if not place.exists():
            fail("train", "interrupted before anything was trained", FAILED)
        command = shlex.join(["handgrad", *(each for each in sys.argv[1:] if each != "--resume"), "--resume"])
        fail("train", f"interrupted; what was trained is in {place}. To go on: {command}", FAILED)
    _forget(place)


def _forget(place: Path) -> None:
    for each in (place, place.with_name(f"{place.name}.previous")):
        each.unlink(missing_ok=True)


def save(learned: "Learned", metrics: dict[str, Any], folder: Path) -> None:
    """Write everything into the folder."""
    import json

    import handgrad
    from handgrad.cli.drawings import draw

    handgrad.save(learned.net, folder / "model.safetensors")
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    learned.history.to_pandas().to_csv(folder / "history.csv", lineterminator="\n")
    draw(learned, folder)


def _summary(learned: "Learned", metrics: dict[str, Any]) -> list[Any]:
    rows = f"{metrics['rows']['train']:,} rows to train on, {metrics['rows']['test']:,} to test on"
    grid = table("on the test rows", "network>", f"{metrics['baseline']}>")
    for name, value in metrics["test"].items():
        grid.add_row(name.replace("_", " "), f"{value:.4g}", f"{metrics['baseline_test'][name]:.4g}")
    taken = f"{learned.train.n_classes} classes" if learned.train.n_classes else "a number"
    rows = f"target {learned.train.target_name!r}: {taken}; {rows}"
    note = f"{_epochs(learned)}; one split and one seed ({learned.settings.seed}): another would differ"
    return [f"{learned.net!r} on {metrics['data']}: {rows}", grid, note]


def _epochs(learned: "Learned") -> str:
    """How long training went, and which epoch was kept."""
    run, best, aside = len(learned.history), learned.history.best_epoch, learned.validation_rows
    if best is None:
        return f"{run} epochs"
    ended = f"stopped early after {run} epochs" if run < learned.settings.epochs else f"{run} epochs"
    return f"{ended}, kept epoch {best} (judged on {aside:,} rows set aside)"
