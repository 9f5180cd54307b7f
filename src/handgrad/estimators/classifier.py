"""`MLPClassifier`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import column_or_1d

from handgrad.arrays import Array, ArrayLike
from handgrad.estimators.labels import Labels
from handgrad.estimators.mlp import MLP, learns_in_steps
from handgrad.estimators.plans import Examples
from handgrad.losses import Loss, losses
from handgrad.network import Network


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, MLP):
    """Classification by a multi-layer perceptron: scikit-learn's `MLPClassifier`, and what it refused.

    scikit-learn's parameters have its names, defaults and meanings. Two classes have one logistic output, more have a
    softmax; several labels for a row (y (n, labels) of 0 and 1) have a logistic output each.

    Parameters beyond scikit-learn's
    --------------------------------
    class_weight
        How much each class counts: a dict by label, or "balanced".
    activation, solver, loss
        Also any of handgrad's: a name or record for all hidden layers or a list with one for each; an optimiser; a
        loss for classes or labels.
    init
        "auto" (Glorot's uniform, for biases too, as scikit-learn), or any of handgrad's initialisers.
    norm, dropout
        "batch" or "layer"; the share of hidden units that is dropped in training.
    schedule, clip_norm, frozen, callbacks
        As for `handgrad.Training`.
    initial_coefs
        A pair (coefs, intercepts) to start from, as `coefs_` and `intercepts_` of a fitted estimator.
    n_ensemble
        So many networks with seeds of their own, trained side by side; probabilities are their means.

    Attributes
    ----------
    net_
        The trained `handgrad.Network`, or a stack of them.
    validation_loss_curve_
        The loss on the validation set after each epoch; empty without one.

    The others are scikit-learn's: `classes_`, `coefs_`, `intercepts_`, `loss_curve_`, `n_iter_` and so on.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = MLPClassifier(max_iter=1000, class_weight="balanced", random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    loss: Any = "log_loss"
    class_weight: Any = None

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, (n,); with several labels 0 or 1 for each, (n, labels)."""
        each = self._probabilities(X)
        return self._labels.decode(each if self.net_.size is None else each.mean(axis=0))

    def predict_proba(self, X: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The probabilities (n, classes); with `return_std` also their standard deviation over the ensemble."""
        each = self._probabilities(X)
        mean = each if self.net_.size is None else each.mean(axis=0)
        return (mean, self._spread(each)) if return_std else mean

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @learns_in_steps
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> Self:
        """One epoch over these rows, which goes on where the last call or `fit` ended, the optimiser too.

        `classes` names all classes in the first call; later calls may leave it out.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' would be another in each call of partial_fit; pass a dict, for example from "
                "sklearn.utils.class_weight.compute_class_weight"
            )
        self._accept_classes(y, classes)
        return self._learn_once(X, y, sample_weight, classes)

    # --- labels and targets -------------------------------------------------------------------------------------

    def _accept_classes(self, y: ArrayLike, classes: ArrayLike | None) -> None:
        """The first `partial_fit` needs them, and later ones cannot have others."""
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if known is not None and classes is not None and not np.array_equal(known, unique_labels(classes)):
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}")

    def _targets(self, y: Array, classes: Any, go_on: bool) -> Array:
        if not go_on:
            labels = Labels.fit(y)
            self._labels = labels if classes is None or labels.several else Labels(unique_labels(classes))
            self.classes_ = self._labels.classes
        elif self.warm_start:
            self._require_same(self._labels.present(y))
        return self._encode(y)

    def _encode(self, y: Array) -> Array:
        return self._labels.encode(y)

    def _require_same(self, classes: Array) -> None:
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {classes}"
            )

    def _knows(self, y: Array) -> bool:
        return self._labels.several or bool(np.isin(y, self.classes_).all())

    def _weigh_classes(self, y: Array, weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return weight
        by_class = self._by_class(y)
        wrong = ~(np.isfinite(by_class) & (by_class >= 0))
        if wrong.any():
            raise ValueError(f"class_weight has {by_class[wrong][0]}; expected finite weights of at least 0")
        weights = by_class if weight is None else weight * by_class.astype(weight.dtype)
        if not weights.any():
            raise ValueError("class_weight and sample_weight leave every row a weight of 0; give some row more")
        return weights

    def _by_class(self, y: Array) -> Array:
        """A weight for each row; a class that a chunk of rows does not have may be named."""
        if not isinstance(self.class_weight, Mapping) or self._labels.several:
            return np.asarray(compute_sample_weight(self.class_weight, y))
        unknown = [label for label in self.class_weight if label not in self.classes_]
        if unknown:
            raise ValueError(f"class_weight names {unknown[0]!r}; expected some of {self.classes_}")
        by_label = np.array([self.class_weight.get(label, 1.0) for label in self.classes_], dtype=np.float64)
        return by_label[np.searchsorted(self.classes_, column_or_1d(y))]

    def _find_loss(self) -> Loss:
        multiclass = self._labels.multiclass
        if isinstance(self.loss, str) and self.loss == "log_loss":
            return losses.find("softmax_cross_entropy" if multiclass else "sigmoid_cross_entropy")
        rule = losses.find(self.loss)
        if rule.target != ("classes" if multiclass else "labels"):
            kind = "more than two classes" if multiclass else "two classes or several labels"
            raise ValueError(f"loss is {self.loss!r}, but y has {kind}; expected 'log_loss' or a loss that suits them")
        return rule

    # --- outputs ------------------------------------------------------------------------------------------------

    def _probabilities(self, X: ArrayLike) -> Array:
        """(n, classes) or (n, labels), with a leading axis for an ensemble; one logistic output p as 1 - p and p."""
        Z = self._logits(X)
        rule = self.net_.loss_rule
        p = rule.output(Z)
        if Z.shape[-1] > 1:
            return p
        logistic = rule.name == "sigmoid_cross_entropy"
        other = rule.output(-Z) if logistic else 1 - p  # σ(-z) = 1 - σ(z), and keeps the digits of small ones
        return np.concatenate([other, p], axis=-1)

    def score_of(self, net: Network, data: Examples) -> Array:
        """The share of rows with every label right, (S,)."""
        Z = net.forward(data.X).reshape(net.size or 1, *data.T.shape)
        if net.loss_rule.target == "classes":
            right = Z.argmax(axis=-1) == data.T.argmax(axis=-1)
        else:
            right = ((Z > 0) == (data.T > 0.5)).all(axis=-1)
        finite = np.isfinite(Z).all(axis=(-2, -1))
        return np.where(finite, np.average(right, axis=-1, weights=data.weight), np.nan)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
