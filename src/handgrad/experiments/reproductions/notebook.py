"""The course notebook's comparison of three initialisations: its single runs among our many."""

from typing import TYPE_CHECKING

import numpy as np

from handgrad import plots
from handgrad.datasets import Dataset, moons
from handgrad.experiments.reproductions.reproduction import (
    Bench,
    Finding,
    Outcome,
    Reproduction,
    a_better_than_b,
    figure_of_one_run,
)
from handgrad.experiments.result import Result
from handgrad.plots.theme import ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUBLISHED = {"small": 80 / 90, "xavier": 89 / 90, "he": 88 / 90}  # test accuracy, printed as 88.89, 98.89, 97.78 %
INITS = {"small": "normal(0.01)", "xavier": f"normal({(2 / 12) ** 0.5!r})", "he": "normal(1.0)"}  # both layers alike
TEST_ROWS, SEED = 90, 42


def measure(bench: Bench) -> Outcome:
    """On the notebook's own rows, where only the first weights follow the seed; and where rows follow it too."""
    training = {"epochs": 500, "batch_size": None, "learning_rate": 0.5}
    own_rows = {"name": _rows_of_the_notebook(), "split": "in order", "test": TEST_ROWS, "standardise": False}
    fresh_rows = {"name": "moons", "n": 300, "noise": 0.2, "test": TEST_ROWS}
    own, fresh = (bench.run(data, training=training, vary={"init": INITS}) for data in (own_rows, fresh_rows))
    findings = _among("the notebook's rows", own) + _among("fresh rows", fresh)
    for rows, result in (("the notebook's rows", own), ("fresh rows", fresh)):
        xavier, he = (("xavier", result.values()[("xavier",)]), ("he", result.values()[("he",)]))
        findings.append(a_better_than_b(f"xavier above he, {rows}", "98.89 % and 97.78 %", xavier, he))
    values = {name: 100 * values for (name,), values in fresh.values().items()}

    def draw() -> "Axes":
        ax = plots.histograms(values, xlabel="test accuracy in %")
        ax.plot([100 * PUBLISHED[name] for name in reversed(values)], range(len(values)), "D", color=ink())
        return ax

    return Outcome(tuple(findings), {"Test accuracy over seeds, fresh rows each; the notebook's own as diamonds": draw})


def _rows_of_the_notebook() -> Dataset:
    """Its moons, the rows that it tests on last."""
    from sklearn.model_selection import train_test_split

    drawn = moons(n=300, noise=0.2, seed=SEED)
    train, test = train_test_split(np.arange(300), test_size=TEST_ROWS, random_state=SEED)  # not stratified
    order = np.concatenate([train, test])
    return Dataset(drawn.X[order], drawn.y[order], drawn.feature_names, drawn.target_name, drawn.class_names)


def _among(rows: str, result: Result) -> list[Finding]:
    by_init = result.values()
    return [figure_of_one_run(f"{name}, {rows}", PUBLISHED[name], by_init[(name,)]) for name in INITS]


REPRODUCTION = Reproduction(
    name="notebook",
    title="Three initialisations on moons",
    source="The course notebook this library grew from, section 4: one run each of small, Xavier and He weights, "
    "2-10-2 relu network, 500 epochs of full batches at rate 0.5, test accuracy on 90 rows",
    differs="Our draws are not the notebook's; each setting is run over all seeds, once on the notebook's very rows "
    "(only the first weights change) and once on fresh rows",
    seeds=200,
    quick_seeds=40,
    smaller="",
    measure=measure,
)
