"""Prediction from arrays: batches in blocks that fit a cache, spread over threads; single rows without ceremony."""

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np

from handgrad import blas
from handgrad.arrays import Array
from handgrad.compiled import jobs
from handgrad.compiled.native import address
from handgrad.compiled.plan import Plan
from handgrad.compiled.space import Space, job_of, set_data
from handgrad.compiled.threads import team, thread_count

BLOCK_VALUES = 1 << 16  # values of a block of rows: what fits a cache
WORTH_SHARING = 1 << 22  # values to compute, from which a batch is worth more than one core
INNER: dict[int, str] = {
    jobs.COPY_LOOP: "loops.copy",
    jobs.ADD_LOOP: "loops.add",
    jobs.ADD_BIAS: "loops.add_bias",
    jobs.TRANSPOSE_ROWS: "loops.transpose_rows",
    jobs.CHOOSE: "loops.choose",
    jobs.TRANSPOSE: "dense.transpose",
    jobs.FORWARD_PRODUCT: "dense.forward",
    jobs.FORWARD: "passes.forward",
}


class Predictor:
    """Logits and classes from a plan. Threads may call it at the same time: each call has its own work space."""

    def __init__(self, plan: Plan, params: Array, state: Array, networks: int | None) -> None:
        self.plan, self.params, self.state = plan, params, state
        self.networks, self.dtype = networks or 1, params.dtype
        job_of(plan, 1, params, state, self.dtype, INNER)  # what cannot be compiled is said now
        address("prediction.predict", self.dtype)
        blas.look_again()  # BLAS is loaded by now

    def __call__(self, X: Array) -> "Prediction":
        """The logits and classes of X (rows, inputs) or (S, rows, inputs), contiguous and in the plan's dtype."""
        values = X.shape[-2] * self.networks * (self.plan.value_units + self.plan.inputs)
        with blas.single_threaded(), team(thread_count() if values >= WORTH_SHARING else 1) as threads:
            return Prediction(self, X, threads)

    @cached_property
    def classes(self) -> Callable[[Array], Array]:
        """The class of a row (1, inputs) for one network, (1,): see `_quick`."""
        return self._quick("classes_of")

    @cached_property
    def logits(self) -> Callable[[Array], Array]:
        """The logits of a row, (1, outputs): see `_quick`."""
        return self._quick("logits_of")

    def _quick(self, name: str) -> Callable[[Array], Array]:
        """A function of one row without ceremony; TypeError or ValueError if X is anything but a finite row in a
        contiguous array of the dtype. One row needs no BLAS, and so no limit on BLAS's threads.
        """
        from handgrad.compiled.quick import quick

        places = {
            jobs.VALUES_AT: self.plan.inputs,
            jobs.SCRATCH_AT: self.plan.inputs + self.plan.value_units,
            jobs.WORK_SIZE: self.plan.inputs + self.plan.value_units + self.plan.widest,
            jobs.BATCH: 1,
        }
        job = job_of(self.plan, 1, self.params, self.state, self.dtype, INNER)
        job[list(places)] = list(places.values())
        return partial(quick(name, self.dtype), job)


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
        Space(job, places, threads, False, dtype).entry("prediction.predict")()
        self.finite = not wrong[0]
