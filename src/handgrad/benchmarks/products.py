"""The matrix products of a network's steps, compiled: by BLAS called directly, or by hand-written loops.

A plan is a table with one row of numbers for each product, all operands lie in one flat array. Hand loops see arrays
feature-major, (units, rows), so that the innermost loop runs over rows, or row-major with it running over units;
what the numbers mean does not matter here, only how many are multiplied. Compiled when first imported; cached.
"""

import ctypes
from typing import Any

import llvmlite.binding
import numpy as np
from numba import njit, types
from numba.extending import overload
from threadpoolctl import threadpool_info

FORWARD, WEIGHTS, INPUTS = 0, 1, 2  # Z = A W, dW = Aᵀ dZ, dA = dZ Wᵀ
BLAS, BY_ROWS, BY_UNITS = 0, 1, 2  # BLAS, loops whose innermost runs over rows, or over units
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # cblas.h


def _external(letter: str, number: Any) -> Any:
    """Cblas gemm with 64-bit integers, as NumPy's wheels carry it; the name is bound to its address here."""
    name = f"handgrad_floor_{letter}gemm"
    llvmlite.binding.add_symbol(name, _address(f"scipy_cblas_{letter}gemm64_"))
    i4, i8 = types.int32, types.int64
    return types.ExternalFunction(name, types.void(i4, i4, i4, i8, i8, i8, number, i8, i8, i8, i8, number, i8, i8))


def _address(symbol: str) -> int:
    for each in threadpool_info():
        function = getattr(ctypes.CDLL(each["filepath"]), symbol, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise ImportError("this NumPy carries no OpenBLAS that can be called directly, so there is no floor")


_SGEMM, _DGEMM = _external("s", types.float32), _external("d", types.float64)


def _gemm(arena, a_turned, b_turned, M, N, K, a, lda, b, ldb, c, ldc):
    """C (M, N) = A B, where A, B and C are offsets into the arena."""


@overload(_gemm)
def _compiled_gemm(arena, a_turned, b_turned, M, N, K, a, lda, b, ldb, c, ldc):
    external = _SGEMM if arena.dtype == types.float32 else _DGEMM
    number = np.float32 if arena.dtype == types.float32 else np.float64

    def call(arena, a_turned, b_turned, M, N, K, a, lda, b, ldb, c, ldc):
        at, width = arena.ctypes.data, arena.itemsize
        left = _TRANSPOSED if a_turned else _PLAIN
        right = _TRANSPOSED if b_turned else _PLAIN
        one, zero = number(1), number(0)
        external(
            _ROW_MAJOR, left, right, M, N, K, one, at + a * width, lda, at + b * width, ldb, zero, at + c * width, ldc
        )

    return call


_compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})


@_compiled
def _combine(arena, out, length, n, x, w, stride):
    """The sum of n rows of that length at x, each times a number at w, w + stride, ...; four or two rows at a time."""
    to = arena[out : out + length]
    k = 2 - n % 2  # so many at first, then an even number remains
    w0, w1 = arena[w], arena[w + (k - 1) * stride] * (k - 1)
    x0, x1 = arena[x : x + length], arena[x + (k - 1) * length : x + k * length]
    for j in range(length):
        to[j] = w0 * x0[j] + w1 * x1[j]
    while k < n:
        w0, w1 = arena[w + k * stride], arena[w + (k + 1) * stride]
        x0, x1 = arena[x + k * length : x + (k + 1) * length], arena[x + (k + 1) * length : x + (k + 2) * length]
        k += 2
        if k == n:
            for j in range(length):
                to[j] += w0 * x0[j] + w1 * x1[j]
            return
        w2, w3 = arena[w + k * stride], arena[w + (k + 1) * stride]
        x2, x3 = arena[x + k * length : x + (k + 1) * length], arena[x + (k + 1) * length : x + (k + 2) * length]
        k += 2
        for j in range(length):
            to[j] += w0 * x0[j] + w1 * x1[j] + w2 * x2[j] + w3 * x3[j]


@_compiled
def _dots(arena, out, n, m, length, x, y):
    """The dot product of each of n rows at x with each of m rows at y, all of that length; two at a time."""
    zero = arena.dtype.type(0)
    for i in range(n):
        left = arena[x + i * length : x + (i + 1) * length]
        for j in range(0, m, 2):
            last = min(j + 1, m - 1)
            right0 = arena[y + j * length : y + (j + 1) * length]
            right1 = arena[y + last * length : y + (last + 1) * length]
            total0, total1 = zero, zero
            for k in range(length):
                total0 += left[k] * right0[k]
                total1 += left[k] * right1[k]
            arena[out + i * m + j] = total0
            arena[out + i * m + last] = total1 if last > j else total0


@_compiled
def _by_blas(arena, kind, B, D, C, x, w, out):
    if kind == FORWARD:
        _gemm(arena, False, False, B, C, D, x, D, w, C, out, C)
    elif kind == WEIGHTS:
        _gemm(arena, True, False, D, C, B, x, D, w, C, out, C)
    else:
        _gemm(arena, False, True, B, D, C, x, C, w, C, out, D)


@_compiled
def _by_rows(arena, kind, B, D, C, x, w, out):
    if kind == FORWARD:
        for c in range(C):
            _combine(arena, out + c * B, B, D, x, w + c, C)
    elif kind == WEIGHTS:
        _dots(arena, out, D, C, B, x, w)
    else:
        for d in range(D):
            _combine(arena, out + d * B, B, C, x, w + d * C, 1)


@_compiled
def _by_units(arena, kind, B, D, C, x, w, out):
    if kind == FORWARD:
        for b in range(B):
            _combine(arena, out + b * C, C, D, w, x + b * D, 1)
    elif kind == WEIGHTS:
        for d in range(D):
            _combine(arena, out + d * C, C, B, w, x + d, D)
    else:
        _dots(arena, out, B, D, C, x, w)


@_compiled
def run_products(arena, plan, rows, batch, times):
    """Every product of the plan (kind, method, D, C, x, w, out, moves) on each batch of the rows, so many times.

    An operand that moves (the inputs X) begins further on with each batch.
    """
    for _ in range(times):
        for first in range(0, rows, batch):
            B = min(batch, rows - first)
            for p in range(len(plan)):
                kind, method, D, C, x, w, out, moves = plan[p]
                x += moves * first * D
                if method == BLAS:
                    _by_blas(arena, kind, B, D, C, x, w, out)
                elif method == BY_ROWS:
                    _by_rows(arena, kind, B, D, C, x, w, out)
                else:
                    _by_units(arena, kind, B, D, C, x, w, out)
