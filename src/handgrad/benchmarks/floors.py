"""The floor: only the matrix products of a workload, each by whichever is faster here, BLAS or hand loops.

Nothing that trains this network with these products can be faster; the distance to it is what everything else costs.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.benchmarks.workloads import Problem, Workload

_ROWS_IN_CACHE = 1024  # prediction may take its rows in pieces
_METHOD = 1  # column of the plan


def prepare(problem: Problem, cores: int) -> Callable[[], list[Array]]:
    """A run of the products; on several cores the faster of threads that share the rows and BLAS's own threads."""
    from threadpoolctl import threadpool_limits

    workload, pool = problem.workload, ThreadPoolExecutor(cores)

    def limited(threads: int, run: Callable[[], None]) -> Callable[[], None]:
        def work() -> None:
            with threadpool_limits(threads, user_api="blas"):
                run()

        return work

    candidates = [limited(1, _shared(workload, cores, pool))]
    if cores > 1 and workload.networks == 1:
        candidates.append(limited(cores, _shared(workload, 1, pool)))
    fastest = min(candidates, key=_seconds) if len(candidates) > 1 else candidates[0]

    def run() -> list[Array]:
        fastest()
        return []

    return run


def _shared(workload: Workload, threads: int, pool: ThreadPoolExecutor) -> Callable[[], None]:
    """The products shared out: over networks where there are many, else over the rows of each batch."""
    from handgrad.benchmarks.products import run_products

    rows, batch = workload.rows, workload.batch_size or min(workload.rows, _ROWS_IN_CACHE)
    times, jobs = workload.calls or workload.epochs, workload.networks
    if jobs == 1:
        rows, batch, jobs = -(-rows // threads), -(-batch // threads), threads
    arenas = [_arena(workload, rows, batch) for _ in range(threads)]
    plan = _fastest(arenas[0], _plan(workload, rows, batch), rows, batch)

    def work(thread: int) -> None:
        for _ in range(thread, jobs, threads):
            run_products(arenas[thread], plan, rows, batch, times)

    def run() -> None:
        if threads == 1:
            work(0)
        else:
            list(pool.map(work, range(threads)))

    return run


def _plan(workload: Workload, rows: int, batch: int) -> Array:
    """The products of a step in their order, as `products.run_products` takes them."""
    from handgrad.benchmarks.products import BLAS, FORWARD, INPUTS, WEIGHTS

    forward: list[Any] = []
    backward: list[Any] = []
    A, end = 0, rows * workload.sizes[0]
    dA = None  # nobody needs ∂loss/∂X
    for D, C in zip(workload.sizes, workload.sizes[1:], strict=False):
        W, dW, Z, dZ = end, end + D * C, end + 2 * D * C, end + 2 * D * C + batch * C
        end = dZ + batch * C
        moves = int(A == 0)
        forward.append((FORWARD, BLAS, D, C, A, W, Z, moves))
        inputs: list[Any] = [] if dA is None else [(INPUTS, BLAS, D, C, dZ, W, dA, 0)]
        backward = [(WEIGHTS, BLAS, D, C, A, dZ, dW, moves), *inputs, *backward]
        A, dA = Z, dZ
    return np.array(forward if workload.calls else forward + backward)


def _arena(workload: Workload, rows: int, batch: int) -> Array:
    """Room for X and, for each layer, W, dW, Z and dZ; small random numbers, so that no product overflows."""
    pairs = list(zip(workload.sizes, workload.sizes[1:], strict=False))
    size = rows * workload.sizes[0] + sum(2 * D * C + 2 * batch * C for D, C in pairs)
    return (0.05 * np.random.default_rng(0).standard_normal(size, dtype=np.float32)).astype(workload.dtype)


def _fastest(arena: Array, plan: Array, rows: int, batch: int) -> Array:
    """The plan with the fastest method for each product, as measured on one batch."""
    from handgrad.benchmarks.products import BLAS, BY_ROWS, BY_UNITS, run_products

    chosen = plan.copy()
    once = min(rows, batch)
    for product in chosen:
        times = max(1, int(2e7 / (once * product[2] * product[3])))

        def seconds(method: int, product: Array = product, times: int = times) -> float:
            product[_METHOD] = method
            single = product[None].copy()
            return _seconds(lambda: run_products(arena, single, once, batch, times))

        product[_METHOD] = min((BLAS, BY_ROWS, BY_UNITS), key=seconds)
    return chosen


def _seconds(work: Callable[[], object]) -> float:
    """The best of three, after one to warm up."""
    taken = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
