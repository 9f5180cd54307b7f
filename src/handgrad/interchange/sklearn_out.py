"""A network as a fitted scikit-learn estimator, as far as scikit-learn can say what the network is."""

import io
import os
from typing import Any, NamedTuple

import numpy as np

from handgrad.activations import activations
from handgrad.arrays import Array
from handgrad.files.disk import replace, require_place
from handgrad.interchange.answers import Answers, answers_of
from handgrad.interchange.door import require_inputs, require_single
from handgrad.interchange.sklearn_in import ACTIVATIONS
from handgrad.layers import Activation, Dense, Dropout
from handgrad.losses import Loss, losses
from handgrad.network import Network
from handgrad.preprocessing import NumericColumn, Preprocessing

_CAN = "scikit-learn has Dense layers with one activation after each but the last, and nothing else"


class Perceptron(NamedTuple):
    """What scikit-learn calls a network."""

    coefs: list[Array]
    intercepts: list[Array]
    activation: str
    out_activation: str


def to_sklearn(net: Network) -> Any:
    """The network as a fitted `MLPClassifier` or `MLPRegressor` that predicts the same.

    A network with preprocessing becomes a `Pipeline` that takes the same raw rows, as a DataFrame: a `StandardScaler`,
    or where there is text a `ColumnTransformer` with a `OneHotEncoder` for each text column, then the perceptron.
    Classes are the network's class names, or else their indices. Two softmax outputs become the one sigmoid output
    that scikit-learn has for two classes, of the difference of the logits.

    Dropout, the penalty and the optimiser's state stay behind: the estimator is there to predict.

    >>> net = Network.mlp([2, 10, 3], activation="tanh", seed=0)
    >>> estimator = to_sklearn(net)
    >>> X = np.array([[0.5, -1.0], [2.0, 0.0]])
    >>> bool(np.allclose(estimator.predict_proba(X), net.predict_proba(X), rtol=1e-12))
    True

    Raises
    ------
    TypeError
        `net` is not a network.
    ValueError
        It is a stack, a number in it is not finite, or scikit-learn cannot say it: a norm, a skip connection,
        activations other than identity, relu, tanh and sigmoid or different ones, a layer after the last Dense, a loss
        with an output function of your own; or a name has a NUL or a lone surrogate.
    """
    answers = answers_of(require_single(net))
    perceptron = _perceptron(net)
    require_inputs(net)
    mlp = _fitted(_ordered(perceptron, answers), answers)
    return mlp if net.preprocessing is None else _pipeline(net.preprocessing, mlp, net.dtype)


def sklearn_bytes(net: Network) -> bytes:
    """The estimator as joblib writes it."""
    import joblib

    stream = io.BytesIO()
    joblib.dump(to_sklearn(net), stream)
    return stream.getvalue()


def save_sklearn(net: Network, path: str | os.PathLike[str]) -> None:
    """Write the estimator for `joblib.load`, which runs what a file says: load only files that you trust."""
    replace(require_place(path), sklearn_bytes(net), "the export")


# --- what scikit-learn can say ----------------------------------------------------------------------------------------


def _perceptron(net: Network) -> Perceptron:
    dense: list[int] = []
    hidden: list[int] = []
    for index, layer in enumerate(net.layers):
        if type(layer) is Dropout:
            continue
        expected, found = (Dense, dense) if len(dense) == len(hidden) else (Activation, hidden)
        if type(layer) is not expected:
            raise ValueError(f"layers[{index}] is {layer!r}, where {_CAN}")
        found.append(index)
    if len(dense) != len(hidden) + 1:
        raise ValueError(f"layers[{hidden[-1]}] is {net.layers[hidden[-1]]!r}, the last, where {_CAN}")
    arrays = [(net[f"dense{i}.W"], _bias(net, i)) for i in range(1, len(dense) + 1)]
    coefs, intercepts = [W.copy() for W, _ in arrays], [b.copy() for _, b in arrays]
    if type(net.loss_rule) is type(losses.find("softmax_cross_entropy")) and net.fan_out == 2:
        coefs[-1], intercepts[-1] = np.diff(coefs[-1], axis=1), np.diff(intercepts[-1])
        return Perceptron(coefs, intercepts, _activation(net, hidden), "logistic")
    return Perceptron(coefs, intercepts, _activation(net, hidden), _out_activation(net.loss_rule))


def _ordered(perceptron: Perceptron, answers: Answers) -> Perceptron:
    """The outputs in the order of the class names, which scikit-learn sorts."""
    if answers.names is None:
        return perceptron
    W, b, order = perceptron.coefs[-1], perceptron.intercepts[-1], np.argsort(answers.names)
    if W.shape[1] == 1:  # of two classes: σ(-z) = 1 - σ(z) is the other's
        sign = -1 if order[0] == 1 else 1
        W, b = sign * W, sign * b
    else:
        W, b = W[:, order], b[order]
    return perceptron._replace(coefs=[*perceptron.coefs[:-1], W], intercepts=[*perceptron.intercepts[:-1], b])


