"""Mistakes of scale: a constant too many or too few, in the whole gradient or in one layer's."""

from collections.abc import Callable
from functools import partial

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, of_dense, of_the_gradient, of_the_loss
from handgrad.gradcheck.mistakes.places import dense, first_dense, last_dense
from handgrad.gradcheck.mistakes.planting import Batch, Planted, planted
from handgrad.losses import Loss
from handgrad.network import Network

LEARNING_RATE = 0.1


def _times(factor: float, net: Planted, gradient: Array, batch: Batch) -> Array:
    return gradient * factor


def _to_length_one(net: Planted, gradient: Array, batch: Batch) -> Array:
    length = np.linalg.norm(gradient, axis=-1, keepdims=True)
    return gradient / np.where(length > 0, length, 1)


def _rows(Z: Array) -> int:
    return Z.shape[-2]


def _columns(Z: Array) -> int:
    return Z.shape[-1]


def _by(size: Callable[[Array], float], power: int, right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    return dZ * float(size(Z)) ** power


def _constant(factor: float, Z: Array) -> float:
    return factor


def _grads_times(factor: float, grads: dict[str, Array], dZ: Array, A: Array) -> dict[str, Array]:
    return {key: grad * factor for key, grad in grads.items()}


def _weights_times(factor: float, grads: dict[str, Array], dZ: Array, A: Array) -> dict[str, Array]:
    return grads | {"W": grads["W"] * factor}


def _grads_by_rows(grads: dict[str, Array], dZ: Array, A: Array) -> dict[str, Array]:
    return {key: grad / _rows(dZ) for key, grad in grads.items()}


def _several_outputs(net: Network) -> bool:
    return (net.fan_out or 1) > 1


def _squares(net: Network) -> bool:
    return net.loss_rule.name in ("mse", "squared_softmax")


def _no_shares(shares: Array) -> None:
    return None


def _shares_twice(shares: Array) -> Array:
    return shares * shares * shares.shape[-1]


_CONSTANT = "constant-factor"

FACTORS = (
    of_the_gradient("factor 2", _CONSTANT, "returns twice the gradient", partial(_times, 2.0)),
    of_the_gradient("sign", _CONSTANT, "turned the sign: goes uphill", partial(_times, -1.0)),
    of_the_gradient(
        "learning rate", _CONSTANT, "multiplied by the learning rate already", partial(_times, LEARNING_RATE)
    ),
    of_the_gradient("length 1", _CONSTANT, "scaled the gradient to length 1 and forgot that", _to_length_one),
    of_the_loss("sum over rows", "sum-instead-of-mean", "forgot 1/B: summed over the rows", partial(_by, _rows, 1)),
    of_the_loss("1/B twice", _CONSTANT, "divided the loss's derivative by B twice", partial(_by, _rows, -1)),
    of_the_loss(
        "sum over outputs",
        _CONSTANT,
        "forgot 1/C: summed over the outputs",
        partial(_by, _columns, 1),
        _several_outputs,
    ),
    of_the_loss("1/C too many", _CONSTANT, "divided by the outputs too", partial(_by, _columns, -1), _several_outputs),
    of_the_loss(
        "half of mse", _CONSTANT, "lost the 2 of the square", partial(_by, partial(_constant, 0.5), 1), _squares
    ),
    of_dense("layers by B", _CONSTANT, "divided by B in every layer, though the loss has", _grads_by_rows, dense),
    of_dense(
        "factor 2, last layer", _CONSTANT, "doubled dW and db of the last layer", partial(_grads_times, 2.0), last_dense
    ),
    of_dense(
        "sign, first layer", _CONSTANT, "turned the sign of the first dW", partial(_weights_times, -1.0), first_dense
    ),
    of_dense(
        "learning rate, first layer",
        _CONSTANT,
        "multiplied the first layer's by the learning rate already",
        partial(_grads_times, LEARNING_RATE),
        first_dense,
    ),
    of_dense(
        "1 percent, first layer",
        _CONSTANT,
        "a first dW of 1.01 times its size",
        partial(_weights_times, 1.01),
        first_dense,
    ),
    Mistake(
        "sample weights ignored",
        "unknown",
        "weighted the loss by the sample weights, not its derivative",
        lambda net: True,
        lambda net: planted(net, shares=_no_shares),
    ),
    Mistake(
        "sample weights twice",
        "unknown",
        "weighted the derivative by the sample weights twice",
        lambda net: True,
        lambda net: planted(net, shares=_shares_twice),
    ),
)
