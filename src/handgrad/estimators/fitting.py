"""Training for the estimators: plans become networks, those that differ only in what a stack can vary side by side."""

import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array, ArrayLike
from handgrad.estimators.convergence import Convergence, Spoken
from handgrad.estimators.plans import Accepted, DivergedError, Examples, Memory, Outcome, Plan
from handgrad.network import Network
from handgrad.optimizers import LBFGS
from handgrad.training import DivergenceError, Training

if TYPE_CHECKING:
    from handgrad.estimators.mlp import MLP

_STACKABLE = {"alpha", "learning_rate_init", "momentum", "beta_1", "beta_2", "epsilon", "init", "tol"}
_STACKABLE |= {"n_iter_no_change", "random_state", "n_ensemble"}
_OF_THE_DATA = {"n_features_in_", "feature_names_in_", "classes_", "_labels"}  # what `MLP._accept` sets


def fit_stacked(
    estimators: Iterable["MLP"], X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> list["MLP"]:
    """Fit many estimators on the same data; those that differ only in numbers and seeds train as one stack.

    Each gets the very weights that its own `fit` would give it. A stack can hold different `alpha`,
    `learning_rate_init`, `momentum`, `beta_1`, `beta_2`, `epsilon`, `init`, `tol`, `n_iter_no_change` and
    `random_state`; estimators that differ in anything else, and L-BFGS, train apart.

    Parameters
    ----------
    estimators
        `MLPClassifier` and `MLPRegressor` of handgrad.
    X, y, sample_weight
        As for their `fit`.

    Raises
    ------
    TypeError, ValueError
        One of them is another estimator or is refused, and none is fitted then; or the training of one diverged.

    >>> from handgrad.estimators import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> candidates = [MLPClassifier(alpha=alpha, tol=1e-3, max_iter=500, random_state=0) for alpha in (1e-4, 1.0)]
    >>> weak, strong = fit_stacked(candidates, X, y)
    >>> bool(abs(weak.coefs_[0]).sum() > abs(strong.coefs_[0]).sum())
    True
    """
    fitted = _require_ours(estimators)
    for failure in fit_together(fitted, X, y, sample_weight):
        if failure is not None:
            raise failure
    return fitted


def _require_ours(estimators: Any) -> list["MLP"]:
    if not isinstance(estimators, Iterable):
        raise TypeError(f"estimators is {estimators!r}; expected a list of handgrad's estimators")
    fitted = list(estimators)
    for each in fitted:
        if not hasattr(each, "_plan"):
            raise TypeError(f"estimators holds {each!r}; expected handgrad's MLPClassifier or MLPRegressor")
    return fitted


def fit_together(
    estimators: Sequence["MLP"], X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> list[ValueError | None]:
    """As `fit_stacked`, but tells for each estimator how its training failed, or None."""
    accepted: dict[type, tuple[MLP, Accepted]] = {}
    with all_or_nothing(*estimators):
        for estimator in estimators:
            kind = type(estimator)
            if kind not in accepted or estimator._goes_on():
                accepted[kind] = estimator, estimator._accept(X, y, sample_weight, estimator._goes_on())
            _learn_like(estimator, accepted[kind][0])
        return fit_plans([estimator._plan(accepted[type(estimator)][1]) for estimator in estimators])


def _learn_like(estimator: "MLP", other: "MLP") -> None:
    """What the data tell one estimator they tell another."""
    for name in _OF_THE_DATA:
        if name in vars(other):
            setattr(estimator, name, getattr(other, name))
        elif name in vars(estimator):
            delattr(estimator, name)


@contextmanager
def all_or_nothing(*estimators: "MLP") -> Iterator[None]:
    """A context in which estimators that raise stay as they were."""
    before = [dict(vars(each)) for each in estimators]
    try:
        yield
    except BaseException:
        for each, attributes in zip(estimators, before, strict=True):
            each.__dict__.clear()
            each.__dict__.update(attributes)
        raise


def fit_plans(plans: Sequence[Plan]) -> list[ValueError | None]:
    """Train all plans, as few stacks as possible, and give each estimator its own; how each failed, or None."""
    failures: list[ValueError | None] = [None] * len(plans)
    for group in _groups(plans):
        outcome = _train([plans[number] for number in group])
        start = 0
        for number in group:
            stop = start + plans[number].networks
            single = plans[number].networks == 1
            members = outcome if len(group) == 1 else outcome.of(range(start, stop), single)
            start = stop
            try:
                plans[number].estimator._take(plans[number], members)
            except DivergedError as failure:
                failures[number] = failure
    return failures


def _groups(plans: Sequence[Plan]) -> list[list[int]]:
    """Plans that can train side by side, by their numbers."""
    groups: dict[Any, list[int]] = {}
    for number, plan in enumerate(plans):
        key = number if _trains_alone(plan) else _kind(plan)
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _trains_alone(plan: Plan) -> bool:
    est = plan.estimator
    return (
        isinstance(plan.settings.training["optimizer"], LBFGS)
        or plan.held is not None
        or plan.incremental
        or not plan.first
        or bool(est.verbose or est.callbacks)
    )


def _kind(plan: Plan) -> Any:
    """What plans of a stack have in common; arrays by their bytes, records by what they are, not by their names."""
    optimizer = plan.settings.training["optimizer"]
    flags = tuple(getattr(optimizer, field.name) for field in fields(optimizer) if field.type is bool)
    shared = {name: value for name, value in plan.estimator.get_params(deep=False).items() if name not in _STACKABLE}
    return comparable(
        (shared, type(optimizer), flags, plan.data.X.dtype, plan.data.weight, plan.estimator.init == "auto")
    )


def comparable(value: Any) -> Any:
    """The value as what can be compared and hashed: equal where it means the same.

    >>> comparable({"a": np.zeros(2)}) == comparable({"a": np.zeros(2)})
    True
    """
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes() if value.dtype.kind != "O" else id(value)
    if isinstance(value, Mapping):
        return tuple((name, comparable(each)) for name, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(comparable(each) for each in value)
    return type(value).__name__, value if isinstance(value, Hashable) else id(value)


def _joined(group: Sequence[Plan]) -> tuple[Network, Any]:
    """One network or stack with the seeds and numbers of all, and one optimiser with the settings of each."""
    first, dtype = group[0], group[0].data.X.dtype
    optimizer = first.settings.training["optimizer"]
    if not first.first:
        net = first.estimator.net_.copy()  # which stays as it is if training fails
        net.l2 = first.settings.network["l2"]
        return net, optimizer
    seeds = np.concatenate([plan.seeds for plan in group])
    if len(seeds) == 1:
        net = Network.mlp(**first.settings.network, seed=int(seeds[0]), dtype=dtype)
    else:
        each = [plan.settings.network for plan in group for _ in range(plan.networks)]
        own = {name: [settings[name] for settings in each] for name in ("l2", "init", "bias_init")}
        net = Network.mlp(**first.settings.network | own, seed=seeds.tolist(), dtype=dtype)
    first.estimator._begin(net)
    return net, optimizer if len(group) == 1 else _joined_optimizer(group)


def _joined_optimizer(group: Sequence[Plan]) -> Any:
    """One optimiser with the numbers of each."""
    records = [plan.settings.training["optimizer"] for plan in group for _ in range(plan.networks)]
    numbers = [field.name for field in fields(records[0]) if field.type is not bool]
    return replace(records[0], **{name: [getattr(record, name) for record in records] for name in numbers})


def _train(group: Sequence[Plan]) -> Outcome:
    """Train them to convergence, or one epoch further."""
    net, optimizer = _joined(group)
    if isinstance(optimizer, LBFGS) and net.size is not None:
        return _side_by_side(net, [_train_one(group, net[number], optimizer) for number in range(net.size)])
    return _train_one(group, net, optimizer)


def _train_one(group: Sequence[Plan], net: Network, optimizer: Any) -> Outcome:
    """Train one network, or one stack."""
    plan, est = group[0], group[0].estimator
    convergence = _convergence(group, net.size or 1)
    memory = est._memory if plan.incremental and not plan.first else None
    if memory is not None and (memory.optimizer, len(memory.slots)) != (type(optimizer), len(optimizer.slots)):
        memory = None  # another rule begins anew
    training = Training(
        net,
        plan.data.X,
        plan.data.T,
        sample_weight=plan.data.weight,
        validation=None if plan.held is None else (plan.held.X, plan.held.T),
        callbacks=(*([Spoken(plan.settings.scale)] if est.verbose else []), convergence, *est.callbacks),
        seed=_order_seed(plan, memory),
        progress=False,
        **plan.settings.training | {"optimizer": optimizer},
    )
    if memory is not None:
        going_on = {"slots": memory.slots, "epoch": memory.epoch, "step": memory.step}
        training.load_state_dict(training.state_dict() | going_on)
    convergence.begin(training)
    errors = _run(training, 1 if plan.incremental else None)
    convergence.restore(training)
    return _outcome(training, convergence, errors)


def _run(training: Training, epochs: int | None) -> dict[int, str]:
    """Train; the networks that diverged, with what there is to say."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*diverged", category=RuntimeWarning)  # told by the estimator
            training.run(epochs)
    except DivergenceError as diverged:
        return {0: str(diverged)}
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    return {number: f"it diverged in epoch {epoch}" for number, (epoch, _) in training.diverged.items()}


def _outcome(training: Training, convergence: Convergence, errors: dict[int, str]) -> Outcome:
    networks, columns = len(convergence.best), training.history.columns
    curves = [np.reshape(columns.get(name, []), (-1, networks)) for name in ("loss", "validation_loss")]
    memory = Memory(type(training.optimizer), training.engine.slots, training.epoch, training.step, training.seed)
    return Outcome(
        net=training.net,
        losses=curves[0],
        validation_losses=curves[1] if training.validation is not None else None,
        scores=np.reshape(convergence.scores, (-1, networks)) if convergence.score else None,
        best=convergence.best,
        waited=convergence.waited,
        converged=convergence.stopped | training.converged,
        errors=errors,
        memory=memory,
    )


def _side_by_side(net: Network, outcomes: Sequence[Outcome]) -> Outcome:
    """Networks that were trained one by one, as a stack."""
    net.params, net.state = np.stack([each.net.params for each in outcomes]), np.stack([e.net.state for e in outcomes])

    def curves(name: str) -> Array | None:
        each = [getattr(outcome, name) for outcome in outcomes]
        if each[0] is None:
            return None
        padded = np.full((max(map(len, each)), len(each)), np.nan)
        for number, curve in enumerate(each):
            padded[: len(curve), number] = curve[:, 0]
        return padded

    joined = {
        name: np.concatenate([getattr(each, name) for each in outcomes]) for name in ("best", "waited", "converged")
    }
    errors = {number: error for number, each in enumerate(outcomes) for error in each.errors.values()}
    made = {name: curves(name) for name in ("losses", "validation_losses", "scores")}
    return Outcome(net=net, **made, **joined, errors=errors, memory=None)  # type: ignore[arg-type]


def _order_seed(plan: Plan, memory: Memory | None) -> int | None:
    """Fitting again from where one was should not see the rows in the same order."""
    if memory is not None:
        return memory.seed
    return None if plan.first else int(plan.estimator.t_)


def _convergence(group: Sequence[Plan], networks: int) -> Convergence:
    plan = group[0]
    each = [member for member in group for _ in range(member.networks)][:networks]
    score = None
    if plan.judged:
        assert plan.held is not None
        score = partial(_score, plan.estimator, plan.held)
    best, waited = np.full(networks, -np.inf), np.zeros(networks)
    if not plan.first:
        best, waited = plan.estimator._best[:networks].copy(), plan.estimator._waited[:networks].copy()
    unit = np.array([1.0 if score else member.settings.scale for member in each])
    tol = np.array([member.estimator.tol for member in each]) / unit
    whole = isinstance(plan.settings.training["optimizer"], LBFGS)
    patience = np.array([np.inf if whole else member.estimator.n_iter_no_change for member in each])
    return Convergence(tol, patience, best, waited, score)


def _score(estimator: "MLP", held: Examples, training: Training) -> Array:
    return estimator.score_of(training.net, held)
