"""What `handgrad train` does between reading its arguments and writing its files: split, build, fit, measure."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.cli.network import classify
from handgrad.datasets import Dataset
from handgrad.health import Diagnosis, Monitor
from handgrad.losses import Loss, losses
from handgrad.metrics import find_metric
from handgrad.network import Network
from handgrad.optimizers import LBFGS, Optimizer, find_optimizer
from handgrad.training import EarlyStopping, History, Training, watch

METRICS = {
    "classes": ("accuracy", "balanced_accuracy", "log_loss"),
    "numbers": ("mean_squared_error", "mean_absolute_error", "r2"),
}
_LARGEST_TARGET = 1e100  # the square of what is larger comes near the end of float64
_CHECKPOINTS = 50  # of a training: a kill costs a fiftieth of it, and a short one is not spent on writing
VALIDATION = 0.2  # of the training rows, kept aside to decide when to stop


@dataclass(frozen=True)
class Settings:
    """The options of `handgrad train`."""

    hidden: str
    activation: str
    loss: str | None
    init: str
    optimizer: str
    learning_rate: float | None
    epochs: int
    batch_size: int | None
    l2: float
    dropout: float
    norm: str | None
    test: float
    seed: int
    patience: int | None


@dataclass(frozen=True)
class Learned:
    """A trained network, the rows it was trained and tested on, and how training went."""

    settings: Settings
    net: Network
    history: History
    train: Dataset
    test: Dataset
    validation_rows: int
    streamed_rows: int | None = None  # that it was trained on, where `train` holds only some of them

    def metrics(self) -> dict[str, Any]:
        """Metrics on the training and test rows, and those of a baseline that knows no inputs, as plain values."""
        return {
            "settings": asdict(self.settings),
            "network": repr(self.net),
            "rows": self._rows(),
            "classes": self.train.class_names,
            "epochs_run": len(self.history),
            "train": measure(self.train, *self._answers(self.train)),
            "test": measure(self.test, *self._answers(self.test)),
            "baseline": "majority class" if self.train.n_classes else "mean",
            "baseline_test": measure(self.test, *baseline(self.train, len(self.test.y))),
        }

    def _rows(self) -> dict[str, int]:
        """How many rows each part has; of a stream, also on how many of them `train` was measured."""
        rows = {"train": len(self.train.y), "validation": self.validation_rows, "test": len(self.test.y)}
        if self.streamed_rows is not None:
            rows |= {"train": self.streamed_rows, "train_measured": len(self.train.y)}
        return rows

    def _answers(self, part: Dataset) -> tuple[Array, Array | None]:
        return classify(self.net, part.X) if part.n_classes else (self.net.predict(part.X)[:, 0], None)


def learn(dataset: Dataset, settings: Settings, checkpoint: Path | None = None) -> Learned:
    """Split the rows, train on one part (with a checkpoint there), and keep the other for testing."""
    loss = find_loss(settings.loss, dataset)
    if not dataset.n_classes:
        require_target(dataset)
    train, test = dataset.split(test=settings.test, seed=settings.seed)
    stop, validation, kept = None, None, 0
    if settings.patience is not None:
        stop = EarlyStopping(patience=settings.patience)
        train, held = _split_once_more(train, settings.seed)
        test = _as_fitted(test, train)
        kept = len(held.y)
        validation = held.X, in_training_units(held.y, train, loss)
    net = build(train, loss, settings)
    history = Training(
        net,
        train.X,
        in_training_units(train.y, train, loss),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        optimizer=find_rate(settings.optimizer, settings.learning_rate),
        validation=validation,
        metrics=("accuracy",) if dataset.n_classes else (),
        stop=stop,
        checkpoint=checkpoint,
        every=max(1, settings.epochs // _CHECKPOINTS),
    ).run()
    to_target_units(net, train, loss)
    net.preprocessing = train.preprocessing
    return Learned(settings, net, history, train, test, kept)


def build(train: Dataset, loss: Loss, settings: Settings) -> Network:
    """The network of these settings, for these rows."""
    return Network.mlp(
        [train.X.shape[1], *hidden_sizes(settings.hidden), outputs(train, loss)],
        activation=settings.activation,
        loss=loss,
        init=settings.init,
        l2=settings.l2,
        dropout=settings.dropout,
        norm=settings.norm,
        seed=settings.seed,
    )


def examine(dataset: Dataset, settings: Settings) -> tuple[Diagnosis, Monitor, Training]:
    """A watched training with these settings, on all rows but those that are kept to validate on."""
    loss = find_loss(settings.loss, dataset)
    if not dataset.n_classes:
        require_target(dataset)
    train, held = dataset.split(test=settings.test, seed=settings.seed)
    return watch(
        build(train, loss, settings),
        train.X,
        in_training_units(train.y, train, loss),
        validation=(held.X, in_training_units(held.y, train, loss)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        optimizer=find_rate(settings.optimizer, settings.learning_rate),
    )


def _split_once_more(train: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    try:
        return train.split(test=VALIDATION, seed=seed)
    except ValueError as error:
        raise ValueError(
            f"--patience keeps a fifth of the training rows aside, but {error}; or --patience 0"
        ) from error


def find_loss(name: str | None, dataset: Dataset) -> Loss:
    """The loss of that name, or the usual one, if it fits the target."""
    loss = losses.find(name or ("softmax_cross_entropy" if dataset.n_classes else "mse"))
    for_classes = loss.target in ("classes", "labels")
    if for_classes != bool(dataset.n_classes):
        has = f"has {dataset.n_classes} classes" if dataset.n_classes else "is a number"
        fitting = ", ".join(each.name for each in losses if (each.target in ("classes", "labels")) != for_classes)
        raise ValueError(f"--loss is {loss}, but the target {dataset.target_name!r} {has}; expected {fitting}")
    if loss.target == "labels" and dataset.n_classes != 2:
        raise ValueError(f"--loss {loss} is for two classes here, and {dataset.target_name!r} has {dataset.n_classes}")
    return loss


def task_of(loss: str | None) -> str | None:
    """How a loss takes the target, "classify" or "regress"; without a loss the target itself decides.

    >>> task_of("poisson"), task_of("softmax_cross_entropy"), task_of(None)
    ('regress', 'classify', None)
    """
    if loss is None:
        return None
    return "classify" if losses.find(loss).target in ("classes", "labels") else "regress"


def outputs(dataset: Dataset, loss: Loss) -> int:
    """Units of the last layer."""
    return dataset.n_classes if loss.target == "classes" else 1


def hidden_sizes(text: str) -> list[int]:
    """The sizes in "64,32"; none in "none".

    >>> hidden_sizes("64, 32"), hidden_sizes("none")
    ([64, 32], [])
    """
    if text.strip().lower() == "none":
        return []
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise ValueError(f"--hidden is {text!r}; expected whole numbers such as 64,32, or 'none'") from None


def find_rate(name: str, learning_rate: float | None) -> Optimizer:
    """The optimiser of that name with that learning rate, or with its own."""
    optimizer = find_optimizer(name)
    if learning_rate is None:
        return optimizer
    if isinstance(optimizer, LBFGS):
        raise ValueError("--learning-rate: lbfgs finds its steps by itself; leave it out")
    return replace(optimizer, learning_rate=learning_rate)


def measure(part: Dataset, predicted: Array, probabilities: Array | None) -> dict[str, float]:
    """The metrics of these answers to the rows of that part."""
    return {
        name: float(find_metric(name).function(part.y, probabilities if name == "log_loss" else predicted))  # type: ignore[arg-type]
        for name in METRICS["classes" if part.n_classes else "numbers"]
    }


def baseline(train: Dataset, rows: int) -> tuple[Array, Array | None]:
    """The answers of one who knows the training targets but no inputs: the most frequent class, or the mean."""
    if not train.n_classes:
        return np.full(rows, train.y.mean()), None
    shares = np.bincount(train.y, minlength=train.n_classes) / len(train.y)
    return np.full(rows, shares.argmax()), np.tile(shares, (rows, 1))


def in_training_units(y: Array, train: Dataset, loss: Loss) -> Array:
    """Targets (B,) as the network is trained on them: numbers standardised, so that rates suit any unit."""
    if loss.target != "values":
        return y
    mean, scale = _mean_and_scale(train)
    return (y - mean) / scale


def to_target_units(net: Network, train: Dataset, loss: Loss) -> None:
    """Undo the standardisation in the last layer: scale · (A W + b) + mean = A (scale · W) + (scale · b + mean)."""
    if loss.target != "values":
        return
    mean, scale = _mean_and_scale(train)
    last = [name.removesuffix(".W") for name in net.parameter_names if name.endswith(".W")][-1]
    net[f"{last}.W"][...] *= scale
    net[f"{last}.b"][...] = net[f"{last}.b"] * scale + mean


def require_target(dataset: Dataset) -> None:
    """Refuse numbers that cannot be learned: all the same, or so large that their squares overflow."""
    if (dataset.y == dataset.y[0]).all():
        raise ValueError(
            f"the target {dataset.target_name!r} is {dataset.y[0]:g} in every row; there is nothing to learn"
        )
    largest = float(np.abs(dataset.y).max())
    if largest > _LARGEST_TARGET:
        raise ValueError(
            f"the target {dataset.target_name!r} has values up to {largest:.3g}; "
            f"expected at most {_LARGEST_TARGET:g}; write it in larger units"
        )


def _mean_and_scale(train: Dataset) -> tuple[float, float]:
    return float(train.y.mean()), float(train.y.std()) or 1.0


def _as_fitted(part: Dataset, train: Dataset) -> Dataset:
    """A part with its X made by the preprocessing of `train`."""
    assert train.preprocessing is not None
    X = train.preprocessing.transform(part.rows)  # type: ignore[arg-type]
    return replace(part, X=X, preprocessing=train.preprocessing)
