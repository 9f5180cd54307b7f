"""Our plain NumPy engine beside the plain loop, on the course notebook's problem: 210 moons, 2-10-2, full batch.

    python benchmarks/numpy_engine.py

Prints microseconds a step of both, medians of interleaved runs, and their ratio (below 1: ours is faster).
"""

import time
from collections.abc import Callable

import numpy as np

import handgrad as hg
from handgrad.benchmarks.baselines import PlainLoop
from handgrad.benchmarks.workloads import parameters

STEPS, RUNS = 500, 15


def microseconds(work: Callable[[], object]) -> float:
    """Time of one step, when `work` does STEPS of them."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / STEPS * 1e6


def main() -> None:
    """Interleave both, print medians and the ratio pair by pair."""
    X, y = hg.datasets.moons(n=210, noise=0.2, seed=42)
    net = hg.Network.mlp([2, 10, 2], init="normal(0.1)", seed=0)
    plain = PlainLoop(parameters(net), "relu", hg.SGD(0.5))
    training = hg.Training(net, X, y, epochs=STEPS * RUNS, batch_size=None, optimizer=hg.SGD(0.5), progress=False)

    def loop() -> None:
        for _ in range(STEPS):
            plain.step(X, y)

    pairs = np.array([(microseconds(loop), microseconds(lambda: training.run(STEPS))) for _ in range(RUNS)])
    ratios = pairs[:, 1] / pairs[:, 0]
    print(f"plain loop {np.median(pairs[:, 0]):.1f} µs a step, handgrad's NumPy engine {np.median(pairs[:, 1]):.1f} µs")
    print(f"ratio: median {np.median(ratios):.2f}, from {ratios.min():.2f} to {ratios.max():.2f}")


if __name__ == "__main__":
    main()
