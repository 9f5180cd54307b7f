"""`handgrad predict`: raw rows in, predictions out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, print_json, write_file

if TYPE_CHECKING:
    import pandas as pd

    from handgrad.network import Network


@one_line_errors
def predict(
    net: Annotated[str, typer.Argument(metavar="NET", help="A network that handgrad train or handgrad.save wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A .csv, .parquet or .npz file, or a built-in name.")],
    out: Annotated[Path | None, typer.Option(help="File for the CSV; without it, standard output.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Also the probability of each class.")] = False,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Predict raw rows with a saved network, as CSV: one line for each row, in order.

    Columns that the network does not know, such as the target, are ignored.

    Example: handgrad predict iris-network/model.safetensors flowers.csv --proba
    """
    from handgrad.cli.network import inputs_of, load_network, read_data

    network = load_network(net)
    rows, _ = read_data(data)
    predictions = tabulate(network, inputs_of(network, rows), proba)
    if out is not None:
        write_file(out, predictions.to_csv(index=False, lineterminator="\n"), force)
    if json:
        print_json(predictions.to_dict(orient="list"))
    elif out is None:
        print(predictions.to_csv(index=False, lineterminator="\n"), end="")


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
