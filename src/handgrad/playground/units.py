"""What each layer of the drawing is made of, and every unit's map over the plane.

A drawn layer is a Dense with its norm, activation and dropout; its value is what the last of them gives, skip
connection included. The output layer's value is what the loss's output function gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handgrad import blas
from handgrad.arrays import Array
from handgrad.layers import Activation, Dense, Layer, Residual
from handgrad.network import Network
from handgrad.network.recording import layer_outputs

MAPS = 32  # pixels of a unit's map, along each side
PICTURE = 64  # of the picture of the outputs
SHOWN_UNITS, SHOWN_LAYERS = 16, 8  # that are drawn with a map of their own


@dataclass(frozen=True)
class Drawn:
    """One drawn layer: where its value is found among the network's layers, and the names of what it learns."""

    name: str  # of its Dense
    units: int
    activation: str
    ends: int  # the number of layers, from the first, whose output is its value
    residual: bool
    bias: bool


def drawn_layers(net: Network) -> list[Drawn]:
    """The drawn layers, the output last."""
    names = iter(leaf.name for leaf in net.leaves if isinstance(leaf.layer, Dense))
    found: list[Drawn] = []
    for number, layer in enumerate(net.layers):
        for inner in layer.inner or (layer,):
            if isinstance(inner, Dense):
                is_skipped = isinstance(layer, Residual)
                found.append(Drawn(next(names), inner.fan_out, "identity", number + 1, is_skipped, inner.bias))
            else:
                found[-1] = _with(found[-1], inner, number + 1)
    return found


def _with(drawn: Drawn, layer: Layer, ends: int) -> Drawn:
    activation = layer.formula.name if isinstance(layer, Activation) else drawn.activation
    return Drawn(drawn.name, drawn.units, activation, ends, drawn.residual, drawn.bias)


def unit_maps(net: Network, drawn: Sequence[Drawn], X: Array) -> Array:
    """The values of the shown hidden units at the rows of X, one unit after another: (units, B) float32."""
    ends = {each.ends: min(each.units, SHOWN_UNITS) for each in drawn[:-1][:SHOWN_LAYERS]}
    maps: list[Array] = []
    with blas.single_threaded(), np.errstate(all="ignore"):
        for number, A in enumerate(layer_outputs(net, X), start=1):
            if number in ends:
                maps.append(A[:, : ends[number]].T)
            if number >= max(ends, default=0):
                break
    return np.concatenate(maps).astype(np.float32) if maps else np.zeros((0, len(X)), np.float32)


def output_maps(net: Network, X: Array, engine: str) -> Array:
    """What the loss's output function gives at the rows of X: (outputs, B) float32."""
    with blas.single_threaded(), np.errstate(all="ignore"):
        return np.ascontiguousarray(net.loss_rule.output(net.forward(X, engine=engine)).T, np.float32)
