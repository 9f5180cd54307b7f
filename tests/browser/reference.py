"""What the library itself makes of a document of drawn data: the page must show the same, to the last bit."""

from typing import Any, NamedTuple

import numpy as np

import handgrad as hg

_PARAMETERS = ("n", "noise", "arms", "classes")
_NOT_OPTIMIZER = ("optimizer", "batch_size", "schedule", "clip_norm", "epochs")


class Rows(NamedTuple):
    """The rows as the network takes them."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    classes: int


def rows(document: dict[str, Any]) -> Rows:
    """Training and test rows of a drawn dataset."""
    data = document["data"]
    given = {name: data[name] for name in _PARAMETERS if data[name] is not None}
    dataset = getattr(hg.datasets, data["name"])(**given, seed=data["seed"])
    train, test = dataset.split(test=data["test"], seed=data["seed"], standardise=False)
    mean, scale = (0.0, 1.0) if dataset.n_classes else (float(train.y.mean()), float(train.y.std()))
    X, X_test = (
        hg.datasets.plane_inputs(part.X, document["inputs"]) if part.X.shape[1] == 2 else part.X
        for part in (train, test)
    )
    if dataset.n_classes:
        return Rows(X, train.y, X_test, test.y, dataset.n_classes)
    return Rows(X, (train.y - mean) / scale, X_test, (test.y - mean) / scale, 0)


def network(document: dict[str, Any]) -> hg.Network:
    """The network before training."""
    found = rows(document)
    settings = dict(document["network"])
    sizes = [found.X.shape[1], *settings.pop("hidden_sizes"), found.classes or 1]
    settings["loss"] = settings["loss"] or ("softmax_cross_entropy" if found.classes else "mse")
    return hg.Network.mlp(
        sizes, seed=document["seed"], **{name: value for name, value in settings.items() if value is not None}
    )


def training(document: dict[str, Any], net: hg.Network, engine: str = "auto") -> hg.Training:
    """The training that the document asks for."""
    found, asked = rows(document), document["training"]
    kinds = {"sgd": hg.SGD, "adam": hg.Adam}
    settings = {name: value for name, value in asked.items() if name not in _NOT_OPTIMIZER}
    return hg.Training(
        net,
        found.X,
        found.y,
        epochs=asked["epochs"],
        batch_size=asked["batch_size"],
        optimizer=kinds[asked["optimizer"]](**settings),
        schedule=asked["schedule"] or "constant",
        clip_norm=asked["clip_norm"],
        frozen=document["frozen"],
        engine=engine,
        threads=1,
        progress=False,
    )


def trained(document: dict[str, Any], epochs: int, engine: str = "auto") -> hg.Network:
    """The network after so many epochs."""
    net = network(document)
    if epochs:
        training(document, net, engine).run(epochs=epochs)
    return net


def grid(window: list[float], side: int) -> np.ndarray:
    """The middles of a picture's pixels, the top row first: (side², 2)."""
    left, right, bottom, top = window
    middles = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(left + (right - left) * middles, top - (top - bottom) * middles)
    return np.column_stack([x.ravel(), y.ravel()])
