"""Prediction from arrays: batches in blocks that fit a cache, spread over threads; single rows without ceremony."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import types

from handgrad.arrays import Array
from handgrad.compiled import dense, engine, jobs, loops, prediction
from handgrad.compiled.cache import callable_from_python
from handgrad.compiled.native import number
from handgrad.compiled.plan import Plan
from handgrad.compiled.space import Space, job_of, set_data
from handgrad.compiled.threads import team, thread_count

BLOCK_VALUES = 1 << 16  # values of a block of rows: what fits a cache
SMALL = 64  # rows, up to which the short way is taken
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
    """Logits and classes from a plan. Threads may call it at the same time: each call has its own work space."""

    def __init__(self, plan: Plan, params: Array, state: Array, networks: int | None) -> None:
        self.plan, self.params, self.state = plan, params, state
        self.networks, self.dtype = networks or 1, params.dtype
        self.classes: Callable[[Array], Array] = self._few(prediction.classes_of, types.int64[::1])
        self.logits: Callable[[Array], Array] = self._few(prediction.logits_of, number(self.dtype)[:, ::1])

    def __call__(self, X: Array) -> "Prediction":
        """The logits and classes of X (rows, inputs) or (S, rows, inputs), contiguous and in the plan's dtype."""
        values = X.shape[-2] * self.networks * (self.plan.value_units + self.plan.inputs)
        with team(thread_count() if values >= WORTH_SHARING else 1) as threads:
            return Prediction(self, X, threads)

    def _few(self, function: Any, result: Any) -> Callable[[Array], Array]:
        """`function` for a few rows of one network: a plain array of the dtype, else TypeError or ValueError."""
        places = {
            jobs.VALUES_AT: self.plan.inputs,
            jobs.SCRATCH_AT: self.plan.inputs + self.plan.value_units,
            jobs.WORK_SIZE: self.plan.inputs + self.plan.value_units + self.plan.widest,
            jobs.BATCH: SMALL if self.networks == 1 else 0,
        }
        job = job_of(self.plan, 1, self.params, self.state, self.dtype, INNER)
        job[list(places)] = list(places.values())
        real = number(self.dtype)
        signature = result(types.int64[::1], types.Array(real, 2, "C", readonly=True))
        text = f"# {self.dtype.name}, {function.__module__}\n{inspect.getsource(function)}"
        compiled = callable_from_python(function, signature, text)
        return partial(compiled, job)


class Prediction:
    """What came out: `logits` (S, rows, outputs), `classes` (S, rows), and whether X was `finite`."""

    def __init__(self, predictor: Predictor, X: Array, threads: int) -> None:
        plan, networks, dtype = predictor.plan, predictor.networks, predictor.dtype
        rows = X.shape[-2]
        self.logits = np.empty((networks, rows, plan.outputs), dtype)
        self.classes, wrong = np.empty((networks, rows), np.int64), np.zeros(1, np.int64)
        units = max(plan.value_units + plan.inputs, 1)
        block = min(rows, max(32, BLOCK_VALUES // units // 32 * 32))
        job = job_of(plan, networks, predictor.params, predictor.state, dtype, INNER)
        set_data(job, jobs.X, jobs.X_STRIDE, X)
        job[jobs.ROWS_OF_X], job[jobs.BATCH] = rows, block
        job[jobs.LOGITS], job[jobs.CLASSES] = self.logits.ctypes.data, self.classes.ctypes.data
        job[jobs.FAILED] = wrong.ctypes.data
        places = [
            (jobs.BATCH_AT, plan.inputs * block),
            (jobs.VALUES_AT, plan.value_units * block),
            (jobs.SCRATCH_AT, plan.widest * block),
        ]
        Space(job, places, threads, False, dtype).entry(prediction.predict)()
        self.finite = not wrong[0]
