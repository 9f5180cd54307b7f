"""The work itself: a chunk of networks, trained as one stack, measured, and handed back as plain values.

A chunk says everything that decides its results; where it runs, and beside which others, decides nothing.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets import Dataset
from handgrad.experiments.draws import (
    Draw,
    Kept,
    Rows,
    draw,
    load,
    loss_for,
    outputs_for,
    seeds_that_matter,
    side_by_side,
)
from handgrad.experiments.recipe import NetworkRecipe, Recipe, TrainingRecipe, per_network
from handgrad.metrics import accuracy, r2
from handgrad.network import Network
from handgrad.optimizers import Optimizer
from handgrad.training import EarlyStopping, History, Training
from handgrad.training.training import Callback

SOURCES = ("data", "split", "init", "training")  # of randomness; training: batch order and dropout
_WORST_R2 = -1e6  # of a network whose outputs overflow, so that it counts
POINTS = 100  # of a curve that are kept at most


class Job(NamedTuple):
    """One network: a recipe and a seed."""

    recipe: Recipe
    seed: int


@dataclass(frozen=True)
class Chunk:
    """Networks that are trained side by side. `sources` of randomness follow the seed, the others seed 0."""

    jobs: tuple[Job, ...]
    sources: frozenset[str]
    engine: str

    def seeds(self, source: str) -> list[int]:
        """The seed of that source for each network."""
        return [job.seed if source in self.sources else 0 for job in self.jobs]


class Run(NamedTuple):
    """One network's results: final metrics by name, curves by name with the epochs of their points, seconds it took."""

    metrics: dict[str, float]
    epochs: Array
    curves: dict[str, Array]
    seconds: float


def run_chunk(chunk: Chunk, table: Dataset | None = None, threads: int | None = None) -> list[Run]:
    """Train and measure a chunk's networks; one that diverged keeps its last finite weights, and counts as it is.

    `threads` are those of the engine, None all cores; what comes out does not depend on it.
    """
    started = time.perf_counter()
    net, draws, history, followed = train(chunk, table, threads)
    with np.errstate(over="ignore", invalid="ignore"):  # the weights of one that diverged may be as large as can be
        metrics = _measure(net, draws)
    metrics |= {"diverged": np.isin(np.arange(len(chunk.jobs)), list(history.diverged))}
    planned, epochs = chunk.jobs[0].recipe.training.epochs, np.array(history.epochs)
    kept = (epochs % history.every == 0) | (epochs == planned)  # whoever else was in the stack, and how long it ran
    curves = {name: getattr(history, name) for name in history.columns if name != "learning_rate"} | followed
    curves = {name: curve[kept] for name, curve in curves.items()}
    seconds = (time.perf_counter() - started) / len(chunk.jobs)
    return [
        Run(
            {name: float(values[s]) for name, values in metrics.items()},
            *_until_it_stopped(epochs[kept], {name: curve[:, s] for name, curve in curves.items()}),
            seconds,
        )
        for s in range(len(chunk.jobs))
    ]


