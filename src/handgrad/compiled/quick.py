"""A row at a time, called from Python through Numba's dispatcher: a few microseconds in all."""

from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit, types

from handgrad.arrays import Array
from handgrad.compiled import jobs, plan
from handgrad.compiled.cache import folder
from handgrad.compiled.pointers import FAST, ahead, call, call_number, compiled, pointer, start_of


@cache
def quick(name: str, dtype: np.dtype[Any]) -> Any:
    """One of the functions below, compiled for a dtype; other types of arguments are a TypeError."""
    number = types.float64 if dtype == np.float64 else types.float32
    results = {"classes_of": types.int64[::1], "logits_of": number[:, ::1]}
    signature = results[name](types.int64[::1], types.Array(number, 2, "C", readonly=True))
    own, home = globals()[name], folder()
    if home is not None:  # Numba keeps its cache beside the file in which a function seems to stand
        place = home / f"{name}.py"
        if not place.exists():
            place.touch()
        own = FunctionType(own.__code__.replace(co_filename=str(place)), globals(), name)
    return njit([signature], fastmath=FAST, error_model="numpy", cache=home is not None)(own)


def classes_of(job: Array, X: Array) -> Array:
    """The classes (rows,) of X (rows, inputs) for one network; a ValueError where X does not fit or is not finite."""
    rows, chosen = len(X), np.empty(len(X), np.int64)
    space = np.empty(job[jobs.WORK_SIZE] * rows, X.dtype)
    Z = few_rows(job, X, start_of(space))
    scratch = ahead(start_of(space), job[jobs.SCRATCH_AT] * rows)
    call(job[jobs.CHOOSE], (Z, start_of(chosen), scratch, job[jobs.OUTPUTS], rows))
    return chosen


def logits_of(job: Array, X: Array) -> Array:
    """The logits (rows, outputs) of X, in the same way."""
    rows, logits = len(X), np.empty((len(X), job[jobs.OUTPUTS]), X.dtype)
    space = np.empty(job[jobs.WORK_SIZE] * rows, X.dtype)
    Z = few_rows(job, X, start_of(space))
    call(job[jobs.TRANSPOSE], (Z, start_of(logits), job[jobs.OUTPUTS], rows))
    return logits


@compiled
def few_rows(job, X, work):  # type: ignore[no-untyped-def]
    """The last values (outputs, rows) of at most BATCH rows, in the calling thread: the job is only read."""
    rows = len(X)
    if X.shape[1] != job[jobs.INPUTS] or rows == 0 or rows > job[jobs.BATCH]:
        raise ValueError
    one = X[0, 0]
    values, scratch = ahead(work, job[jobs.VALUES_AT] * rows), ahead(work, job[jobs.SCRATCH_AT] * rows)
    if not np.isfinite(call_number(job[jobs.TRANSPOSE_ROWS], (start_of(X), work, rows, job[jobs.INPUTS]), one)):
        raise ValueError
    params, state = pointer(job[jobs.PARAMS], one), pointer(job[jobs.STATE], one)
    call(job[jobs.FORWARD], (start_of(job), params, state, work, values, scratch, 0, rows, 0, 0, 1))
    last = ahead(pointer(job[jobs.OPERATIONS], np.int64(0)), (job[jobs.COUNT] - 1) * plan.COLUMNS)
    return ahead(values, last[plan.OUTPUT] * rows)
