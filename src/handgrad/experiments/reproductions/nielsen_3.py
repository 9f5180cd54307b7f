"""Nielsen's third chapter: cross-entropy, the penalty, few rows, and the scale of the first weights."""

from typing import TYPE_CHECKING

from handgrad import plots
from handgrad.arrays import Array
from handgrad.experiments.reproductions import nielsen
from handgrad.experiments.reproductions.nielsen import cross_entropy
from handgrad.experiments.reproductions.reproduction import (
    Bench,
    Outcome,
    Reproduction,
    a_better_than_b,
    figure_of_one_run,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_ROWS, LONG = 1_000, 400  # and the epochs for them
SCALED = "lecun_normal"  # N(0, 1 / fan_in)


def measure(bench: Bench) -> Outcome:
    """Each of his networks; figures are those of the best epoch."""
    n, epochs, long = (5_000, 2, 4) if bench.quick else (nielsen.TRAINING_ROWS, nielsen.EPOCHS, LONG)

    def accuracy(data: dict[str, object], network: dict[str, object], rate: float, epochs: int = epochs) -> Array:
        result = bench.run(data, network, training=nielsen.steps(rate, 10.0, epochs))
        return result.curves("test_accuracy")[()]  # (epochs, S)

    every, few = nielsen.rows(n), nielsen.rows(FEW_ROWS)
    held = nielsen.rows(n, validation=True)
    plain, wide = (accuracy(every, cross_entropy(hidden), 0.5) for hidden in (30, 100))
    penalised = accuracy(every, cross_entropy(30, 5.0, n), 0.5)
    wide_penalised = accuracy(held, cross_entropy(100, 5.0, n), 0.5)
    overfitted, saved = (accuracy(few, cross_entropy(30, each, FEW_ROWS), 0.5, long) for each in (0.0, 0.1))
    large, scaled = (accuracy(held, cross_entropy(30, 5.0, n, init), 0.1) for init in ("normal(1.0)", SCALED))
    findings = (
        figure_of_one_run("30 hidden, best epoch", 0.9549, plain.max(axis=0)),
        figure_of_one_run("100 hidden, best epoch", 0.9682, wide.max(axis=0)),
        figure_of_one_run("30 hidden, λ = 5, best epoch", 0.9649, penalised.max(axis=0)),
        figure_of_one_run("100 hidden, λ = 5, validation rows, best epoch", 0.9792, wide_penalised.max(axis=0)),
        figure_of_one_run("30 hidden, 1,000 rows, best epoch", 0.8227, overfitted.max(axis=0)),
        figure_of_one_run("30 hidden, 1,000 rows, λ = 0.1, best epoch", 0.871, saved.max(axis=0), decimals=1),
        a_better_than_b(
            "weights N(0, 1 / n) against N(0, 1), λ = 5, rate 0.1, first epoch",
            "almost 93 % against under 87 %",
            ("1 / √n", scaled[0]),
            ("unit normal", large[0]),
        ),
    )
    shown = {"N(0, 1)": large, "N(0, 1 / n)": scaled}

    def draw() -> "Axes":
        return plots.curves(shown, ylabel="accuracy on validation rows")

    return Outcome(findings, {"Scale of the first weights: accuracy by epoch": draw})


REPRODUCTION = Reproduction(
    name="nielsen-3",
    title="MNIST with cross-entropy, penalties, few rows and scaled weights",
    source=f"{nielsen.BOOK} 3: sigmoid networks with a cross-entropy of each output, batches of 10, 30 epochs at rate "
    "0.5 (400 epochs on 1,000 rows; rate 0.1 for the scale of the weights)",
    differs="His generator is not ours. We take his figures as those of the best epoch of one run; on 1,000 rows he "
    "saw every epoch and we every fourth. Arithmetic is float32",
    seeds=10,
    quick_seeds=3,
    smaller="2 epochs on 5,000 rows instead of 30 on 50,000, and 4 instead of 400 on 1,000 rows",
    measure=measure,
    needs_mnist=True,
)