def _until_it_stopped(epochs: Array, curves: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
    """One network's points, without those after it stopped or diverged, which are NaN."""
    ran = np.flatnonzero(np.isfinite(curves["loss"]))
    length = int(ran[-1]) + 1 if len(ran) else 0
    return epochs[:length], {name: np.ascontiguousarray(curve[:length]) for name, curve in curves.items()}


class Trained(NamedTuple):
    """A chunk's networks as they end, the rows of each, how training went, and curves on the test rows, if asked."""

    net: Network
    draws: list[Draw]
    history: History
    followed: dict[str, Array]


def train(chunk: Chunk, table: Dataset | None, threads: int | None = None) -> Trained:
    """A chunk's networks, trained."""
    net, draws = stack_of(chunk, table)
    followed: list[dict[str, Any]] = []

    def follow(training: Training) -> None:
        followed.append(_measure(training.net, draws, ("test",)))

    callbacks: list[Callback] = [follow] if chunk.jobs[0].recipe.training.follow_test else []
    training = _training(chunk, net, draws, threads, callbacks)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* networks diverged")  # each run says so
        history = training.run()
    kept = [followed[epoch - 1] for epoch in history.epochs] if followed else []
    names = kept[0] if kept else ()
    return Trained(net, draws, history, {name: np.array([each[name] for each in kept]) for name in names})


def stack_of(chunk: Chunk, table: Dataset | None) -> tuple[Network, list[Draw]]:
    """A chunk's networks as they start, and the rows of each."""
    recipe = chunk.jobs[0].recipe
    both = zip(chunk.seeds("data"), chunk.seeds("split"), strict=True)
    seeds = [seeds_that_matter(recipe.data, table, *each) for each in both]
    dataset = load(recipe.data, table, seeds[0][0])
    loss = loss_for(recipe.network.loss, dataset, recipe.data.one_hot)
    scaled = loss.target == "values" and not dataset.n_classes
    kept = Kept(None if recipe.training.patience is None else recipe.training.validation, scaled)
    drawn = {each: draw(recipe.data, kept, table, *each) for each in dict.fromkeys(seeds)}
    recipes = [job.recipe.network for job in chunk.jobs]
    sizes = drawn[seeds[0]].train.X.shape[1], outputs_for(loss, dataset, recipe.data.one_hot)
    net = NetworkRecipe.stack(recipes, *sizes, loss, chunk.seeds("training"))
    if chunk.seeds("init") != chunk.seeds("training"):
        waiting = net.awaits_data.copy()
        net.params = NetworkRecipe.stack(recipes, *sizes, loss, chunk.seeds("init")).params
        net.awaits_data = waiting  # of the data that LSUV scales by
    return net, [drawn[each] for each in seeds]


def _training(
    chunk: Chunk, net: Network, draws: Sequence[Draw], threads: int | None, callbacks: Sequence[Callback]
) -> Training:
    recipe = chunk.jobs[0].recipe.training
    X, y = _targets(net, side_by_side([each.train for each in draws]))
    stop, validation = None, None
    if recipe.patience is not None:
        stop = EarlyStopping(recipe.patience)
        validation = _targets(net, side_by_side([each.validation for each in draws if each.validation is not None]))
    return Training(
        net,
        X,
        y,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        optimizer=_optimizers([job.recipe.training for job in chunk.jobs]),
        schedule=recipe.schedule,
        clip_norm=recipe.clip_norm,
        validation=validation,
        stop=stop,
        callbacks=callbacks,
        progress=False,
        engine=chunk.engine,
        threads=threads,
        record_every=-(-recipe.epochs // POINTS),
    )


def _optimizers(recipes: Sequence[TrainingRecipe]) -> Optimizer:
    """One record for the stack, with a sequence for each setting in which the recipes differ."""
    first = recipes[0].optimizer
    columns = {name: [getattr(each.optimizer, name) for each in recipes] for name in per_network(first)}
    return replace(first, **{name: values for name, values in columns.items() if len(set(values)) > 1})


def _targets(net: Network, rows: Rows) -> Rows:
    """Targets other than class indices need an axis of outputs: their own, or one for each class."""
    if net.loss_rule.target == "classes":
        return rows
    if _is_one_hot(net):
        return Rows(rows.X, np.eye(net.fan_out or 1)[rows.y])
    return Rows(rows.X, rows.y[..., None])


def _measure(net: Network, draws: Sequence[Draw], parts: Sequence[str] = ("train", "test")) -> dict[str, Any]:
    """Loss and accuracy, or R², on the training and the test rows: (S,) each."""
    measured = {}
    for part in parts:
        X, y = _targets(net, side_by_side([getattr(each, part) for each in draws]))
        measured[f"{part}_loss"] = np.broadcast_to(net.data_loss(X, y), (net.size or 1,))
        if _is_one_hot(net):
            measured[f"{part}_accuracy"] = _each(accuracy, y.argmax(axis=-1), net.forward(X).argmax(axis=-1))
        elif net.loss_rule.target in ("classes", "labels"):
            measured[f"{part}_accuracy"] = _each(accuracy, y, net.predict(X))
        else:
            measured[f"{part}_r2"] = np.maximum(np.nan_to_num(_each(r2, y[..., 0], net.predict(X)[..., 0])), _WORST_R2)
    return measured


def _is_one_hot(net: Network) -> bool:
    """Several outputs for a loss that is not of classes: a study has one for each class then."""
    return net.loss_rule.target != "classes" and (net.fan_out or 1) > 1


def _each(metric: Any, y: Array, predicted: Array) -> Array:
    """A metric of each network, whose targets may be its own."""
    if y.ndim == predicted.ndim:
        return np.array([metric(*pair) for pair in zip(y, predicted, strict=True)])
    return np.asarray(metric(y, predicted))
