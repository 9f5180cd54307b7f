"""The engine: runs plans. Forward, loss, backward, penalty, clipping and update, for whole epochs, without Python.

Threads work together on one large network, each on parts of a layer's units and chunks of the parameters, and meet at
barriers; or each takes the next network of a stack. Parts and chunks depend on shapes alone, so what is computed does
not depend on the number of threads.

A step that is not finite must not be applied, and it is known only when it has been: so a job starts with a snapshot,
goes back to it when that happens, and runs again up to the step before.

Here a job is a pointer to its integers, and every loop over numbers is a call to a function of `loops`, `dense` or
`kernels`; what is left compiles in seconds.
"""

from typing import Any

import numpy as np

from handgrad.compiled import jobs, plan
from handgrad.compiled.meeting import barrier, fold
from handgrad.compiled.native import Integers, Numbers
from handgrad.compiled.plan import COLUMNS
from handgrad.compiled.pointers import (
    add_atomically,
    ahead,
    call,
    call_number,
    compiled,
    pointer,
    set_rounding_of_tiny,
)

T: Any = np.float64


def train(address: int, worker: int, one: float) -> None:
    """The entry: all that a worker does of the job at that address; `one` is 1 in the job's dtype."""
    control = set_rounding_of_tiny(-1)
    run(pointer(address, np.int64(0)), worker)
    set_rounding_of_tiny(control)


@compiled
def run(job, worker):  # type: ignore[no-untyped-def]
    """One network together with the other workers, or the next of a stack, and again."""
    if job[jobs.TOGETHER]:
        call(job[jobs.RUN_NETWORK], (job, 0, 0, worker, job[jobs.THREADS]))
        return
    following, active = pointer(job[jobs.NEXT], np.int64(0)), pointer(job[jobs.ACTIVE], np.uint8(0))
    network = add_atomically(following, 1)
    while network < job[jobs.NETWORKS]:
        if active[network]:
            call(job[jobs.RUN_NETWORK], (job, network, worker, 0, 1))
        network = add_atomically(following, 1)


def run_network(job: Integers, network: int, worker: int, me: int, threads: int) -> None:
    """All steps of a job for one network; if one is not finite, those before it."""
    one = T(1)
    work = ahead(pointer(job[jobs.WORK], one), worker * job[jobs.WORK_SIZE])
    if me == 0 and job[jobs.UPDATE]:
        call(job[jobs.KEEP], (job, network, ahead(work, job[jobs.SNAPSHOT_AT]), 1))
    until, failed, again = -1, -1, True
    while again:
        stopped = run_steps(job, network, work, until, me, threads, one)
        again = stopped >= 0 and until < 0 and job[jobs.UPDATE] != 0
        failed = stopped if until < 0 else failed
        if again:
            until = stopped
            barrier(job, me, threads)
            if me == 0:
                call(job[jobs.KEEP], (job, network, ahead(work, job[jobs.SNAPSHOT_AT]), 0))
    if me == 0:
        pointer(job[jobs.FAILED], np.int64(0))[network] = failed


def keep(job: Integers, network: int, snapshot: Numbers, save: int) -> None:
    """Copy parameters, state and the optimiser's memory into the snapshot, or back."""
    size, states = job[jobs.PARAMETERS], job[jobs.STATES]
    for slot in range(-2, job[jobs.SLOTS]):
        if slot == -2:
            live, length = ahead(pointer(job[jobs.PARAMS], T(0)), network * size), size
        elif slot == -1:
            live, length = ahead(pointer(job[jobs.STATE], T(0)), network * states), states
        else:
            place = slot * job[jobs.SLOT_STRIDE] + network * size
            live, length = ahead(pointer(job[jobs.MEMORY], T(0)), place), size
        if save:
            call(job[jobs.COPY_LOOP], (live, snapshot, length))
        else:
            call(job[jobs.COPY_LOOP], (snapshot, live, length))
        snapshot = ahead(snapshot, length)


@compiled
def run_steps(job, network, work, until, me, threads, one):  # type: ignore[no-untyped-def]
    """Epoch by epoch, up to step `until` (-1: to the end); answers the step that was not finite, or -1."""
    rows_of_X, batch = job[jobs.ROWS_OF_X], job[jobs.BATCH]
    losses, number = pointer(job[jobs.LOSSES], np.float64(0)), 0
    for epoch in range(job[jobs.EPOCHS]):
        total = 0.0
        for start in range(0, rows_of_X, batch):
            if number == until:
                return -1
            rows = min(batch, rows_of_X - start)
            call(job[jobs.FETCH], (job, network, work, epoch, start, rows, me, threads))
            barrier(job, me, threads)
            loss = call_number(job[jobs.STEP], (job, network, work, rows, number, me, threads), one)
            total += loss * (rows / rows_of_X)
            if me == 0:
                losses[epoch * job[jobs.NETWORKS] + network] = total
            if not np.isfinite(loss):
                return number
            number += 1
    return -1


