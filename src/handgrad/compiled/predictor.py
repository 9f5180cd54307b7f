"""Prediction from arrays: batches in blocks that fit a cache, spread over threads; single rows without ceremony."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.compiled import dense, engine, jobs, loops, prediction
from handgrad.compiled.plan import Plan
from handgrad.compiled.space import Space, job_of
from handgrad.compiled.threads import team, thread_count

BLOCK_VALUES = 1 << 16  # values of a block of rows: what fits a cache
SMALL = 64  # rows, up to which the work space is kept for the next call
WORTH_SHARING = 1 << 22  # values to compute, from which a batch is worth more than one core
INNER: dict[int, Callable[..., Any]] = {
    jobs.COPY_LOOP: loops.copy,
    jobs.ADD_LOOP: loops.add,
    jobs.ADD_BIAS: loops.add_bias,
    jobs.TRANSPOSE_ROWS: loops.transpose_rows,
    jobs.CHOOSE: loops.choose,
    jobs.TRANSPOSE: dense.transpose,
    jobs.FORWARD_PRODUCT: dense.forward,
    jobs.FORWARD: engine.forward,
}


class Predictor:
    """Logits and classes from a plan. Threads may call it at the same time: each has its own work space."""

    def __init__(self, plan: Plan, networks: int, dtype: np.dtype[Any]) -> None:
        self.plan, self.networks, self.dtype = plan, networks, dtype
        self.own = threading.local()

    def __call__(self, params: Array, state: Array, X: Array) -> "Prediction":
        """The logits and classes of X (rows, inputs) or (S, rows, inputs), contiguous and in the plan's dtype."""
        rows = X.shape[-2]
        if rows > SMALL:
            values = rows * self.networks * (self.plan.value_units + self.plan.inputs)
            with team(thread_count() if values >= WORTH_SHARING else 1) as threads:
                return self._prepare(params, state, rows, X.ndim, threads).of(X)
        kept = vars(self.own).get(f"{rows}, {X.ndim}")
        if kept is None or kept.params is not params:
            kept = self._prepare(params, state, rows, X.ndim, 1)
            vars(self.own)[f"{rows}, {X.ndim}"] = kept
        return kept.of(X)

    def _prepare(self, params: Array, state: Array, rows: int, axes: int, threads: int) -> "Prediction":
        return Prediction(self, params, state, rows, axes, threads)


class Prediction:
    """One job of predicting so many rows, and what came out: `logits` (S, rows, outputs), `classes` (S, rows)."""

    def __init__(self, predictor: Predictor, params: Array, state: Array, rows: int, axes: int, threads: int) -> None:
        plan, networks, dtype = predictor.plan, predictor.networks, predictor.dtype
        self.params = params
        self.logits = np.empty((networks, rows, plan.outputs), dtype)
        self.classes, self.wrong = np.empty((networks, rows), np.int64), np.zeros(1, np.int64)
        units = max(plan.value_units + plan.inputs, 1)
        block = min(rows, max(32, BLOCK_VALUES // units // 32 * 32))
        self.job = job = job_of(plan, networks, params, state, dtype, INNER)
        job[jobs.ROWS_OF_X], job[jobs.BATCH] = rows, block
        job[jobs.X_STRIDE] = rows * plan.inputs if axes == 3 else 0
        job[jobs.LOGITS], job[jobs.CLASSES] = self.logits.ctypes.data, self.classes.ctypes.data
        job[jobs.FAILED] = self.wrong.ctypes.data
        places = [
            (jobs.BATCH_AT, plan.inputs * block),
            (jobs.VALUES_AT, plan.value_units * block),
            (jobs.SCRATCH_AT, plan.widest * block),
        ]
        self.space = Space(job, places, threads, False, dtype)
        self.carry_out = self.space.entry(prediction.predict)
        self.kept = (plan, state)

    def of(self, X: Array) -> "Prediction":
        """The outputs for X, which overwrite those before."""
        self.wrong[0] = 0
        self.job[jobs.X] = X.__array_interface__["data"][0]
        self.carry_out()
        return self

    @property
    def finite(self) -> bool:
        """Whether X was."""
        return not self.wrong[0]
