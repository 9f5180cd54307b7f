"""The door of training: what its settings must be before anything is trained."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, ArrayLike
from handgrad.datasets import Stream
from handgrad.layers import Dropout
from handgrad.metrics import Metric, find_metric
from handgrad.network import Network
from handgrad.rules import unknown
from handgrad.schedules import Schedule
from handgrad.training.data import TrainingData
from handgrad.training.stopping import EarlyStopping
from handgrad.training.streaming import StreamedData, require_means


def require_callbacks(callbacks: Sequence[Callable[..., Any]]) -> tuple[Callable[..., Any], ...]:
    """Functions that take the Training."""
    for callback in _require_sequence("callbacks", callbacks):
        if not callable(callback):
            raise TypeError(f"callbacks holds {callback!r}; expected functions that take the Training")
    return tuple(callbacks)


def require_metrics(net: Network, metrics: Sequence[str | Metric]) -> tuple[Metric, ...]:
    """The records of metrics that suit the network's loss."""
    found = tuple(find_metric(metric) for metric in _require_sequence("metrics", metrics))
    for metric in found:
        if metric.for_classes and net.loss_rule.target not in ("classes", "labels"):
            raise ValueError(f"metric {metric.name!r} is for classes, but the loss {net.loss_rule} is for regression")
        if metric.for_values and net.loss_rule.target in ("classes", "labels"):
            raise ValueError(f"metric {metric.name!r} is for regression, but the loss {net.loss_rule} is for classes")
    return found


def require_stop(stop: object, metrics: Sequence[Metric], validation: object | None) -> tuple[str, int] | None:
    """What early stopping looks at: a name of the history, and +1 if lower is better there, else -1."""
    if stop is None:
        return None
    if not isinstance(stop, EarlyStopping):
        raise TypeError(f"stop is {stop!r}; expected EarlyStopping(patience=...)")
    signs = {"loss": 1} | {metric.name: -1 if metric.higher_is_better else 1 for metric in metrics}
    if validation is not None:
        signs |= {f"validation_{name}": sign for name, sign in signs.items()}
    monitor = stop.monitor or ("loss" if validation is None else "validation_loss")
    if monitor not in signs:
        raise unknown("EarlyStopping.monitor", monitor, signs)
    return monitor, signs[monitor]


def accept_validation(
    net: Network, validation: tuple[ArrayLike, ArrayLike] | Stream, metrics: Sequence[Metric]
) -> TrainingData | StreamedData:
    """The validation set, encoded, or an error that says it is about that set."""
    if isinstance(validation, Stream):
        require_means(metrics)
        try:
            return StreamedData(net, validation)
        except (TypeError, ValueError) as wrong:
            raise type(wrong)(f"validation: {wrong}") from wrong
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError("validation must be a pair (X, y), or a stream")
    try:
        X, T, _ = net.accept(*validation, None)
    except (TypeError, ValueError) as wrong:
        raise type(wrong)(f"validation: {wrong}") from wrong
    return TrainingData(X, T, None)


def frozen_mask(net: Network, frozen: Sequence[str]) -> Array | None:
    """True (P,) where a parameter stays as it is; None where all are trained."""
    mask = np.zeros(net.layout.size, dtype=bool)
    layers = {segment.leaf.name for segment in net.layout.segments}
    for name in _require_sequence("frozen", frozen):
        if name not in layers and name not in net.parameter_names:
            raise unknown("frozen parameter", name, [*net.parameter_names, *sorted(layers)])
        for segment in net.layout.segments:
            if name in (segment.name, segment.leaf.name):
                mask[segment.start : segment.stop] = True
    if mask[: net.layout.weights].any() and net.awaits_data.any():
        raise ValueError(
            "frozen: init='lsuv' rescales all weights at the first data; call initializers.lsuv(net, X) first"
        )
    return mask if mask.any() else None


def require_lbfgs(net: Network, clip_norm: float | None, schedule: Schedule) -> None:
    """Refuse what L-BFGS cannot do."""
    if net.size is not None:
        raise ValueError("LBFGS trains single networks; train the networks of a stack one by one (stack[0], ...)")
    if any(isinstance(leaf.layer, Dropout) and leaf.layer.rate for leaf in net.leaves):
        raise ValueError(
            "LBFGS would see the same units dropped at every step, and learn them by heart; "
            "leave dropout out, or take 'adam' or 'sgd'"
        )
    if clip_norm is not None or schedule.name != "constant":
        raise ValueError("LBFGS sets its own steps; leave out clip_norm and schedule")


def require_settings(settings: Mapping[str, object], known: Iterable[str]) -> None:
    """Refuse a setting that nobody knows, with the nearest known one."""
    for name in settings:
        if name in ("learning_rate", "lr"):
            raise TypeError(f"train has no setting {name!r}; it belongs to the optimizer: optimizer=SGD(0.1)")
        if name not in known:
            raise TypeError(str(unknown("setting of train", name, known)))


def _require_sequence(argument: str, values: Any) -> Sequence[Any]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError(f"{argument} is {values!r}; expected a sequence such as ({values!r},)")
    return values
