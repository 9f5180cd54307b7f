"""Glorot & Bengio 2010: variances fade from layer to layer with the usual weights, and stay with normalised ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import plots
from handgrad.arrays import Array
from handgrad.datasets import digits
from handgrad.experiments.reproductions.reproduction import (
    Bench,
    Finding,
    Outcome,
    Reproduction,
    most_runs,
    value_in_theory,
)
from handgrad.experiments.reproductions.weights import usual_uniform
from handgrad.experiments.statistics import interval
from handgrad.health import signals
from handgrad.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LAYERS, ROWS, SLACK = 5, 300, 0.1  # slack: theory is for units in their linear range, tanh is only near it
INITS = {"usual": (usual_uniform, 1 / 3), "normalised": ("glorot_uniform", 1.0)}  # and fan_in Var[w]


def measure(bench: Bench) -> Outcome:
    """Variances of tanh networks as they start, and where the units of sigmoid networks go in training."""
    width = 100 if bench.quick else 300
    before = {name: _by_layer(bench.seeds, width, init) for name, (init, _) in INITS.items()}
    findings = [
        finding
        for name, (_, factor) in INITS.items()
        for finding in (
            _factor(f"{name}: variance of activations, each layer up", factor, before[name]["variance"]),
            _factor(f"{name}: variance of gradients, each layer down", factor, before[name]["gradient"][::-1] ** 2),
        )
    ]
    weights = before["usual"]["weight_gradient"][1:] ** 2  # the first layer has another fan_in
    findings.append(_factor("usual: variance of the weights' gradients, each layer down", 1.0, weights[::-1]))
    findings.append(_saturating(bench))
    shown = {name: np.log10(each["gradient"] ** 2) for name, each in before.items()}

    def draw() -> "Axes":
        ax = plots.curves(shown, ylabel="log₁₀ of the squared gradient")
        ax.set_xlabel("hidden layer")
        return ax

    return Outcome(tuple(findings), {"Gradients by layer before training": draw})


def _by_layer(seeds: int, width: int, init: Any) -> dict[str, Array]:
    """Variance of activations, and norms of gradients by activations and by weights: (LAYERS, seeds) each."""
    X, y = digits()
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    sizes = [X.shape[1], *[width] * LAYERS, 10]
    net = Network.mlp(sizes, activation="tanh", init=init, seed=range(seeds))
    seen = signals(net, X[:ROWS], y[:ROWS])
    numbers = range(1, LAYERS + 1)
    return {
        "variance": np.array([seen[f"activation{n}"].variance for n in numbers]),
        "gradient": np.array([seen[f"activation{n}"].gradient for n in numbers]),
        "weight_gradient": np.array([seen[f"dense{n}"].weight_gradient for n in numbers]),
    }


def _factor(claim: str, theory: float, by_layer: Array) -> Finding:
    """The mean factor of a step from one layer to the next, (layers, seeds), beside that of theory."""
    per_layer = (by_layer[-1] / by_layer[0]) ** (1 / (len(by_layer) - 1))  # (seeds,)
    published = f"{theory:.3g}, to a tenth"
    return value_in_theory(claim, published, theory * (1 - SLACK), theory * (1 + SLACK), interval(per_layer))


def _saturating(bench: Bench) -> Finding:
    """Sigmoid networks of four hidden layers, trained: where the mean of their last hidden layer is."""
    network = {"hidden_sizes": [100] * 4, "activation": "sigmoid", "init": usual_uniform}
    training = {"epochs": 5 if bench.quick else 20, "batch_size": 10, "learning_rate": 0.1}
    result = bench.run("digits", network, training=training)
    low = 0
    for seed in result.seeds:
        net, draw = result.network((), seed)
        seen = signals(net, *draw.train)
        means = [float(seen[f"activation{n}"].mean) for n in range(1, 5)]
        low += means[-1] < 0.25 and means[-1] == min(means)
    claim = "sigmoid, 4 hidden layers: runs whose last one is pushed towards 0"
    return most_runs(claim, "pushed to its lower end", low, bench.seeds, True)


REPRODUCTION = Reproduction(
    name="glorot2010",
    title="Activations and gradients by depth",
    source="Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks: equations "
    "1 and 16 (usual and normalised weights), sections 3.1 (sigmoid) and 4.2 (variances by layer)",
    differs="Theirs are 1000 units wide on Shapeset-3x2 and other images; ours have 300 units (100 for sigmoid) on the "
    "8 x 8 digits. The factors are what the paper's equations give for units in their linear range, fan_in Var[w]; "
    "tanh damps the larger signals of normalised weights, which these equations leave out",
    seeds=30,
    quick_seeds=6,
    smaller="100 units instead of 300, and 5 epochs instead of 20 for sigmoid",
    measure=measure,
)
