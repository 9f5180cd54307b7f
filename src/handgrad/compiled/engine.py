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

from handgrad.compiled import dense, jobs, plan
from handgrad.compiled.crossover import PRODUCT
from handgrad.compiled.layers import GOLDEN, mix
from handgrad.compiled.native import Integers, Numbers
from handgrad.compiled.plan import ADD, COLUMNS, COPY, DENSE, FROM_X, ROWS, SPLIT
from handgrad.compiled.pointers import (
    add_atomically,
    ahead,
    call,
    call_number,
    compiled,
    pointer,
    read_atomically,
    set_rounding_of_tiny,
)

T: Any = np.float64
SPINS = 2000  # looks at a barrier before the core is offered to others


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


@compiled
def fold(key, number):  # type: ignore[no-untyped-def]
    """A new key from a key and a number, as in `handgrad.randomness`."""
    return mix(np.uint64(key) + (np.uint64(number) + np.uint64(1)) * GOLDEN)


@compiled
def barrier(job, me, threads):  # type: ignore[no-untyped-def]
    """Wait until all threads are here."""
    if threads == 1:
        return
    arrived = pointer(job[jobs.TEAM], np.int64(0))
    mine = ahead(arrived, (1 + me) * jobs.TEAM_SIZE)
    mine[0] += threads
    add_atomically(arrived, 1)
    looks = 0
    while read_atomically(arrived) < mine[0]:
        looks += 1
        if looks > SPINS:
            call(job[jobs.YIELD], ())
