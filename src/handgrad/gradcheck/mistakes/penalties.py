"""Mistakes with the penalty l2 / 2 · Σ W², whose gradient is l2 · W on the weights and nothing on biases."""

from functools import partial

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, of_the_gradient
from handgrad.gradcheck.mistakes.planting import Batch, Planted
from handgrad.network import Network


def _strength(net: Network) -> Array:
    return np.asarray(net.l2)[..., None]  # (1,), or (S, 1) for a stack


def _of_weights(net: Network) -> Array:
    """The penalty's gradient over the strength: W, and 0 for what is not penalised."""
    W = net.params.copy()
    W[..., net.layout.weights :] = 0
    return W


def _counted(times: float, net: Planted, gradient: Array, batch: Batch) -> Array:
    return gradient + (times - 1) * _strength(net) * _of_weights(net)


def _without_strength(net: Planted, gradient: Array, batch: Batch) -> Array:
    return gradient + (1 - _strength(net)) * _of_weights(net)


def _by_rows(net: Planted, gradient: Array, batch: Batch) -> Array:
    return _counted(1 / batch.X.shape[-2], net, gradient, batch)


def _not_on_the_first(net: Planted, gradient: Array, batch: Batch) -> Array:
    first = net.layout.segments[0]
    changed = gradient.copy()
    first.view(changed)[...] -= _strength(net)[..., None] * first.view(net.params)
    return changed


def _on_biases(net: Planted, gradient: Array, batch: Batch) -> Array:
    biases = np.zeros_like(gradient)
    for segment in net.layout.segments:
        if segment.key == "b":
            segment.view(biases)[...] = segment.view(net.params)
    return gradient + _strength(net) * biases


def _penalised(net: Network) -> bool:
    return bool(np.any(net.l2)) and net.layout.weights > 0


def _biased(net: Network) -> bool:
    return _penalised(net) and any(segment.key == "b" for segment in net.layout.segments)


PENALTIES: tuple[Mistake, ...] = (
    of_the_gradient(
        "penalty missing", "missing-penalty", "left the penalty out of the gradient", partial(_counted, 0.0), _penalised
    ),
    of_the_gradient(
        "penalty missing, first layer", "missing-penalty", "left the first weights' out", _not_on_the_first, _penalised
    ),
    of_the_gradient(
        "penalty half", "missing-penalty", "kept the ½ of l2 / 2 in the derivative", partial(_counted, 0.5), _penalised
    ),
    of_the_gradient(
        "penalty subtracted", "missing-penalty", "took the penalty's away instead", partial(_counted, -1.0), _penalised
    ),
    of_the_gradient("penalty by rows", "missing-penalty", "divided the penalty's by B too", _by_rows, _penalised),
    of_the_gradient(
        "penalty twice",
        "doubled-penalty",
        "differentiated l2 · W² where it is l2 / 2",
        partial(_counted, 2.0),
        _penalised,
    ),
    of_the_gradient(
        "penalty without strength", "doubled-penalty", "added W in place of l2 · W", _without_strength, _penalised
    ),
    of_the_gradient("penalty on biases", "doubled-penalty", "added l2 · b as well", _on_biases, _biased),
)
