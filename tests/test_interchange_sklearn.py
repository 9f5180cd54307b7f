"""scikit-learn: what its perceptrons predict our networks predict, and the other way about."""

import io
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import handgrad as hg
from handgrad import estimators
from handgrad.interchange.sklearn_in import ACTIVATIONS
from handgrad.interchange.sklearn_out import save_sklearn
from travelling import distance, patients, raw_rows, rows_of, skip_without_poisson_in_scikit_learn

SETTINGS = {"hidden_layer_sizes": (6, 5), "max_iter": 3, "random_state": 0}
DRAWS = np.random.default_rng(0)
X = DRAWS.standard_normal((60, 4)) * [1, 10, 0.1, 3] + [0, 5, 0, 1]
TARGETS = {
    "three": np.array(["cat", "dog", "ant"])[DRAWS.integers(0, 3, 60)],
    "numbers": DRAWS.integers(5, 9, 60),
    "two": np.array(["yes", "no"])[DRAWS.integers(0, 2, 60)],
    "booleans": DRAWS.random(60) < 0.5,
    "multilabel": DRAWS.integers(0, 2, (60, 3)),
    "value": DRAWS.standard_normal(60),
    "values": DRAWS.standard_normal((60, 2)),
}


def fitted(estimator, X, y):
    """Fitted a little, without the remark that it was little."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def perceptron(y, **settings):
    return (MLPRegressor if np.asarray(y).dtype.kind == "f" else MLPClassifier)(**SETTINGS | settings)


def rows_for(net, X):
    return net.preprocessing.transform(X)


def assert_same(net, estimator, X):
    """Predictions and probabilities to 1e-12, and the very labels."""
    inside = rows_for(net, X)
    if isinstance(estimator, MLPRegressor) or isinstance(getattr(estimator, "steps", [[0, 0]])[-1][1], MLPRegressor):
        assert distance(net.predict(inside), estimator.predict(X).reshape(len(X), -1)) <= 1e-12
        return
    p, labels = estimator.predict_proba(X), estimator.predict(X)
    if labels.ndim == 2:
        assert distance(net.predict_proba(inside), p) <= 1e-12
        np.testing.assert_array_equal(net.predict(inside), labels)
    else:
        names = np.array(net.preprocessing.class_names)
        assert list(names) == [str(each) for each in estimator.classes_]
        binary = net.fan_out == 1
        assert distance(net.predict_proba(inside), p[:, 1:] if binary else p) <= 1e-12
        assert list(names[net.predict(inside)[:, 0] if binary else net.predict(inside)]) == list(labels.astype(str))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_perceptron_becomes_a_network(target, activation):
    y = TARGETS[target]
    estimator = fitted(perceptron(y, activation=activation), X, y)
    net = hg.from_sklearn(estimator)
    assert_same(net, estimator, X)
    assert_same(net, estimator, 1e3 * X)
    assert_same(net, estimator, X[:1])


@pytest.mark.parametrize("target", TARGETS)
def test_handgrads_own_estimators_bring_their_network(target):
    y = TARGETS[target]
    kind = estimators.MLPRegressor if np.asarray(y).dtype.kind == "f" else estimators.MLPClassifier
    pipeline = fitted(
        make_pipeline(StandardScaler(), kind(**SETTINGS, norm="batch", activation=["gelu", "tanh"])), X, y
    )
    net = hg.from_sklearn(pipeline)
    inside = rows_for(net, X)
    expected = pipeline.predict(X) if kind is estimators.MLPRegressor else pipeline.predict_proba(X)[:, -1]
    found = net.predict(inside) if kind is estimators.MLPRegressor else net.predict_proba(inside)[:, -1]
    assert distance(found, expected.reshape(found.shape)) <= 1e-12
    net.params = 0 * net.params
    assert pipeline[-1].net_.params.any()
    with pytest.raises(ValueError, match="not fitted"):
        hg.from_sklearn(kind())


@pytest.mark.parametrize("hidden", [(), (3,), (4, 3, 2)])
def test_any_depth(hidden):
    estimator = fitted(perceptron(TARGETS["three"], hidden_layer_sizes=hidden), X, TARGETS["three"])
    assert_same(hg.from_sklearn(estimator), estimator, X)


def test_poisson_regression():
    skip_without_poisson_in_scikit_learn("poisson")
    counts = DRAWS.poisson(2.0, 60).astype(float)
    estimator = fitted(MLPRegressor(loss="poisson", **SETTINGS), X, counts)
    net = hg.from_sklearn(estimator)
    assert net.loss_rule.name == "poisson"
    assert_same(net, estimator, X)
    assert_same(hg.from_sklearn(hg.to_sklearn(net)), estimator, X)


def test_single_precision_stays():
    estimator = fitted(perceptron(TARGETS["three"]), X.astype(np.float32), TARGETS["three"])
    net = hg.from_sklearn(estimator)
    assert net.dtype == np.float32
    found = net.predict_proba(rows_for(net, X.astype(np.float32)))
    assert distance(found, estimator.predict_proba(X.astype(np.float32))) <= 1e-6


@pytest.mark.parametrize("scaler", [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)])
def test_a_scaler_before_it_is_taken_along(scaler):
    y = TARGETS["three"]
    estimator = fitted(make_pipeline(scaler, perceptron(y)), X, y)
    net = hg.from_sklearn(estimator)
    assert_same(net, estimator, X)
    assert [column.name for column in net.preprocessing.columns] == ["x0", "x1", "x2", "x3"]


def table():
    return pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(
        colour=DRAWS.choice(["red", "blue"], 60), ward=DRAWS.integers(1, 4, 60)
    )


COMPOSED = {
    "by name": ColumnTransformer(
        [
            ("text", OneHotEncoder(), ["ward", "colour"]),
            ("left out", "drop", ["d"]),
            ("scale", StandardScaler(), ["c"]),
        ],
        remainder="passthrough",
    ),
    "one name": make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["colour"])),
    "by number": make_column_transformer((StandardScaler(), [1, 0]), (OneHotEncoder(sparse_output=False), [4])),
    "by slice": make_column_transformer((StandardScaler(), slice(0, 2)), (OneHotEncoder(), slice(4, 6))),
    "by mask": make_column_transformer(
        (StandardScaler(), [True, False, True, False, False, False]), ("passthrough", ["b"])
    ),
    "by type": make_column_transformer((StandardScaler(), lambda rows: list(rows.select_dtypes("float").columns))),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_column_transformer_is_taken_along(name):
    rows, y = table(), TARGETS["two"]
    estimator = fitted(
        Pipeline([("columns", COMPOSED[name]), ("none", "passthrough"), ("mlp", perceptron(y))]), rows, y
    )
    net = hg.from_sklearn(estimator)
    assert_same(net, estimator, rows)
    assert_same(net, estimator, rows.iloc[:, ::-1] if name not in ("by number", "by slice", "by mask") else rows)
    rows.loc[3, "colour"] = "green"
    if name in ("by name", "one name"):
        with pytest.raises(ValueError, match="unknown category 'green'"):
            rows_for(net, rows)


class Clipped(StandardScaler):
    def transform(self, X, copy=None):
        return np.clip(super().transform(X, copy), -1, 1)


class Reversed(OneHotEncoder):
    def transform(self, X):
        return super().transform(X)[:, ::-1]


class Tempered(MLPClassifier):
    def predict_proba(self, X):
        return super().predict_proba(X) ** 2


class Switched(ColumnTransformer):
    def transform(self, X, **params):
        return -super().transform(X, **params)


def refusals():
    y, rows = TARGETS["three"], table()
    scaled = make_column_transformer((StandardScaler(), ["a"]), (PCA(), ["b", "c"]))
    twice = make_column_transformer((StandardScaler(), ["a"]), ("passthrough", ["a", "b"]))
    dropped = make_column_transformer((OneHotEncoder(drop="first"), ["colour"]))
    rare = make_column_transformer((OneHotEncoder(min_frequency=40), ["colour"]))
    weights = {"weighted": 2.0}
    weighted = ColumnTransformer([("weighted", StandardScaler(), ["a"])], transformer_weights=weights)
    own_part = make_column_transformer((Reversed(), ["colour"]))
    switched = Switched([("scaled", StandardScaler(), ["a"])])
    diverged = fitted(perceptron(y), X, y)
    diverged.coefs_[0][0, 0] = np.nan
    return {
        "not fitted": (MLPClassifier(), ValueError, "not fitted"),
        "pipeline not fitted": (make_pipeline(StandardScaler(), MLPClassifier()), ValueError, "not fitted"),
        "another": (LogisticRegression(), TypeError, "expected an MLPClassifier"),
        "no estimator": (None, TypeError, "estimator is None"),
        "another at the end": (make_pipeline(StandardScaler(), LogisticRegression()), TypeError, "expected an MLP"),
        "two steps": (make_pipeline(PCA(), StandardScaler(), MLPClassifier()), TypeError, "2 steps before"),
        "another step": (fitted(make_pipeline(MinMaxScaler(), perceptron(y)), X, y), TypeError, "step 'minmaxscaler'"),
        "another part": (fitted(make_pipeline(scaled, perceptron(y)), rows, y), TypeError, "part 'pca' is PCA"),
        "a column twice": (fitted(make_pipeline(twice, perceptron(y)), rows, y), ValueError, "column 'a' twice"),
        "dropped": (fitted(make_pipeline(dropped, perceptron(y)), rows, y), ValueError, "no drop"),
        "infrequent": (fitted(make_pipeline(rare, perceptron(y)), rows, y), ValueError, "no infrequent"),
        "weights": (
            fitted(make_pipeline(weighted, perceptron(y)), rows, y),
            ValueError,
            "step 'columntransformer' has transformer_weights={'weighted': 2.0}; expected None",
        ),
        "own scaler": (
            fitted(make_pipeline(Clipped(), perceptron(y)), X, y),
            TypeError,
            r"step 'clipped' is .*Clipped; expected a StandardScaler",
        ),
        "own encoder": (fitted(make_pipeline(own_part, perceptron(y)), rows, y), TypeError, r"part 'reversed' is"),
        "own perceptron": (fitted(Tempered(**SETTINGS), X, y), TypeError, r"Tempered; expected an MLPClassifier"),
        "own columns": (fitted(make_pipeline(switched, perceptron(y)), rows, y), TypeError, "step 'switched' is"),
        "own pipeline": (
            fitted(type("Own", (Pipeline,), {})([("mlp", perceptron(y))]), X, y),
            TypeError,
            "Own; expected an MLPClassifier",
        ),
        "diverged": (diverged, ValueError, r"dense1\.W has 1 value that is not finite"),
        "columns without names": (
            fitted(make_pipeline(make_column_transformer((StandardScaler(), [0, 1])), perceptron(y)), X, y),
            ValueError,
            "fit it on a DataFrame",
        ),
    }


REFUSALS = refusals()


@pytest.mark.parametrize("name", REFUSALS)
def test_what_we_do_not_have_is_refused(name):
    estimator, error, words = REFUSALS[name]
    with pytest.raises(error, match=words):
        hg.from_sklearn(estimator)


# --- to scikit-learn ---


@pytest.mark.parametrize("activation", ACTIVATIONS.values())
@pytest.mark.parametrize(
    ("loss", "outputs"),
    [
        ("softmax_cross_entropy", 3),
        ("softmax_cross_entropy", 2),
        ("sigmoid_cross_entropy", 1),
        ("sigmoid_cross_entropy", 3),
        *((loss, outputs) for loss in ("mse", "mae", "huber", "quantile", "poisson") for outputs in (1, 3)),
    ],
)
def test_a_network_becomes_an_estimator(loss, outputs, activation):
    skip_without_poisson_in_scikit_learn(loss)
    net = hg.Network.mlp([4, 5, 3, outputs], activation=activation, loss=loss, dropout=0.2, seed=1)
    net.params += 0.1
    estimator, rows = hg.to_sklearn(net), rows_of(net)
    rows = rows[:-2] if loss == "poisson" else rows  # far out our mean goes on straight, and scikit-learn's overflows
    if net.loss_rule.target in ("values", "counts"):
        assert distance(estimator.predict(rows).reshape(len(rows), -1), net.predict(rows)) <= 1e-12
        return
    p = net.predict_proba(rows)
    assert distance(estimator.predict_proba(rows), p if outputs > 1 else np.hstack([1 - p, p])) <= 1e-12
    np.testing.assert_array_equal(estimator.predict(rows).reshape(net.predict(rows).shape), net.predict(rows))


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [("softmax_cross_entropy", 3), ("softmax_cross_entropy", 2), ("sigmoid_cross_entropy", 1), ("mse", 2)],
)
def test_raw_rows_go_in_and_names_come_out_in_the_order_of_scikit_learn(loss, outputs):
    net, rows = patients(loss, outputs), raw_rows()
    estimator, inside = hg.to_sklearn(net), net.preprocessing.transform(rows)
    if loss == "mse":
        assert distance(estimator.predict(rows), net.predict(inside)) <= 1e-12
        return
    names = net.preprocessing.class_names
    p = net.predict_proba(inside)
    p = np.hstack([1 - p, p]) if outputs == 1 else p
    assert list(estimator.classes_) == sorted(names) != list(names)
    assert distance(estimator.predict_proba(rows)[:, [sorted(names).index(name) for name in names]], p) <= 1e-12
    index = net.predict(inside).ravel()
    assert list(estimator.predict(rows)) == [names[i] for i in index]
    assert estimator.score(rows, [names[i] for i in index]) == 1


def test_numbers_alone_become_a_scaler_and_come_back():
    train, test = hg.datasets.iris().split()
    net = hg.Network.mlp([4, 5, 3], seed=0)
    net.preprocessing = train.preprocessing
    estimator = hg.to_sklearn(net)
    assert [type(step) for _, step in estimator.steps] == [StandardScaler, MLPClassifier]
    rows = pd.DataFrame(test.rows, columns=[column.name for column in net.preprocessing.columns])
    assert distance(estimator.predict_proba(rows), net.predict_proba(test.X)) <= 1e-12
    again = hg.from_sklearn(estimator)
    np.testing.assert_array_equal(again.params, net.params)
    assert again.preprocessing.columns == net.preprocessing.columns
    assert again.preprocessing.class_names == net.preprocessing.class_names


def test_raw_rows_come_back_too():
    net = patients("softmax_cross_entropy", 3)
    again = hg.from_sklearn(hg.to_sklearn(net))
    assert again.preprocessing.columns == net.preprocessing.columns


def test_what_joblib_keeps_predicts_the_same(tmp_path):
    net, rows = patients(), raw_rows()
    save_sklearn(net, tmp_path / "net.joblib")
    found = joblib.load(io.BytesIO((tmp_path / "net.joblib").read_bytes()))
    np.testing.assert_array_equal(found.predict_proba(rows), hg.to_sklearn(net).predict_proba(rows))


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (hg.Network.mlp([2, 3, 2], norm="batch"), r"layers\[1\] is BatchNorm"),
        (hg.Network.mlp([2, 3, 2], activation="gelu"), r"layers\[1\] is gelu; scikit-learn has identity"),
        (hg.Network.mlp([2, 3, 3, 2], activation=["relu", "tanh"]), r"layers\[3\] is tanh after relu"),
        (hg.Network.mlp([2, 3, 2], output_activation="tanh"), r"layers\[3\] is Activation.*the last"),
        (hg.Network([hg.Dense(2, 2), hg.Dense(2, 2)]), r"layers\[1\] is Dense"),
        (hg.Network([hg.Activation("relu"), hg.Dense(2, 2)]), r"layers\[0\] is Activation"),
        (hg.Network([hg.Dense(2, 2), hg.Residual([hg.Dense(2, 2)])]), r"layers\[1\] is Residual"),
        (hg.Network.mlp([2, 2], seed=range(2)), "stack of 2"),
        (
            hg.Network.mlp(
                [2, 2],
                loss=hg.losses.Loss("own", f=lambda z, t: z - t, df=lambda z, t: z, output=lambda z: 2 * z),
            ),
            "loss own, whose output function",
        ),
    ],
)
def test_what_scikit_learn_cannot_say_is_refused(net, words):
    with pytest.raises(ValueError, match=words):
        hg.to_sklearn(net)
