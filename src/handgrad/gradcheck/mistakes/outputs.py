"""Mistakes where the network meets its loss, and a loss whose Jacobian does not cancel, so that it can be forgotten."""

from collections.abc import Callable

import numpy as np

from handgrad.arrays import Array
from handgrad.elementary import row_sum, sigmoid, softmax
from handgrad.gradcheck.mistakes.mistake import Mistake, of_the_loss
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network


class SquaredSoftmax(SoftmaxCrossEntropy):
    """l = Σⱼ (pⱼ - tⱼ)² / C with p = softmax(z): the Brier score over the classes.

    By the probabilities, ∂l/∂p = 2 (p - t) / C; by the logits that goes through softmax's Jacobian diag(p) - p pᵀ
    (Bridle 1990), ∂l/∂z = p ⊙ (∂l/∂p - Σ p ∂l/∂p). With cross-entropy the Jacobian cancels; here it does not.

    >>> loss, dZ = squared_softmax.evaluate(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    >>> loss, dZ
    (array([0.25]), array([[-0.25,  0.25]]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = "squared_softmax"

    def evaluate(self, Z: Array, T: Array) -> tuple[Array, Array]:
        """The loss of each example and its derivative by the logits: (..., B) and (..., B, C)."""
        P = softmax(Z)
        dP = 2 * (P - T) / Z.shape[-1]
        return row_sum((P - T) ** 2) / Z.shape[-1], P * (dP - row_sum(P * dP)[..., None])


squared_softmax = SquaredSoftmax()


def _by_probabilities(right: Loss, P: Array, T: Array) -> Array:
    """∂l/∂p."""
    if right.name == squared_softmax.name:
        return 2 * (P - T) / P.shape[-1]
    return -T / np.maximum(P, np.finfo(P.dtype).tiny)


def _without_jacobian(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    return _by_probabilities(right, softmax(Z), T)


def _diagonal_only(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    P = softmax(Z)
    return _by_probabilities(right, P, T) * P * (1 - P)


def _without_target(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    return right.evaluate(Z, np.zeros_like(T))[1]


def _softmax_without_target(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    return softmax(Z)


def _slope_twice(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    P = sigmoid(Z)
    return dZ * P * (1 - P)


def _not_clipped(right: Loss, Z: Array, T: Array, dZ: Array) -> Array:
    return (Z - T) / Z.shape[-1]


def _named(*names: str) -> Callable[[Network], bool]:
    return lambda net: net.loss_rule.name in names


_JACOBIAN = "missing-softmax-jacobian"

OUTPUTS: tuple[Mistake, ...] = (
    of_the_loss(
        "softmax's Jacobian missing",
        _JACOBIAN,
        "passed ∂loss/∂P on as ∂loss/∂Z",
        _without_jacobian,
        _named("softmax_cross_entropy", "squared_softmax"),
    ),
    of_the_loss(
        "softmax's Jacobian diagonal",
        _JACOBIAN,
        "took P (1 - P) for the whole Jacobian, as if softmax were elementwise",
        _diagonal_only,
        _named("softmax_cross_entropy", "squared_softmax"),
    ),
    of_the_loss(
        "target not subtracted, softmax",
        "target-not-subtracted",
        "dZ = P",
        _softmax_without_target,
        _named("softmax_cross_entropy"),
    ),
    of_the_loss(
        "target not subtracted",
        "target-not-subtracted",
        "left the target out of the loss's derivative",
        _without_target,
        _named("sigmoid_cross_entropy", "mse", "poisson"),
    ),
    of_the_loss(
        "sigmoid's derivative where it cancels",
        "wrong-activation-derivative",
        "multiplied P - T by P (1 - P), which cross-entropy has cancelled",
        _slope_twice,
        _named("sigmoid_cross_entropy"),
    ),
    of_the_loss("huber without its clip", "unknown", "Z - T on both sides of delta", _not_clipped, _named("huber")),
)
