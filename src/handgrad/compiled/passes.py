"""The passes through a plan: forward, operation by operation, and backward, last operation first.

Threads that work together each do parts of an operation's units, and meet at barriers where one needs what others did.
"""

from typing import Any

import numpy as np

from handgrad.compiled import dense, jobs, plan
from handgrad.compiled.crossover import PRODUCT
from handgrad.compiled.meeting import barrier, fold
from handgrad.compiled.native import Integers, Numbers
from handgrad.compiled.plan import ADD, COLUMNS, COPY, DENSE, FROM_X, ROWS, SPLIT
from handgrad.compiled.pointers import ahead, call, call_number, compiled, pointer

T: Any = np.float64


def forward(
    job: Integers,
    params: Numbers,
    state: Numbers,
    X: Numbers,
    values: Numbers,
    scratch: Numbers,
    key: int,
    rows: int,
    training: int,
    me: int,
    threads: int,
) -> None:
    """Every operation in order; training 0: prediction mode, 2: what is measured moves."""
    table, rules = pointer(job[jobs.OPERATIONS], np.int64(0)), pointer(job[jobs.RULES], T(0))
    before, added = -1, np.int64(0)
    for i in range(job[jobs.COUNT]):
        op = ahead(table, i * COLUMNS)
        code, width, chunk = op[plan.CODE], op[plan.FAN_OUT], op[plan.CHUNK_OUT]
        A = X if op[plan.INPUT] == FROM_X else ahead(values, op[plan.INPUT] * rows)
        skipped = X if op[plan.CACHE] == FROM_X else ahead(values, op[plan.CACHE] * rows)
        Y, own = ahead(values, op[plan.OUTPUT] * rows), ahead(params, op[plan.OWN])
        if code in (DENSE, ROWS) or before == ROWS:
            barrier(job, me, threads)
        before = code
        for start in range(me * chunk, width, threads * chunk):
            stop = min(width, start + chunk)
            at, length = start * rows, (stop - start) * rows
            if code == DENSE:
                biased, b = np.int64(op[plan.BIAS] >= 0), ahead(params, op[plan.BIAS])
                sizes = (op[plan.FAN_IN], width, start, stop, rows)
                arguments = (job[jobs.GEMM], own, b, biased, A, Y, scratch, *sizes)
                added = call_number(job[jobs.FORWARD_PRODUCT], arguments, np.int64(0))
                if op[plan.EXTRA] and not added:
                    call(job[jobs.ADD_BIAS], (Y, b, start, stop, rows))
            elif code == ADD:
                call(job[jobs.ADD_LOOP], (ahead(A, at), ahead(skipped, at), ahead(Y, at), length))
            elif code == COPY:
                call(job[jobs.COPY_LOOP], (ahead(A, at), ahead(Y, at), length))
            elif code != SPLIT:
                layer_key = np.int64(fold(key, op[plan.LAYER]))
                extra = np.int64(0) if op[plan.ADDS_BIAS] and added else op[plan.EXTRA]
                more = (layer_key, extra, width, start, stop, rows, training)
                measured, rule = ahead(state, op[plan.STATE]), ahead(rules, op[plan.RULE])
                call(op[plan.FORWARD], (A, Y, skipped, own, measured, rule, *more))


def backward(
    job: Integers,
    params: Numbers,
    X: Numbers,
    values: Numbers,
    gradients: Numbers,
    gradient: Numbers,
    scratch: Numbers,
    inside: int,
    rate: float,
    rows: int,
    me: int,
    threads: int,
) -> float:
    """The chain rule, last operation first, into the flat gradient; answers 0 times the weights updated on the way."""
    table, rules = pointer(job[jobs.OPERATIONS], np.int64(0)), pointer(job[jobs.RULES], T(0))
    finite, before = T(0), ROWS  # the loss looks at all units of a row
    for i in range(job[jobs.COUNT] - 1, job[jobs.FIRST] - 1, -1):
        op = ahead(table, i * COLUMNS)
        code, width, chunk = op[plan.CODE], op[plan.FAN_OUT], op[plan.CHUNK_OUT]
        D = ahead(gradients, op[plan.BY_OUTPUT] * rows)
        A = X if op[plan.INPUT] == FROM_X else ahead(values, op[plan.INPUT] * rows)
        if code in (DENSE, ROWS) or before in (DENSE, ROWS):
            barrier(job, me, threads)
        before = code
        if code == DENSE:
            dA = ahead(gradients, op[plan.BY_INPUT] * rows)
            below = i > job[jobs.FIRST]
            finite += dense_backward(
                job, op, params, A, D, dA, gradient, scratch, inside, rate, rows, below, me, threads
            )
            continue
        Y, cache = ahead(values, op[plan.OUTPUT] * rows), ahead(values, op[plan.CACHE] * rows)
        for start in range(me * chunk, width, threads * chunk):
            stop = min(width, start + chunk)
            at, length = start * rows, (stop - start) * rows
            part, saved = ahead(D, at), ahead(gradients, op[plan.SAVED] * rows + at)
            if code == SPLIT:
                call(job[jobs.ADD_LOOP], (part, saved, part, length))
            elif code == ADD:
                call(job[jobs.COPY_LOOP], (part, saved, length))
            elif code != COPY:
                more = (np.int64(0), op[plan.EXTRA], width, start, stop, rows)
                learned, rule = ahead(params, op[plan.OWN]), ahead(rules, op[plan.RULE])
                call(op[plan.BACKWARD], (A, Y, cache, D, learned, ahead(gradient, op[plan.OWN]), rule, *more))
    return finite


@compiled
def dense_backward(  # type: ignore[no-untyped-def]
    job, op, params, A, dZ, dA, gradient, scratch, inside, rate, rows, below, me, threads
):
    """dA = W dZ, dW = A dZᵀ and db = Σ dZ; plain gradient descent updates a large W inside the product."""
    fan_in, fan_out, chunk = op[plan.FAN_IN], op[plan.FAN_OUT], op[plan.CHUNK_IN]
    W, dW, finite = ahead(params, op[plan.OWN]), ahead(gradient, op[plan.OWN]), rate - rate
    if dense.wants_rows(fan_in, fan_out, rows):
        if me == 0:
            call(job[jobs.TRANSPOSE], (dZ, scratch, fan_out, rows))
        barrier(job, me, threads)
    inside = np.int64(inside and dense.way(fan_in, fan_out, job[jobs.BATCH]) == PRODUCT)
    parts = (fan_in + chunk - 1) // chunk
    if below:
        for part in range(me, parts, threads):
            start, stop = part * chunk, min(fan_in, (part + 1) * chunk)
            call(job[jobs.INPUT_GRADIENT], (job[jobs.GEMM], W, dZ, dA, fan_in, fan_out, start, stop, rows))
        if inside:
            barrier(job, me, threads)
    after = parts if below else 0  # who did one part less before does one more now
    for part in range((me - after) % threads, parts, threads):
        start, stop = part * chunk, min(fan_in, (part + 1) * chunk)
        arguments = (job[jobs.GEMM], A, dZ, scratch, dW, W, fan_in, fan_out, start, stop, rows, inside, rate)
        finite += call_number(job[jobs.WEIGHT_GRADIENT], arguments, rate)
    if op[plan.BIAS] >= 0:
        chunk = op[plan.CHUNK_OUT]
        for start in range(me * chunk, fan_out, threads * chunk):
            db = ahead(gradient, op[plan.BIAS])
            call(job[jobs.UNIT_SUMS], (dZ, db, start, min(fan_out, start + chunk), rows))
    return finite
