"""scikit-learn's multi-layer perceptrons as networks, with the preprocessing that stands before them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.files.description import require_finite
from handgrad.layers import Activation, Dense, Layer
from handgrad.network import Network
from handgrad.preprocessing import Column, NumericColumn, Preprocessing, TextColumn

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
LOSSES = {
    "softmax": "softmax_cross_entropy",
    "logistic": "sigmoid_cross_entropy",
    "identity": "mse",
    "exp": "poisson",
}
_EXPECTED = "an MLPClassifier or MLPRegressor, or a Pipeline of a StandardScaler or ColumnTransformer and one of these"


def from_sklearn(estimator: Any) -> Network:
    """The network that a fitted `MLPClassifier` or `MLPRegressor` is, alone or at the end of a `Pipeline`.

    They may be scikit-learn's or handgrad's; of handgrad's it is a copy of `net_`.

    Before it a pipeline may have a `StandardScaler`, or a `ColumnTransformer` of `StandardScaler`, `OneHotEncoder` and
    "passthrough", fitted on a DataFrame. They become `net.preprocessing`, and the network then predicts
    `net.preprocessing.transform(rows)`; without them the columns are taken unchanged. Class labels are kept as text in
    `net.preprocessing.class_names`. A multilabel classifier, which has no classes by name, gives several sigmoid
    outputs. Two classes make one sigmoid output, as they do in scikit-learn.

    What scikit-learn trained with stays behind: `alpha`, which it divides by the rows of each batch, and the solver's
    state. An encoder that ignores unknown categories becomes columns that refuse them.

    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> unfitted = MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", tol=1, random_state=0)
    >>> fitted = unfitted.fit(X, [1.0, 2.0, 3.0])
    >>> net = from_sklearn(fitted)
    >>> net, bool(np.allclose(net.predict(X)[:, 0], fitted.predict(X), rtol=1e-12))
    (Network(2-4-1, mse, 17 parameters), True)

    Raises
    ------
    TypeError
        `estimator` is none of these, or of a class made from them; or a step of the pipeline is not known: it is named.
    ValueError
        It is not fitted, or has settings that preprocessing does not have, such as `transformer_weights`.
    """
    steps, mlp = _split(estimator)
    _require_fitted("estimator", mlp, "net_" if _is_ours(mlp) else "coefs_")
    preprocessing = Preprocessing(tuple(_columns(steps, mlp)), "target", _class_names(mlp))
    net = mlp.net_.copy() if _is_ours(mlp) else _network(mlp)
    if len(preprocessing.feature_names) != net.fan_in:
        raise ValueError(f"the steps make {len(preprocessing.feature_names)} columns, the network takes {net.fan_in}")
    net.preprocessing = preprocessing
    return net


def _split(estimator: Any) -> tuple[list[tuple[str, Any]], Any]:
    """The steps before the perceptron, each with its place, and the perceptron."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline

    # A subclass may compute something else with the same arrays, so here and below only the classes themselves count.
    named = estimator.steps if type(estimator) is Pipeline else [("", estimator)]
    steps = [(f"step {name!r}", step) for name, step in named if step not in (None, "passthrough")]
    if not steps or not (type(steps[-1][1]) in (MLPClassifier, MLPRegressor) or _is_ours(steps[-1][1])):
        last = steps[-1][1] if steps else estimator
        raise TypeError(f"estimator is {estimator!r}, with a {_class_of(last)}; expected {_EXPECTED}, no subclass")
    if len(steps) > 2:
        raise TypeError(f"estimator has {len(steps) - 1} steps before the network; expected at most one: {_EXPECTED}")
    return steps[:-1], steps[-1][1]


def _class_of(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__name__}"


def _is_ours(estimator: Any) -> bool:
    """Whether it is one of handgrad's estimators, a room above this one."""
    return type(estimator).__module__.startswith("handgrad.estimators.")


def _require_fitted(place: str, estimator: Any, attribute: str) -> None:
    if not hasattr(estimator, attribute):
        raise ValueError(f"{place} is {estimator!r}, which is not fitted; call its fit(X, y) first")


def _network(mlp: Any) -> Network:
    """The network that scikit-learn trained."""
    net = Network(_layers(mlp), loss=LOSSES[mlp.out_activation_], init="zeros", dtype=np.result_type(*mlp.coefs_).name)
    for index, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True), start=1):
        net[f"dense{index}.W"][...], net[f"dense{index}.b"][...] = W, b
    require_finite(net.layout, net.params)
    return net


