"""Metrics: what people report, with scikit-learn's definitions.

Each takes targets y and predictions, and averages over the rows. Predictions may carry a leading axis of S networks
in front of y's shape; the answer is then (S,), otherwise a number.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.rules import unknown


def accuracy(y: Array, predicted: Array) -> Array:
    """Share of rows that are right; y (B,) of classes, or (B, C) of labels, where all labels of a row must be right.

    >>> float(accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])))
    0.75
    """
    return _correct(y, predicted).mean(axis=-1)


def balanced_accuracy(y: Array, predicted: Array) -> Array:
    """Mean over the classes present in y (B,) of the share of their rows that are right (mean recall).

    >>> float(balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])))
    0.5
    """
    if y.ndim == 2 and y.shape[-1] != 1:
        raise ValueError(f"balanced_accuracy: y has shape {y.shape}; expected classes (B,), not several labels a row")
    correct, classes = _correct(y, predicted), y.reshape(-1)
    return np.mean([correct[..., classes == each].mean(axis=-1) for each in np.unique(classes)], axis=0)


def log_loss(y: Array, probabilities: Array) -> Array:
    """Mean of -log p(true class): y (B,) and (B, C), or y and p (B, 1) of label 1; p is kept off 0 and 1 by one ulp.

    >>> round(float(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]]))), 4)
    0.6931
    """
    epsilon = np.finfo(probabilities.dtype).eps
    p = np.clip(probabilities, epsilon, 1 - epsilon)
    if y.ndim == 2:
        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=(-2, -1))
    rows = np.arange(len(y))
    return -np.log(p[..., rows, y] / p.sum(axis=-1)).mean(axis=-1)


def mean_squared_error(y: Array, predicted: Array) -> Array:
    """Mean of (y - ŷ)² over rows and outputs."""
    _require_alike(y, predicted)
    return ((y - predicted) ** 2).mean(axis=_axes(y))


def mean_absolute_error(y: Array, predicted: Array) -> Array:
    """Mean of |y - ŷ| over rows and outputs."""
    _require_alike(y, predicted)
    return np.abs(y - predicted).mean(axis=_axes(y))


def r2(y: Array, predicted: Array) -> Array:
    """R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)², averaged over outputs; for a constant y it is 1 if matched, else 0.

    >>> float(r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])))
    1.0
    """
    _require_alike(y, predicted)
    if y.ndim == 1:
        y, predicted = y[:, None], predicted[..., None]
    residual = ((y - predicted) ** 2).sum(axis=-2)  # (..., C)
    varies = y.max(axis=0) > y.min(axis=0)  # (C,); a sum of squares may be off 0 by rounding
    total = varies * ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    constant = np.where(residual == 0, 1.0, 0.0)
    return np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), constant).mean(axis=-1)


def _require_alike(y: Array, predicted: Array) -> None:
    """Refuse what NumPy would broadcast: y (B,) against predictions (B, 1) is a (B, B) table of differences."""
    if predicted.shape[predicted.ndim - y.ndim :] != y.shape:
        raise ValueError(f"predicted has shape {predicted.shape} but y {y.shape}; reshape one to fit the other")


def _correct(y: Array, predicted: Array) -> Array:
    _require_alike(y, predicted)
    correct = np.asarray(y == predicted)
    return np.asarray(correct.all(axis=-1)) if y.ndim == 2 else correct


def _axes(y: Array) -> tuple[int, ...]:
    return tuple(range(-y.ndim, 0))


@dataclass(frozen=True)
class Metric:
    """A metric's name, its function, what it is computed from, and which way is better."""

    name: str
    function: Callable[[Array, Array], Array]
    needs: str = "predict"  # or "predict_proba"
    higher_is_better: bool = False
    for_classes: bool = False


_BY_NAME = {
    metric.name: metric
    for metric in (
        Metric("accuracy", accuracy, higher_is_better=True, for_classes=True),
        Metric("balanced_accuracy", balanced_accuracy, higher_is_better=True, for_classes=True),
        Metric("log_loss", log_loss, needs="predict_proba", for_classes=True),
        Metric("mean_squared_error", mean_squared_error),
        Metric("mean_absolute_error", mean_absolute_error),
        Metric("r2", r2, higher_is_better=True),
    )
}


def find_metric(metric: str | Metric) -> Metric:
    """The metric of that name, or the record itself.

    >>> find_metric("accuracy").higher_is_better
    True
    """
    if isinstance(metric, Metric):
        return metric
    if metric not in _BY_NAME:
        raise unknown("metric", str(metric), _BY_NAME)
    return _BY_NAME[metric]
