"""An epoch batch by batch: what each step makes of the weights, on a copy, by the engine that is meant to be read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from handgrad.network import Network
from handgrad.optimizers import LBFGS
from handgrad.training.data import TrainingData, batches
from handgrad.training.engine import NumpyEngine

if TYPE_CHECKING:
    from handgrad.training.training import Training


def walk(training: "Training") -> Iterator[Network]:
    """The next epoch of a single network's training, one batch at a time: the copy that is trained, after each step.

    The training itself stays where it is: its own next epoch has the same batches and ends where the last copy does
    (to the last bits with `engine="numpy"`). A step that is not finite is not applied, and ends the walk.

    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=30)
    >>> training = hg.Training(hg.Network.mlp([2, 4, 2]), X, y, batch_size=10, engine="numpy")
    >>> *_, last = walk(training)
    >>> history = training.run(epochs=1)
    >>> bool(np.all(training.net.params == last.params))
    True

    Raises
    ------
    TypeError
        The network is a stack, the data is a stream, or the optimizer is L-BFGS, which has no batches.
    """
    if training.net.size is not None or not isinstance(training.data, TrainingData):
        raise TypeError("walk takes the training of a single network on data in memory")
    if isinstance(training.optimizer, LBFGS):
        raise TypeError("walk: L-BFGS has no batches; take another optimizer")
    return _steps(training, training.net.copy(), training.data)


def _steps(training: "Training", net: Network, data: TrainingData) -> Iterator[Network]:
    engine = NumpyEngine(net, data, training.settings)
    engine.slots[...] = training.engine.slots
    steps = training.settings.steps(data.rows)
    factors = training.factors(training.epoch + np.arange(steps) / steps)
    order = batches(net, data.rows, training.settings, training.epoch, *data.counters)
    for number, rows in enumerate(order):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            _, fine = engine.step(*data.batch(rows), training.step + number, float(factors[0, number]), None)
        if not fine:
            return
        yield net
