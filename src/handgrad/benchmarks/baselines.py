"""The plain NumPy loop: a classifier with softmax, trained as one writes it in a first course.

It is what everything here is measured against; nothing in it is clever on purpose.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem
from handgrad.optimizers import SGD, Adam, Optimizer

_ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {  # f(z), f'(z) from a = f(z)
    "relu": (lambda Z: np.maximum(0, Z), lambda A: A > 0),
    "tanh": (np.tanh, lambda A: 1 - A**2),
    "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), lambda A: A * (1 - A)),
}


class PlainLoop:
    """A multi-layer perceptron: W and b of each layer in `params`, one step of its optimiser after the other."""

    def __init__(self, start: list[Array], activation: str, optimizer: Optimizer) -> None:
        self.params = [each.copy() for each in start]
        self.f, self.df = _ACTIVATIONS[activation]
        self.optimizer = optimizer
        self.rate: Any = optimizer.learning_rate
        self.first = [np.zeros_like(each) for each in start]  # velocity, or Adam's mean
        self.second = [np.zeros_like(each) for each in start]
        self.steps = 0

    def forward(self, X: Array) -> Array:
        """Logits (B, C); keeps the activations for backward."""
        self.activations = [X]
        layers = len(self.params) // 2
        for layer in range(layers):
            W, b = self.params[2 * layer], self.params[2 * layer + 1]
            Z = self.activations[-1] @ W + b
            if layer < layers - 1:
                self.activations.append(self.f(Z))
        return Z

    def predict(self, X: Array) -> Array:
        """The most likely class of each row (B,)."""
        return np.argmax(self.forward(X), axis=1)

    def gradients(self, X: Array, y: Array) -> tuple[float, list[Array]]:
        """The mean cross-entropy of a batch, and its gradient by each of `params`."""
        Z, rows = self.forward(X), np.arange(len(X))
        E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
        P = E / np.sum(E, axis=1, keepdims=True)
        loss = float(np.mean(-np.log(P[rows, y])))
        P[rows, y] -= 1
        dZ = P / len(X)
        grads: list[Array] = []
        for layer in reversed(range(len(self.activations))):
            A = self.activations[layer]
            grads = [A.T @ dZ, np.sum(dZ, axis=0, keepdims=True), *grads]
            if layer > 0:
                dZ = (dZ @ self.params[2 * layer].T) * self.df(A)
        return loss, grads

    def step(self, X: Array, y: Array) -> float:
        """One step on a batch; the loss before it."""
        loss, grads = self.gradients(X, y)
        self.steps += 1
        for index, gradient in enumerate(grads):
            self.params[index] += self.change(index, gradient)
        return loss

    def change(self, index: int, gradient: Array) -> Array:
        """What the optimiser adds to one of `params`."""
        rule, rate = self.optimizer, self.rate
        if isinstance(rule, Adam):
            beta1: Any = rule.beta1
            beta2: Any = rule.beta2
            self.first[index] = beta1 * self.first[index] + (1 - beta1) * gradient
            self.second[index] = beta2 * self.second[index] + (1 - beta2) * gradient**2
            mean = self.first[index] / (1 - beta1**self.steps)
            square = self.second[index] / (1 - beta2**self.steps)
            return -rate * mean / (np.sqrt(square) + rule.epsilon)
        if isinstance(rule, SGD) and rule.momentum:
            self.first[index] = rule.momentum * self.first[index] - rate * gradient
            return self.first[index]
        return -rate * gradient


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of the loop, one network after the other."""
    workload, X, y, start = problem.workload, problem.X, problem.y, problem.start
    if workload.calls:
        return lambda: problem.repeat(PlainLoop(start, workload.activation, workload.optimizer).predict)

    def train(start: list[Array]) -> list[Array]:
        plain = PlainLoop(start, workload.activation, workload.optimizer)
        for rows in problem.batches():
            plain.step(X[rows], y[rows])
        return plain.params

    def run() -> list[Array]:
        if workload.networks == 1:
            return train(start)
        trained = [train([each[s] for each in start]) for s in range(workload.networks)]
        return [np.stack(each) for each in zip(*trained, strict=True)]

    return run
