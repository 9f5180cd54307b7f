"""Prediction: batches in blocks that fit a cache, shared out to threads; one row straight through."""

import numpy as np

from handgrad.arrays import Array
from handgrad.compiled import jobs, plan
from handgrad.compiled.pointers import add_atomically, ahead, call, call_number, compiled, pointer, start_of


def predict(address: int, worker: int, one: float) -> None:
    """The entry: logits and classes of every row for every network; FAILED tells whether X was not finite."""
    job = pointer(address, np.int64(0))
    following, rows_of_X, block = pointer(job[jobs.NEXT], np.int64(0)), job[jobs.ROWS_OF_X], job[jobs.BATCH]
    blocks = (rows_of_X + block - 1) // block
    task = add_atomically(following, 1)
    while task < job[jobs.NETWORKS] * blocks:
        network, start = task // blocks, (task % blocks) * block
        predict_block(job, network, start, min(block, rows_of_X - start), worker, one)
        task = add_atomically(following, 1)


def classes_of(job: Array, X: Array) -> Array:
    """The classes (rows,) of X (rows, inputs) for one network; raises ValueError where X does not fit or is not finite."""
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
    """The last values (outputs, rows) of rows that fit a cache, in the calling thread: the job is only read."""
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


@compiled
def predict_block(job, network, start, rows, worker, one):  # type: ignore[no-untyped-def]
    """One network's outputs for some rows."""
    work = ahead(pointer(job[jobs.WORK], one), worker * job[jobs.WORK_SIZE])
    params = ahead(pointer(job[jobs.PARAMS], one), network * job[jobs.PARAMETERS])
    state = ahead(pointer(job[jobs.STATE], one), network * job[jobs.STATES])
    X = ahead(pointer(job[jobs.X], one), network * job[jobs.X_STRIDE] + start * job[jobs.INPUTS])
    values, scratch = ahead(work, job[jobs.VALUES_AT]), ahead(work, job[jobs.SCRATCH_AT])
    if not np.isfinite(call_number(job[jobs.TRANSPOSE_ROWS], (X, work, rows, job[jobs.INPUTS]), one)):
        pointer(job[jobs.FAILED], np.int64(0))[0] = 1
    call(job[jobs.FORWARD], (job, params, state, work, values, scratch, 0, rows, 0, 0, 1))
    last = ahead(pointer(job[jobs.OPERATIONS], np.int64(0)), (job[jobs.COUNT] - 1) * plan.COLUMNS)
    Z, outputs = ahead(values, last[plan.OUTPUT] * rows), job[jobs.OUTPUTS]
    first = network * job[jobs.ROWS_OF_X] + start
    call(job[jobs.TRANSPOSE], (Z, ahead(pointer(job[jobs.LOGITS], one), first * outputs), outputs, rows))
    classes = ahead(pointer(job[jobs.CLASSES], np.int64(0)), first)
    call(job[jobs.CHOOSE], (Z, classes, scratch, outputs, rows))
