"""What decides the numbers of a training: a checkpoint goes on only where all of it is the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.optimizers import Optimizer
from handgrad.training.compiled_engine import CompiledEngine
from handgrad.training.data import TrainingData
from handgrad.training.streaming import StreamedData, StreamEngine

if TYPE_CHECKING:
    from handgrad.training.training import Training

_WHAT = {  # those that a reader could not make out from a fingerprint
    "data": "X, y or their weights",
    "validation": "the validation set",
    "start": "the parameters that the network begins with",
    "frozen": "the frozen parameters",
}
_LISTED = 1000  # numbers of a stack that are written out
_SHOWN = 3  # differences in one error


class OtherTrainingError(ValueError):
    """A checkpoint is whole, but of a training that would have given other numbers."""


def conditions(training: "Training") -> dict[str, str]:
    """Each as text, by name; epochs and what a network begins with are looked at apart.

    Callbacks, progress, threads and where the checkpoint lies decide nothing and may differ.
    """
    net, settings, stays = training.net, training.settings, training.settings.frozen
    return {
        "network": repr(net.layers),
        "loss": repr(net.loss_rule),
        "l2": _told(net.l2),
        "network seed": _told(net.seed),
        "dtype": net.dtype.name,
        "data": _fingerprint(training.data),
        "validation": "none" if training.validation is None else _fingerprint(training.validation),
        "metrics": repr([metric.name for metric in training.metrics]),
        **_optimizer(training.optimizer),
        "batch_size": repr(training.batch_size),
        "shuffle": repr(settings.shuffle),
        "schedule": repr(training.schedule),
        "clip_norm": repr(settings.clip_norm),
        "frozen": "none" if stays is None else digest(stays),
        "stop": repr(training.stop),
        "seed": repr(training.seed),
        "engine": _engine(training.engine),
        "record_every": repr(training.history.every),
    }


def _engine(engine: object) -> str:
    inner = engine.inner if isinstance(engine, StreamEngine) else engine
    return "compiled" if isinstance(inner, CompiledEngine) else "numpy"


def require_same(theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Refuse other conditions, and say which differ.

    >>> require_same({"l2": "0.1", "seed": "None"}, {"l2": "0.2", "seed": "None"})
    Traceback (most recent call last):
        ...
    handgrad.training.conditions.OtherTrainingError: it was made by another training: l2 is 0.1 there and 0.2 here
    """
    differ = [_difference(name, theirs.get(name), own) for name, own in ours.items() if theirs.get(name) != own]
    if differ:
        more = f"; {len(differ) - _SHOWN} more settings differ" if len(differ) > _SHOWN else ""
        raise OtherTrainingError(f"it was made by another training: {'; '.join(differ[:_SHOWN])}{more}")


def require_epochs(training: "Training", epoch: int, epochs: int) -> None:
    """Refuse another number of planned epochs, unless what was trained would have been the same with it."""
    planned = training.epochs
    if planned < epochs and planned < epoch:
        raise OtherTrainingError(f"it is of epoch {epoch} already and epochs is {planned}; expected at least {epoch}")
    times = np.linspace(0, epoch, num=1 + min(epoch * training.settings.steps(training.data.rows), 1000))[:-1]
    factor = training.schedule.factor
    if epochs != planned and any(factor(float(t), epochs) != factor(float(t), planned) for t in times):
        raise OtherTrainingError(
            f"epochs is {epochs} there and {planned} here, and the schedule {training.schedule!r} would have given the "
            f"epochs up to {epoch} other rates"
        )


def _difference(name: str, their: str | None, own: str) -> str:
    if name in _WHAT and "none" not in (their, own):
        return f"{name} ({_WHAT[name]}) has fingerprint {_short(their)} there and {_short(own)} here"
    return f"{name} is {_short(their)} there and {_short(own)} here"


def _short(text: str | None) -> str:
    shown = str(text)
    return shown if len(shown) <= 80 else f"{shown[:40]} ... {shown[-35:]}"


def _told(values: object) -> str:
    """A number, or those of a stack; very many by their digest."""
    array = np.asarray(values)
    return repr(array.tolist()) if array.size <= _LISTED else digest(array)


def _optimizer(optimizer: Optimizer) -> dict[str, str]:
    """Its name, and each of its settings."""
    named = {f"optimizer.{field.name}": _told(getattr(optimizer, field.name)) for field in fields(optimizer)}
    return {"optimizer": type(optimizer).__name__, **named}


def _fingerprint(data: TrainingData | StreamedData) -> str:
    """Of all rows, targets and weights, as they are trained on; a stream's own."""
    if isinstance(data, StreamedData):
        return data.fingerprint()
    return digest(data.X, data.T, *([] if data.weights is None else [data.weights]))


def digest(*arrays: Array) -> str:
    """The first 16 hexadecimal digits of SHA-256 over shapes, types and bytes.

    >>> digest(np.zeros(3)) == digest(np.zeros(3)), digest(np.zeros(3)) == digest(np.zeros((3, 1)))
    (True, False)
    """
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype.str};".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]
