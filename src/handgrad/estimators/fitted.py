"""What a fitted estimator knows: scikit-learn's attributes, from the network and from what training made of it."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from handgrad.arrays import Array, ArrayLike
from handgrad.estimators.plans import DivergedError, Memory, Outcome, Plan
from handgrad.network import Network
from handgrad.optimizers import LBFGS

_OUTPUTS = {"softmax_cross_entropy": "softmax", "sigmoid_cross_entropy": "logistic", "poisson": "exp"}


class Fitted:
    """The fitted attributes of both estimators; those of the network are views of it."""

    net_: Network
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    _memory: Memory | None
    _architecture: dict[str, Any]
    _best: Array
    _waited: Array

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    @property
    def coefs_(self) -> tuple[Array, ...]:
        """The weights (fan_in, fan_out) of each layer, with a leading axis for an ensemble; views of `net_`.

        Write into them, `coefs_[0][...] = W`, to change the network.
        """
        check_is_fitted(self)
        return tuple(self.net_[name] for name in self.net_.parameter_names if name.endswith(".W"))

    @property
    def intercepts_(self) -> tuple[Array, ...]:
        """The biases (fan_out,) of each layer that has any, with a leading axis for an ensemble; views of `net_`."""
        check_is_fitted(self)
        return tuple(self.net_[name][..., 0, :] for name in self.net_.parameter_names if name.endswith(".b"))

    @property
    def n_layers_(self) -> int:
        """Layers, with input and output."""
        return len(self.coefs_) + 1

    @property
    def n_outputs_(self) -> int:
        """Units of the last layer."""
        return int(self.coefs_[-1].shape[-1])

    @property
    def out_activation_(self) -> str:
        """The output function: "softmax", "logistic", "exp" or "identity"."""
        check_is_fitted(self)
        return _OUTPUTS.get(self.net_.loss_rule.name, "identity")

    def _logits(self, X: ArrayLike) -> Array:
        """What the last layer gives, (n, outputs), or (S, n, outputs) for an ensemble."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False)
        return self.net_.forward(dense(X).astype(self.net_.dtype, copy=False))

    def _spread(self, values: Array) -> Array:
        """The standard deviation over the ensemble's networks."""
        if self.net_.size is None:
            raise ValueError("return_std needs several networks; fit with n_ensemble=10, say")
        return values.std(axis=0)

    def _take(self, plan: Plan, outcome: Outcome) -> None:
        """Take over what training made of the networks, in scikit-learn's words; raise if none of them is any good."""
        lost = len(outcome.errors) == plan.networks
        if lost and outcome.scores is None:
            raise DivergedError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                f"preprocessed. {outcome.errors[0]}"
            )
        self._warn(plan, outcome)
        outcome = outcome.sound()
        scale, epochs = plan.settings.scale, len(outcome.losses)
        losses = scale * _means(outcome.losses)
        validation = [] if outcome.validation_losses is None else list(scale * _means(outcome.validation_losses))
        self.net_, self._memory = outcome.net, outcome.memory
        self._best, self._waited = outcome.best, outcome.waited
        self._architecture = plan.architecture
        self.n_iter_ = epochs
        self.t_ = epochs * len(plan.data.X) + (0 if plan.first else self.t_)
        self.loss_ = float(losses[-1]) if epochs else np.nan
        self.loss_curve_ = ([] if plan.first else self.loss_curve_) + losses.tolist()
        self.validation_loss_curve_ = ([] if plan.first else self.validation_loss_curve_) + validation
        self._take_scores(plan, outcome)

    def _take_scores(self, plan: Plan, outcome: Outcome) -> None:
        """The attributes that say how convergence was judged."""
        if outcome.scores is None:
            self.best_loss_ = float(-plan.settings.scale * outcome.best.mean())
            self.validation_scores_, self.best_validation_score_ = None, None
            return
        scores = _means(outcome.scores).tolist() + [np.nan] * bool(outcome.errors)
        before = None if plan.first else self.validation_scores_
        self.validation_scores_ = (before or []) + scores
        self.best_loss_, self.best_validation_score_ = None, float(outcome.best.mean())

    def _warn(self, plan: Plan, outcome: Outcome) -> None:
        """Say what went less than well."""
        told, planned, epochs = [], plan.settings.training["epochs"], len(outcome.losses)
        for number, error in outcome.errors.items():
            if plan.networks > 1 and len(outcome.errors) < plan.networks:
                told.append(f"network {number} of the ensemble is left out: {error}")
            else:
                told.append(f"training diverged, and the best weights so far are kept: {error}")
        if not (plan.incremental or outcome.converged.all() or outcome.errors):
            if isinstance(plan.settings.training["optimizer"], LBFGS):
                told.append(f"lbfgs failed to converge after {epochs} iteration(s)")
            elif epochs >= planned:
                told.append(
                    f"Stochastic Optimizer: Maximum iterations ({planned}) reached and the optimization hasn't "
                    "converged yet."
                )
        for message in told:
            warnings.warn(message, ConvergenceWarning, stacklevel=5)

    @property
    def _no_improvement_count(self) -> int:
        """Epochs since the last improvement, where scikit-learn keeps them."""
        return int(self._waited.max())


def _means(curves: Array) -> Array:
    """Curves (epochs, S) as one, over the networks that were still training."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # all diverged: NaN
        return np.nanmean(curves, axis=1)


def dense(X: Any) -> Array:
    """A sparse matrix, or any other, as an array in rows."""
    return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X)
