"""JAX: the whole training is one compiled function, scanned over epochs and batches, mapped over networks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem, Workload
from handgrad.optimizers import SGD, Adam, Optimizer


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of the compiled training, or of the compiled prediction. JAX uses the cores this process may use."""
    import jax

    jax.config.update("jax_enable_x64", True)
    workload = problem.workload
    start = [jax.numpy.asarray(each) for each in problem.start]
    if workload.calls:
        classes = jax.jit(lambda X: _forward(workload, start, X).argmax(axis=-1))
        return lambda: problem.repeat(lambda X: classes(X).block_until_ready())
    X, y = jax.numpy.asarray(problem.X), jax.numpy.asarray(problem.y)
    orders = None if workload.batch_size is None else jax.numpy.asarray(problem.orders)

    def train(params: Any, X: Any, y: Any, orders: Any) -> Any:
        return _train(workload, params, X, y, orders)

    many = jax.vmap(train, in_axes=(0, None, None, None)) if workload.networks > 1 else train
    compiled = jax.jit(many)
    return lambda: [np.asarray(each) for each in compiled(start, X, y, orders)]


def _forward(workload: Workload, params: list[Any], A: Any) -> Any:
    import jax

    activation = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid}[workload.activation]
    for layer in range(0, len(params) - 2, 2):
        A = activation(A @ params[layer] + params[layer + 1])
    return A @ params[-2] + params[-1]


def _train(workload: Workload, params: Any, X: Any, y: Any, orders: Any) -> Any:
    import jax
    from jax import lax

    def mean_loss(params: Any, X: Any, y: Any) -> Any:
        log_P = jax.nn.log_softmax(_forward(workload, params, X))
        return -jax.numpy.take_along_axis(log_P, y[:, None], axis=1).mean()

    def step(carried: Any, rows: Any) -> Any:
        batch = (X, y) if rows is None else (X[rows], y[rows])
        gradient = jax.grad(mean_loss)(carried[0], *batch)
        return _update(workload.optimizer, carried, gradient), None

    def epoch(carried: Any, order: Any) -> Any:
        if workload.batch_size is None:
            return step(carried, None)
        full = len(order) - len(order) % workload.batch_size
        carried, _ = lax.scan(step, carried, order[:full].reshape(-1, workload.batch_size))
        return step(carried, order[full:]) if full < len(order) else (carried, None)

    zeros = [jax.numpy.zeros_like(each) for each in params]
    begin = (params, zeros, zeros, jax.numpy.zeros((), workload.dtype))
    return lax.scan(epoch, begin, orders, length=workload.epochs)[0][0]


def _update(rule: Optimizer, carried: Any, gradient: Any) -> Any:
    """Parameters, first and second slots and the number of steps, one step later."""
    params, first, second, steps = carried
    steps = steps + 1
    pairs = zip(first, gradient, strict=True)
    if isinstance(rule, Adam):
        from jax.numpy import sqrt

        beta1: Any = rule.beta1
        beta2: Any = rule.beta2
        first = [beta1 * m + (1 - beta1) * g for m, g in pairs]
        second = [beta2 * s + (1 - beta2) * g * g for s, g in zip(second, gradient, strict=True)]
        debias1, debias2 = 1 / (1 - beta1**steps), 1 / (1 - beta2**steps)
        moments = zip(params, first, second, strict=True)
        changed = [w - rule.learning_rate * (m * debias1) / (sqrt(s * debias2) + rule.epsilon) for w, m, s in moments]
        return changed, first, second, steps
    momentum: Any = rule.momentum if isinstance(rule, SGD) else 0.0
    if not momentum:
        return [w - rule.learning_rate * g for w, g in zip(params, gradient, strict=True)], first, second, steps
    first = [momentum * v - rule.learning_rate * g for v, g in pairs]
    return [w + v for w, v in zip(params, first, strict=True)], first, second, steps
