"""Hand loops beside BLAS on the products of a dense layer, by shape: what `handgrad.compiled.crossover` is set by.

    python benchmarks/crossover.py

Prints microseconds of all three products both ways, and their ratio (below 1: hand loops win). Each way is compiled
into a cache folder of its own; the address of a product is called in a compiled loop, so that Python is not measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from numba import njit

from handgrad import blas
from handgrad.arrays import Array
from handgrad.compiled import crossover
from handgrad.compiled.gemm import gemm_address
from handgrad.compiled.native import address
from handgrad.compiled.pointers import call, call_number, pointer

SHAPES = ((2, 10), (10, 2), (10, 10), (20, 20), (32, 32), (64, 10), (100, 10))
ROWS = (16, 32, 210, 1000)
ALWAYS_LOOPS, NEVER_LOOPS = 10**9, 0


@njit(nogil=True)
def layer(job: Array, like: Array, repeats: int) -> None:
    """The three products, so often; `job` holds the addresses and the sizes."""
    one, zero = like[0], like[1]
    gemm, W, b, A, Z = job[4], pointer(job[5], one), pointer(job[6], one), pointer(job[7], one), pointer(job[8], one)
    scratch, dA, dW = pointer(job[9], one), pointer(job[10], one), pointer(job[11], one)
    fan_in, fan_out, rows, turned = job[12], job[13], job[14], job[15]
    for _ in range(repeats):
        call_number(job[0], (gemm, W, b, 1, A, Z, scratch, fan_in, fan_out, 0, fan_out, rows), 0)
        call(job[1], (gemm, W, Z, dA, fan_in, fan_out, 0, fan_in, rows))
        if turned:
            call(job[3], (Z, scratch, fan_out, rows))
        call_number(job[2], (gemm, A, Z, scratch, dW, W, fan_in, fan_out, 0, fan_in, rows, 0, zero), one)


def microseconds(dtype: np.dtype[Any], fan_in: int, fan_out: int, rows: int) -> float:
    """Of the three products, in the way that this process is set to: the fastest of nine."""
    shapes = ((fan_in, fan_out), (fan_out,), (fan_in, rows), (fan_out, rows), (fan_in + fan_out, rows), (fan_in, rows))
    arrays = [np.ones(shape, dtype) for shape in (*shapes, (fan_in, fan_out))]
    products = [f"dense.{name}" for name in ("forward", "input_gradient", "weight_gradient", "transpose")]
    turned = crossover.SHORT == NEVER_LOOPS and rows < crossover.SOME
    job = [address(name, dtype) for name in products] + [gemm_address(dtype)]
    job += [each.ctypes.data for each in arrays] + [fan_in, fan_out, rows, turned]
    repeats = max(5, int(2e6 / (fan_in * fan_out * rows)))
    times = []
    for _ in range(9):
        start = time.perf_counter()
        layer(np.array(job), np.array([1, 0], dtype), repeats)
        times.append((time.perf_counter() - start) / repeats * 1e6)
    return min(times)


def measured(short: int) -> list[float]:
    """All shapes, in a process whose crossover is set to that."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"HANDGRAD_CACHE_DIR": folder, "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, __file__, str(short)], env=environment, stdout=subprocess.PIPE, check=True
        )
    return [float(line) for line in done.stdout.split()]


def cases() -> list[tuple[np.dtype[Any], int, int, int]]:
    """dtype, fan_in, fan_out, rows."""
    dtypes = (np.dtype("float64"), np.dtype("float32"))
    return [(dtype, *shape, rows) for dtype in dtypes for rows in ROWS for shape in SHAPES]


def main() -> None:
    """One process for each way, and the table."""
    if len(sys.argv) > 1:
        crossover.SHORT = int(sys.argv[1])  # before the products are compiled
        with blas.single_threaded():
            for case in cases():
                print(microseconds(*case))
        return
    loops, products = measured(ALWAYS_LOOPS), measured(NEVER_LOOPS)
    print("dtype    rows  fan_in x fan_out    loops µs  BLAS µs  ratio")
    for (dtype, fan_in, fan_out, rows), loop, product in zip(cases(), loops, products, strict=True):
        print(f"{dtype.name} {rows:5} {fan_in:7} x {fan_out:<9} {loop:9.2f} {product:8.2f} {loop / product:6.2f}")


if __name__ == "__main__":
    main()
