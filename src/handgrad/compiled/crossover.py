"""Which way of multiplying is fastest, by shape and kind of processor alone: measured, and kept in one place.

`benchmarks/crossover.py` measures hand loops beside BLAS. With AVX-512, OpenBLAS has kernels for small matrices, which
were faster in all shapes from 10 by 10 on, and lost by a tenth only at 2 by 10 with 16 or 32 rows. The bound for other
processors is a guess from prototypes on AVX2; it was not measured with this code.
"""

import llvmlite.binding

ONE_ROW, LOOPS, PRODUCT = range(3)

_SMALL_KERNELS = llvmlite.binding.get_host_cpu_features().get("avx512f", False)
SHORT = 0 if _SMALL_KERNELS else 600  # a product of fan_in and fan_out up to which hand loops beat BLAS
FEW = 16  # rows, below which BLAS is faster on the transposed product Zᵀ = Aᵀ W
SOME = 64  # rows, below which it is faster when it is given dZ transposed


def way(fan_in: int, fan_out: int, rows: int) -> int:
    """How a dense layer of that shape is multiplied."""
    if rows == 1:
        return ONE_ROW
    return LOOPS if fan_in * fan_out <= SHORT else PRODUCT
