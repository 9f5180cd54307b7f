"""A saved network and the rows that it is asked about."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.arrays import Array
    from handgrad.network import Network


def load_network(net: str) -> "Network":
    """The network of that file; a stack is refused, for a command has room for one answer."""
    import handgrad

    network = handgrad.load(net)
    if network.size is not None:
        raise ValueError(f"NET {net!r} holds a stack of {network.size} networks; save one of them, such as stack[0]")
    return network


def read_data(data: str) -> tuple[Any, "Array | None"]:
    """The raw rows of a file or built-in dataset, and the targets where the dataset has its own."""
    from pathlib import Path

    from handgrad import datasets
    from handgrad.datasets.readers import READERS

    if data not in datasets.NAMES and Path(data).suffix.lower() in READERS:
        return datasets.read_rows(data), None
    dataset = datasets.load(data)
    return (dataset.X if dataset.rows is None else dataset.rows), dataset.y


def inputs_of(net: "Network", rows: Any) -> "Array":
    """The rows as X, by the preprocessing that was saved with the network, or as they are."""
    import numpy as np

    from handgrad.preprocessing import as_numbers, read_column

    if net.preprocessing is not None:
        return net.preprocessing.transform(rows)
    if not hasattr(rows, "columns"):
        return rows
    return np.stack([as_numbers(name, read_column(rows, name)) for name in rows.columns], axis=1)


def classify(net: "Network", X: "Array") -> tuple["Array", "Array"]:
    """Class indices (B,) and probabilities (B, C); one sigmoid output makes two classes."""
    import numpy as np

    predicted, probabilities = net.predict(X), net.predict_proba(X)
    if net.loss_rule.target == "labels" and net.fan_out == 1:
        return predicted[:, 0], np.hstack([1 - probabilities, probabilities])
    return predicted, probabilities


def class_names(net: "Network") -> tuple[str, ...] | None:
    """The names that the network's classes had in its training data, if it was saved with them."""
    return None if net.preprocessing is None else net.preprocessing.class_names