def fetch(job: Integers, network: int, work: Numbers, epoch: int, start: int, rows: int, me: int, threads: int) -> None:
    """The next batch into the work space: inputs, targets, and the share of each row in the mean."""
    X, targets, shares = batch_places(job, network, work, T(0))
    order = pointer(job[jobs.ORDER], np.int64(0))
    order = ahead(order, network * job[jobs.ORDER_STRIDE] + epoch * job[jobs.EPOCH_STRIDE] + start)
    if not job[jobs.IN_ORDER]:
        source = ahead(pointer(job[jobs.X], T(0)), network * job[jobs.X_STRIDE])
        columns = job[jobs.INPUTS]
        part = columns if threads == 1 else 64
        for begin in range(me * part, columns, threads * part):
            call(job[jobs.GATHER], (source, order, X, columns, begin, min(columns, begin + part), rows))
    if me > 0:
        return
    if not job[jobs.IN_ORDER]:
        source = ahead(pointer(job[jobs.T], T(0)), network * job[jobs.T_STRIDE])
        call(job[jobs.GATHER], (source, order, targets, job[jobs.OUTPUTS], 0, job[jobs.OUTPUTS], rows))
    if job[jobs.ROW_WEIGHTS]:
        weights, chosen = pointer(job[jobs.ROW_WEIGHTS], T(0)), 1 - job[jobs.IN_ORDER]
        call(job[jobs.SHARE_OUT], (weights, order, shares, rows, chosen))
    else:
        call(job[jobs.EQUAL_SHARES], (shares, rows))


@compiled
def batch_places(job, network, work, one):  # type: ignore[no-untyped-def]
    """Where inputs, targets and shares of a batch lie; those of the whole set lie where they always do."""
    X = ahead(work, job[jobs.BATCH_AT])
    targets = ahead(X, job[jobs.INPUTS] * job[jobs.BATCH])
    shares = ahead(targets, job[jobs.OUTPUTS] * job[jobs.BATCH])
    if job[jobs.IN_ORDER]:
        X = ahead(pointer(job[jobs.X], one), network * job[jobs.X_STRIDE])
        targets = ahead(pointer(job[jobs.T], one), network * job[jobs.T_STRIDE])
    return X, targets, shares


def step(job: Integers, network: int, work: Numbers, rows: int, number: int, me: int, threads: int) -> float:
    """One step on one batch, applied; answers the objective before it, which is not finite if anything was not."""
    params = ahead(pointer(job[jobs.PARAMS], T(0)), network * job[jobs.PARAMETERS])
    state = ahead(pointer(job[jobs.STATE], T(0)), network * job[jobs.STATES])
    values, gradients = ahead(work, job[jobs.VALUES_AT]), ahead(work, job[jobs.GRADIENTS_AT])
    checks, scratch = ahead(work, job[jobs.CHECKS_AT]), ahead(work, job[jobs.SCRATCH_AT])
    X, targets, shares = batch_places(job, network, work, T(0))
    key = fold(pointer(job[jobs.KEYS], np.uint64(0))[network], job[jobs.FIRST_STEP] + number)
    more = (np.int64(key), rows, job[jobs.TRAINING], me, threads)
    call(job[jobs.FORWARD], (job, params, state, X, values, scratch, *more))
    barrier(job, me, threads)
    if me == 0:
        last = ahead(pointer(job[jobs.OPERATIONS], np.int64(0)), (job[jobs.COUNT] - 1) * COLUMNS)
        Z, dZ = ahead(values, last[plan.OUTPUT] * rows), ahead(gradients, last[plan.BY_OUTPUT] * rows)
        rule = ahead(pointer(job[jobs.RULES], T(0)), job[jobs.LOSS_RULE])
        checks[0] = call_number(job[jobs.LOSS], (Z, targets, shares, dZ, scratch, rule, job[jobs.OUTPUTS], rows), T(0))
    coefficients = ahead(pointer(job[jobs.COEFFICIENTS], T(0)), network * job[jobs.COEFFICIENT_STRIDE])
    coefficients = ahead(coefficients, number * job[jobs.COEFFICIENT_COUNT])
    l2, shrink = pointer(job[jobs.L2], T(0))[network], T(1)
    inside = np.int64(job[jobs.INSIDE] and l2 == 0)
    chunks = job[jobs.OUTSIDE] if inside else job[jobs.CHUNK_COUNT]
    rate = coefficients[0] if inside else T(0)
    arguments = (job, params, X, values, gradients, work, scratch, inside, rate, rows, me, threads)
    checks[1 + me] = call_number(job[jobs.BACKWARD], arguments, T(0))
    barrier(job, me, threads)
    if job[jobs.SHRINKS]:
        shrink = pointer(job[jobs.SHRINKS], T(0))[network * job[jobs.SHRINK_STRIDE] + number]
    call(job[jobs.APPLY], (job, network, params, work, coefficients, chunks, l2, shrink, me, threads))
    barrier(job, me, threads)
    if me == 0 and job[jobs.UPDATE] == 0:
        target = ahead(pointer(job[jobs.GRADIENT], T(0)), network * job[jobs.PARAMETERS])
        call(job[jobs.COPY_LOOP], (work, target, job[jobs.PARAMETERS]))
    return objective(job, checks, state, chunks, l2, threads)


