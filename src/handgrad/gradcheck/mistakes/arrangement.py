"""Mistakes of arrangement: the right numbers in the wrong places, and gradients that belong to others."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, of_dense, of_layers, of_the_gradient
from handgrad.gradcheck.mistakes.places import biased, dense, dense_within, first_dense, square, square_within, wide
from handgrad.gradcheck.mistakes.planting import Batch, Planted, Wrong
from handgrad.layers import Cache, Dense, Parameters
from handgrad.network import Network
from handgrad.network.layout import Segment

Grads = dict[str, Array]


def _transposed(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"W": grads["W"].mT}


def _reshaped(grads: Grads, dZ: Array, A: Array) -> Grads:
    W = grads["W"]
    return grads | {"W": W.mT.reshape(W.shape)}


def _rows_reversed(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"W": grads["W"][..., ::-1, :]}


def _columns_rolled(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"W": np.roll(grads["W"], 1, axis=-1)}


def _bias_rolled(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"b": np.roll(grads["b"], 1, axis=-1)}


def _last_column_empty(grads: Grads, dZ: Array, A: Array) -> Grads:
    W = grads["W"].copy()
    W[..., -1] = 0
    return grads | {"W": W}


def _rows_out_of_step(grads: Grads, dZ: Array, A: Array) -> Grads:
    return grads | {"W": A.mT @ dZ[..., ::-1, :]}


def _zero(grads: Grads, dZ: Array, A: Array) -> Grads:
    return {key: 0 * grad for key, grad in grads.items()}


class BackThroughW(Wrong, Dense):
    """dA = dZ W, without the transpose."""

    def backward(self, params: Parameters, dZ: Array, A: Cache) -> tuple[Array, Parameters]:
        """Fits if W is square."""
        return dZ @ params["W"], self.parameter_gradients(dZ, A)


class NothingBack(Wrong, Dense):
    """dA = 0: cut off, as by a `detach` that was left in."""

    def backward(self, params: Parameters, dZ: Array, A: Cache) -> tuple[Array, Parameters]:
        """Layers further down learn nothing."""
        dA, grads = super().backward(params, dZ, A)
        return 0 * dA, grads


def _twins(net: Network) -> list[Segment]:
    """Two weights of the same shape, if there are two."""
    seen: dict[tuple[int, int], Segment] = {}
    for segment in net.layout.segments:
        if segment.key == "W":
            other = seen.setdefault(segment.shape, segment)
            if other is not segment:
                return [other, segment]
    return []


def _shared(net: Planted, gradient: Array, batch: Batch) -> Array:
    first, second = _twins(net)
    changed = gradient.copy()
    first.view(changed)[...] = second.view(gradient)
    return changed


def _one_entry(net: Planted, gradient: Array, batch: Batch) -> Array:
    largest = max(net.layout.segments, key=lambda segment: segment.stop - segment.start)
    changed = gradient.copy()
    size = np.linalg.norm(gradient[..., largest.start : largest.stop], axis=-1)
    changed[..., (largest.start + largest.stop) // 2] += 1e-5 * size
    return changed


def _has_parameters(net: Network) -> bool:
    return net.layout.size > 0


ARRANGEMENT: tuple[Mistake, ...] = (
    of_dense("transposed", "transposed", "dW = dZᵀ A: transposed, and it fits", _transposed, square),
    of_dense("reshaped from the transpose", "transposed", "made dZᵀ A fit by a reshape", _reshaped, wide),
    of_dense("rows reversed", "permuted", "filled dW from the last row up", _rows_reversed, wide),
    of_dense("columns rolled", "permuted", "every column of dW one further", _columns_rolled, wide),
    of_dense("bias rolled", "permuted", "every entry of db one further", _bias_rolled, biased),
    of_layers("W for its transpose", "transposed-weights", "dA = dZ W, and it fits", BackThroughW, square_within),
    of_dense("last column empty", "unknown", "a loop over columns that ends one early", _last_column_empty, wide),
    of_dense("rows out of step", "unknown", "shuffled dZ's rows but not A's", _rows_out_of_step, dense),
    of_dense("first layer zero", "zero-gradient", "never filled in the first layer's", _zero, first_dense),
    of_layers("cut off", "zero-gradient", "passes nothing back below a layer", NothingBack, dense_within),
    of_the_gradient(
        "shared",
        "shared-gradient",
        "stored one layer's dW under another's name",
        _shared,
        lambda net: bool(_twins(net)),
    ),
    of_the_gradient("one entry", "unknown", "one entry wrong by 1e-5 of the norm", _one_entry, _has_parameters),
)
