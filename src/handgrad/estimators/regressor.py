"""`MLPRegressor`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score

from handgrad.arrays import Array, ArrayLike
from handgrad.estimators.mlp import MLP, learns_in_steps
from handgrad.estimators.plans import Examples
from handgrad.losses import Loss, losses
from handgrad.network import Network

_THEIRS = {"squared_error": "mse"}


@dataclass(eq=False, repr=False)
class MLPRegressor(MultiOutputMixin, RegressorMixin, MLP):
    """Regression by a multi-layer perceptron: scikit-learn's `MLPRegressor`, and what it refused.

    scikit-learn's parameters have its names, defaults and meanings. `loss` is "squared_error" (half the mean squared
    error), "poisson", or any regression loss of handgrad: a name such as "huber(delta=2)" or a record of your own.
    At several outputs the loss is the mean over them, and the gradient is its derivative.

    Parameters beyond scikit-learn's
    --------------------------------
    activation, solver
        Also any of handgrad's: a name or record for all hidden layers or a list with one for each; an optimiser.
    init
        "auto" (Glorot's uniform, for biases too, as scikit-learn), or any of handgrad's initialisers.
    norm, dropout
        "batch" or "layer"; the share of hidden units that is dropped in training.
    schedule, clip_norm, frozen, callbacks
        As for `handgrad.Training`.
    initial_coefs
        A pair (coefs, intercepts) to start from, as `coefs_` and `intercepts_` of a fitted estimator.
    n_ensemble
        So many networks with seeds of their own, trained side by side; predictions are their means.

    Attributes
    ----------
    net_
        The trained `handgrad.Network`, or a stack of them.
    validation_loss_curve_
        The loss on the validation set after each epoch; empty without one.

    The others are scikit-learn's: `coefs_`, `intercepts_`, `loss_curve_`, `n_iter_` and so on.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(solver="lbfgs", max_iter=20000, alpha=1.0, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    loss: Any = "squared_error"

    def predict(self, X: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The predictions (n,) or (n, outputs); with `return_std` also their standard deviation over the ensemble."""
        Z = self._logits(X)
        outputs = self.net_.loss_rule.output(Z)
        outputs = outputs[..., 0] if self.n_outputs_ == 1 else outputs
        mean = outputs if self.net_.size is None else outputs.mean(axis=0)
        return (mean, self._spread(outputs)) if return_std else mean

    @learns_in_steps
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """One epoch over these rows, which goes on where the last call or `fit` ended, the optimiser too."""
        return self._learn_once(X, y, sample_weight)

    def _encode(self, y: Array) -> Array:
        return y[:, None] if y.ndim == 1 else y

    def _find_loss(self) -> Loss:
        rule = losses.find(_THEIRS.get(self.loss, self.loss) if isinstance(self.loss, str) else self.loss)
        if rule.target not in ("values", "counts"):
            raise ValueError(f"loss is {self.loss!r}, which is for classes; expected 'squared_error' or alike")
        return rule

    def score_of(self, net: Network, data: Examples) -> Array:
        """R² on these examples, (S,)."""
        outputs = net.loss_rule.output(net.forward(data.X)).reshape(net.size or 1, *data.T.shape)
        scored: Sequence[float] = [
            r2_score(data.T, each, sample_weight=data.weight) if np.isfinite(each).all() else np.nan for each in outputs
        ]
        return np.array(scored)
