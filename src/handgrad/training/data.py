"""The training set as the steps see it: accepted, cast and encoded once; batches in a seeded order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array, ArrayLike, require_number
from handgrad.network import Network
from handgrad.network.door import accept_weights


@dataclass(frozen=True)
class TrainingData:
    """X (N, D) or (S, N, D), targets T (N, C) or (S, N, C), weights (N,) or None."""

    X: Array
    T: Array
    weights: Array | None

    @property
    def rows(self) -> int:
        """N."""
        return int(self.X.shape[-2])

    def batch(self, rows: Array | slice) -> tuple[Array, Array, Array | None]:
        """X, T and shares wᵢ / Σ w of these rows: indices (B,), or (S, B) where each network has its own order."""
        shares = None if self.weights is None else _shares(self.weights[rows])
        return _take(self.X, rows), _take(self.T, rows), shares


def accept_data(
    net: Network, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, class_weight: Any
) -> TrainingData:
    """Everything about the training set that can be wrong is refused here."""
    X, T, _ = net.accept(X, y, sample_weight)
    if net.loss_rule.target == "classes" and len(np.unique(T.argmax(axis=-1))) < 2 and T.shape[-2] > 1:
        raise ValueError("y has one class only; a classifier needs rows of at least two classes")
    weights = None if sample_weight is None else accept_weights(sample_weight, X.shape[-2], net.dtype)
    if class_weight is not None:
        by_class = _class_weights(net, T, class_weight)
        weights = by_class if weights is None else weights * by_class
    return TrainingData(X, T, weights)


def _class_weights(net: Network, T: Array, class_weight: Mapping[int, float] | str) -> Array:
    """A weight for each row by its class: as given, or "balanced", N / (C · rows of the class)."""
    if net.loss_rule.target != "classes" or T.ndim != 2:
        raise ValueError(f"class_weight needs classes (N,) shared by all networks, not loss {net.loss_rule}")
    classes = T.argmax(axis=-1)
    if class_weight == "balanced":
        counts = np.bincount(classes, minlength=T.shape[-1])
        return (len(classes) / (np.count_nonzero(counts) * counts[classes])).astype(net.dtype)
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight is {class_weight!r}; expected 'balanced' or a dict such as {{0: 1.0, 1: 5.0}}")
    by_class = np.ones(T.shape[-1])
    for label, weight in class_weight.items():
        if label not in range(T.shape[-1]):
            raise ValueError(f"class_weight names class {label!r}; expected 0 to {T.shape[-1] - 1}")
        by_class[label] = require_number(f"class_weight[{label}]", weight, at_least=0)
    return by_class[classes].astype(net.dtype)


def batches(net: Network, rows: int, batch_size: int | None, seed: int | None, epoch: int) -> Iterator[Any]:
    """The rows of each batch of an epoch: everything in order if one batch holds it, else a seeded shuffle cut up.

    Each network of a stack has its own order, from its own seed.
    """
    if batch_size is None or batch_size >= rows:
        yield slice(None)
        return
    order = randomness.order(randomness.key(net.seed, seed, "order", epoch), rows)
    for start in range(0, rows, batch_size):
        yield order[..., start : start + batch_size]


def _take(array: Array, rows: Any) -> Array:
    if isinstance(rows, slice) or array.ndim == 2:
        return array if isinstance(rows, slice) else array[rows]
    return array[np.arange(len(array))[:, None], rows]


def _shares(weights: Array) -> Array:
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total > 0, total, 1)  # a batch whose weights are all zero teaches nothing
