"""The plain engine: one optimiser step after another, in NumPy, for one network or a stack.

It is meant to be read. A step is: gradient, frozen parameters out, clip, optimiser, check, apply.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.optimizers import Optimizer


class NumpyEngine:
    """The optimiser's memory for one network or stack, and the step that uses it."""

    def __init__(self, net: Network, optimizer: Optimizer, clip_norm: float | None, frozen: Array | None) -> None:
        self.net = net
        self.optimizer = optimizer.for_stack(net.size)
        self.clip_norm = clip_norm
        self.frozen = frozen  # (P,), True where a parameter stays
        self.slots = np.zeros((len(self.optimizer.slots), *net.params.shape), net.dtype)

    def step(
        self, X: Array, T: Array, shares: Array | None, seed: int | None, step: int, factor: Any, active: Array | None
    ) -> tuple[Any, Any]:
        """One step on one batch; `factor` is the schedule's, a number or (S, 1); `active` (S,) masks a stack.

        Answers the loss and whether all went well: numbers, or (S,). Where it did not, nothing was applied.
        """
        net = self.net
        loss, gradient, caches = net.backpropagate(X, T, shares, net.contexts(True, seed, step))
        if self.frozen is not None:
            gradient[..., self.frozen] = 0
        if self.clip_norm is not None:
            gradient = clip(gradient, self.clip_norm)
        params, *slots = self.updated(gradient, step + 1, factor)
        new, old = [params, *slots], [net.params, *self.slots]
        if net.state_layout.size:
            new.append(net.measured_state(caches))
            old.append(net.state)
        total = loss
        for values in new:
            total = total + values.sum(axis=-1)
        fine = np.isfinite(total)  # a sum is finite only if every term is
        apply = fine if active is None else fine & active
        everyone = bool(apply) if net.size is None else bool(apply.all())
        for before, after in zip(old, new, strict=True):
            if everyone:
                before[...] = after
            elif net.size is not None:
                before[...] = np.where(apply[:, None], after, before)
        return loss, fine

    def updated(self, gradient: Array, step: int, factor: Any) -> Sequence[Array]:
        """The parameters and slots after the optimiser's rule; nothing is written yet."""
        params, optimizer = self.net.params, self.optimizer
        rate = optimizer.learning_rate * factor
        coefficients = {name: self._cast(value) for name, value in optimizer.coefficients(step, rate).items()}
        start = self._shrunk(params, optimizer.shrink(rate)) if optimizer.decays else params
        updated, *slots = optimizer.update()(start, gradient, *self.slots, **coefficients)
        if self.frozen is not None:
            updated = np.where(self.frozen, params, updated)
        return updated, *slots

    def _shrunk(self, params: Array, factor: Any) -> Array:
        """Decoupled weight decay: the weights, a prefix of the vector, times a factor."""
        weights = self.net.layout.weights
        return np.concatenate([params[..., :weights] * self._cast(factor), params[..., weights:]], axis=-1)

    def _cast(self, coefficient: Any) -> Any:
        """Coefficients are computed in float64 and used in the network's dtype; a plain number adapts by itself."""
        return coefficient.astype(self.net.dtype) if isinstance(coefficient, np.ndarray) else coefficient


def clip(gradient: Array, norm: float) -> Array:
    """g · min(1, norm / ‖g‖), with the norm over all parameters of a network (Pascanu et al. 2013, algorithm 1).

    >>> clip(np.array([3.0, 4.0]), 1.0)
    array([0.6, 0.8])
    """
    largest = np.abs(gradient).max(axis=-1, keepdims=True, initial=0)
    scaled = gradient / np.where(largest > 0, largest, 1)  # squares of these cannot overflow
    length = largest * np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))
    return gradient * np.minimum(1, norm / np.where(length > 0, length, 1)).astype(gradient.dtype)
