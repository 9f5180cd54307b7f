"""What both estimators share: scikit-learn's parameters, `fit` and `partial_fit`, and the fitted attributes."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from handgrad.arrays import Array, ArrayLike, require_bool, require_finite, require_integer, require_number
from handgrad.estimators.fitted import Fitted, dense
from handgrad.estimators.fitting import all_or_nothing, comparable, fit_plans
from handgrad.estimators.plans import Accepted, Examples, Plan
from handgrad.estimators.settings import Rows, settings_of
from handgrad.losses import Loss
from handgrad.network import Network
from handgrad.optimizers import LBFGS, find_optimizer


def _learns_in_steps(estimator: "MLP") -> bool:
    if not estimator._takes_steps():
        raise AttributeError(f"partial_fit takes steps, and solver={estimator.solver!r} takes whole sets only")
    return True


@dataclass(eq=False, repr=False)
class MLP(Fitted, BaseEstimator):
    """The parameters of both estimators; the first block is scikit-learn's, with its names, defaults and meanings."""

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    loss: Any = None  # each estimator has its own default

    init: Any = "auto"
    norm: str | None = None
    dropout: float = 0.0
    schedule: Any = None
    clip_norm: float | None = None
    frozen: Sequence[str] = ()
    initial_coefs: Any = None
    callbacks: Sequence[Any] = ()
    n_ensemble: int = 1

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, eval_set: Any = None) -> Self:
        """Train on X (n, features) and y (n,) or (n, outputs).

        Parameters
        ----------
        X
            Numbers: an array, a DataFrame or a sparse matrix (which is made dense).
        y
            Labels or numbers; one column for each label or output if there are several.
        sample_weight
            How much each row counts, (n,); 0 is as if the row were not there.
        eval_set
            A pair (X, y): the loss on it is kept in `validation_loss_curve_`, and `early_stopping` judges by it.

        Raises
        ------
        ValueError, TypeError
            The data or a parameter is not what it should be, or training diverged.
        """
        with all_or_nothing(self):
            return self._train(self._plan(self._accept(X, y, sample_weight, self._goes_on()), eval_set))

    def _train(self, plan: Plan) -> Self:
        (failure,) = fit_plans([plan])
        if failure is not None:
            raise failure
        return self

    def _goes_on(self) -> bool:
        """Whether `fit` starts from the weights that are there."""
        return require_bool("warm_start", self.warm_start) and hasattr(self, "net_")

    def _plan(self, accepted: Accepted, eval_set: Any = None, incremental: bool = False) -> Plan:
        """What is to be trained on what; nothing of the estimator changes."""
        X, T, y, weight = accepted
        go_on = hasattr(self, "net_") if incremental else self._goes_on()
        random = check_random_state(self.random_state)
        seeds = self._seeds(random)
        weight = self._weigh_classes(y, weight)
        if go_on and T.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {T.shape[1]} outputs but the network has {self.n_outputs_}")
        train, held = Examples(X, T, weight).counted(), None
        if eval_set is not None:
            held = self._accept_held(eval_set, T.shape[1])
        elif require_bool("early_stopping", self.early_stopping) and self._takes_steps():
            train, held = self._split(train, random)
        seen, epochs = (self.t_, self._memory.epoch if incremental and self._memory else 0) if go_on else (0, 0)
        mean_weight = 1.0 if train.weight is None else float(train.weight.mean())
        rows = Rows(len(train.X), mean_weight, seen, epochs)
        settings = settings_of(self, self._find_loss(), X.shape[1], T.shape[1], rows)
        plan = Plan(self, settings, seeds, train, held, incremental=incremental, first=not go_on)
        if go_on:
            self._require_same_architecture(plan)
        return plan

    def _require_same_architecture(self, plan: Plan) -> None:
        """Weights that are there fit one network only."""
        for name, now in plan.architecture.items():
            was = self._architecture[name]
            if comparable(now) != comparable(was):
                raise ValueError(
                    f"{name} is {now!r} but the network that is there has {was!r}; "
                    "set it back, or fit anew without warm_start"
                )

    # --- data ---------------------------------------------------------------------------------------------------

    def _accept(self, X: Any, y: Any, sample_weight: Any, go_on: bool, classes: Any = None) -> Accepted:
        """The training set, checked; what scikit-learn learns from it (feature names, classes) is set."""
        X, y = self._checked(X, y, reset=not go_on)
        weight = (
            None
            if sample_weight is None
            else _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        )
        T = self._targets(y, classes, go_on)
        return Accepted(dense(X), np.asarray(T, X.dtype), y, weight)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Array]:
        """X and y as scikit-learn's conventions demand; `reset` learns the features anew."""
        return validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            y_numeric=not is_classifier(self),
            reset=reset,
        )

    def _takes_steps(self) -> bool:
        """Whether the solver takes steps on batches; L-BFGS takes whole sets, and has tolerances of its own."""
        return not isinstance(find_optimizer(self.solver), LBFGS)

    def _accept_held(self, eval_set: Any, outputs: int) -> Examples:
        """The validation set that the user gave."""
        if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
            raise TypeError(f"eval_set is {type(eval_set).__name__}; expected a pair (X, y)")
        try:
            X, y = self._checked(*eval_set, reset=False)
            T = np.asarray(self._encode(y), X.dtype)
        except (TypeError, ValueError) as wrong:
            raise type(wrong)(f"eval_set: {wrong}") from wrong
        if T.shape[1] != outputs:
            raise ValueError(f"eval_set: y has {T.shape[1]} outputs but that of the training set has {outputs}")
        return Examples(dense(X), T, None)

    def _split(self, data: Examples, random: np.random.RandomState) -> tuple[Examples, Examples]:
        """Rows to train on, and a random `validation_fraction` to judge by; of two classes the same shares in both."""
        share = require_number("validation_fraction", self.validation_fraction, above=0, below=1)
        two_classes = is_classifier(self) and data.T.shape[1] == 1
        chosen = train_test_split(
            np.arange(len(data.X)),
            test_size=share,
            random_state=random,
            stratify=data.T[:, 0].astype(bool) if two_classes else None,
        )
        if len(chosen[1]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        train, held = (data.at(rows) for rows in chosen)
        return train, held

    def _targets(self, y: Array, classes: Any, go_on: bool) -> Array:
        """T (n, outputs) of a training set, which may bring classes."""
        return self._encode(y)

    def _encode(self, y: Array) -> Array:
        """T (n, outputs)."""
        raise NotImplementedError

    def _weigh_classes(self, y: Array, weight: Array | None) -> Array | None:
        """The rows' weights with those of their classes."""
        return weight

    def _find_loss(self) -> Loss:
        raise NotImplementedError

    def score_of(self, net: Network, data: Examples) -> Array:
        """What `early_stopping` judges by, higher better: a score for each network, (S,)."""
        raise NotImplementedError

    def quick_score(self, X: Any, y: Any) -> float:
        """What `score` gives, without its checks: for a search, whose data has been looked at."""
        y = np.asarray(y)
        if self.net_.size is not None or not self._knows(y):
            return float(self.score(X, y))
        inputs = dense(X).astype(self.net_.dtype, copy=False)
        return float(self.score_of(self.net_, Examples(inputs, self._encode(y), None))[0])

    def _knows(self, y: Array) -> bool:
        """Whether the network has an output for each target."""
        return True

    # --- the network --------------------------------------------------------------------------------------------

    def _begin(self, net: Network) -> None:
        """What Network's own initialisation leaves to do, for a network or a stack of them."""
        if self.init == "auto" and self.activation == "logistic":
            net.params = net.params / np.sqrt(3)  # scikit-learn draws from U(±√(2 / (fan_in + fan_out))) for logistic
        if self.initial_coefs is not None:
            self._start_with(net)

    def _seeds(self, random: np.random.RandomState) -> Array:
        """The seeds of the networks: a single one has a whole `random_state` itself, as `Network.mlp(seed=...)`."""
        networks = require_integer("n_ensemble", self.n_ensemble)
        drawn = random.randint(np.iinfo(np.int32).max, size=networks)
        return np.array([self.random_state]) if networks == 1 and isinstance(self.random_state, Integral) else drawn

    def _start_with(self, net: Network) -> None:
        """Take weights and biases that the user supplied, a pair of lists as `coefs_` and `intercepts_`."""
        if not isinstance(self.initial_coefs, tuple | list) or len(self.initial_coefs) != 2:
            raise TypeError("initial_coefs must be a pair (coefs, intercepts) of lists such as coefs_ and intercepts_")
        for kind, given in zip(("W", "b"), self.initial_coefs, strict=True):
            names = [name for name in net.parameter_names if name.endswith(f".{kind}")]
            if len(given) != len(names):
                raise ValueError(f"initial_coefs has {len(given)} arrays for {len(names)} of {', '.join(names)}")
            for name, values in zip(names, given, strict=True):
                net[name] = _shaped(name, values, net[name].shape)

    # --- learning step by step ----------------------------------------------------------------------------------

    def _learn_once(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """One epoch over these rows, with the optimiser's memory of the last."""
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        with all_or_nothing(self):
            accepted = self._accept(X, y, sample_weight, hasattr(self, "net_"), classes)
            return self._train(self._plan(accepted, incremental=True))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


learns_in_steps = available_if(_learns_in_steps)


def _shaped(name: str, values: Any, shape: tuple[int, ...]) -> Array:
    """Supplied values as the network has them: biases may come as (fan_out,), and a stack takes one for all."""
    array = require_finite(f"initial_coefs: {name}", np.asarray(values, dtype=np.float64))
    if name.endswith(".b") and array.shape in ((*shape[:-2], shape[-1]), shape[-1:]):
        array = array[..., None, :]  # as `intercepts_` has them
    if array.shape not in (shape, shape[-2:]):
        raise ValueError(f"initial_coefs: {name} has shape {np.shape(values)}; expected {shape}")
    return np.broadcast_to(array, shape)
