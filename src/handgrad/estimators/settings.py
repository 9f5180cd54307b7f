"""scikit-learn's parameters as handgrad's settings: the one place where the two meet.

Their objective on a batch is the mean loss plus alpha / 2 · Σ W² / (the batch's weight); ours the mean loss plus
l2 / 2 · Σ W². Where their loss is k times ours (½ for the squared error, the number of labels where they sum over
labels and we average), k goes into the rate, the penalty and the tolerances, so that every step is the same.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.arrays import require_integer, require_number
from handgrad.losses import Loss
from handgrad.optimizers import LBFGS, SGD, Adam, Optimizer, find_optimizer
from handgrad.rules import unknown
from handgrad.schedules import ReduceOnPlateau, Schedule

if TYPE_CHECKING:
    from handgrad.estimators.mlp import MLP

_RELATIVE_DECREASE = 2.220446049250313e-09  # SciPy's default `ftol`, with which scikit-learn runs L-BFGS-B


class Settings(NamedTuple):
    """Keywords for `Network.mlp` and for `Training`, and k: their loss over ours."""

    network: dict[str, Any]
    training: dict[str, Any]
    scale: float


class Adaptive(ReduceOnPlateau):
    """A learning rate that `Convergence` divides by 5 where it would otherwise stop, until it is `smallest`."""

    def __init__(self, smallest: float) -> None:
        super().__init__()
        self.name, self.smallest = "adaptive", smallest

    def advance(self, state: Any, loss: Any) -> Any:
        """The state as it is: `Convergence` decides."""
        return state


class Rows(NamedTuple):
    """What is trained on: how many rows, their mean weight, and the rows seen before, in how many epochs."""

    number: int
    weight: float = 1.0
    seen: int = 0
    epochs: int = 0


def settings_of(params: "MLP", loss: Loss, features: int, outputs: int, rows: Rows) -> Settings:
    """The settings with which a network of so many inputs and outputs is trained on these rows."""
    batch_size = min(200 if params.batch_size == "auto" else batch_size_of(params), rows.number)
    scale = _scale(params.loss, loss, outputs)
    optimizer = _optimizer(params, scale)
    alpha = require_number("alpha", params.alpha, at_least=0)
    if params.n_iter_no_change != np.inf:
        require_integer("n_iter_no_change", params.n_iter_no_change)
    network = {
        "sizes": [features, *_hidden_sizes(params.hidden_layer_sizes), outputs],
        "activation": params.activation,
        "loss": loss,
        "init": "glorot_uniform" if params.init == "auto" else params.init,
        "bias_init": "glorot_uniform" if params.init == "auto" else "zeros",
        "dropout": params.dropout,
        "norm": params.norm,
        "l2": alpha / (scale * (rows.number if isinstance(optimizer, LBFGS) else batch_size) * rows.weight),
    }
    training = {
        "epochs": require_integer("max_iter", params.max_iter),
        "batch_size": batch_size,
        "optimizer": optimizer,
        "schedule": _schedule(params, rows, scale),
        "clip_norm": params.clip_norm,
        "shuffle": params.shuffle,
        "frozen": params.frozen,
    }
    return Settings(network, training, scale)


def batch_size_of(params: "MLP") -> int:
    """The batch size as given, if it is a whole number."""
    try:
        return require_integer("batch_size", params.batch_size)
    except TypeError as wrong:
        raise TypeError(f"{wrong}, or 'auto' for min(200, rows)") from None


def _hidden_sizes(sizes: Any) -> list[int]:
    sizes = list(sizes) if isinstance(sizes, list | tuple | np.ndarray) else [sizes]
    return [require_integer("hidden_layer_sizes", size) for size in sizes]


def _scale(name: Any, loss: Loss, outputs: int) -> float:
    """How many times ours their loss is: half the squared error, and a sum over labels."""
    if name == "squared_error":
        return 0.5
    return float(outputs) if name == "log_loss" and loss.target == "labels" else 1.0


def _optimizer(params: "MLP", scale: float) -> Optimizer:
    """The rule for our gradient, which is theirs divided by `scale`; a record is taken as it is."""
    tol = require_number("tol", params.tol, at_least=0)
    rate = require_number("learning_rate_init", params.learning_rate_init, above=0)
    record = find_optimizer(params.solver)
    if isinstance(params.solver, Optimizer) or "(" in params.solver:
        return record
    if isinstance(record, LBFGS):
        evaluations = require_integer("max_fun", params.max_fun)
        return LBFGS(tolerance=tol / scale, max_evaluations=evaluations, decrease=_RELATIVE_DECREASE)
    if type(record) is Adam:
        return Adam(rate, params.beta_1, params.beta_2, params.epsilon / scale)
    if isinstance(record, SGD):
        return SGD(rate * scale, params.momentum, params.nesterovs_momentum and params.momentum > 0)
    return replace(record, learning_rate=rate)


def _schedule(params: "MLP", rows: Rows, scale: float) -> "str | Schedule | None":
    """The user's schedule, or with solver="sgd" what scikit-learn calls `learning_rate`."""
    if params.learning_rate not in ("constant", "invscaling", "adaptive"):
        raise unknown("learning_rate", params.learning_rate, ["constant", "invscaling", "adaptive"])
    power = require_number("power_t", params.power_t, at_least=0)
    if params.schedule is not None or not _is_sgd(params.solver) or params.learning_rate == "constant":
        return params.schedule
    if params.learning_rate == "adaptive":
        return Adaptive(1e-6 * scale)
    return Schedule(
        "invscaling",
        f=lambda t, total, count, seen, epochs, power: (1 + seen + count * (np.floor(t) - epochs)) ** -power,
        doc="(1 + t)^-power_t, with t the rows that were seen when the epoch began.",
        count=float(rows.number),
        seen=float(rows.seen),
        epochs=float(rows.epochs),
        power=power,
    )


def _is_sgd(solver: Any) -> bool:
    return isinstance(solver, str) and solver.lower() == "sgd"
