"""What is measured: each workload is one record, and `Problem` is its data, its start and its order of batches.

Every contender gets the same problem, so that all of them do the same mathematics.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from handgrad import datasets, randomness
from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.optimizers import SGD, Adam, Optimizer


@dataclass(frozen=True)
class Workload:
    """Data, network and settings; with `calls` it is prediction, else training.

    `quick` holds the changes that make a part of it, where the whole would take long; times are then those of the
    part times the ratio of the sizes.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    data: str
    rows: int
    dtype: str = "float32"
    activation: str = "relu"
    init: str = "he_normal"
    optimizer: Optimizer = field(default_factory=Adam)
    batch_size: int | None = None
    epochs: int = 1
    networks: int = 1
    calls: int = 0
    two_cores: bool = False
    quick: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Rows that pass through a network."""
        return self.rows * self.networks * (self.calls or self.epochs)


_MOONS = Workload(
    name="W1",
    title="moons 210x2, 2-10-2 relu, float64, full batch, SGD, 1000 steps",
    sizes=(2, 10, 2),
    data="moons",
    rows=210,
    dtype="float64",
    optimizer=SGD(0.5),
    epochs=1000,
)

WORKLOADS = {
    workload.name: workload
    for workload in (
        _MOONS,
        Workload(
            name="W2",
            title="digits 1797x64, 64-100-10 relu, float32, Adam, batch 32, 20 epochs",
            sizes=(64, 100, 10),
            data="digits",
            rows=1797,
            batch_size=32,
            epochs=20,
        ),
        Workload(
            name="W3",
            title="60000x784, 784-800-10 relu, float32, Adam, batch 128, 1 epoch",
            sizes=(784, 800, 10),
            data="normal",
            rows=60_000,
            batch_size=128,
            two_cores=True,
            quick={"rows": 3_840},
        ),
        Workload(
            name="W3b",
            title="60000x784, 784-100-10 sigmoid, float32, SGD, batch 10, 1 epoch",
            sizes=(784, 100, 10),
            data="normal",
            rows=60_000,
            activation="sigmoid",
            init="glorot_uniform",
            optimizer=SGD(0.1),
            batch_size=10,
            quick={"rows": 3_840},
        ),
        Workload(
            name="W4",
            title="10000x100, 100-[256]x10-10 tanh, float32, momentum, batch 128, 1 epoch",
            sizes=(100, *[256] * 10, 10),
            data="normal",
            rows=10_000,
            activation="tanh",
            init="glorot_uniform",
            optimizer=SGD(0.01, momentum=0.9),
            batch_size=128,
            two_cores=True,
            quick={"rows": 2_560},
        ),
        replace(
            _MOONS,
            name="W5",
            title="300 networks of W1, 500 steps each",
            epochs=500,
            networks=300,
            two_cores=True,
        ),
        Workload("W6", "predict one row, 64-100-10, float32", (64, 100, 10), "digits", rows=1, calls=1000),
        Workload("W6b", "predict 100,000 rows, 64-100-10, float32", (64, 100, 10), "normal", rows=100_000, calls=3),
        replace(
            _MOONS,
            name="W7",
            title="5,000 networks of W1, 500 steps each",
            epochs=500,
            networks=5_000,
        ),
    )
}


class Problem:
    """A workload made concrete: its data as `draw` gives it, the networks it starts from, the order of its rows."""

    def __init__(self, workload: Workload, X: Array, y: Array) -> None:
        self.workload, self.X, self.y = workload, X, y

    @cached_property
    def network(self) -> Network:
        """The network to start from; a stack where there are many."""
        w = self.workload
        seed: Any = 0 if w.networks == 1 else range(w.networks)
        return Network.mlp(w.sizes, activation=w.activation, init=w.init, seed=seed, dtype=w.dtype)

    @property
    def start(self) -> list[Array]:
        """The parameters of `network` in order: W (I, O) and b (1, O) of each layer, stacks with an S before."""
        return parameters(self.network)

    @cached_property
    def orders(self) -> Array:
        """The rows of each epoch in the order in which handgrad draws them, (epochs, N)."""
        epochs, rows = self.workload.epochs, self.workload.rows
        keys = [randomness.key(0, None, "order", epoch) for epoch in range(epochs)]
        return np.array([randomness.order(key, rows) for key in keys])

    def batches(self) -> Iterator[Any]:
        """What indexes the rows of each step: the whole set, or a batch of an epoch's order."""
        w = self.workload
        if w.batch_size is None:
            yield from [slice(None)] * w.epochs
            return
        for order in self.orders:
            for first in range(0, w.rows, w.batch_size):
                yield order[first : first + w.batch_size]

    def repeat(self, predict: Callable[[Array], Any]) -> list[Array]:
        """Predict X as often as the workload says; the last answer."""
        for _ in range(self.workload.calls):
            answer = predict(self.X)
        return [np.asarray(answer)]


def parameters(network: Network) -> list[Array]:
    """Copies of W and b of each layer, in order."""
    layers = range(1, len(network.parameter_names) // 2 + 1)
    return [network[f"dense{layer}.{key}"].copy() for layer in layers for key in "Wb"]


def draw(workload: Workload) -> tuple[Array, Array]:
    """X (N, D) in the workload's dtype, and y (N,)."""
    X, y = _draw(workload)
    rows = slice(workload.rows)
    return np.ascontiguousarray(X[rows], dtype=workload.dtype), np.asarray(y[rows], dtype=np.int64)


def _draw(workload: Workload) -> tuple[Array, Array]:
    if workload.data == "moons":
        X, y = datasets.moons(n=workload.rows, noise=0.2, seed=42)
        return X, y
    if workload.data == "digits":
        X, y = datasets.digits()
        return X / 16, y
    random = np.random.default_rng(0)
    X = random.standard_normal((workload.rows, workload.sizes[0]), dtype=np.float32)
    return X, random.integers(0, workload.sizes[-1], workload.rows)
