"""handgrad itself, through the names that everybody calls."""

from collections.abc import Callable
from typing import Any

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem, parameters


def engine(cores: int) -> dict[str, Any]:
    """The settings of `train` that choose the engine which is measured."""
    return {"engine": "compiled", "threads": cores}


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of `train` from the start, or of `predict`."""
    from handgrad.training import train

    workload, start = problem.workload, problem.network
    if workload.calls:
        return lambda: problem.repeat(start.predict)
    settings = {
        "epochs": workload.epochs,
        "batch_size": workload.batch_size,
        "optimizer": workload.optimizer,
        "progress": False,
        **engine(cores),
    }

    def run() -> list[Array]:
        network = start.copy()
        train(network, problem.X, problem.y, **settings)
        return parameters(network)

    return run
