"""Training by L-BFGS: SciPy's line search and memory, our loss and gradient, full batches, one network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.optimizers import LBFGS
from handgrad.training.compiled_engine import CompiledEngine
from handgrad.training.engine import NumpyEngine


def minimize(
    engine: NumpyEngine | CompiledEngine,
    optimizer: LBFGS,
    iterations: int,
    after_iteration: Callable[[float], bool],
) -> bool:
    """At most that many iterations from the network's parameters, which follow the best point; whether it converged.

    `after_iteration(loss)` is called after each with the network moved there; True stops.
    """
    from scipy.optimize import minimize as scipy_minimize

    net, frozen = engine.net, engine.settings.frozen
    free = np.flatnonzero(~frozen) if frozen is not None else np.arange(net.layout.size)

    def objective(w: Array) -> tuple[float, Array]:
        before = net.params[free]
        net.params[free] = w
        try:
            loss, gradient = engine.loss_and_gradient()
        finally:
            net.params[free] = before  # only a finished iteration moves the network
        return loss, gradient[free].astype(np.float64)

    def finished(intermediate_result: Any) -> None:
        net.params[free] = intermediate_result.x
        if net.state_layout.size:
            _, _, caches = net.observe(*engine.data.batch(slice(None)), net.contexts(True, engine.settings.seed, 0))
            net.state = net.measured_state(caches)
        if after_iteration(float(intermediate_result.fun)):
            raise StopIteration

    options: Any = {
        "maxiter": iterations,
        "maxfun": optimizer.max_evaluations,
        "maxcor": optimizer.memory,
        "gtol": optimizer.tolerance,
        "ftol": optimizer.decrease,
    }
    start = net.params[free].astype(np.float64)
    result = scipy_minimize(objective, start, jac=True, method="L-BFGS-B", callback=finished, options=options)
    return bool(result.status == 0)
