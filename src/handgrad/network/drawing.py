"""What a network starts from: weights drawn by its initialiser, biases, gains, shifts and state by their rules.

Every named parameter has a random stream of its own, (network seed, parameter name), so that networks of one seed are
paired: the same draws under another initialiser, depth or activation.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.activations import Formula, identity
from handgrad.arrays import Array
from handgrad.initializers import Initializer, initializers
from handgrad.layers import Activation, Dense
from handgrad.network.layout import Leaf, Segment
from handgrad.randomness import generator
from handgrad.theory import critical_point

if TYPE_CHECKING:
    from handgrad.network.core import Core

PerNetwork = str | Initializer | Sequence[str | Initializer]


def find_initializers(argument: str, init: Any, size: int | None) -> tuple[Initializer, ...]:
    """The records: one for all, or one for each network of a stack."""
    if not isinstance(init, list | tuple):
        init = [init]
    elif len(init) != (size or 1):
        has = "one network; give seed a sequence to make a stack" if size is None else f"{size} networks"
        raise ValueError(f"{argument} has {len(init)} entries for {has}")
    records = tuple(initializers.find(each) for each in init)
    if argument == "bias_init" and any(_is_critical(each) for each in records):
        raise ValueError("bias_init is 'critical', which draws weights; expected 'normal(std=...)' with std = sigma_b")
    return records


def draw_parameters(net: "Core") -> Array:
    """The flat vector (P,) or (S, P) from which the network starts."""
    following = _gains(net.leaves)
    seeds = [net.seed] if isinstance(net.seed, int) else [int(seed) for seed in net.seed]
    vectors = np.zeros((len(seeds), net.layout.size), net.dtype)
    for s, (vector, seed) in enumerate(zip(vectors, seeds, strict=True)):
        init, bias_init = net.init[s % len(net.init)], net.bias_init[s % len(net.bias_init)]
        gains = _critical_gains(net.leaves, init) if _is_critical(init) else following
        for segment in net.layout.segments:
            gain = gains.get(segment.leaf.name, 1.0)
            segment.view(vector)[...] = _start_of(segment, seed, init, bias_init, gain)
    return vectors[0] if net.size is None else vectors


def starting_state(net: "Core") -> Array:
    """The flat state vector from which the network starts."""
    vector = np.zeros(net.state_layout.size, net.dtype)
    for segment in net.state_layout.segments:
        segment.view(vector)[...] = segment.leaf.layer.fills[segment.key]
    return vector if net.size is None else np.tile(vector, (net.size, 1))


def _start_of(segment: Segment, seed: int, init: Initializer, bias_init: Initializer, gain: float) -> Any:
    layer = segment.leaf.layer
    if segment.key in layer.fills:
        return layer.fills[segment.key]
    initializer = init if segment.key == "W" else bias_init
    if initializer.name == "zeros":  # nothing is drawn, so no stream need be opened
        return 0.0
    fan_in, fan_out = (layer.fan_in, layer.fan_out) if isinstance(layer, Dense) else segment.shape
    return initializer.draw(generator(seed, segment.name), segment.shape, fan_in, fan_out, gain)


def _gains(leaves: Sequence[Leaf]) -> dict[str, float]:
    """For each layer the gain of the activation that follows it, before the next Dense; 1 where none does."""
    gains, following = {}, 1.0
    for leaf in reversed(leaves):
        if isinstance(leaf.layer, Activation):
            following = _gain(leaf.layer.formula)
        gains[leaf.name] = following
        if isinstance(leaf.layer, Dense):
            following = 1.0
    return gains


def _is_critical(init: Initializer) -> bool:
    return init.name == "critical"


def _critical_gains(leaves: Sequence[Leaf], init: Initializer) -> dict[str, float]:
    """For each Dense the critical sigma_w of the activation below; of the one above it where there is none below.

    A network without activations is linear: its sigma_w is that of identity.
    """
    formulas = [leaf.layer.formula for leaf in leaves if isinstance(leaf.layer, Activation)]
    below, gains = formulas[0] if formulas else identity, {}
    for leaf in leaves:
        if isinstance(leaf.layer, Activation):
            below = leaf.layer.formula
        elif isinstance(leaf.layer, Dense):
            gains[leaf.name] = _critical_sigma_w(below, init.parameters["sigma_b"])
    return gains


@cache
def _critical_sigma_w(formula: Formula, sigma_b: float) -> float:
    try:
        return critical_point(formula, sigma_b)[0]
    except ValueError as none:
        raise ValueError(
            f"init is 'critical' but {none} (sigma_b is given as init='critical(sigma_b=...)' together with "
            "bias_init='normal(std=...)')"
        ) from none


@cache
def _gain(formula: Formula) -> float:
    return formula.gain
