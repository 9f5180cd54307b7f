"""Training by L-BFGS: SciPy's line search and memory, our loss and gradient, full batches, one network.

SciPy's memory of curvatures cannot be taken out and put back. So a training that is taken up in the midst of a leg (one
call of SciPy) walks the leg again from its beginning, which gives the same points, and goes on from where it was.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array
from handgrad.optimizers import LBFGS
from handgrad.training.data import Batch, TrainingData
from handgrad.training.divergence import divergence
from handgrad.training.interrupts import interrupts_held_back

if TYPE_CHECKING:
    from handgrad.training.training import Training

Leg = tuple[int, Array]  # the epoch before its first iteration, and the parameters then


def run_lbfgs(training: "Training", until: int, show: Callable[[int, Any], None]) -> bool:
    """Iterations as epochs; True: it converged, stopped early, or a callback asked it to stop."""
    asked = False
    if training.leg is None:
        training.leg = training.epoch, training.net.params.copy()
        if not np.isfinite(training.engine.loss_and_gradient()[0]):
            raise divergence(training.net, _whole(training), training.epoch + 1, 1, training.seed, 1.0)

    def after_iteration(loss: float) -> bool:
        nonlocal asked
        training.step += 1
        training.finish_epoch(loss, 1.0)
        asked = training.call_back(loss, show)
        return asked or training.ending

    training.converged = minimize(training, training.leg, until, after_iteration)
    return asked or training.epoch < until


def minimize(training: "Training", leg: Leg, until: int, after_iteration: Callable[[float], bool]) -> bool:
    """Iterations up to epoch `until` from the beginning of the leg; whether they met a tolerance.

    The network follows the best point. `after_iteration(loss)` is called after each iteration that is new, with the
    network moved there; True stops.
    """
    from scipy.optimize import minimize as scipy_minimize

    engine, optimizer = training.engine, training.optimizer
    assert isinstance(optimizer, LBFGS)
    net, frozen = engine.net, engine.settings.frozen
    free = np.flatnonzero(~frozen) if frozen is not None else np.arange(net.layout.size)
    begun, start = leg
    walked_before, walked = training.epoch - begun, 0

    def objective(w: Array) -> tuple[float, Array]:
        before = net.params[free]
        with interrupts_held_back():  # only a finished iteration moves the network
            net.params[free] = w
            try:
                loss, gradient = engine.loss_and_gradient()
            finally:
                net.params[free] = before
        return loss, gradient[free].astype(np.float64)

    def finished(intermediate_result: Any) -> None:
        nonlocal walked
        walked += 1
        if walked <= walked_before:
            if walked == walked_before:
                _require_arrival(net.params[free], intermediate_result.x)
            return
        with interrupts_held_back():  # parameters and what is known of them stay together
            net.params[free] = intermediate_result.x
            if net.state_layout.size:
                _, _, caches = net.observe(*_whole(training), net.contexts(True, engine.settings.seed, 0))
                net.state = net.measured_state(caches)
            stop = after_iteration(float(intermediate_result.fun))
        if stop:
            raise StopIteration

    iterations = until - begun
    options: Any = {
        "maxiter": iterations,
        "maxfun": optimizer.max_evaluations,
        "maxcor": optimizer.memory,
        "gtol": optimizer.tolerance,
        "ftol": optimizer.decrease,
    }
    first = start[free].astype(np.float64)
    result = scipy_minimize(objective, first, jac=True, method="L-BFGS-B", callback=finished, options=options)
    return bool(result.status == 0)


def _whole(training: "Training") -> Batch:
    """All rows as one batch; streams are refused with L-BFGS."""
    assert isinstance(training.data, TrainingData)
    return training.data.batch(slice(None))


def _require_arrival(ours: Array, theirs: Array) -> None:
    """Refuse to go on from elsewhere: another CPU or another SciPy rounds otherwise, and then walks otherwise."""
    if not np.array_equal(ours, theirs.astype(ours.dtype)):
        raise ValueError(
            "L-BFGS does not come again to where the checkpoint is: it was written with another CPU, SciPy or NumPy; "
            "go on there, or begin anew with another checkpoint"
        )
