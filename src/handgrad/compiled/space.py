"""Jobs and their work space, as arrays with addresses."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.compiled import jobs
from handgrad.compiled.gemm import gemm_address
from handgrad.compiled.native import address
from handgrad.compiled.plan import Plan
from handgrad.compiled.threads import work, yield_address

ENTRY = {  # of a job's address, the number of the worker, and 1 in the job's dtype; the GIL is released
    np.dtype(name): ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, number)
    for name, number in (("float64", ctypes.c_double), ("float32", ctypes.c_float))
}
LINE = 16  # numbers to which places in the work space are rounded up: a cache line of float32, two of float64


def job_of(
    plan: Plan,
    networks: int,
    params: Array,
    state: Array,
    dtype: np.dtype[Any],
    inner: Mapping[int, str],
) -> Array:
    """A job with all that the plan says, and the addresses of the inner functions that it needs."""
    job = np.zeros(jobs.SIZE, np.int64)
    job[jobs.OPERATIONS], job[jobs.COUNT] = plan.operations.ctypes.data, len(plan.operations)
    job[jobs.FIRST], job[jobs.INPUTS], job[jobs.OUTPUTS] = plan.first, plan.inputs, plan.outputs
    job[jobs.LOSS], job[jobs.LOSS_RULE] = plan.loss, plan.loss_parameters
    job[jobs.RULES], job[jobs.GEMM] = plan.rule_parameters.ctypes.data, gemm_address(dtype)
    job[jobs.NETWORKS], job[jobs.PARAMETERS], job[jobs.STATES] = networks, params.shape[-1], state.shape[-1]
    job[jobs.PARAMS], job[jobs.STATE] = params.ctypes.data, state.ctypes.data
    for place, function in inner.items():
        job[place] = address(function, dtype)
    return job


def set_data(job: Array, place: int, stride: int, array: Array) -> None:
    """Where an array lies, and how far apart the networks' parts of it: 0 where all share it."""
    assert array.flags.c_contiguous
    job[place], job[stride] = array.ctypes.data, array[0].size if array.ndim == 3 else 0


class Space:
    """The work space of a job's workers, laid out; `places` are fields of the job, and numbers that belong there."""

    def __init__(
        self, job: Array, places: Sequence[tuple[int, int]], threads: int, together: bool, dtype: np.dtype[Any]
    ) -> None:
        size = 0
        for place, length in places:
            job[place] = size
            size += -(-length // LINE) * LINE
        self.numbers = np.empty(size * (1 if together else threads) + LINE, dtype)
        self.counters = np.zeros(jobs.TEAM_SIZE * (2 + threads), np.int64)
        self.job, self.threads, self.dtype = job, threads, dtype
        job[jobs.WORK], job[jobs.WORK_SIZE] = self.numbers.ctypes.data + -self.numbers.ctypes.data % 64, size
        job[jobs.THREADS], job[jobs.TOGETHER] = threads, together and threads > 1
        job[jobs.NEXT] = self.counters.ctypes.data
        job[jobs.TEAM], job[jobs.YIELD] = self.counters[jobs.TEAM_SIZE :].ctypes.data, yield_address()

    def entry(self, function: str) -> Callable[[], None]:
        """What lets the workers go with the job, again and again."""
        native = ENTRY[self.dtype](address(function, self.dtype))
        place, counters = self.job.ctypes.data, self.counters

        def carry_out() -> None:
            counters[:] = 0
            if self.threads == 1:
                native(place, 0, 1.0)
            else:
                work(lambda worker: native(place, worker, 1.0), self.threads)

        return carry_out
