"""`handgrad doctor`: what is wrong with a training, or with a saved network, and one thing to try."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.check import require_picture, saved_on
from handgrad.cli.drawings import draw_signals
from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.options import (
    ActivationOption,
    BatchSizeOption,
    DropoutOption,
    EpochsOption,
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
from handgrad.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from handgrad.cli.learning import Settings
    from handgrad.health import Diagnosis, Monitor


@one_line_errors
def doctor(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="The data to train on: a built-in name or a file; or a saved network, then DATA."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="For a saved network: rows to look at it on, a file or a built-in name.",
            show_default=False,
        ),
    ] = None,
    target: TargetOption = None,
    hidden: HiddenOption = "64,32",
    activation: ActivationOption = "relu",
    loss: LossOption = None,
    init: InitOption = "he_normal",
    optimizer: OptimizerOption = "adam",
    learning_rate: LearningRateOption = None,
    epochs: EpochsOption = 50,
    batch_size: BatchSizeOption = 32,
    l2: L2Option = 0.0,
    dropout: DropoutOption = 0.0,
    norm: NormOption = None,
    test: Annotated[float, typer.Option(help="Share of the rows that is kept to validate on.")] = 0.25,
    seed: SeedOption = 0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also draw the signals of each layer there.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train as handgrad train does, watch every layer, and name what is wrong: evidence, and one thing to try.

    The options are those of handgrad train; nothing is saved. A saved network is not trained, but looked at as it
    stands, and the options for training do not count. The exit code is 0 if nothing is wrong, and 1 if something is.

    Examples: handgrad doctor moons --optimizer sgd --learning-rate 100

    handgrad doctor iris-network/model.safetensors iris
    """
    from handgrad.cli.learning import Settings

    if plot is not None:
        require_picture(plot)
    settings = Settings(
        hidden=hidden,
        activation=activation,
        loss=loss,
        init=init,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size or None,
        l2=l2,
        dropout=dropout,
        norm=norm,
        test=test,
        seed=seed,
        patience=None,
    )
    diagnosis, monitor = trained(what, target, settings) if data is None else standing(what, data, target)
    title = f"{monitor.net!r} on {data or what}, {_how_long(monitor)}"
    if json:
        signals = monitor.samples[-1].signals.to_dict()
        print_json({"title": title, **diagnosis.to_dict(), "epochs": monitor.epochs, "signals": signals})
    else:
        print(f"{title}\n\n{monitor.samples[-1].signals}\n\n{diagnosis}")
    if plot is not None:
        draw_signals(monitor, plot)
    if not diagnosis.healthy:
        fail("doctor", f"ill: {', '.join(dict.fromkeys(each.slug for each in diagnosis.findings))}", FAILED)


def trained(data: str, target: str | None, settings: "Settings") -> "tuple[Diagnosis, Monitor]":
    """What is wrong with a training on that data."""
    from handgrad.cli.learning import examine, task_of
    from handgrad.datasets import load

    if data.endswith(".safetensors"):
        raise ValueError(f"WHAT is {data!r}, a saved network; DATA is needed too: handgrad doctor {data} data.csv")
    dataset = load(data, target, settings.seed, task_of(settings.loss))
    return examine(dataset, settings)[:2]


def standing(net: str, data: str, target: str | None) -> "tuple[Diagnosis, Monitor]":
    """What is wrong with a saved network as it stands."""
    from handgrad.health import Monitor, diagnose

    monitor = Monitor(*saved_on(net, data, target))
    return diagnose(monitor), monitor


def _how_long(monitor: "Monitor") -> str:
    return f"after {monitor.epochs[-1]} epochs" if monitor.epochs[-1] else "as it stands"
