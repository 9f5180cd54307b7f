"""The estimators: steps equal to scikit-learn's, what it refused, and the company they keep."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import handgrad as hg
from handgrad.estimators import MLPClassifier, MLPRegressor, fit_stacked
from handgrad.estimators.convergence import Convergence
from handgrad.estimators.settings import Rows, settings_of
from handgrad.losses import losses

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standardised(load: Any) -> tuple[np.ndarray, np.ndarray]:
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


IRIS, CANCER, DIABETES = standardised(load_iris), standardised(load_breast_cancer), standardised(load_diabetes)
LABELS = standardised(lambda return_X_y: make_multilabel_classification(n_samples=120, n_classes=4, random_state=0))


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
@pytest.mark.filterwarnings("default")
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


# --- the same steps as scikit-learn ----------------------------------------------------------------------------------

CASES = {
    "two classes": (MLPClassifier, TheirClassifier, (CANCER[0][:120], CANCER[1][:120])),
    "three classes": (MLPClassifier, TheirClassifier, (IRIS[0][::5], IRIS[1][::5])),
    "several labels": (MLPClassifier, TheirClassifier, LABELS),
    "a number": (MLPRegressor, TheirRegressor, (DIABETES[0][:120], DIABETES[1][:120] / 100)),
}
SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-20},  # which stands elsewhere in theirs
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.1},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "plain": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 0.01},
}


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_trainings_are_theirs_step_by_step(solver: str, case: str, activation: str) -> None:
    ours, theirs, (X, y) = CASES[case]
    common = {"hidden_layer_sizes": (7, 5), "activation": activation, "alpha": 0.3, "shuffle": False, "max_iter": 30}
    common |= {"batch_size": 30, "n_iter_no_change": 3} | SOLVERS[solver]
    first = theirs(random_state=0, **common | {"max_iter": 1}).fit(X, y)
    start = [W.copy() for W in first.coefs_], [b.copy() for b in first.intercepts_]
    peer = from_weights(theirs(warm_start=True, **common), start, X, y)
    model = ours(initial_coefs=start, **common).fit(X, y)
    assert model.n_iter_ == peer.n_iter_
    assert np.allclose(model.loss_curve_, peer.loss_curve_, rtol=1e-9)
    for mine, other in zip(model.coefs_ + model.intercepts_, [*peer.coefs_, *peer.intercepts_], strict=True):
        assert np.allclose(mine, other, rtol=1e-7, atol=1e-10)
    assert np.allclose(model.predict(X), peer.predict(X))
    assert model.out_activation_ == peer.out_activation_
    assert (model.n_layers_, model.n_outputs_, model.t_) == (peer.n_layers_, peer.n_outputs_, peer.t_)


def from_weights(peer: Any, start: tuple[list[np.ndarray], list[np.ndarray]], X: np.ndarray, y: np.ndarray) -> Any:
    """A scikit-learn estimator trained from these weights: fitted once to be complete, then put back and fitted."""
    once = clone(peer).set_params(max_iter=1).fit(X, y)
    once.coefs_, once.intercepts_ = [W.copy() for W in start[0]], [b.copy() for b in start[1]]
    once.best_loss_, once._no_improvement_count, once.loss_curve_, once.t_ = np.inf, 0, [], 0
    return once.set_params(max_iter=peer.max_iter).fit(X, y)


@pytest.mark.parametrize("case", ["two classes", "three classes", "several labels", "a number"])
def test_lbfgs_walks_as_theirs(case: str) -> None:
    ours, theirs, (X, y) = CASES[case]
    common: dict[str, Any] = {"solver": "lbfgs", "hidden_layer_sizes": 5, "activation": "tanh", "alpha": 0.3}
    first = theirs(random_state=0, max_iter=1, **common).fit(X, y)
    start = [W.copy() for W in first.coefs_], [b.copy() for b in first.intercepts_]
    peer = from_weights(theirs(warm_start=True, max_iter=15, **common), start, X, y)
    model = ours(initial_coefs=start, max_iter=15, **common).fit(X, y)
    assert model.n_iter_ == peer.n_iter_
    assert model.loss_ == pytest.approx(peer.loss_, rel=1e-6)
    for mine, other in zip(model.coefs_ + model.intercepts_, [*peer.coefs_, *peer.intercepts_], strict=True):
        assert np.allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_regressors_gradient_is_the_derivative_of_its_loss(outputs: int) -> None:
    X, y = load_linnerud(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), StandardScaler().fit_transform(y)[:, :outputs]
    model = MLPRegressor((5,), activation="tanh", solver="sgd", momentum=0, max_iter=1, random_state=0, alpha=0.5)
    start = clone(model).set_params(learning_rate_init=1e-300).fit(X, y)
    after = model.set_params(learning_rate_init=1.0).fit(X, y)
    weights = np.concatenate([each.ravel() for each in start.coefs_ + start.intercepts_])
    step = weights - np.concatenate([each.ravel() for each in after.coefs_ + after.intercepts_])

    def loss(w: np.ndarray) -> float:
        twin = clone(start).fit(X, y)
        twin.net_.params = w
        penalty = 0.5 * 0.5 * sum((W**2).sum() for W in twin.coefs_) / len(X)
        return 0.5 * float(((twin.predict(X).reshape(y.shape) - y) ** 2).mean()) + penalty

    assert start.loss_ == pytest.approx(loss(weights), rel=1e-12)
    for i in range(0, len(weights), 7):
        nudge = 1e-5 * np.eye(len(weights))[i]
        assert step[i] == pytest.approx((loss(weights + nudge) - loss(weights - nudge)) / 2e-5, abs=1e-8)


def test_the_table_of_settings() -> None:
    mse, logistic = losses.find("mse"), losses.find("sigmoid_cross_entropy")
    rows = Rows(number=1000)
    table = [  # parameters, loss, outputs, rows -> expected
        ({}, mse, 1, rows, {"l2": 1e-4 / 100, "batch_size": 200, "optimizer": hg.Adam(0.001, epsilon=2e-8)}),
        ({"batch_size": 50}, mse, 1, rows, {"l2": 1e-4 / 25, "batch_size": 50}),
        ({"batch_size": 5000}, mse, 1, rows, {"batch_size": 1000}),
        ({}, mse, 1, Rows(number=10, weight=2.0), {"l2": 1e-4 / 10, "batch_size": 10}),
        ({"loss": "huber"}, losses.find("huber"), 1, rows, {"l2": 1e-4 / 200, "optimizer": hg.Adam(0.001)}),
        ({"solver": "sgd"}, mse, 1, rows, {"optimizer": hg.SGD(0.0005, momentum=0.9, nesterov=True)}),
        ({"solver": "sgd", "momentum": 0.0}, mse, 1, rows, {"optimizer": hg.SGD(0.0005)}),
        ({"solver": "rmsprop"}, mse, 1, rows, {"optimizer": hg.RMSprop(0.001)}),
        ({"solver": hg.AdamW(0.3)}, mse, 1, rows, {"optimizer": hg.AdamW(0.3)}),
        ({"solver": "lbfgs"}, mse, 1, rows, {"l2": 1e-4 / 500}),
        ({"max_iter": 7, "shuffle": False}, mse, 1, rows, {"epochs": 7, "shuffle": False}),
        ({"loss": "log_loss"}, logistic, 4, rows, {"l2": 1e-4 / 800, "optimizer": hg.Adam(0.001, epsilon=2.5e-9)}),
    ]
    for parameters, loss, outputs, given, expected in table:
        settings = settings_of(MLPRegressor(**parameters), loss, 3, outputs, given)
        found = settings.network | settings.training
        for name, value in expected.items():
            assert found[name] == (pytest.approx(value) if isinstance(value, float) else value), (parameters, name)


def test_the_adaptive_rate_is_divided_by_five_until_it_is_small() -> None:
    rates: list[float] = []

    def watch(training: hg.Training) -> None:
        rates.append(2 * training.history.columns["learning_rate"][-1])  # half the squared error: twice the rate

    X, y = np.eye(2), np.array([1.0, 0.0])
    model = MLPRegressor(solver="sgd", learning_rate="adaptive", tol=0.5, max_iter=3000, callbacks=[watch]).fit(X, y)
    assert model.n_iter_ < 3000
    assert sorted(set(np.round(rates, 12)), reverse=True) == pytest.approx([0.001 / 5.0**k for k in range(6)])


def test_inverse_scaling_counts_rows() -> None:
    rates: list[float] = []
    watch = [lambda training: rates.append(training.history.columns["learning_rate"][-1])]
    MLPClassifier(
        solver="sgd", learning_rate="invscaling", power_t=0.25, max_iter=3, callbacks=watch, learning_rate_init=0.1
    ).fit(*IRIS)
    assert rates == pytest.approx([0.1 * (1 + 150 * epoch) ** -0.25 for epoch in range(3)])


# --- weights ---------------------------------------------------------------------------------------------------------


def test_a_weight_of_zero_is_a_row_that_is_not_there() -> None:
    X, y = IRIS
    weight = np.tile([1.0, 0.0, 2.0], 50)
    with_zeros = MLPClassifier(max_iter=20, batch_size=16, random_state=0).fit(X, y, weight)
    without = MLPClassifier(max_iter=20, batch_size=16, random_state=0).fit(
        X[weight > 0], y[weight > 0], weight[weight > 0]
    )
    assert np.array_equal(with_zeros.net_.params, without.net_.params)


def test_class_weights_are_sample_weights() -> None:
    X, y = IRIS[0][20:], np.array(["setosa", "versicolor", "virginica"])[IRIS[1][20:]]
    by_class = {"setosa": 3.0, "versicolor": 1.0, "virginica": 0.5}
    model = MLPClassifier(class_weight=by_class, max_iter=10, random_state=0).fit(X, y)
    by_row = MLPClassifier(max_iter=10, random_state=0).fit(X, y, [by_class[each] for each in y])
    assert np.allclose(model.net_.params, by_row.net_.params, rtol=1e-12)
    balanced = MLPClassifier(class_weight="balanced", max_iter=10, random_state=0).fit(X, y)
    assert not np.array_equal(balanced.net_.params, MLPClassifier(max_iter=10, random_state=0).fit(X, y).net_.params)


def test_a_chunk_may_lack_the_class_that_is_weighted() -> None:
    X, y = IRIS
    model = MLPClassifier(class_weight={2: 9.0}, random_state=0).partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    plain = MLPClassifier(random_state=0).partial_fit(X[:100], y[:100], classes=[0, 1, 2], sample_weight=np.ones(100))
    assert np.array_equal(model.net_.params, plain.net_.params)


# --- what scikit-learn refused ---------------------------------------------------------------------------------------


def test_an_ensemble_is_its_networks_side_by_side() -> None:
    X, y = CANCER
    ensemble = MLPClassifier(max_iter=15, n_ensemble=4, random_state=3).fit(X, y)
    seeds = ensemble.net_.seed
    alone = [MLPClassifier(max_iter=15, random_state=int(seed)).fit(X, y) for seed in seeds]
    each = np.array([model.predict_proba(X) for model in alone])
    mean, spread = ensemble.predict_proba(X, return_std=True)
    assert all(np.array_equal(ensemble.net_.params[i], model.net_.params) for i, model in enumerate(alone))
    assert np.allclose(mean, each.mean(axis=0))
    assert np.allclose(spread, each.std(axis=0))
    assert ensemble.coefs_[0].shape == (4, 30, 100)


def test_an_ensemble_by_lbfgs_and_its_spread() -> None:
    X, y = DIABETES
    model = MLPRegressor((4,), solver="lbfgs", max_iter=15, n_ensemble=3, random_state=0).fit(X, y)
    mean, spread = model.predict(X, return_std=True)
    assert np.allclose(mean, np.mean([model.net_[i].predict(X)[:, 0] for i in range(3)], axis=0))
    assert spread.shape == (len(X),)
    assert (spread > 0).all()
    with pytest.raises(ValueError, match="return_std needs several networks"):
        MLPRegressor((4,), max_iter=2).fit(X, y).predict(X, return_std=True)


def test_own_layers_losses_and_schedules() -> None:
    X, y = DIABETES[0], DIABETES[1] / 100
    bell = hg.activations.Formula("bell", f=lambda z: np.exp(-z * z), df=lambda z, a: -2 * z * a)
    model = MLPRegressor(
        (12, 8),
        activation=[bell, "gelu"],
        loss="huber(delta=0.5)",
        init="he_normal",
        norm="layer",
        dropout=0.1,
        solver=hg.AdamW(0.01),
        schedule="cosine",
        clip_norm=1.0,
        random_state=0,
    ).fit(X, y)
    assert [str(layer.formula) for layer in model.net_.layers if hasattr(layer, "formula")] == ["bell", "gelu"]
    assert str(model.net_.loss_rule) == "huber(delta=0.5)"
    assert model.score(X, y) > 0.4


def test_rows_of_weight_zero_are_out_before_the_validation_rows_are_drawn() -> None:
    X, y = CANCER
    weight = np.where(np.arange(len(X)) % 3 == 0, 0.0, 1.0)
    settings: dict[str, Any] = {"early_stopping": True, "max_iter": 10, "random_state": 0}
    with_zeros = MLPClassifier(**settings).fit(X, y, weight)
    without = MLPClassifier(**settings).fit(X[weight > 0], y[weight > 0], weight[weight > 0])
    assert np.array_equal(with_zeros.net_.params, without.net_.params)


def test_weights_that_stay_and_weights_that_are_given() -> None:
    X, y = IRIS
    start = MLPClassifier((6,), max_iter=3, random_state=0).fit(X, y)
    given = list(start.coefs_), list(start.intercepts_)
    model = MLPClassifier((6,), max_iter=5, initial_coefs=given, frozen=("dense1",)).fit(X, y)
    assert np.array_equal(model.coefs_[0], start.coefs_[0])
    assert not np.array_equal(model.coefs_[1], start.coefs_[1])
    wrong = [start.coefs_[0].T, start.coefs_[1]], start.intercepts_
    with pytest.raises(ValueError, match=r"initial_coefs: dense1\.W has shape \(6, 4\); expected \(4, 6\)"):
        MLPClassifier((6,), initial_coefs=wrong).fit(X, y)
    with pytest.raises(TypeError, match="initial_coefs must be a pair"):
        MLPClassifier((6,), initial_coefs=start.coefs_[0]).fit(X, y)


def test_a_validation_set_of_ones_own() -> None:
    X, y = CANCER
    held = X[400:], y[400:]
    watched = MLPClassifier(max_iter=30, random_state=0).fit(X[:400], y[:400], eval_set=held)
    assert len(watched.validation_loss_curve_) == watched.n_iter_
    assert watched.validation_loss_curve_[-1] == pytest.approx(watched.net_.loss(held[0], held[1][:, None]))
    stopped = MLPClassifier(max_iter=300, early_stopping=True, random_state=0, learning_rate_init=0.01)
    stopped.fit(X[:400], y[:400], eval_set=held)
    assert stopped.n_iter_ < 300
    assert stopped.score(*held) == pytest.approx(stopped.best_validation_score_)
    with pytest.raises(TypeError, match="eval_set is ndarray; expected a pair"):
        clone(stopped).fit(X, y, eval_set=X)
    with pytest.raises(ValueError, match="classes not in"):
        clone(stopped).fit(X, y, eval_set=(X, y + 1))


def test_a_validation_set_may_lack_a_class_also_when_warm() -> None:
    X, y = IRIS
    model = MLPClassifier(max_iter=3, warm_start=True, random_state=0)
    for _ in range(2):
        model.fit(X, y, eval_set=(X[:100], y[:100]))
    assert len(model.validation_loss_curve_) == 6


def test_a_validation_set_for_numbers() -> None:
    X, y = DIABETES[0], np.stack([DIABETES[1], -DIABETES[1]], axis=1) / 100
    model = MLPRegressor(early_stopping=True, learning_rate_init=0.01, random_state=0)
    model.fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    assert model.score(X[300:], y[300:]) == pytest.approx(model.best_validation_score_)
    with pytest.raises(ValueError, match="eval_set: y has 1 outputs but that of the training set has 2"):
        model.fit(X, y, eval_set=(X, y[:, 0]))


def test_callbacks_are_trainings() -> None:
    epochs: list[int] = []
    MLPClassifier(max_iter=50, callbacks=[lambda training: epochs.append(training.epoch) or training.epoch == 4]).fit(
        *IRIS
    )
    assert epochs == [1, 2, 3, 4]


# --- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_are_one_fit(solver: str) -> None:
    X, y = IRIS
    whole = MLPClassifier(solver=solver, max_iter=12, batch_size=32, tol=0, random_state=0).fit(X, y)
    steps = MLPClassifier(solver=solver, batch_size=32, random_state=0)
    for _ in range(6):
        steps.partial_fit(X, y, classes=[0, 1, 2])
    steps = pickle.loads(pickle.dumps(steps))
    for _ in range(6):
        steps.partial_fit(X, y)
    assert np.array_equal(whole.net_.params, steps.net_.params)
    assert np.allclose(whole.loss_curve_, steps.loss_curve_)


def test_a_warm_start_goes_on_and_a_cold_one_does_not() -> None:
    X, y = IRIS
    model = MLPClassifier(max_iter=10, warm_start=True, random_state=0).fit(X, y)
    first = model.loss_
    model.fit(X, y)
    assert model.loss_ < first
    assert len(model.loss_curve_) == 20
    cold = MLPClassifier(max_iter=10, random_state=0).fit(X, y)
    assert np.array_equal(cold.fit(X, y).loss_curve_, model.loss_curve_[:10])


def test_interrupting_keeps_what_was_learned() -> None:
    def interrupt(training: Any) -> None:
        if training.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = MLPClassifier(callbacks=[interrupt], random_state=0).fit(*IRIS)
    assert model.n_iter_ == 3
    assert np.isfinite(model.predict_proba(IRIS[0])).all()


def test_a_stop_is_where_scikit_learns_rule_says() -> None:
    rng = np.random.default_rng(0)
    curve = np.cumsum(rng.standard_normal(300)) * -0.01 + rng.standard_normal(300) * 0.02
    best, waited, expected = np.inf, 0, None
    for epoch, loss in enumerate(curve, start=1):
        waited = waited + 1 if loss > best - 0.01 else 0
        best = min(best, loss)
        if waited > 5:
            expected = epoch
            break
    assert stopped_at(curve, patience=5, tol=0.01) == expected


def stopped_at(curve: np.ndarray, patience: float, tol: float) -> int:
    """The epoch at which `Convergence` stops on this curve, fed as many epochs at a time as it allows."""

    class Fed:
        net, schedule, active, epoch = hg.Network.mlp([1, 1]), None, np.array([True]), 0
        history = hg.History(None)

    fed: Any = Fed()
    rule = Convergence(np.array([tol]), np.array([patience]), np.array([-np.inf]), np.zeros(1))
    rule.begin(fed)
    while fed.epoch < len(curve):
        until = min(int(rule.next_epoch), len(curve))
        fed.history.columns["loss"] += list(curve[fed.epoch : until])
        fed.epoch = until
        if rule(fed):
            return fed.epoch
    return -1


# --- the company they keep -------------------------------------------------------------------------------------------


def test_scikit_learns_tools() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    model = make_pipeline(StandardScaler(), MLPClassifier((10,), learning_rate_init=0.02, max_iter=100, random_state=0))
    assert cross_validate(model, X, names, cv=3)["test_score"].mean() > 0.9
    search = GridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=3).fit(X, names)
    assert search.best_score_ > 0.9
    assert CalibratedClassifierCV(model, cv=3).fit(X, names).predict_proba(X).shape == (150, 3)
    fitted = model.fit(X, names)
    assert permutation_importance(fitted, X, names, n_repeats=3, random_state=0).importances_mean.shape == (4,)
    assert list(fitted[-1].classes_) == sorted(set(names))
    frame = make_pipeline(StandardScaler().set_output(transform="pandas"), clone(model[-1])).fit(X, names)
    assert list(frame[-1].feature_names_in_) == list(X.columns)


def test_metadata_routing() -> None:
    X, y = IRIS
    with config_context(enable_metadata_routing=True):
        model = MLPClassifier(max_iter=5).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_validate(model, X, y, params={"sample_weight": np.ones(150)}, cv=3, error_score="raise")
    assert len(scores["test_score"]) == 3


def test_sparse_float32_and_pickles() -> None:
    X, y = IRIS
    dense = MLPClassifier(max_iter=5, random_state=0).fit(X.astype(np.float32), y)
    sparse = MLPClassifier(max_iter=5, random_state=0).fit(csr_matrix(X.astype(np.float32)), y)
    assert dense.net_.dtype == np.float32
    assert np.array_equal(dense.net_.params, sparse.net_.params)
    assert np.array_equal(dense.predict_proba(X), sparse.predict_proba(csr_matrix(X)))
    assert np.array_equal(pickle.loads(pickle.dumps(dense)).predict(X), dense.predict(X))


def test_estimators_fitted_together_are_as_fitted_alone() -> None:
    X, y = IRIS
    settings = [
        {"alpha": 1e-4},
        {"alpha": 1.0, "learning_rate_init": 0.01},
        {"n_ensemble": 3},
        {"init": "he_normal"},
        {"hidden_layer_sizes": (5, 5)},
        {"solver": "sgd", "momentum": 0.5},
        {"solver": "lbfgs"},
        {"tol": 0.05, "n_iter_no_change": 2},
        {"activation": "logistic"},
        {"early_stopping": True},
    ]
    together = fit_stacked([MLPClassifier(max_iter=40, random_state=1, **each) for each in settings], X, y)
    for each, model in zip(settings, together, strict=True):
        alone = MLPClassifier(max_iter=40, random_state=1, **each).fit(X, y)
        assert np.array_equal(model.net_.params, alone.net_.params), each
        assert (model.n_iter_, model.loss_) == (alone.n_iter_, alone.loss_), each


def test_what_is_stacked_is_told_apart_by_what_it_is() -> None:
    X, y = DIABETES[0][:60], DIABETES[1][:60] / 100
    wide = np.random.default_rng(0).standard_normal((60, 300))
    starts = [[np.full((300, 9), 0.01), np.ones((9, 1))] for _ in range(2)]
    starts[1][0][100:200] = -0.5  # where NumPy prints dots
    biases = [np.zeros(9), np.zeros(1)]
    twins = [hg.activations.Formula("mine", lambda z, k=k: k * z, lambda z, a, k=k: 0 * z + k) for k in (1.0, 2.0)]
    schedules = [hg.schedules.Schedule("mine", lambda t, total, k=k: k) for k in (1.0, 0.1)]
    cases: list[tuple[np.ndarray, list[dict[str, Any]]]] = [
        (wide, [{"hidden_layer_sizes": 9, "initial_coefs": (start, biases)} for start in starts]),
        (X, [{"activation": twin} for twin in twins]),
        (X, [{"schedule": schedule} for schedule in schedules]),
    ]
    for data, settings in cases:
        together = fit_stacked([MLPRegressor(max_iter=5, random_state=0, **each) for each in settings], data, y)
        for each, model in zip(settings, together, strict=True):
            alone = MLPRegressor(max_iter=5, random_state=0, **each).fit(data, y)
            assert np.array_equal(model.net_.params, alone.net_.params)
        assert not np.array_equal(together[0].predict(data), together[1].predict(data))


def test_stacks_of_different_class_weights() -> None:
    models = [MLPClassifier(class_weight={0: w}, max_iter=5, random_state=0) for w in (1.0, 20.0)]
    for model in fit_stacked(models, *IRIS):
        assert np.array_equal(model.net_.params, clone(model).fit(*IRIS).net_.params)


def test_what_was_fitted_together_goes_on_as_what_was_fitted_alone() -> None:
    models = [MLPClassifier(alpha=alpha, max_iter=5, random_state=0) for alpha in (0.1, 1.0)]
    for model in fit_stacked(models, *IRIS):
        alone = clone(model).fit(*IRIS).partial_fit(*IRIS)
        assert np.array_equal(model.partial_fit(*IRIS).net_.params, alone.net_.params)


# --- what changes between calls ---------------------------------------------------------------------------------------


def test_partial_fits_of_unequal_length_are_theirs() -> None:
    X, y = IRIS[0][::-1], IRIS[1][::-1]
    common = {"solver": "sgd", "shuffle": False, "alpha": 1.0, "learning_rate_init": 0.05, "hidden_layer_sizes": 6}
    peer = TheirClassifier(random_state=0, **common).partial_fit(X[:10], y[:10], classes=[0, 1, 2])
    begin = [W.copy() for W in peer.coefs_], [b.copy() for b in peer.intercepts_]
    peer = from_weights(TheirClassifier(warm_start=True, max_iter=1, **common), begin, X, y).set_params(
        warm_start=False
    )
    model = MLPClassifier(initial_coefs=begin, max_iter=1, **common).fit(X, y)
    for rows in (slice(10), slice(150), slice(40, 43), slice(150)):
        peer.partial_fit(X[rows], y[rows])
        model.partial_fit(X[rows], y[rows])
    for mine, other in zip(model.coefs_ + model.intercepts_, [*peer.coefs_, *peer.intercepts_], strict=True):
        assert np.allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_a_penalty_may_change_and_a_network_may_not() -> None:
    X, y = IRIS
    model = MLPClassifier(alpha=0.1).partial_fit(X, y, classes=[0, 1, 2])
    assert model.set_params(alpha=10.0).partial_fit(X, y).net_.l2 == pytest.approx(10 / 150)
    for change in ({"hidden_layer_sizes": 5}, {"activation": "tanh"}, {"dropout": 0.5}, {"n_ensemble": 3}):
        with pytest.raises(ValueError, match="but the network that is there has"):
            clone(model).set_params(warm_start=True).fit(X, y).set_params(**change).fit(X, y)


@pytest.mark.parametrize("solvers", [("adam", "sgd"), ("sgd", "rmsprop"), ("adagrad", "sgd")])
def test_another_solver_begins_anew(solvers: tuple[str, str]) -> None:
    X, y = IRIS
    model = MLPClassifier(solver=solvers[0], random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    weights = [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
    model.set_params(solver=solvers[1], shuffle=False).partial_fit(X, y)
    fresh = MLPClassifier(solver=solvers[1], shuffle=False, initial_coefs=weights, max_iter=1).fit(X, y)
    assert np.array_equal(model.net_.params, fresh.net_.params)


@pytest.mark.parametrize(
    ("solver", "expected"),
    [("adam(0.05)", 0.05), ("Adam", 0.001), ("SGD", 0.001), ("rmsprop(0.1)", 0.1), (hg.SGD(0.3), 0.3)],
)
def test_solvers_by_name(solver: Any, expected: float) -> None:
    optimizer = settings_of(MLPClassifier(solver=solver), losses.find("softmax_cross_entropy"), 3, 3, Rows(100))
    assert optimizer.training["optimizer"].learning_rate == expected
    assert MLPClassifier(solver="LBFGS", max_iter=2).fit(*IRIS).n_iter_ == 2


def test_a_refused_fit_leaves_the_estimator_as_it_was() -> None:
    X, y = IRIS
    names = np.array(["x", "y", "z"])[y]
    model = MLPClassifier(max_iter=3, random_state=0).fit(X, names)
    before = dict(vars(model))
    refusals: list[tuple[dict[str, Any], Any]] = [
        ({"alpha": -1.0}, lambda: model.fit(X[:, :2], y)),
        ({"solver": "sgd", "learning_rate_init": 1e200}, lambda: model.fit(X, y)),
        (
            {"warm_start": True, "solver": "sgd", "learning_rate_init": 1e200},
            lambda: model.fit(X, before["classes_"][y]),
        ),
        ({"alpha": -1.0}, lambda: model.partial_fit(X, names)),
        ({}, lambda: fit_stacked([model, MLPClassifier(alpha=-1.0)], X[:, :2], y)),
    ]
    params = model.net_.params.copy()
    for change, refused in refusals:
        kept = model.get_params()
        model.set_params(**change)
        with pytest.raises(ValueError, match=r".+"):
            refused()
        model.set_params(**kept)
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is value for name, value in before.items() if name.endswith("_"))
        assert np.array_equal(model.net_.params, params)


def test_networks_of_an_ensemble_that_diverge_are_left_out() -> None:
    X, y = DIABETES
    wild = MLPRegressor((5,), activation="identity", solver="sgd", learning_rate_init=0.1, max_iter=60, n_ensemble=12)
    with pytest.warns(ConvergenceWarning, match="of the ensemble is left out"):
        wild.set_params(random_state=0, tol=0.0).fit(X, y / 50)
    assert 1 <= wild.net_.size < 12
    mean, spread = wild.predict(X, return_std=True)
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()
    assert wild.partial_fit(X[:20], y[:20] / 500).net_.size == wild.net_.size


def test_small_probabilities_keep_their_digits() -> None:
    X = np.array([[-40.0], [40.0], [-41.0], [41.0]])
    model = MLPClassifier((), solver="lbfgs", alpha=1e-6).fit(X, [0, 1, 0, 1])
    p = model.predict_proba([[100.0]])[0]
    assert 0 < p[0] < 1e-10
    assert p[0] == pytest.approx(np.exp(-model.net_.forward([[100.0]])[0, 0]), rel=1e-6)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"hidden_layer_sizes": (10, 0)}, ValueError, "hidden_layer_sizes is 0"),
        ({"hidden_layer_sizes": "ten"}, TypeError, "hidden_layer_sizes is"),
        ({"activation": "rely"}, ValueError, "relu"),
        ({"solver": "adma"}, ValueError, "adam"),
        ({"alpha": -1.0}, ValueError, "alpha is -1"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"batch_size": "all"}, TypeError, "or 'auto'"),
        ({"learning_rate": "inverse"}, ValueError, "invscaling"),
        ({"learning_rate_init": 0.0}, ValueError, "learning_rate_init is 0"),
        ({"max_iter": 0}, ValueError, "max_iter is 0"),
        ({"shuffle": "yes"}, TypeError, "shuffle is 'yes'"),
        ({"warm_start": "yes"}, TypeError, "warm_start is 'yes'"),
        ({"tol": -1.0}, ValueError, "tol is -1"),
        ({"validation_fraction": 1.5, "early_stopping": True}, ValueError, "validation_fraction is 1.5"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change is 0"),
        ({"n_ensemble": 0}, ValueError, "n_ensemble is 0"),
        ({"loss": "mse"}, ValueError, "loss is 'mse', but y has more than two classes"),
        ({"init": "hee"}, ValueError, "he"),
        ({"norm": "bach"}, ValueError, "batch"),
        ({"frozen": ("dense9",)}, ValueError, "dense9"),
        ({"epsilon": 0.0}, ValueError, "epsilon is 0"),
        ({"max_fun": 0, "solver": "lbfgs"}, ValueError, "max_fun is 0"),
        ({"class_weight": "balance"}, ValueError, "balanced"),
        ({"class_weight": {9: 1.0}}, ValueError, "class_weight names 9"),
        ({"solver": "lbfgs", "dropout": 0.5}, ValueError, "the same units dropped"),
    ],
)
def test_what_is_refused(parameters: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        MLPClassifier(**parameters).fit(*IRIS)


def test_what_data_is_refused() -> None:
    X, y = IRIS
    with pytest.raises(ValueError, match="at least one non-zero"):
        MLPClassifier().fit(X, y, np.zeros(150))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        MLPClassifier().fit(X, y, np.where(y == 0, -1.0, 1.0))
    with pytest.raises(ValueError, match=r"class_weight has -1.0; expected finite weights"):
        MLPClassifier(class_weight={0: -1.0}).fit(X, y)
    with pytest.raises(ValueError, match="leave every row a weight of 0"):
        MLPClassifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)
    with pytest.raises(ValueError, match="class_weight='balanced' would be another"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(TypeError, match="expected handgrad's MLPClassifier"):
        fit_stacked([TheirClassifier()], X, y)
    with pytest.raises(TypeError, match="expected a list"):
        fit_stacked(MLPClassifier(), X, y)
    with pytest.raises(ValueError, match="eval_set: "):
        MLPClassifier().fit(X, y, eval_set=(X[:, :2], y))
    unfitted = MLPClassifier()
    with pytest.raises(ValueError, match="constant"):
        unfitted.set_params(schedule="constantly").fit(X, y)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)
    with pytest.raises(ValueError, match="unknown loss 'log_loss'"):
        MLPRegressor(loss="log_loss").fit(X, y)
    with pytest.raises(ValueError, match="counts of at least 0"):
        MLPRegressor(loss="poisson").fit(X, y - 1.0)
    with pytest.raises(ValueError, match="y has 2 outputs but the network has 1"):
        MLPRegressor(max_iter=2).fit(X, y).partial_fit(X, np.stack([y, y], axis=1))


def test_a_class_of_one_row_cannot_be_split() -> None:
    with pytest.raises(
        ValueError, match=r"least populated classes in y have only 1 member.*too few members are: .True"
    ):
        MLPClassifier(early_stopping=True).fit([[1, 2], [2, 3], [3, 4], [4, 5]], [0, 0, 0, 1])


def test_divergence_is_told() -> None:
    X, y = DIABETES
    wild = MLPRegressor((5,), activation="identity", solver="sgd", learning_rate_init=10.0, random_state=0)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        wild.fit(X, y)
    assert not hasattr(wild, "net_")
    with pytest.warns(ConvergenceWarning, match="diverged, and the best weights so far are kept"):
        wild.set_params(early_stopping=True).fit(X, y)
    assert np.isfinite(wild.predict(X)).all()
    with pytest.warns(ConvergenceWarning, match="diverged"):  # at the first step: the weights are those it began with
        wild.set_params(learning_rate_init=1e300).fit(X, y)
    assert np.isnan(wild.validation_scores_).all()
