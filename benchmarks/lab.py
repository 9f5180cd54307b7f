"""What one client can take in: networks and rows of the store a second, on this machine and through a cluster.

    python benchmarks/lab.py

Networks are trained for one epoch, so that what is measured is all the rest: draws, splits, plans, tasks, the store.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from handgrad.experiments.store import Finished, Store
from handgrad.experiments.study import Study
from handgrad.experiments.work import Run

ROWS, NETWORKS = 20_000, 4_000


def main() -> None:
    """Measure, and print a line each."""
    from distributed import Client, LocalCluster

    print(f"store alone: {store_rows():,.0f} rows a second")
    study(100).run()
    print(f"this machine: {networks(None):,.0f} networks a second")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        study(100).run(executor=client)
        print(f"two workers: {networks(client):,.0f} networks a second")
        print(f"client alone: {tasks(client):,.0f} empty tasks a second")


def study(seeds: int) -> Study:
    """Networks that take no time to train."""
    return Study("moons", training={"epochs": 1, "batch_size": None}, vary={"init": ["small", "he"]}, seeds=seeds)


def networks(executor: object) -> float:
    """How many go through in a second, into a store on disk."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        study(NETWORKS // 2).run(Path(folder) / "runs.db", executor)
        return NETWORKS / (time.perf_counter() - started)


def store_rows() -> float:
    """Runs with a curve of 100 points, each in its own transaction."""
    run = Run({"test_accuracy": 0.9, "test_loss": 0.1}, np.arange(100), {"loss": np.zeros(100)}, 0.1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs.db")
        store.describe({"recipe": {}})
        started = time.perf_counter()
        store.add(Finished(str(number), "recipe", number, run) for number in range(ROWS))
        return ROWS / (time.perf_counter() - started)


def tasks(client: object, count: int = 1000) -> float:
    """How many tasks that do nothing go out and come back in a second."""
    from distributed import Client, as_completed

    assert isinstance(client, Client)
    started = time.perf_counter()
    for _ in as_completed(client.map(abs, range(count), pure=False)):
        pass
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
