"""The plain engine: one optimiser step after another, in NumPy, for one network or a stack.

It is meant to be read. A step is: gradient, frozen parameters out, clip, optimiser, check, apply.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.network import Network
from handgrad.training.data import TrainingData, batches
from handgrad.training.settings import Settings


class Ran(NamedTuple):
    """The losses of some epochs (epochs, S), and for each network the step (from 0) that was not finite, or -1."""

    losses: Array
    failed: Array


class NumpyEngine:
    """The optimiser's memory for one network or stack, and the steps that use it."""

    epochs_at_once = 1
    done = 0  # steps of an epoch that could not be finished: none, for an epoch is one piece

    def __init__(self, net: Network, data: TrainingData, settings: Settings) -> None:
        self.net, self.data, self.settings = net, data, settings
        self.optimizer = settings.optimizer.for_stack(net.size)
        self.slots = np.zeros((len(self.optimizer.slots), *net.params.shape), net.dtype)

    def take(self, data: TrainingData) -> None:
        """Go on with other rows."""
        self.data = data

    def run(self, epoch: int, epochs: int, step: int, factors: Array, active: Array) -> Ran:
        """One epoch: all batches once. The loss is the mean as it ran, weighted by batch size.

        `factors` (S or 1, steps) are the schedule's. Where a step is not finite nothing is applied, and that network
        stops; `active` (S,) tells which of a stack are trained.
        """
        total, failed = np.zeros(len(active)), np.full(len(active), -1)
        order = batches(self.net, self.data.rows, self.settings, epoch, *self.data.counters)
        for number, indices in enumerate(order):
            masked = None if self.net.size is None or active.all() else active
            batch = self.data.batch(indices)
            factor = float(factors[0, number]) if len(factors) == 1 else factors[:, number, None]
            loss, fine = self.step(*batch, step + number, factor, masked)
            total = total + loss * (batch[0].shape[-2] / self.data.rows)
            stopped = active & ~np.atleast_1d(fine)
            if stopped.any():
                failed[stopped] = number
                active = active & ~stopped
                if not active.any():
                    break
        return Ran(total[None], failed)

    def step(
        self, X: Array, T: Array, shares: Array | None, step: int, factor: Any, active: Array | None
    ) -> tuple[Any, Any]:
        """One step on one batch; `factor` is the schedule's, a number or (S, 1); `active` (S,) masks a stack.

        Answers the loss and whether all went well: numbers, or (S,). Where it did not, nothing was applied.
        """
        net = self.net
        loss, gradient, caches = net.backpropagate(X, T, shares, net.contexts(True, self.settings.seed, step))
        if self.settings.frozen is not None:
            gradient[..., self.settings.frozen] = 0
        if self.settings.clip_norm is not None:
            gradient = clip(gradient, self.settings.clip_norm)
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
        if self.settings.frozen is not None:
            updated = np.where(self.settings.frozen, params, updated)
        return updated, *slots

    def loss_and_gradient(self) -> tuple[float, Array]:
        """The objective and its gradient on the whole set, for a single network."""
        X, T, shares = self.data.batch(slice(None))
        loss, gradient, _ = self.net.backpropagate(X, T, shares, self.net.contexts(True, self.settings.seed, 0))
        return float(loss), gradient

    def logits(self, X: Array) -> Array:
        """Outputs before the loss's output function."""
        return self.net.forward(X, engine="numpy")

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
