"""Lu et al. 2019: how many narrow deep relu networks are born dead, and stay so."""

from typing import TYPE_CHECKING

import numpy as np

from handgrad import plots, theory
from handgrad.arrays import Array
from handgrad.datasets import Dataset
from handgrad.experiments.reproductions.reproduction import (
    Bench,
    Finding,
    Outcome,
    Reproduction,
    most_runs,
    value_in_theory,
)
from handgrad.experiments.reproductions.verdicts import share
from handgrad.network import Network
from handgrad.randomness import generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHAPES = ((2, 2), (2, 5), (2, 10), (3, 10), (3, 20), (4, 20))  # width, hidden layers
TRAINED = (2, 10)
POINTS, TRAINED_SEEDS = 200, 100


def measure(bench: Bench) -> Outcome:
    """Networks of one input as they start; and what becomes of dead ones that are to learn |x|."""
    found = {shape: share(int(_born_dead(*shape, bench.seeds).sum()), bench.seeds) for shape in SHAPES}
    findings = []
    for (width, depth), measured in found.items():
        low, high = theory.born_dead_probability(width, depth)
        bounds = f"between {100 * low:.1f} and {100 * high:.1f} %"
        claim = f"{depth} layers of {width}: networks born dead"
        findings.append(value_in_theory(claim, bounds, low, high, measured, "accuracy"))
    findings.append(_stay_dead(bench))
    table = [(f"{depth} x {width}", 100 * m.value, 100 * m.low, 100 * m.high) for (width, depth), m in found.items()]

    def draw() -> "Axes":
        return plots.intervals(table, xlabel="networks born dead, in %")

    return Outcome(tuple(findings), {"Networks born dead, hidden layers x units": draw})


def _born_dead(width: int, depth: int, seeds: int) -> Array:
    """Which networks (S,) give 0 on both sides of 0: without biases there is nothing else to see."""
    net = Network.mlp([1, *[width] * depth, 1], loss="mse", init="he_normal", seed=range(seeds))
    return np.asarray((net.forward(np.array([[-1.0], [1.0]])) == 0).all(axis=(1, 2)))


def _stay_dead(bench: Bench) -> Finding:
    """Of networks born dead, how many end as a constant when trained on |x|."""
    seeds = min(bench.seeds, TRAINED_SEEDS)
    x = generator(0, "inputs").uniform(-(3**0.5), 3**0.5, (POINTS, 1))
    data = {"name": Dataset(x, np.abs(x[:, 0]), ("x",), "|x|"), "standardise": False}
    network = {"hidden_sizes": [TRAINED[0]] * TRAINED[1]}
    training = {"epochs": 200, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.001}
    fits = bench.run(data, network, training=training, seeds=seeds).values("train_r2")[()]
    dead = _born_dead(*TRAINED, seeds)
    claim = f"{TRAINED[1]} layers of {TRAINED[0]}, trained on |x|: of those born dead, a constant in the end"
    return most_runs(claim, "all: no gradient passes", int((fits[dead] < 0.01).sum()), int(dead.sum()), True)


REPRODUCTION = Reproduction(
    name="lu2019",
    title="Networks born dead",
    source="Lu, Shin, Su & Karniadakis, Dying ReLU and initialization: theory and numerical examples (2019; "
    "Communications in Computational Physics 28, 2020): bounds on the probability that a relu network is born dead",
    differs="The figures are bounds of that kind in closed form, for one input and zero biases, as derived in "
    "`handgrad.theory.born_dead_probability`, not figures printed in the paper",
    seeds=5000,
    quick_seeds=500,
    smaller="",
    measure=measure,
)
