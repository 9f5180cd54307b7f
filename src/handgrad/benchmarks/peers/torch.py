"""PyTorch on the CPU: eager with its fused optimisers, and the same with the loss through torch.compile.

Many networks are one stack, whose products are batched (`baddbmm`); the sum of their losses has the gradient of each.
"""

from collections.abc import Callable
from typing import Any

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem
from handgrad.optimizers import SGD, Adam, Optimizer


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of the usual loop: forward, zero_grad, backward, step; or of the forward pass."""
    return _prepare(problem, cores, lambda function: function)


def prepare_compiled(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """The same with forward and loss compiled."""
    import torch

    return _prepare(problem, cores, torch.compile)


def _prepare(problem: Problem, cores: int, treat: Callable[[Any], Any]) -> Callable[[], list[Array]]:
    import torch

    torch.set_num_threads(cores)
    workload = problem.workload
    activation = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[workload.activation]
    start = [torch.from_numpy(each) for each in problem.start]

    def forward(params: list[Any], A: Any) -> Any:
        if workload.networks > 1:
            A = A.expand(workload.networks, *A.shape)
        affine = torch.addmm if workload.networks == 1 else torch.baddbmm
        for layer in range(0, len(params) - 2, 2):
            A = activation(affine(params[layer + 1], A, params[layer]))
        return affine(params[-1], A, params[-2])

    def mean_loss(params: list[Any], X: Any, y: Any) -> Any:
        Z = forward(params, X).reshape(-1, workload.sizes[-1])
        return torch.nn.functional.cross_entropy(Z, y) * workload.networks

    if workload.calls:
        classes = treat(lambda params, X: forward(params, X).argmax(dim=-1))

        def predict(X: Array) -> Any:
            with torch.inference_mode():
                return classes(start, torch.from_numpy(X))

        return lambda: problem.repeat(predict)
    return _training(problem, start, treat(mean_loss))


def _training(problem: Problem, start: list[Any], loss: Callable[..., Any]) -> Callable[[], list[Array]]:
    import torch

    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y).repeat(problem.workload.networks)
    whole = problem.workload.batch_size is None

    def run() -> list[Array]:
        params = [each.clone().requires_grad_() for each in start]
        optimizer = _optimizer(problem.workload.optimizer, params)
        for rows in problem.batches():
            chosen = (X, y) if whole else (X[rows], y[rows])
            value = loss(params, *chosen)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        return [each.detach().numpy() for each in params]

    return run


def _optimizer(rule: Optimizer, params: list[Any]) -> Any:
    import torch

    rate: Any = rule.learning_rate
    if isinstance(rule, Adam):
        betas: Any = (rule.beta1, rule.beta2)
        epsilon: Any = rule.epsilon
        return torch.optim.Adam(params, lr=rate, betas=betas, eps=epsilon, fused=True)
    momentum: Any = rule.momentum if isinstance(rule, SGD) else 0.0
    return torch.optim.SGD(params, lr=rate, momentum=momentum, fused=True)
