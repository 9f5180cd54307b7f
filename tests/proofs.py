"""Networks over every activation, loss, layer, norm and dropout, combined pairwise, with data to prove them on.

Pairwise: every two values of any two factors meet in at least one network (a covering array, built greedily).
"""

from itertools import combinations, product
from typing import Any

import numpy as np

import handgrad as hg
from handgrad.activations import activations
from handgrad.losses import losses

FACTORS: dict[str, list[Any]] = {
    "activation": [*(rule.name for rule in activations), "leaky_relu(slope=0.3)"],
    "loss": [*(rule.name for rule in losses), "huber(delta=0.3)", "quantile(q=0.9)"],
    "norm": [None, "batch", "layer"],
    "dropout": [0.0, 0.3],
    "residual": [False, True],
    "bias": [True, False],
    "output_activation": [None, "tanh"],
    "l2": [0.0, 0.1],
    "weighted": [False, True],
    "training": [True, False],
    "rows": [1, 2, 9],
    "networks": [None, 3],
}


def pairwise(factors: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Rows that together hold every pair of values of any two factors; greedy, so not quite the fewest."""
    names = list(factors)
    missing = {
        ((a, i), (b, j))
        for a, b in combinations(names, 2)
        for i, j in product(range(len(factors[a])), range(len(factors[b])))
    }
    rows = []
    while missing:
        chosen: dict[str, int] = dict(min(missing))  # start from one pair that is still missing
        for name in names:
            if name not in chosen:
                chosen[name] = max(
                    range(len(factors[name])), key=lambda value: _new_pairs(chosen, name, value, names, missing)
                )
        missing -= set(combinations([(name, chosen[name]) for name in names], 2))
        rows.append({name: factors[name][value] for name, value in chosen.items()})
    return rows


def _new_pairs(chosen: dict[str, int], name: str, value: int, names: list[str], missing: set[Any]) -> int:
    mine = (name, value)
    pairs = [(mine, other) if names.index(name) < names.index(other[0]) else (other, mine) for other in chosen.items()]
    return sum(pair in missing for pair in pairs)


def network(case: dict[str, Any], outputs: int = 3, seed: int = 0) -> hg.Network:
    """The network of one case, with biases, gains, shifts and running statistics away from their round values."""
    width = 5
    block = _block(case, 4, width)
    if case["residual"]:
        block.append(hg.Residual(_block(case, width, width)))
    layers = [*block, hg.Dense(width, outputs, bias=case["bias"])]
    if case["output_activation"]:
        layers.append(hg.Activation(case["output_activation"]))
    seeds = seed if case["networks"] is None else range(seed, seed + case["networks"])
    net = hg.Network(layers, loss=case["loss"], l2=case["l2"], seed=seeds, init="glorot_uniform")
    generator = np.random.default_rng(seed)
    net.params += 0.3 * generator.standard_normal(net.params.shape)
    net.state = np.abs(net.state + 0.3 * generator.standard_normal(net.state.shape)) + 0.1
    return net


def _block(case: dict[str, Any], fan_in: int, fan_out: int) -> list[Any]:
    layers: list[Any] = [hg.Dense(fan_in, fan_out, bias=case["bias"])]
    if case["norm"]:
        layers.append({"batch": hg.BatchNorm, "layer": hg.LayerNorm}[case["norm"]](fan_out))
    layers.append(hg.Activation(case["activation"]))
    if case["dropout"]:
        layers.append(hg.Dropout(case["dropout"]))
    return layers


def data(case: dict[str, Any], outputs: int = 3, seed: int = 0) -> dict[str, Any]:
    """X, targets that the loss can take, weights, and the mode to differentiate in."""
    generator = np.random.default_rng([seed, 1])
    rows = case["rows"]
    targets = {
        "classes": generator.integers(0, outputs, rows),
        "labels": generator.random((rows, outputs)),
        "counts": generator.poisson(2.0, (rows, outputs)).astype(float),
        "values": generator.standard_normal((rows, outputs)),
    }
    return {
        "X": generator.standard_normal((rows, 4)),
        "y": targets[losses.find(case["loss"]).target],
        "sample_weight": generator.random(rows) + 0.1 if case["weighted"] else None,
        "training": case["training"],
        "step": seed,
    }
