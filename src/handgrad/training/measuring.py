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
