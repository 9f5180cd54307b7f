"""Metrics: what people report, with scikit-learn's definitions.

Each takes targets y and predictions, and averages over the rows. Predictions may carry a leading axis of S networks
in front of y's shape; the answer is then (S,), otherwise a number. All come in by one of two doors, `_classes` and
`_values`, at the end of the functions; what NumPy would broadcast, wrap or cast there raises a ValueError.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_numeric
from handgrad.rules import unknown


def accuracy(y: ArrayLike, predicted: ArrayLike) -> Array:
    """Share of rows that are right; y (B,) of classes, or (B, C) of labels, where all labels of a row must be right.

    >>> float(accuracy([0, 1, 1, 0], [0, 1, 0, 0]))
    0.75
    """
    y, predicted = _classes(y, predicted)
    return _correct(y, predicted).mean(axis=-1)


def balanced_accuracy(y: ArrayLike, predicted: ArrayLike) -> Array:
    """Mean over the classes present in y (B,) of the share of their rows that are right (mean recall).

    >>> float(balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0]))
    0.5
    """
    y, predicted = _classes(y, predicted)
    if y.ndim == 2 and y.shape[-1] != 1:
        raise ValueError(f"balanced_accuracy: y has shape {y.shape}; expected classes (B,), not several labels a row")
    correct, classes = _correct(y, predicted), y.reshape(-1)
    return np.mean([correct[..., classes == each].mean(axis=-1) for each in np.unique(classes)], axis=0)


def log_loss(y: ArrayLike, probabilities: ArrayLike) -> Array:
    """Mean of -log p(true class); p is kept off 0 and 1 by one ulp.

    y (B,) of classes with p (B, C), or with p (B, 1) of class 1; or y as probabilities in the shape of p, such as
    one-hot rows. Rows of probabilities sum to 1; several labels a row are refused, as they have no one true class.

    >>> round(float(log_loss([0, 1], [[0.5, 0.5], [0.5, 0.5]])), 4)
    0.6931
    """
    y, p = require_numeric("y", y), require_numeric("probabilities", probabilities)
    if y.ndim == 1 and p.shape[-1:] == (1,):
        y = y[:, None]
    if y.ndim == 1:
        _require_shape("probabilities", p, y, (len(y), *p.shape[-1:]))
        _require_class_indices(y, p.shape[-1])
    else:
        _require_shape("probabilities", p, y, y.shape)
        _require_probabilities("y", y)
    _require_probabilities("probabilities", p)
    epsilon = np.finfo(p.dtype if p.dtype.kind == "f" else float).eps
    p = np.clip(p, epsilon, 1 - epsilon)
    if y.ndim == 1:
        chosen = p[..., np.arange(len(y)), y.astype(np.int64)]  # (..., B), which NumPy lays out B first
        return -np.log(np.ascontiguousarray(chosen)).mean(axis=-1)  # rows in order: the same bits alone and in a stack
    if y.shape[-1] == 1:
        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=(-2, -1))
    return -(y * np.log(p)).sum(axis=-1).mean(axis=-1)


def mean_squared_error(y: ArrayLike, predicted: ArrayLike) -> Array:
    """Mean of (y - ŷ)² over rows and outputs."""
    y, predicted = _values(y, predicted)
    return ((y - predicted) ** 2).mean(axis=_axes(y))


def mean_absolute_error(y: ArrayLike, predicted: ArrayLike) -> Array:
    """Mean of |y - ŷ| over rows and outputs."""
    y, predicted = _values(y, predicted)
    return np.abs(y - predicted).mean(axis=_axes(y))


def r2(y: ArrayLike, predicted: ArrayLike) -> Array:
    """R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)², averaged over outputs; for a constant y it is 1 if matched, else 0.

    >>> float(r2([1, 2, 3], [1, 2, 3]))
    1.0
    """
    y, predicted = _values(y, predicted)
    if y.ndim == 1:
        y, predicted = y[:, None], predicted[..., None]
    residual = ((y - predicted) ** 2).sum(axis=-2)  # (..., C)
    varies = y.max(axis=0) > y.min(axis=0)  # (C,); a sum of squares may be off 0 by rounding
    total = varies * ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    constant = np.where(residual == 0, 1.0, 0.0)
    return np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), constant).mean(axis=-1)


def _classes(y: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    """Classes or labels, whole numbers of the same shape."""
    y, predicted = require_numeric("y", y), require_numeric("predicted", predicted)
    _require_shape("predicted", predicted, y, y.shape)
    for argument, each in (("y", y), ("predicted", predicted)):
        if each.dtype.kind == "f" and (each != np.floor(each)).any():
            raise ValueError(f"{argument} has fractions; expected classes, or labels 0 or 1, not probabilities")
    return y, predicted


def _values(y: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    """Numbers of the same shape, in float64, where differences of small integers do not wrap."""
    y, predicted = require_numeric("y", y), require_numeric("predicted", predicted)
    _require_shape("predicted", predicted, y, y.shape)
    return y.astype(np.float64, copy=False), predicted.astype(np.float64, copy=False)


def _require_shape(argument: str, predicted: Array, y: Array, shape: tuple[int, ...]) -> None:
    """Refuse what NumPy would broadcast: y (B,) against predictions (B, 1) is a (B, B) table of differences."""
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(f"y has shape {y.shape}; expected targets (B,) or (B, C) of at least one row")
    if predicted.ndim < len(shape) or predicted.shape[predicted.ndim - len(shape) :] != shape:
        raise ValueError(f"{argument} has shape {predicted.shape} but y {y.shape}; reshape one to fit the other")


def _require_class_indices(y: Array, classes: int) -> None:
    if (y != np.floor(y)).any() or y.min() < 0 or y.max() >= classes:
        expected = f"whole class indices from 0 to {classes - 1}, one for each column of probabilities"
        raise ValueError(f"y has values from {y.min():g} to {y.max():g}; expected {expected}")


def _require_probabilities(argument: str, p: Array) -> None:
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"{argument} has values from {p.min():g} to {p.max():g}; expected probabilities from 0 to 1")
    if p.shape[-1] > 1 and (np.abs(p.sum(axis=-1) - 1) > 1e-3).any():
        raise ValueError(
            f"{argument} has rows that do not sum to 1; expected the probabilities of {p.shape[-1]} classes"
        )


def _correct(y: Array, predicted: Array) -> Array:
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
    for_classes: bool = False  # means nothing for numbers
    for_values: bool = False  # means nothing for class indices
    mean_of_rows: bool = False  # that of a set is the mean of those of its rows, so that parts can be measured alone


_BY_NAME = {
    metric.name: metric
    for metric in (
        Metric("accuracy", accuracy, higher_is_better=True, for_classes=True, mean_of_rows=True),
        Metric("balanced_accuracy", balanced_accuracy, higher_is_better=True, for_classes=True),
        Metric("log_loss", log_loss, needs="predict_proba", for_classes=True, mean_of_rows=True),
        Metric("mean_squared_error", mean_squared_error, for_values=True, mean_of_rows=True),
        Metric("mean_absolute_error", mean_absolute_error, for_values=True, mean_of_rows=True),
        Metric("r2", r2, higher_is_better=True, for_values=True),
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
