"""Mistakes of memory: gradients that depend on more than the point, and backward passes that leave traces."""

from functools import partial

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, always, of_layers, of_the_gradient
from handgrad.gradcheck.mistakes.places import dense_within
from handgrad.gradcheck.mistakes.planting import Batch, Planted, Wrong, planted
from handgrad.layers import Cache, Dense, Parameters
from handgrad.network import Network

NOISE = 1e-3


def _of_the_call_before(net: Planted, gradient: Array, batch: Batch) -> Array:
    before, net.memory = net.memory, gradient
    return gradient.copy() if before is None else before


def _of_the_first_call(net: Planted, gradient: Array, batch: Batch) -> Array:
    if net.memory is None:
        net.memory = gradient
    return np.array(net.memory)


def _accumulated(kept: float, net: Planted, gradient: Array, batch: Batch) -> Array:
    net.memory = gradient if net.memory is None else kept * net.memory + gradient
    return np.array(net.memory)


def _noisy(net: Planted, gradient: Array, batch: Batch) -> Array:
    size = np.abs(gradient).max(axis=-1, keepdims=True, initial=0)
    return gradient + NOISE * size * net.memory.standard_normal(gradient.shape)


def _plant_noise(net: Network) -> Network:
    twin = planted(net, gradient=_noisy)
    twin.memory = np.random.default_rng(0)  # copies of the network share it, as they would a global generator
    return twin


def _shrinking_weights(net: Planted, gradient: Array, batch: Batch) -> Array:
    net.params[..., : net.layout.weights] *= 1 - 1e-3
    return gradient


class UpdatesFirst(Wrong, Dense):
    """W ← W - 0.1 dW, and only then dA = dZ Wᵀ."""

    def backward(self, params: Parameters, dZ: Array, A: Cache) -> tuple[Array, Parameters]:
        """The right dW, and dA by the weights of the next step."""
        grads = self.parameter_gradients(dZ, A)
        params["W"][...] -= 0.1 * grads["W"]
        return dZ @ params["W"].mT, grads


MEMORY: tuple[Mistake, ...] = (
    of_the_gradient("stale", "stale", "answers the call before", _of_the_call_before, remembers=True),
    of_the_gradient("computed once", "stale", "cached the first gradient for good", _of_the_first_call, remembers=True),
    of_the_gradient(
        "accumulated", "accumulated", "+= on last call's arrays", partial(_accumulated, 1.0), remembers=True
    ),
    of_the_gradient(
        "momentum", "accumulated", "returns the velocity, 0.9 v + gradient", partial(_accumulated, 0.9), remembers=True
    ),
    Mistake("noise", "non-deterministic", "drew something anew in backward", always, _plant_noise),
    of_layers("updated in backward", "changes-input", "took the step before passing back", UpdatesFirst, dense_within),
    of_the_gradient(
        "weights decayed in backward",
        "changes-input",
        "shrank the weights in place",
        _shrinking_weights,
        lambda net: net.layout.weights > 0,
        remembers=True,
    ),
)
