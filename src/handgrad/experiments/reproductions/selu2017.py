"""Klambauer et al. 2017: self-normalising networks learn faster than relu with batch norm, at every depth."""

from typing import TYPE_CHECKING

from handgrad import plots
from handgrad.arrays import Array
from handgrad.experiments.reproductions.reproduction import Bench, Outcome, Reproduction, a_better_than_b

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, DEPTHS = 64, (8, 16, 32)
KINDS = {
    "SELU": {"activation": "selu", "init": "lecun_normal"},
    "ReLU with batch norm": {"activation": "relu", "init": "he_normal", "norm": "batch"},
}


def measure(bench: Bench) -> Outcome:
    """Training loss of both kinds after as many epochs, at three depths."""
    findings, curves = [], {}
    for depth in DEPTHS:
        losses: dict[str, Array] = {}
        for kind, fields in KINDS.items():
            network = {"hidden_sizes": [WIDTH] * depth, "dtype": "float32"} | fields
            training = {"epochs": 3 if bench.quick else 10, "batch_size": 64, "learning_rate": 0.01}
            result = bench.run("digits", network, training=training)
            losses[kind], curves[f"{kind}, {depth}"] = result.values("train_loss")[()], result.curves()[()]
        claim = f"{depth} hidden layers: training loss"
        selu, relu = losses.items()
        findings.append(a_better_than_b(claim, "SELU learns faster", selu, relu, "train_loss"))
    deepest = {name: curve for name, curve in curves.items() if name.endswith(str(DEPTHS[-1]))}

    def draw() -> "Axes":
        return plots.curves(deepest, ylabel="training loss as it ran")

    return Outcome(tuple(findings), {"Training loss of the deepest": draw})


REPRODUCTION = Reproduction(
    name="selu2017",
    title="SELU against relu with batch norm, by depth",
    source="Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-normalizing neural networks, figure 1: training error "
    "of networks with 8, 16 and 32 layers, SELU against batch norm",
    differs="Theirs are on MNIST and CIFAR-10 at rate 1e-5; ours have 64 units in each hidden layer, on the 8 x 8 "
    "digits, 10 epochs at rate 0.01 in batches of 64. One rate for both: another might favour batch norm",
    seeds=20,
    quick_seeds=6,
    smaller="3 epochs instead of 10",
    measure=measure,
)
