"""Settings, trained over many seeds as one stack each, and comparisons: one question, several settings.

A seed decides everything that is random: the data, its split, the initial weights, the batch order. Settings of one
comparison share their seeds, and so differ in nothing but the setting.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from handgrad import datasets
from handgrad.arrays import Array
from handgrad.experiments.statistics import Interval, Pair, compare_all, interval
from handgrad.network import Network
from handgrad.optimizers import SGD
from handgrad.training import Training

Run = Callable[..., Iterable[Any]]  # as `map`, or as the `map` of an executor, whose processes then share the work
Progress = Callable[[int, int], None]  # called with (done, total)


@dataclass(frozen=True)
class Setting:
    """Everything but the seed that decides how a network comes out."""

    data: str = "moons"
    hidden: tuple[int, ...] = (10,)
    activation: str = "relu"
    init: str = "he_normal"
    l2: float = 0.0
    batch_size: int | None = None
    learning_rate: float = 0.5
    epochs: int = 300

    def networks(self, inputs: int, outputs: int, seed: Any) -> Network:
        """The network, or the stack, with its starting weights."""
        sizes = [inputs, *self.hidden, outputs]
        return Network.mlp(sizes, activation=self.activation, init=self.init, l2=self.l2, seed=seed)


@dataclass(frozen=True, eq=False)
class Outcome:
    """A setting's networks after training: plain arrays over S seeds, which travel between processes."""

    setting: Setting
    seeds: tuple[int, ...]
    params: Array  # (S, P)
    outputs: int
    loss: Array  # (epochs, S), the objective on the training rows
    accuracy: Array  # (S,), on the test rows
    diverged: int

    @cached_property
    def interval(self) -> Interval:
        """Mean test accuracy over the seeds."""
        return interval(self.accuracy)

    def network(self, index: int = 0) -> Network:
        """The network of one seed."""
        X = self.test_rows(index)[0]
        net = self.setting.networks(X.shape[1], self.outputs, self.seeds[index])
        net.params = self.params[index]
        return net

    def test_rows(self, index: int = 0) -> tuple[Array, Array]:
        """The test rows (X, y) of one seed."""
        return draw(self.setting.data, self.seeds[index])[1]


@dataclass(frozen=True)
class Comparison:
    """One question, and settings by name that differ in what the question is about."""

    name: str
    title: str
    question: str
    settings: dict[str, Setting]
    note: str


@dataclass(frozen=True, eq=False)
class Result:
    """A comparison's outcomes by setting, and every pair of them."""

    comparison: Comparison
    outcomes: dict[str, Outcome]
    pairs: tuple[Pair, ...]

    @property
    def best(self) -> str:
        """The setting with the highest mean, which need not be better than all others."""
        return max(self.outcomes, key=lambda name: self.outcomes[name].interval.value)

    def against(self, name: str) -> list[Pair]:
        """All pairs of that setting, seen from it."""
        seen = [pair if pair.a == name else pair.reversed() for pair in self.pairs if name in (pair.a, pair.b)]
        return sorted(seen, key=lambda pair: pair.difference.value)


@cache
def draw(data: str, seed: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The training and the test rows of a seed: 300 fresh points of the moons, 70 to 30, or the digits, 75 to 25."""
    dataset = datasets.moons(n=300, noise=0.2, seed=seed) if data == "moons" else datasets.load(data)
    train, test = dataset.split(test=0.3 if data == "moons" else 0.25, seed=seed, standardise=False)
    return (train.X, train.y), (test.X, test.y)


def train_setting(setting: Setting, seeds: Sequence[int]) -> Outcome:
    """Train the setting's networks for all seeds, side by side, and measure them on their test rows."""
    pairs = [draw(setting.data, seed) for seed in seeds]
    (X, y), (X_test, y_test) = (
        tuple(np.stack(arrays) for arrays in zip(*part, strict=True)) for part in zip(*pairs, strict=True)
    )
    outputs = int(y.max()) + 1
    stack = setting.networks(X.shape[-1], outputs, seeds)
    training = Training(
        stack,
        X,
        y,
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        optimizer=SGD(setting.learning_rate),
        progress=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* networks diverged")  # the outcome counts them
        history = training.run()
    accuracy = (stack.predict(X_test) == y_test).mean(axis=-1)
    return Outcome(setting, tuple(seeds), stack.params, outputs, history.loss, accuracy, len(training.diverged))


def train_all(
    jobs: Mapping[Setting, Sequence[int]], run: Run = map, progress: Progress = lambda done, total: None
) -> dict[Setting, Outcome]:
    """Train each setting with its seeds; what comes out does not depend on how the work is shared."""
    return collect(run(train_setting, jobs.keys(), jobs.values()), len(jobs), progress)


def collect(trained: Iterable[Outcome], total: int, progress: Progress) -> dict[Setting, Outcome]:
    """The outcomes by setting, as they come in."""
    outcomes: dict[Setting, Outcome] = {}
    progress(0, total)
    for outcome in trained:
        outcomes[outcome.setting] = outcome
        progress(len(outcomes), total)
    return outcomes


def conclude(comparison: Comparison, outcomes: dict[Setting, Outcome]) -> Result:
    """The comparison's result, from the outcomes of its settings."""
    by_name = {name: outcomes[setting] for name, setting in comparison.settings.items()}
    pairs = compare_all({name: outcome.accuracy for name, outcome in by_name.items()})
    return Result(comparison, by_name, pairs)
