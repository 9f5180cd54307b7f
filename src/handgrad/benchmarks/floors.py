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
    """A run of the products, shared out over threads that never wait for each other."""
    from threadpoolctl import threadpool_limits

    pool = ThreadPoolExecutor(cores)
    with threadpool_limits(1, user_api="blas"):
        products = _shared(problem.workload, cores, pool)

    def run() -> list[Array]:
        with threadpool_limits(1, user_api="blas"):
            products()
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

    once = min(rows, batch)

    def seconds(product: Array, method: int) -> float:
        single = product[None].copy()
        single[0, _METHOD] = method
        times = max(1, int(5e6 / (once * product[2] * product[3])))
        return _seconds(lambda: run_products(arena, single, once, batch, times))

    methods: dict[tuple[int, ...], int] = {}  # by kind and sizes
    chosen = plan.copy()
    for product in chosen:
        alike = tuple(product[[0, 2, 3]])
        if alike not in methods:
            methods[alike] = min((BLAS, BY_ROWS, BY_UNITS), key=lambda method: seconds(product, method))
        product[_METHOD] = methods[alike]
    return chosen


def _seconds(work: Callable[[], object]) -> float:
    """The best of three, after one to warm up."""
    taken = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
