"""The doctor: a training that is watched, and what is wrong with it."""

import inspect
from math import ceil
from typing import Any

import numpy as np

from handgrad.arrays import ArrayLike
from handgrad.datasets import Stream
from handgrad.health import Diagnosis, Monitor, diagnose
from handgrad.network import Network
from handgrad.training.data import TrainingData
from handgrad.training.divergence import DivergenceError
from handgrad.training.door import require_settings
from handgrad.training.training import Training

SAMPLES = 20  # of a training


def doctor(net: Network, X: ArrayLike, y: ArrayLike, **settings: Any) -> Diagnosis:
    """Train a copy of a network, watch it, and say what is wrong; `net` stays as it is.

    Settings are those of `Training`; with `validation=(Xv, yv)` overfitting is looked for too. The copy is sampled
    about twenty times, at epochs that do not depend on the clock: the same call gives the same diagnosis.

    Raises
    ------
    TypeError, ValueError
        As `Training`; and for a stack, of which `doctor(stack[0], X, y)` examines one network.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> net = hg.Network.mlp([2, 8, 2])
    >>> doctor(net, X, y, epochs=30).healthy
    True
    >>> net["dense1.b"][...] = -10
    >>> print(doctor(net, X, y, epochs=30).findings[0])
    Finding(slug='dead-units', layer='activation1', evidence='8 of 8 units are dead on all 100 rows after epoch 30', ...
    """
    return watch(net, X, y, **settings)[0]


def watch(net: Network, X: ArrayLike, y: ArrayLike, **settings: Any) -> tuple[Diagnosis, Monitor, Training]:
    """As `doctor`, with the monitor and the training of the copy, for pictures and tables."""
    require_settings(settings, inspect.signature(Training).parameters)
    if not isinstance(net, Network):
        raise TypeError(f"net is {net!r}; expected a Network, such as Network.mlp([2, 10, 2])")
    if net.size is not None:
        raise ValueError(f"net is a stack of {net.size} networks; examine one of them, such as stack[0]")
    if isinstance(X, Stream):
        raise TypeError("X is a stream; the doctor looks at rows in memory: give it some of them, as arrays")
    X = np.asarray(X) if isinstance(X, np.memmap) else X  # mapped still, and not streamed
    trained = net.copy()
    training = Training(trained, X, y, **settings)
    training._rescale_at_first_data()  # so that what is seen before the first epoch is what it starts from
    assert isinstance(training.data, TrainingData)
    weights = training.data.weights  # those of the classes among them
    monitor = Monitor(trained, X, y, sample_weight=weights, every=ceil(training.epochs / SAMPLES), share=None)
    training.callbacks = (*training.callbacks, monitor)
    error = None
    try:
        training.run()
    except DivergenceError as failure:
        error = failure
    return diagnose(monitor, training.history, error=error), monitor, training
