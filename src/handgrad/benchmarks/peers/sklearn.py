"""scikit-learn's MLPClassifier at equal settings.

Its loss is the mean over a batch, as ours, and there is no penalty (alpha=0). Two classes are one logistic output
there, so its 2-10-2 is a 2-10-1, which starts from its own draws. Each epoch of batches is one `partial_fit` of the
rows in the given order. Its Adam adds epsilon before the correction of the second moment, where ours adds it after.
"""

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem
from handgrad.optimizers import Adam

_NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of `fit`, of one `partial_fit` an epoch, or of `predict`."""
    workload, X, y = problem.workload, problem.X, problem.y
    ready = _classifier(problem)
    if workload.calls:
        return lambda: problem.repeat(ready.predict)

    def train() -> list[Array]:
        model = deepcopy(ready)
        if workload.batch_size is None:
            model.fit(X, y)
        else:
            for order in problem.orders:
                model.partial_fit(X[order], y[order])
        return [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]

    def run() -> list[Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            trained = [train() for _ in range(workload.networks)]
        return trained[0] if workload.networks == 1 else [np.stack(each) for each in zip(*trained, strict=True)]

    return run


def _classifier(problem: Problem) -> Any:
    """A classifier that stands at the start, as its `fit` with warm_start and its `partial_fit` take it."""
    from sklearn.neural_network import MLPClassifier

    workload, rule = problem.workload, problem.workload.optimizer
    model = MLPClassifier(
        workload.sizes[1:-1],
        activation=_NAMES[workload.activation],
        solver="adam" if isinstance(rule, Adam) else "sgd",
        alpha=0.0,
        batch_size=workload.batch_size or workload.rows,
        learning_rate_init=rule.learning_rate,
        momentum=getattr(rule, "momentum", 0.0),
        nesterovs_momentum=False,
        epsilon=getattr(rule, "epsilon", 1e-8),
        max_iter=1,
        tol=0.0,
        n_iter_no_change=1_000_000,
        shuffle=False,
        warm_start=True,
        random_state=0,
    )
    classes = np.arange(workload.sizes[-1])
    rows = max(workload.rows, len(classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(np.resize(problem.X, (rows, workload.sizes[0])), np.resize(classes, rows))  # makes its arrays
    model.set_params(max_iter=workload.epochs)
    if len(classes) > 2:
        start = [each.astype(workload.dtype) for each in problem.start]
        model.coefs_, model.intercepts_ = start[::2], [b[0] for b in start[1::2]]
    del model._optimizer
    return model
