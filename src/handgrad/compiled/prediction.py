"""Prediction: batches in blocks that fit a cache, shared out to threads; one row straight through."""

import numpy as np

from handgrad.compiled import jobs, plan
from handgrad.compiled.pointers import add_atomically, ahead, call, call_number, compiled, pointer


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
