"""Chance: the loss of the best constant prediction, what a network that has learned nothing of its inputs can reach."""

import numpy as np

from handgrad.arrays import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy

_HALVINGS = 60  # of an interval of logits, until it is as narrow as float64 tells apart
_FARTHEST = 40.0  # logits: σ(40) and softmax with such a lead are 1 to sixteen digits


def chance_loss(rule: Loss, T: Array, shares: Array | None = None) -> Array:
    """The smallest data loss that one constant row of logits reaches on targets T (..., B, C): (...,).

    min over z of Σ wᵢ l(z, tᵢ). For softmax with cross-entropy it is the entropy of the classes, log C if all are as
    frequent; for mse the variance of the targets. Other losses: the point where Σ wᵢ ∂f(z, tᵢ)/∂z changes sign, which
    is the minimum where f is convex in z, as all of ours are.

    >>> from handgrad.losses import losses
    >>> float(chance_loss(losses.find("mse"), np.array([[1.0], [3.0]])))
    1.0
    >>> float(chance_loss(losses.find("softmax_cross_entropy"), np.eye(2))) == float(np.log(2))
    True
    """
    rule = getattr(rule, "right", rule)  # a loss with a planted mistake has the chance of the right one
    T = T.astype(np.float64)
    weights = np.full(T.shape[-2], 1 / T.shape[-2]) if shares is None else shares.astype(np.float64)
    z = _best_logits(rule, T, weights[:, None])
    loss, _ = rule.evaluate(np.broadcast_to(z, T.shape), T)  # (..., B)
    chance: Array = loss @ weights
    return chance


def _best_logits(rule: Loss, T: Array, weights: Array) -> Array:
    """The best constant logits (..., 1, C), each output by bisection; for softmax the logarithm of the shares."""
    if isinstance(rule, SoftmaxCrossEntropy):
        shares = (weights * T).sum(axis=-2, keepdims=True)
        logits: Array = np.log(np.maximum(shares, np.exp(-_FARTHEST)))
        return logits
    low = np.minimum(T.min(axis=-2, keepdims=True), -_FARTHEST)
    high = np.maximum(T.max(axis=-2, keepdims=True), _FARTHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = (weights * rule.df(np.broadcast_to(middle, T.shape), T, **rule.parameters)).sum(-2, keepdims=True)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    best: Array = (low + high) / 2
    return best
