"""Mistakes in db = Σ dZ over the rows."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, of_dense
from handgrad.gradcheck.mistakes.places import biased

Grads = dict[str, Array]


def _mean(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": grads["b"] / dZ.shape[-2]}


def _first_row(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": dZ[..., :1, :]}


def _last_row(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": dZ[..., -1:, :]}


def _total(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": np.ones_like(grads["b"]) * dZ.sum(axis=(-2, -1), keepdims=True)}


def _zero(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": 0 * grads["b"]}


BIASES: tuple[Mistake, ...] = (
    of_dense("bias by mean", "constant-factor", "took the mean over the rows, though the loss has", _mean, biased),
    of_dense("bias from the first row", "bias-not-summed", "took dZ[0] for the sum", _first_row, biased),
    of_dense("bias from the last row", "bias-not-summed", "assigned in a loop over rows, = for +=", _last_row, biased),
    of_dense("bias broadcast", "broadcast", "summed over both axes; broadcasting hides it", _total, biased),
    of_dense("bias forgotten", "zero-gradient", "never filled in db", _zero, biased),
)
