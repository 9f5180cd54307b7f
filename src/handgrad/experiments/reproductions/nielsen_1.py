"""Nielsen's first chapter: a quadratic cost, and what the learning rate does."""

from typing import TYPE_CHECKING

from handgrad import plots
from handgrad.experiments.reproductions import nielsen
from handgrad.experiments.reproductions.reproduction import Bench, Outcome, Reproduction, figure_of_one_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNS = {
    "30 hidden, rate 3": (30, 3.0),
    "100 hidden, rate 3": (100, 3.0),
    "30 hidden, rate 100": (30, 100.0),
    "100 hidden, rate 0.001": (100, 0.001),
}


def measure(bench: Bench) -> Outcome:
    """Each of his networks, of three runs the best."""
    epochs, n = (2, 5_000) if bench.quick else (nielsen.EPOCHS, nielsen.TRAINING_ROWS)
    data, curves = nielsen.rows(n), {}
    for name, (hidden, rate) in RUNS.items():
        result = bench.run(data, nielsen.quadratic(hidden), training=nielsen.steps(rate, 5.0, epochs))
        curves[name] = nielsen.best_of_three(result.curves("test_accuracy")[()])  # (epochs, S // 3)
    small, large, far, slow = curves.values()
    findings = (
        figure_of_one_run("30 hidden, rate 3, first epoch", 0.9129, small[0]),
        figure_of_one_run("30 hidden, rate 3, best epoch", 0.9542, small.max(axis=0)),
        figure_of_one_run("30 hidden, rate 3, last epoch", 0.9534, small[-1]),
        figure_of_one_run("100 hidden, rate 3, best epoch", 0.9659, large.max(axis=0)),
        figure_of_one_run("100 hidden, rate 0.001, first epoch", 0.1139, slow[0]),
        figure_of_one_run("100 hidden, rate 0.001, last epoch", 0.2142, slow[-1]),
        figure_of_one_run("30 hidden, rate 100, last epoch", 0.0982, far[-1]),
    )

    def draw() -> "Axes":
        return plots.curves(curves, ylabel="test accuracy, best of three runs")

    return Outcome(findings, {"Test accuracy by epoch": draw})


REPRODUCTION = Reproduction(
    name="nielsen-1",
    title="MNIST with a quadratic cost",
    source=f"{nielsen.BOOK} 1: sigmoid networks 784-30-10 and 784-100-10, batches of 10, 30 epochs, the first 50,000 "
    "training rows, accuracy on the 10,000 test rows; the chapter says that it shows the best of three runs",
    differs="His generator is not ours. “Runs” counts groups of three seeds, of which the best is taken, as he did; "
    "arithmetic is float32",
    seeds=12,
    quick_seeds=6,
    smaller="2 epochs on 5,000 rows instead of 30 on 50,000",
    measure=measure,
    least_seeds=6,
    needs_mnist=True,
)
