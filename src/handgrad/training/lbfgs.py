"""Training by L-BFGS: SciPy's line search and memory, our loss and gradient, full batches, one network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.optimizers import LBFGS
from handgrad.training.data import TrainingData


def minimize(
    net: Network,
    data: TrainingData,
    optimizer: LBFGS,
    iterations: int,
    seed: int | None,
    frozen: Array | None,
    after_iteration: Callable[[float], bool],
) -> None:
    """At most that many iterations from the network's parameters, which follow the best point.

    `after_iteration(loss)` is called after each with the network moved there; True stops.
    """
    from scipy.optimize import minimize as scipy_minimize

    X, T, shares = data.batch(slice(None))
    free = np.flatnonzero(~frozen) if frozen is not None else np.arange(net.layout.size)

    def objective(w: Array) -> tuple[float, Array]:
        before = net.params[free]
        net.params[free] = w
        try:
            loss, gradient, _ = net.backpropagate(X, T, shares, net.contexts(True, seed, 0))
        finally:
            net.params[free] = before  # only a finished iteration moves the network
        return float(loss), gradient[free].astype(np.float64)

    def finished(intermediate_result: Any) -> None:
        net.params[free] = intermediate_result.x
        if net.state_layout.size:
            _, _, caches = net.observe(X, T, shares, net.contexts(True, seed, 0))
            net.state = net.measured_state(caches)
        if after_iteration(float(intermediate_result.fun)):
            raise StopIteration

    options: Any = {
        "maxiter": iterations,
        "maxfun": 20 * iterations,
        "maxcor": optimizer.memory,
        "gtol": optimizer.tolerance,
        "ftol": 0.0,
    }
    start = net.params[free].astype(np.float64)
    scipy_minimize(objective, start, jac=True, method="L-BFGS-B", callback=finished, options=options)
