"""`StackedSearchCV`: the results of `GridSearchCV`, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from handgrad.estimators import MLPClassifier, MLPRegressor, StackedSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)
MODEL = MLPClassifier((8,), max_iter=30, random_state=0)
PIPED = Pipeline([("scale", StandardScaler()), ("network", MODEL)])
SEARCHES: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "numbers and seeds": (MODEL, {"alpha": [1e-4, 1.0], "random_state": [0, 1]}, IRIS, {"cv": 3}),
    "folds of unequal length": (MODEL, {"learning_rate_init": [0.001, 0.1]}, IRIS, {"cv": KFold(7, shuffle=True)}),
    "what a stack cannot vary": (MODEL, {"hidden_layer_sizes": [(3,), (9, 2)], "alpha": [0.1, 1.0]}, IRIS, {"cv": 2}),
    "a list of grids": (
        MODEL,
        [{"solver": ["lbfgs"]}, {"beta_1": [0.5, 0.9], "init": ["he", "auto"]}],
        IRIS,
        {"cv": 2},
    ),
    "a pipeline": (PIPED, {"network__alpha": [1e-4, 1.0], "scale__with_mean": [True, False]}, IRIS, {"cv": 3}),
    "steps replaced": (PIPED, {"scale": [StandardScaler(), MinMaxScaler(), "passthrough"]}, IRIS, {"cv": 2}),
    "another score": (MODEL, {"alpha": [1e-4, 1.0]}, IRIS, {"cv": 3, "scoring": "neg_log_loss"}),
    "numbers": (MLPRegressor((8,), max_iter=30, random_state=0), {"alpha": [1e-4, 1.0]}, DIABETES, {"cv": 3}),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_the_results_are_those_of_grid_search(case: str) -> None:
    model, grid, (X, y), settings = SEARCHES[case]
    if isinstance(settings["cv"], KFold):
        settings = settings | {"cv": list(settings["cv"].split(X))}
    stacked = StackedSearchCV(model, grid, **settings).fit(X, y)
    one_by_one = GridSearchCV(model, grid, **settings).fit(X, y)
    assert stacked.cv_results_.keys() == one_by_one.cv_results_.keys()
    for name, expected in one_by_one.cv_results_.items():
        if name.startswith("param_") or name == "params":
            assert str(stacked.cv_results_[name]) == str(expected)
        elif "time" not in name:
            assert np.array_equal(stacked.cv_results_[name], expected), name
    assert str(stacked.best_params_) == str(one_by_one.best_params_)
    assert stacked.best_score_ == one_by_one.best_score_
    assert np.array_equal(stacked.predict(X), one_by_one.predict(X))
    assert stacked.score(X, y) == one_by_one.score(X, y)


def test_a_class_that_a_fold_has_not_seen_counts_as_wrong() -> None:
    X, y = IRIS[0], np.where(np.arange(150) == 0, 7, IRIS[1])
    folds = [(np.arange(1, 150), np.arange(20))]
    stacked = StackedSearchCV(MODEL, {"alpha": [0.1]}, cv=folds, refit=False).fit(X, y)
    one_by_one = GridSearchCV(MODEL, {"alpha": [0.1]}, cv=folds, refit=False).fit(X, y)
    assert stacked.best_score_ == one_by_one.best_score_


def test_the_estimators_given_stay_unfitted() -> None:
    search = StackedSearchCV(PIPED, {"network__alpha": [0.1, 1.0]}, cv=2).fit(*IRIS)
    assert not hasattr(PIPED[-1], "net_")
    assert not hasattr(PIPED[0], "mean_")
    assert hasattr(search.best_estimator_[0], "mean_")
    assert cross_val_score(search, *IRIS, cv=2).shape == (2,)
    assert clone(search).get_params()["cv"] == 2


def test_preprocessing_is_told_apart_by_what_it_does() -> None:
    X = np.concatenate([IRIS[0], np.random.default_rng(0).standard_normal((150, 1996))], axis=1)
    masks = [np.arange(2000) < 4, np.arange(2000) == 1000]
    columns = [ColumnTransformer([("some", "passthrough", mask)]) for mask in masks]
    grid = {"scale": [*columns, FunctionTransformer(lambda X: X[:, :3])]}
    stacked = StackedSearchCV(PIPED, grid, cv=2, refit=False).fit(X, IRIS[1])
    one_by_one = GridSearchCV(PIPED, grid, cv=2, refit=False).fit(X, IRIS[1])
    assert np.array_equal(stacked.cv_results_["mean_test_score"], one_by_one.cv_results_["mean_test_score"])


def test_a_function_may_choose_the_best() -> None:
    search = StackedSearchCV(MODEL, {"alpha": [1e-4, 100.0]}, cv=2, refit=lambda results: 1).fit(*IRIS)
    assert (search.best_index_, search.best_params_) == (1, {"alpha": 100.0})


def test_a_score_that_fails_is_told() -> None:
    def failing(model, X, y):
        raise ValueError("no score today")

    with pytest.warns(UserWarning, match="scoring failed, the score is 0.5: no score today"):
        search = StackedSearchCV(MODEL, {"alpha": [1.0]}, cv=2, scoring=failing, error_score=0.5).fit(*IRIS)
    assert search.best_score_ == 0.5


def test_groups_and_weights() -> None:
    X, y = IRIS
    groups = np.arange(150) % 5
    weight = np.where(y == 0, 0.0, 1.0)
    search = StackedSearchCV(MODEL, {"alpha": [0.1]}, cv=GroupKFold(5)).fit(X, y, groups=groups, sample_weight=weight)
    assert search.n_splits_ == 5
    assert search.predict_proba(X)[:, 0].max() < 0.9  # no row of class 0 ever counted


def test_candidates_that_diverge() -> None:
    X, y = DIABETES
    model = MLPRegressor((3,), activation="identity", solver="sgd", max_iter=20, random_state=0)
    grid = {"learning_rate_init": [1e-4, 100.0]}
    with pytest.warns(FitFailedWarning, match="1 of 2 fits diverged; their score is nan"):
        search = StackedSearchCV(model, grid, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate_init": 1e-4}
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    with pytest.raises(ValueError, match="non-finite"):
        StackedSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    with pytest.raises(ValueError, match="every candidate diverged"), pytest.warns(FitFailedWarning):
        StackedSearchCV(model, {"learning_rate_init": [100.0]}, cv=2).fit(X, y)


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="expected handgrad's MLPClassifier or MLPRegressor"):
        StackedSearchCV(LogisticRegression(), {"C": [1.0]}).fit(*IRIS)
    for settings, error, words in (
        ({"refit": "nonsense"}, TypeError, "refit is 'nonsense'"),
        ({"scoring": ["accuracy"]}, TypeError, "expected one scorer"),
        ({"error_score": "rais"}, ValueError, "expected 'raise' or a number"),
        ({"param_grid": []}, ValueError, "no candidate"),
    ):
        with pytest.raises(error, match=words):
            StackedSearchCV(**{"estimator": MODEL, "param_grid": {"alpha": [1.0]}} | settings).fit(*IRIS)
    with pytest.raises(TypeError, match="expected handgrad's"):
        StackedSearchCV(PIPED, {"network": [LogisticRegression()]}).fit(*IRIS)
    with pytest.raises(ValueError, match="alhpa"):
        StackedSearchCV(MODEL, {"alhpa": [1.0]}).fit(*IRIS)
    search = StackedSearchCV(MODEL, {"alpha": [1.0]}, refit=False, cv=2).fit(*IRIS)
    with pytest.raises(AttributeError, match="refit is False"):
        search.predict(IRIS[0])