@compiled
def objective(job, checks, state, chunks, l2, threads):  # type: ignore[no-untyped-def]
    """Data loss and penalty of the step, plus 0 times all that is new."""
    squares, finite = 0.0, 0.0
    for chunk in range(chunks):
        finite += checks[1 + threads + 2 * chunk]
        squares += checks[2 + threads + 2 * chunk]
    for thread in range(threads):
        finite += checks[1 + thread]
    for i in range(job[jobs.STATES]):
        finite += state[i] * 0.0
    penalty = l2 * 0.5 * squares if l2 > 0 else 0.0
    return checks[0] + penalty + finite


def apply(
    job: Integers,
    network: int,
    params: Numbers,
    gradient: Numbers,
    coefficients: Numbers,
    count: int,
    l2: float,
    shrink: float,
    me: int,
    threads: int,
) -> None:
    """Penalty, clipping and the optimiser's rule, chunk by chunk; without a rule the penalty only."""
    zero, one, chunks = T(0), T(1), pointer(job[jobs.CHUNKS], np.int64(0))
    checks, scale = ahead(gradient, job[jobs.CHECKS_AT] + 1 + threads), one
    in_advance = job[jobs.CLIP] or job[jobs.UPDATE] == 0
    for chunk in range(me, count, threads):
        start, length, holds = chunks[3 * chunk], chunks[3 * chunk + 1], chunks[3 * chunk + 2]
        checks[2 * chunk], checks[2 * chunk + 1] = zero, zero
        if holds == jobs.FROZEN_WEIGHT or (holds == jobs.WEIGHT and in_advance):
            arguments = (ahead(gradient, start), ahead(params, start), l2, length)
            checks[2 * chunk + 1] = call_number(job[jobs.PENALISE], arguments, one)
    if job[jobs.CLIP]:
        barrier(job, me, threads)
        scale = call_number(job[jobs.CLIPPING], (job, gradient, pointer(job[jobs.CLIP], one)[0]), one)
        barrier(job, me, threads)
    if job[jobs.UPDATE] == 0:
        return
    memory = ahead(pointer(job[jobs.MEMORY], one), network * job[jobs.PARAMETERS])
    for chunk in range(me, count, threads):
        start, length, holds = chunks[3 * chunk], chunks[3 * chunk + 1], chunks[3 * chunk + 2]
        if holds == jobs.FROZEN_WEIGHT:
            continue
        penalty, decay = zero, one
        if holds == jobs.WEIGHT:
            penalty, decay = zero if in_advance else l2, shrink
        result = ahead(checks, 2 * chunk)
        vectors = (ahead(params, start), ahead(gradient, start), ahead(memory, start), coefficients, result)
        call(job[jobs.UPDATE], (*vectors, length, job[jobs.SLOT_STRIDE], penalty, decay, scale))
        if holds != jobs.WEIGHT:
            result[1] = zero


def clipping(job: Integers, gradient: Numbers, norm: float) -> float:
    """min(1, norm / ‖g‖) over all trained parameters; scaled by the largest, so that no square overflows."""
    chunks, largest, squares = pointer(job[jobs.CHUNKS], np.int64(0)), T(0), 0.0
    for chunk in range(job[jobs.CHUNK_COUNT]):
        if chunks[3 * chunk + 2] != jobs.FROZEN_WEIGHT:
            part, length = ahead(gradient, chunks[3 * chunk]), chunks[3 * chunk + 1]
            largest = max(largest, call_number(job[jobs.LARGEST], (part, length), T(0)))
    if not (largest > 0 and np.isfinite(largest)):
        return T(1)
    for chunk in range(job[jobs.CHUNK_COUNT]):
        if chunks[3 * chunk + 2] != jobs.FROZEN_WEIGHT:
            part, length = ahead(gradient, chunks[3 * chunk]), chunks[3 * chunk + 1]
            squares += np.float64(call_number(job[jobs.SCALED_SQUARES], (part, largest, length), T(0)))
    return T(min(1.0, np.float64(norm) / (np.float64(largest) * np.sqrt(squares))))
