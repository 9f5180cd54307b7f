"""When a loss stops being finite: where it began, and what to try."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.network import Network, record
from handgrad.training.data import Batch


class DivergenceError(ArithmeticError):
    """Training met a loss or an update that is not finite; the network keeps its last finite parameters.

    Attributes: `epoch` and `step` (from 1), `layer` (where values blew up first), `size` (how large they were).
    """

    def __init__(self, message: str, epoch: int, step: int, layer: str, size: float) -> None:
        super().__init__(message)
        self.epoch, self.step, self.layer, self.size = epoch, step, layer, size

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it travels between processes."""
        return type(self), (str(self), self.epoch, self.step, self.layer, self.size)


def divergence(
    net: Network, batch: Batch, epoch: int, step: int, seed: int | None, learning_rate: float
) -> DivergenceError:
    """The error for a batch whose loss or update is not finite, found by running it once more and watching."""
    with np.errstate(all="ignore"):
        X, T, shares = batch
        recording = record(net, X, T, sample_weight=shares, training=True, seed=seed, step=step - 1)
        loss = float(net.objective(X, T, shares, net.contexts(True, seed, step - 1)))
    what, layer, size = _first_blow_up(recording.outputs, recording.gradients)
    happened = "the update overflowed" if np.isfinite(loss) else f"the loss became {loss:g}"
    extent = "are largest" if np.isfinite(size) else "blew up first"
    message = (
        f"{happened} at epoch {epoch}, step {step}: {what} of layer {layer} {extent} "
        f"(largest absolute value {size:.3g}). The update was not applied. Try a lower learning rate "
        f"(it was {learning_rate:g}), clip_norm=1.0, standardised inputs, or init='he_normal' with relu"
    )
    return DivergenceError(message, epoch, step, layer, size)


def warn_of_divergence(diverged: Mapping[int, tuple[int, int]], networks: int) -> None:
    """A stack goes on without those that diverged; but it says so."""
    network, (epoch, step) = min(diverged.items(), key=lambda item: item[1])
    warnings.warn(
        f"{len(diverged)} of {networks} networks diverged, the first at epoch {epoch}, step {step} "
        f"(network {network}); they keep their last finite parameters, and history.diverged tells which",
        RuntimeWarning,
        stacklevel=4,
    )


def _first_blow_up(outputs: dict[str, Array], gradients: dict[str, Array]) -> tuple[str, str, float]:
    """The first values that are not finite, on the way forward and then back; else the largest of all."""
    passes = [("the outputs", name, values) for name, values in outputs.items()]
    passes += [("the gradients", name, values) for name, values in gradients.items()]  # last layer first
    for what, name, values in passes:
        if not np.isfinite(values).all():
            return what, name, _largest(values)
    return max(((what, name, _largest(values)) for what, name, values in passes), key=lambda each: each[2])


def _largest(values: Array) -> Any:
    return float(np.abs(values).max()) if not np.isnan(values).any() else float("nan")