def _layers(mlp: Any) -> list[Layer]:
    layers: list[Layer] = []
    for W in mlp.coefs_:
        layers += [Dense(*W.shape), Activation(ACTIVATIONS[mlp.activation])]
    return layers[:-1]


def _class_names(mlp: Any) -> tuple[str, ...] | None:
    several = mlp.out_activation_ == "logistic" and mlp.n_outputs_ > 1
    if several or not hasattr(mlp, "classes_"):
        return None
    return tuple(str(each) for each in mlp.classes_)


# --- the steps before it ----------------------------------------------------------------------------------------------


def _columns(steps: Sequence[tuple[str, Any]], mlp: Any) -> Iterator[Column]:
    """The raw columns in the order in which the perceptron takes them."""
    from sklearn.compose import ColumnTransformer

    if not steps:
        yield from map(NumericColumn, _names(mlp))
        return
    place, step = steps[0]
    if type(step) is ColumnTransformer:
        _require_fitted(place, step, "transformers_")
        yield from _composed(place, step)
    else:
        _require_fitted(place, step, "n_features_in_")
        yield from _transformed(place, step, _names(step))


def _names(estimator: Any) -> list[str]:
    """The names of the columns that it was fitted on; without names x0, x1, ... as scikit-learn calls them."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{i}" for i in range(estimator.n_features_in_)] if names is None else [str(each) for each in names]


def _is_scaler(estimator: Any) -> bool:
    from sklearn.preprocessing import StandardScaler

    return type(estimator) is StandardScaler


def _composed(place: str, composed: Any) -> Iterator[Column]:
    """The columns of a ColumnTransformer, part by part."""
    if not hasattr(composed, "feature_names_in_"):
        raise ValueError(f"{place} was fitted on an array; fit it on a DataFrame, whose columns have names")
    if composed.transformer_weights:
        raise ValueError(
            f"{place} has transformer_weights={composed.transformer_weights!r}; expected None, for columns "
            "here have no weights; leave them out and fit again"
        )
    seen: set[str] = set()
    for name, step, chosen in composed.transformers_:
        columns = _chosen(composed, chosen)
        if not columns or (isinstance(step, str) and step == "drop"):
            continue
        twice = seen & set(columns)
        if twice:
            raise ValueError(f"{place} takes column {min(twice)!r} twice; expected each column once")
        seen |= set(columns)
        yield from _transformed(f"{place}, part {name!r}", step, columns)


def _chosen(composed: Any, chosen: Any) -> list[str]:
    """The columns of one part by name, however they were chosen."""
    names = composed.feature_names_in_
    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, slice):
        return [str(name) for name in names[chosen]]
    entries = np.atleast_1d(np.asarray(chosen, object))
    if len(entries) == len(names) and all(isinstance(each, bool | np.bool_) for each in entries):
        return [str(name) for name, taken in zip(names, entries, strict=True) if taken]
    return [str(each if isinstance(each, str) else names[each]) for each in entries]


def _transformed(place: str, step: Any, names: list[str]) -> Iterator[Column]:
    """The columns that one transformer makes."""
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    if step == "passthrough" if isinstance(step, str) else _is_identity(step, FunctionTransformer):
        yield from map(NumericColumn, names)
    elif _is_scaler(step):
        means = _or(step.mean_ if step.with_mean else None, 0.0, len(names))
        scales = _or(step.scale_ if step.with_std else None, 1.0, len(names))
        yield from (NumericColumn(*each) for each in zip(names, means, scales, strict=True))
    elif type(step) is OneHotEncoder:
        _require_plain(place, step)
        for name, categories in zip(names, step.categories_, strict=True):
            yield TextColumn(name, tuple(str(each) for each in categories))
    else:
        raise TypeError(
            f"{place} is {step!r}, a {_class_of(step)}; expected a StandardScaler, OneHotEncoder or 'passthrough', "
            "and no class made from them"
        )


def _is_identity(step: Any, kind: type) -> bool:
    """Whether it is what a fitted ColumnTransformer has for "passthrough"."""
    return type(step) is kind and step.func is None  # type: ignore[attr-defined]


def _or(fitted: Array | None, default: float, count: int) -> list[float]:
    return [default] * count if fitted is None else [float(each) for each in fitted]


def _require_plain(place: str, encoder: Any) -> None:
    if encoder.drop is not None or encoder.min_frequency is not None or encoder.max_categories is not None:
        raise ValueError(f"{place} is {encoder!r}; expected one column for each category: no drop, no infrequent ones")
