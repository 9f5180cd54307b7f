"""The plan of a study: which networks are trained side by side, in chunks of seconds; what it will cost."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from handgrad.datasets import Dataset
from handgrad.experiments.draws import load, loss_for, outputs_for, seeds_that_matter
from handgrad.experiments.recipe import Recipe
from handgrad.experiments.work import POINTS, Chunk, Job

_CHUNK_SECONDS = 2.0  # a chunk should take: long beside what it costs to send one to a worker (10 ms)
_CHUNK_BYTES = 2**28
_FLOPS = 5e9  # a second: of many small networks side by side, measured
_STEP, _ROW = 1.5e-6, 2e-8  # seconds that each step, and each row in it, costs besides
_VECTORS = 6  # parameters, gradient, and what optimiser and engine keep beside them


class Cost(NamedTuple):
    """What one network is expected to cost."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Plan:
    """Chunks to run, and what all of them together are expected to cost on one core."""

    chunks: tuple[Chunk, ...]
    networks: int
    stacks: int  # kinds of networks that cannot stand in one stack
    seconds: float
    bytes: int  # of the largest chunk

    def __str__(self) -> str:
        return (
            f"{_count(self.networks, 'network')} of {_count(self.stacks, 'shape')} in "
            f"{_count(len(self.chunks), 'chunk')}: about {_in_words(self.seconds)} on one idle core, "
            f"{max(1, round(self.bytes / 2**20)):,} MB at a time"
        )


def make_plan(
    jobs: Sequence[Job], sources: frozenset[str], engine: str, tables: Mapping[str, Dataset], workers: int = 1
) -> Plan:
    """Networks that can be trained as one stack together, in chunks of a few seconds; all settings of a seed in one.

    Raises
    ------
    ValueError
        A single network needs more memory than the machine has.
    """
    recipes = dict.fromkeys(job.recipe for job in jobs)
    shape_of = {recipe: recipe.stacks_with() for recipe in recipes}
    costs = {recipe: cost_of(recipe, sources, tables.get(recipe.data.name)) for recipe in recipes}
    _require_memory(max((cost.bytes for cost in costs.values()), default=0))
    groups: dict[object, list[Job]] = {}
    for job in jobs:
        groups.setdefault(shape_of[job.recipe], []).append(job)
    chunks: list[Chunk] = []
    largest = 0
    for group in groups.values():
        cost = costs[group[0].recipe]
        size = max(1, min(int(_CHUNK_SECONDS / cost.seconds), _CHUNK_BYTES // cost.bytes, -(-len(group) // workers)))
        by_seed = sorted(group, key=lambda job: job.seed)  # stable: the settings of a seed share its rows
        parts = -(-len(group) // size)
        bounds = np.linspace(0, len(group), parts + 1).astype(int)
        chunks += [Chunk(tuple(by_seed[a:b]), sources, engine) for a, b in pairwise(bounds)]
        largest = max(largest, -(-len(group) // parts) * cost.bytes)
    seconds = sum(costs[job.recipe].seconds for job in jobs)
    return Plan(tuple(chunks), len(jobs), len(groups), seconds, largest)


def cost_of(recipe: Recipe, sources: frozenset[str], table: Dataset | None) -> Cost:
    """About what one network of a recipe costs: time within a factor of three or so, on a core of today."""
    dataset = load(recipe.data, table, 0)
    loss = loss_for(recipe.network.loss, dataset, recipe.data.one_hot)
    outputs = outputs_for(loss, dataset, recipe.data.one_hot)
    sizes = [dataset.X.shape[1], *recipe.network.hidden_sizes, outputs]
    weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))  # biases and gains are few beside them
    training = recipe.training
    test = recipe.data.test
    rows = max(1, len(dataset.y) - test if isinstance(test, int) else int(len(dataset.y) * (1 - test)))
    steps = 1 if training.batch_size is None else -(-rows // training.batch_size)
    seconds = training.epochs * (rows * (6 * weights / _FLOPS + _ROW) + steps * _STEP)
    is_own = sources & {"data", "split"} and seeds_that_matter(recipe.data, table, 1, 1) != (0, 0)
    own_rows = dataset.X.nbytes + dataset.y.nbytes if is_own else 0
    curves = 2 * 8 * min(training.epochs, 2 * POINTS)
    return Cost(seconds, 2 * own_rows + _VECTORS * 8 * (weights + sum(sizes)) + curves)


def _require_memory(needed: int) -> None:
    """Refuse what cannot fit; where the system does not tell its memory, nothing is refused."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise ValueError(
            f"one network of this study needs about {needed / 2**30:,.1f} GB with its data, and this machine has "
            f"{there / 2**30:,.1f} GB; take fewer units or rows"
        )


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}{'s' * (number != 1)}"


def _in_words(seconds: float) -> str:
    """A duration as people say it.

    >>> _in_words(0.2), _in_words(90), _in_words(1e5)
    ('1 s', '1.5 min', '27.8 h')
    """
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
