"""Training from arrays: a runner holds what a job of training needs, and does jobs of so many epochs."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.compiled import jobs
from handgrad.compiled.crossover import PRODUCT, way
from handgrad.compiled.plan import CODE, DENSE, FAN_IN, FAN_OUT, MOST_PARTS, OWN, Plan
from handgrad.compiled.space import Space, job_of, set_data
from handgrad.compiled.threads import team

CHUNK = 1 << 16  # parameters that are updated in one go
INNER: dict[int, str] = {
    jobs.COPY_LOOP: "loops.copy",
    jobs.ADD_LOOP: "loops.add",
    jobs.ADD_BIAS: "loops.add_bias",
    jobs.UNIT_SUMS: "loops.unit_sums",
    jobs.EQUAL_SHARES: "loops.equal_shares",
    jobs.TRANSPOSE: "dense.transpose",
    jobs.FORWARD_PRODUCT: "dense.forward",
    jobs.INPUT_GRADIENT: "dense.input_gradient",
    jobs.WEIGHT_GRADIENT: "dense.weight_gradient",
    jobs.RUN_NETWORK: "engine.run_network",
    jobs.KEEP: "engine.keep",
    jobs.FETCH: "engine.fetch",
    jobs.STEP: "engine.step",
    jobs.FORWARD: "passes.forward",
    jobs.BACKWARD: "passes.backward",
    jobs.APPLY: "engine.apply",
}
SOMETIMES: dict[int, str] = {
    jobs.GATHER: "loops.gather",
    jobs.SHARE_OUT: "loops.share_out",
    jobs.PENALISE: "loops.penalise",
    jobs.LARGEST: "loops.largest",
    jobs.SCALED_SQUARES: "loops.scaled_squares",
    jobs.CLIPPING: "engine.clipping",
}


class Results(NamedTuple):
    """Losses (epochs, S), and for each network the step (from 0) that was not finite, or -1."""

    losses: Array
    failed: Array


class Vectors(NamedTuple):
    """The flat vectors of S networks: parameters (S, P), state (S, Q), the optimiser's memory (slots, S, P)."""

    params: Array
    state: Array
    memory: Array


class Data(NamedTuple):
    """X (rows, inputs) or (S, rows, inputs), T alike, weights of the rows or None; all in the dtype of the plan."""

    X: Array
    T: Array
    weights: Array | None


class Rule(NamedTuple):
    """What is done with a gradient. Without an `update` kernel nothing is: loss and gradient are the result."""

    update: int = 0
    coefficients: int = 0  # how many the kernel takes
    plain: bool = False  # whether it is w - η g and nothing else
    clip: float | None = None
    frozen: Array | None = None  # (P,), True where a parameter stays
    weights: int = 0  # length of the prefix that is penalised


