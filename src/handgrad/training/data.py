"""The training set as the steps see it: accepted, cast and encoded once; batches in a seeded order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array, ArrayLike, require_integer, require_number
from handgrad.network import Network
from handgrad.network.door import accept_weights
from handgrad.training.settings import Settings

Batch = tuple[Array, Array, Array | None]  # X, T, and shares wᵢ / Σ w (None: all equal)


@dataclass(frozen=True)
class TrainingData:
    """X (N, D) or (S, N, D), targets T (N, C) or (S, N, C), weights (N,) or None."""

    X: Array
    T: Array
    weights: Array | None
    counters: tuple[int, ...] = ()  # besides the epoch's, on which the order of the rows depends

    @property
    def rows(self) -> int:
        """N."""
        return int(self.X.shape[-2])

    def batch(self, rows: Array | slice) -> Batch:
        """X, T and shares wᵢ / Σ w of these rows: indices (B,), or (S, B) where each network has its own order."""
        shares = None if self.weights is None else _shares(self.weights[rows])
        return _take(self.X, rows), _take(self.T, rows), shares

    def batch_of(self, net: Network, settings: Settings, epoch: int, number: int) -> Batch:
        """The batch of that number in an epoch, both from 0."""
        return self.batch(next(islice(batches(net, self.rows, settings, epoch, *self.counters), number, None)))

    def some_rows(self, seed: int | None) -> Array:
        """Up to 1000 rows of X, drawn at random."""
        return self.X[..., randomness.order(randomness.key(0, seed, "lsuv"), self.rows)[:1000], :]


def accept_data(
    net: Network, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, class_weight: Any
) -> TrainingData:
    """Everything about the training set that can be wrong is refused here."""
    X, T, _ = net.accept(X, y, sample_weight)
    classes = classes_of(net, T)
    encoded = np.ndim(y) == T.ndim  # who encodes classes knows them, and may have rows of one alone
    if not encoded and classes is not None and classes.shape[-1] > 1 and _one_class(classes):
        raise ValueError("y has one class only; a classifier needs rows of at least two classes")
    weights = None if sample_weight is None else accept_weights(sample_weight, X.shape[-2], net.dtype)
    if class_weight is not None:
        by_class = class_weights(net, T, classes, class_weight)
        weights = by_class if weights is None else weights * by_class
        if not weights.any():
            raise ValueError("class_weight leaves every row a weight of 0; give some class of these rows more")
    return TrainingData(X, T, weights)


def classes_of(net: Network, T: Array) -> Array | None:
    """The class of each row, (N,) or (S, N); None where targets are not one class a row."""
    if net.loss_rule.target == "classes":
        return T.argmax(axis=-1)
    if net.loss_rule.target == "labels" and T.shape[-1] == 1 and np.isin(T, (0, 1)).all():
        return T[..., 0].astype(np.int64)
    return None


def _one_class(classes: Array) -> bool:
    """Whether all rows of some network are of one class."""
    return bool((classes == classes[..., :1]).all(axis=-1).any())


def class_weights(net: Network, T: Array, classes: Array | None, class_weight: Mapping[int, float] | str) -> Array:
    """A weight for each row by its class: as given, or "balanced", N / (C · rows of the class)."""
    if classes is None or classes.ndim != 1:
        raise ValueError(
            f"class_weight needs one class a row, shared by all networks; loss {net.loss_rule} has other y"
        )
    known = max(T.shape[-1], 2)
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(classes, minlength=known)
        return (len(classes) / (np.count_nonzero(counts) * counts[classes])).astype(net.dtype)
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight is {class_weight!r}; expected 'balanced' or a dict such as {{0: 1.0, 1: 5.0}}")
    by_class = np.ones(known)
    for label, weight in class_weight.items():
        if require_integer("class_weight's class", label, at_least=0) >= known:
            raise ValueError(f"class_weight names class {label}; expected 0 to {known - 1}")
        by_class[label] = require_number(f"class_weight[{label}]", weight, at_least=0)
    return by_class[classes].astype(net.dtype)


def batches(net: Network, rows: int, settings: Settings, epoch: int, *counters: int) -> Iterator[Any]:
    """The rows of each batch of an epoch: everything in order if one batch holds it, else the epoch's order cut up."""
    if settings.steps(rows) == 1:
        yield slice(None)
        return
    assert settings.batch_size is not None
    order = order_of(net, rows, settings, epoch, *counters)
    for start in range(0, rows, settings.batch_size):
        yield order[..., start : start + settings.batch_size]


def order_of(net: Network, rows: int, settings: Settings, epoch: int, *counters: int) -> Array:
    """The rows of an epoch in their seeded order, (N,) or (S, N): each network of a stack has its own."""
    if not settings.shuffle:
        return np.arange(rows)
    return randomness.order(randomness.key(net.seed, settings.seed, "order", epoch, *counters), rows)


def _take(array: Array, rows: Any) -> Array:
    if isinstance(rows, slice) or array.ndim == 2:
        return array if isinstance(rows, slice) else array[rows]
    return array[np.arange(len(array))[:, None], rows]


def _shares(weights: Array) -> Array:
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total > 0, total, 1)  # a batch whose weights are all zero teaches nothing
