"""He et al. 2015: with relu and 30 layers Xavier's weights stall, and He's train."""

from typing import TYPE_CHECKING

from handgrad import plots
from handgrad.experiments.reproductions.reproduction import Bench, Outcome, Reproduction, a_better_than_b, most_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from handgrad.experiments.result import Result

INITS = {"Xavier": "glorot_normal", "He": "he_normal"}
WIDTH, LEARNED, EARLY = 64, 0.5, 0.2  # learned: training accuracy above a half, when guessing gives a tenth
PUBLISHED = {(22, "Xavier"): True, (22, "He"): True, (30, "Xavier"): False, (30, "He"): True}
WORDS = {True: "converges", False: "stalls"}


def measure(bench: Bench) -> Outcome:
    """Both initialisations at both depths, and at 22 layers which is earlier."""
    epochs = 4 if bench.quick else 30
    results = {layers: _trained(bench, layers, epochs) for layers in (22, 30)}
    findings = []
    for (layers, init), expected in PUBLISHED.items():
        reached = results[layers].values("train_accuracy")[(init,)]
        claim = f"{layers} layers, {init}: runs that learn"
        findings.append(most_runs(claim, WORDS[expected], int((reached > LEARNED).sum()), bench.seeds, expected))
    early = {init: curve[int(EARLY * epochs)] for (init,), curve in results[22].curves().items()}
    pair = ("He", early["He"]), ("Xavier", early["Xavier"])
    findings.append(a_better_than_b("22 layers, training loss early on", "He falls earlier", *pair, "train_loss"))
    curves = {init: curve for (init,), curve in results[30].curves().items()}

    def draw() -> "Axes":
        return plots.curves(curves, ylabel="training loss, 30 layers")

    return Outcome(tuple(findings), {"Training loss of 30 layers": draw})


def _trained(bench: Bench, layers: int, epochs: int) -> "Result":
    network = {"hidden_sizes": [WIDTH] * (layers - 1), "dtype": "float32"}
    training = {"epochs": epochs, "batch_size": 64, "learning_rate": 0.003, "momentum": 0.9}
    return bench.run("digits", network, training=training, vary={"init": INITS})


REPRODUCTION = Reproduction(
    name="he2015",
    title="Thirty layers of relu: Xavier stalls, He trains",
    source="He, Zhang, Ren & Sun 2015, Delving deep into rectifiers, section 2.2, figures 2 (22 "
    "layers) and 3 (30 layers)",
    differs="Theirs are convolutional networks on ImageNet; ours are multi-layer perceptrons, 64 units in each hidden "
    "layer, on the 8 x 8 digits, 30 epochs at rate 0.003 with momentum 0.9. "
    "What is compared is who learns, no accuracy. With layers of one width Xavier's signals lose half their variance "
    "in each, 2⁻²¹ over 22 layers",
    seeds=20,
    quick_seeds=6,
    smaller="4 epochs instead of 30",
    measure=measure,
)