class Runner:
    """Jobs of training for a plan, its networks' vectors and their data."""

    def __init__(
        self, plan: Plan, vectors: Vectors, data: Data, batch: int | None, rule: Rule, l2: Array, keys: Array
    ) -> None:
        networks, size = vectors.params.shape
        rows, dtype = data.X.shape[-2], vectors.params.dtype
        whole = batch is None or batch >= rows
        length = rows if batch is None else min(batch, rows)
        X, T = (np.ascontiguousarray(each.mT) for each in data[:2]) if whole else data[:2]
        inside = rule.plain and rule.clip is None and rule.frozen is None
        chunks, outside = _chunks(plan, size, rule, length if inside else None)
        clip, self.gradient = np.array([rule.clip or 0], dtype), np.zeros_like(vectors.params)
        needed = {place: SOMETIMES[place] for place in _needed(whole, rule, data)}
        self.job = job = job_of(plan, networks, vectors.params, vectors.state, dtype, INNER | needed)
        set_data(job, jobs.X, jobs.X_STRIDE, X)
        set_data(job, jobs.T, jobs.T_STRIDE, T)
        job[jobs.ROWS_OF_X], job[jobs.BATCH], job[jobs.IN_ORDER] = rows, length, whole
        job[jobs.ROW_WEIGHTS] = 0 if data.weights is None else data.weights.ctypes.data
        job[jobs.MEMORY], job[jobs.SLOTS] = vectors.memory.ctypes.data, len(vectors.memory)
        job[jobs.SLOT_STRIDE] = networks * size
        job[jobs.UPDATE], job[jobs.COEFFICIENT_COUNT], job[jobs.INSIDE] = rule.update, rule.coefficients, inside
        job[jobs.CLIP] = 0 if rule.clip is None else clip.ctypes.data
        job[jobs.CHUNKS], job[jobs.CHUNK_COUNT] = chunks.ctypes.data, len(chunks)
        job[jobs.OUTSIDE] = outside
        job[jobs.L2], job[jobs.KEYS], job[jobs.TRAINING] = l2.ctypes.data, keys.ctypes.data, 2 if rule.update else 1
        job[jobs.GRADIENT] = self.gradient.ctypes.data
        self.l2 = l2
        self.networks, self.together, self.dtype = networks, networks == 1 and plan.worth_sharing, dtype
        self.kept = (plan, vectors, X, T, data.weights, chunks, clip, l2, keys)  # the job has their addresses
        self.places = [
            (jobs.SNAPSHOT_AT, size * (1 + len(vectors.memory)) + vectors.state.shape[1]),
            (jobs.BATCH_AT, (plan.inputs + plan.outputs + 1) * length),
            (jobs.VALUES_AT, plan.value_units * length),
            (jobs.GRADIENTS_AT, plan.gradient_units * length),
            (jobs.SCRATCH_AT, max(plan.widest, 3) * length),
        ]

    def run(
        self,
        epochs: int,
        order: Array | None,
        coefficients: Array,
        shrinks: Array | None,
        first_step: int,
        active: Array,
        threads: int,
    ) -> Results:
        """Train for so many epochs.

        Parameters
        ----------
        order
            The rows of each epoch, (epochs, S or 1, rows); None where the whole set is one batch.
        coefficients
            The rule's at each step, (S or 1, steps, count).
        shrinks
            The factor on the weights at each step, (S or 1, steps); None for 1.
        first_step
            The number of the first step, from 0: what dropout draws depends on it.
        active
            (S,): the others stay as they are.
        """
        job = self.job
        losses, failed = np.zeros((epochs, self.networks)), np.full(self.networks, -1)
        coefficients = np.ascontiguousarray(coefficients, self.dtype)
        active = np.ascontiguousarray(active, np.uint8)
        job[jobs.EPOCHS], job[jobs.FIRST_STEP] = epochs, first_step
        job[jobs.LOSSES], job[jobs.FAILED], job[jobs.ACTIVE] = (each.ctypes.data for each in (losses, failed, active))
        job[jobs.COEFFICIENTS] = coefficients.ctypes.data
        job[jobs.COEFFICIENT_STRIDE] = coefficients[0].size if len(coefficients) > 1 else 0
        if shrinks is not None:
            shrinks = np.ascontiguousarray(shrinks, self.dtype)
            job[jobs.SHRINKS] = shrinks.ctypes.data
            job[jobs.SHRINK_STRIDE] = shrinks.shape[1] if len(shrinks) > 1 else 0
        if order is not None:
            order = np.ascontiguousarray(order, np.int64)
            job[jobs.ORDER], job[jobs.EPOCH_STRIDE] = order.ctypes.data, order[0].size
            job[jobs.ORDER_STRIDE] = order.shape[2] if order.shape[1] > 1 else 0
        with team(min(threads, MOST_PARTS if self.together else self.networks)) as available:
            checks = 1 + (available if self.together else 1) + 2 * int(job[jobs.CHUNK_COUNT])
            gradient = (jobs.GRADIENT_AT, int(job[jobs.PARAMETERS]))
            places = [gradient, (jobs.CHECKS_AT, checks), *self.places]
            Space(job, places, available, self.together, self.dtype).entry("engine.train")()
        return Results(losses, failed)


def _needed(whole: bool, rule: Rule, data: Data) -> list[int]:
    """The inner functions that only some jobs need."""
    needed = [] if whole else [jobs.GATHER]
    needed += [] if data.weights is None else [jobs.SHARE_OUT]
    needed += [jobs.PENALISE] if rule.clip is not None or rule.frozen is not None or not rule.update else []
    return needed + ([] if rule.clip is None else [jobs.LARGEST, jobs.SCALED_SQUARES, jobs.CLIPPING])


def _chunks(plan: Plan, size: int, rule: Rule, inside: int | None) -> tuple[Array, int]:
    """(start, length, what) of the parameters that are updated in one go: weights apart from others, frozen ones apart.

    With `inside` (the batch size) those weights come last that a network without a penalty updates inside their
    product; the number is how many chunks come before them.
    """
    kind = np.full(size, jobs.OTHER)
    kind[: rule.weights] = jobs.WEIGHT
    if rule.frozen is not None:
        kind[rule.frozen] = np.where(kind[rule.frozen] == jobs.WEIGHT, jobs.FROZEN_WEIGHT, -1)
    late = np.zeros(size, bool)
    for row in plan.operations:
        if inside is not None and row[CODE] == DENSE and way(row[FAN_IN], row[FAN_OUT], inside) == PRODUCT:
            late[row[OWN] : row[OWN] + row[FAN_IN] * row[FAN_OUT]] = True
    parts = [_runs(kind, late == here) for here in (False, True)]
    return np.array([*parts[0], *parts[1]], np.int64).reshape(-1, 3), len(parts[0])


def _runs(kind: Array, wanted: Array) -> list[tuple[int, int, int]]:
    """Stretches of one kind, cut to the length of a chunk."""
    labels = np.where(wanted, kind, -1)
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1), len(labels)]
    return [
        (at, min(CHUNK, stop - at), int(labels[start]))
        for start, stop in pairwise(edges)
        if stop > start and labels[start] >= 0
        for at in range(start, stop, CHUNK)
    ]
