"""The loss and the metrics of a set of rows, in prediction mode; a stream's are gathered part by part."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array
from handgrad.metrics import Metric
from handgrad.network import Network
from handgrad.training.data import TrainingData
from handgrad.training.streaming import StreamedData

if TYPE_CHECKING:
    from handgrad.training.training import Training


def measured(training: "Training", data: TrainingData | StreamedData) -> dict[str, Any]:
    """`loss` and each metric by its name: numbers, or (S,) for a stack."""
    if isinstance(data, TrainingData):
        return _of(training, data.X, data.T)
    found: dict[str, Any] = {}
    for rows in data.read():
        for name, value in _of(training, rows.X, rows.T).items():
            found[name] = found.get(name, 0.0) + value * (len(rows.X) / data.rows)
    return found


def measured_after_epoch(training: "Training") -> dict[str, Any]:
    """The columns that an epoch adds to the history: the validation loss, and each metric of both sets."""
    found: dict[str, Any] = {}
    if training.validation is not None:
        found = {f"validation_{name}": value for name, value in measured(training, training.validation).items()}
    of_training = measured(training, training.data) if training.metrics else {}
    names = [metric.name for metric in training.metrics]
    order = ["validation_loss", *names, *(f"validation_{name}" for name in names)]
    found |= {name: of_training[name] for name in names}
    return {name: found[name] for name in order if name in found}


def metrics_of(net: Network, metrics: Sequence[Metric], Z: Array, T: Array) -> dict[str, Any]:
    """Each metric by its name, of logits and targets."""
    rule = net.loss_rule
    made = {"predict": rule.predict(Z), "predict_proba": rule.output(Z)}
    y = T.argmax(axis=-1) if rule.target == "classes" else T
    if T.ndim == 2:
        return {metric.name: metric.function(y, made[metric.needs]) for metric in metrics}
    return {  # every network has targets of its own
        metric.name: np.array([metric.function(*pair) for pair in zip(y, made[metric.needs], strict=True)])
        for metric in metrics
    }


def _of(training: "Training", X: Array, T: Array) -> dict[str, Any]:
    Z = training.engine.logits(X)
    return {"loss": training.net.objective_of(Z, T)} | metrics_of(training.net, training.metrics, Z, T)