def _bias(net: Network, number: int) -> Array:
    name = f"dense{number}.b"
    return net[name][0] if name in net else np.zeros(net[f"dense{number}.W"].shape[1], net.dtype)


def _activation(net: Network, hidden: list[int]) -> str:
    """scikit-learn's word for the one activation of the hidden layers."""
    words = {activations.find(ours).f: theirs for theirs, ours in ACTIVATIONS.items()}
    rules = [net.layers[index].formula for index in hidden]  # type: ignore[attr-defined]
    for index, rule in zip(hidden, rules, strict=True):
        if rule.f not in words:
            raise ValueError(f"layers[{index}] is {rule!r}; scikit-learn has {', '.join(ACTIVATIONS.values())}")
        if rule.f is not rules[0].f:
            raise ValueError(f"layers[{index}] is {rule!r} after {rules[0]!r}; scikit-learn has one for all layers")
    return words[rules[0].f] if rules else "identity"


def _out_activation(loss: Loss) -> str:
    """Told from the output function, for the loss itself plays no part in predicting."""
    named = {losses.find(name).output: word for name, word in _OUTPUTS.items()}
    if loss.output in named:
        return named[loss.output]
    z = np.linspace(-3, 3, 7)
    if loss.target == "values" and np.array_equal(loss.output(z), z):
        return "identity"
    raise ValueError(f"net has the loss {loss!r}, whose output function scikit-learn does not have")


_OUTPUTS = {"softmax_cross_entropy": "softmax", "sigmoid_cross_entropy": "logistic", "poisson": "exp"}


# --- fitted without being fitted --------------------------------------------------------------------------------------


def _fitted(perceptron: Perceptron, answers: Answers) -> Any:
    """The estimator, with what `fit` would have left in it."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    hidden = tuple(W.shape[1] for W in perceptron.coefs[:-1])
    settings: dict[str, Any] = {"hidden_layer_sizes": hidden, "activation": perceptron.activation, "alpha": 0.0}
    if answers.task == "values":
        counts = {"loss": "poisson"} if perceptron.out_activation == "exp" else {}
        mlp = _made(MLPRegressor, settings | counts)
    else:
        mlp = _made(MLPClassifier, settings)
        _give_classes(mlp, answers)
    mlp.coefs_, mlp.intercepts_ = perceptron.coefs, perceptron.intercepts
    mlp.out_activation_ = perceptron.out_activation
    mlp.n_features_in_, mlp.n_outputs_ = len(mlp.coefs_[0]), mlp.coefs_[-1].shape[1]
    mlp.n_layers_ = len(mlp.coefs_) + 1
    mlp.n_iter_ = mlp.t_ = 0
    return mlp


def _made(kind: Any, settings: dict[str, Any]) -> Any:
    try:
        return kind(**settings)
    except TypeError as too_old:
        raise ValueError(f"this scikit-learn's {kind.__name__} has no poisson loss ({too_old}); 1.7 has") from too_old


def _give_classes(mlp: Any, answers: Answers) -> None:
    from sklearn.preprocessing import LabelBinarizer

    if answers.task == "labels" and answers.outputs > 1:
        mlp._label_binarizer = LabelBinarizer().fit(np.eye(answers.outputs, dtype=int))
    else:
        count = max(2, answers.outputs)
        mlp._label_binarizer = LabelBinarizer().fit(np.arange(count) if answers.names is None else list(answers.names))
    mlp.classes_ = mlp._label_binarizer.classes_


def _pipeline(preprocessing: Preprocessing, mlp: Any, dtype: np.dtype[Any]) -> Any:
    from sklearn.pipeline import Pipeline

    columns = preprocessing.columns
    plain = all(isinstance(column, NumericColumn) for column in columns)
    first = ("scale", _scaler(columns)) if plain else ("encode", _encoder(columns))
    return Pipeline([first, ("network", mlp)])


def _scaler(columns: Any) -> Any:
    """A StandardScaler with these means and scales."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = (np.array([getattr(c, key) for c in columns]) for key in ("mean", "scale"))
    scaler.var_ = scaler.scale_**2
    scaler.n_features_in_, scaler.n_samples_seen_ = len(columns), 1
    scaler.feature_names_in_ = np.array([column.name for column in columns], dtype=object)
    return scaler


def _encoder(columns: Any) -> Any:
    """A ColumnTransformer with one part for each column, fitted on a table made up of all categories."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    parts, values = [], {}
    rows = max(len(getattr(column, "categories", ())) for column in columns)
    for index, column in enumerate(columns):
        if isinstance(column, NumericColumn):
            values[column.name], part = np.zeros(rows), StandardScaler()
        else:
            values[column.name] = np.resize(np.array(column.categories, dtype=object), rows)
            part = OneHotEncoder(categories=[list(column.categories)], sparse_output=False)
        parts.append((f"column{index + 1}", part, [column.name]))
    encoder = ColumnTransformer(parts, sparse_threshold=0).fit(pd.DataFrame(values))
    for (_, part, _), column in zip(encoder.transformers_, columns, strict=True):
        if isinstance(column, NumericColumn):
            vars(part).update(vars(_scaler([column])))
    return encoder
