"""`handgrad predict`: raw rows in, predictions out."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from handgrad.cli.errors import one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, print_json, writing

if TYPE_CHECKING:
    import pandas as pd

    from handgrad.network import Network


@one_line_errors
def predict(
    net: Annotated[str, typer.Argument(metavar="NET", help="A network that handgrad train or handgrad.save wrote.")],
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="A table (.csv, .parquet, .npz, folder of .parquet), or a built-in name."),
    ],
    out: Annotated[Path | None, typer.Option(help="File for the CSV; without it, standard output.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Also the probability of each class.")] = False,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Predict raw rows with a saved network, as CSV: one line for each row, in order.

    Columns that the network does not know, such as the target, are ignored. Parquet is read, and its predictions are
    written, some rows at a time.

    Example: handgrad predict iris-network/model.safetensors flowers.csv --proba
    """
    from handgrad.cli.network import load_network

    parts = predictions(load_network(net), data, proba)
    if out is not None:
        kept: list[pd.DataFrame] = []
        with writing(out, force) as file:
            _write(_noted(parts, kept) if json else parts, file)
        parts = iter(kept)
    if json:
        print_json(_together(parts))
    elif out is None:
        _write(parts, sys.stdout)


def predictions(network: "Network", data: str, proba: bool) -> "Iterator[pd.DataFrame]":
    """The tables of predictions: one, or of Parquet files one for some rows at a time."""
    from handgrad.cli.network import inputs_of, read_data
    from handgrad.cli.streaming import frames
    from handgrad.datasets import NAMES, is_parquet

    if data in NAMES or not is_parquet(Path(data)):
        yield tabulate(network, inputs_of(network, read_data(data)[0]), proba)
        return
    fitted = network.preprocessing
    columns = None if fitted is None else tuple(column.name for column in fitted.columns)
    for place, rows in frames(data, columns):
        try:
            X = inputs_of(network, rows)
        except ValueError as wrong:
            raise ValueError(f"{place}: {wrong}") from wrong
        yield tabulate(network, X, proba)


def _write(parts: "Iterator[pd.DataFrame]", file: TextIO) -> None:
    for number, part in enumerate(parts):
        part.to_csv(file, index=False, header=number == 0, lineterminator="\n")


def _noted(parts: "Iterator[pd.DataFrame]", kept: "list[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
    for part in parts:
        kept.append(part)
        yield part


def _together(parts: "Iterator[pd.DataFrame]") -> dict[Any, Any]:
    import pandas as pd

    return pd.concat(list(parts), ignore_index=True).to_dict(orient="list")


def tabulate(net: "Network", X: Any, proba: bool) -> "pd.DataFrame":
    """A column `predicted` (several outputs: `predicted_1`, ...), and `p(name)` for each class if asked for."""
    import numpy as np
    import pandas as pd

    from handgrad.cli.network import class_names, classify

    if net.loss_rule.target not in ("classes", "labels"):
        if proba:
            raise ValueError(f"--proba: a network with loss {net.loss_rule} predicts values, not probabilities")
        outputs = net.predict(X)
        names = ["predicted"] if outputs.shape[1] == 1 else [f"predicted_{i + 1}" for i in range(outputs.shape[1])]
        return pd.DataFrame(outputs, columns=names)
    predicted, probabilities = classify(net, X)
    if predicted.ndim == 2:
        table = pd.DataFrame(predicted, columns=[f"predicted_{i + 1}" for i in range(predicted.shape[1])])
        names = [str(i + 1) for i in range(predicted.shape[1])]
    else:
        names = list(class_names(net) or map(str, range(probabilities.shape[1])))
        table = pd.DataFrame({"predicted": np.array(names, dtype=object)[predicted]})
    if proba:
        table[[f"p({name})" for name in names]] = probabilities
    return table
