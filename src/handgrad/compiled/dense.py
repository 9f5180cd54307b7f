"""The products of a dense layer, Z = Wᵀ A, dW = A dZᵀ and dA = W dZ, three ways, and which is fastest when.

Values lie feature-major, (units, rows), so that loops run over the rows of a batch. Short loops by hand beat any BLAS
on small shapes, BLAS wins on larger ones, and a single row is a matrix times a vector. Each function here does a range
of units, so that threads can share a layer; the ranges depend on the shape alone.
"""

from typing import Any

import numpy as np

from handgrad.compiled import crossover
from handgrad.compiled.crossover import FEW, LOOPS, ONE_ROW, PRODUCT, SOME
from handgrad.compiled.native import Numbers
from handgrad.compiled.pointers import ahead, call_gemm, compiled
from handgrad.compiled.strips import row_product
from handgrad.compiled.transposing import turn

T: Any = np.float64

ROW_MAJOR, AS_IS, TRANSPOSED = 101, 111, 112  # CBLAS enums
way = compiled(crossover.way)


@compiled
def wants_rows(fan_in, fan_out, rows):  # type: ignore[no-untyped-def]
    """Whether the gradient by the weights is faster from dZ (rows, fan_out)."""
    return rows < SOME and way(fan_in, fan_out, rows) == PRODUCT


def forward(
    gemm: int,
    W: Numbers,
    b: Numbers,
    biased: int,
    A: Numbers,
    Z: Numbers,
    scratch: Numbers,
    fan_in: int,
    fan_out: int,
    start: int,
    stop: int,
    rows: int,
) -> int:
    """Z = Wᵀ A for units start to stop: W (fan_in, fan_out), A (fan_in, rows), Z (fan_out, rows).

    Answers whether b was added: hand loops start from it (if `biased`), after BLAS somebody has to.
    """
    chosen, units = way(fan_in, fan_out, rows), stop - start
    if chosen == ONE_ROW:
        row_product(ahead(Z, start), A, ahead(W, start), fan_out, fan_in, units)
        return 0
    if chosen == LOOPS:
        for o in range(start, stop):
            first = b[o] if biased else T(0)
            combine(ahead(Z, o * rows), first, ahead(W, o), fan_out, A, rows, fan_in, rows)
        return 1
    if rows >= FEW:
        layout, sizes = (ROW_MAJOR, TRANSPOSED, AS_IS), (units, rows, fan_in, fan_out, rows, rows)
        call_gemm(gemm, layout, sizes, T(1), ahead(W, start), A, T(0), ahead(Z, start * rows))
    else:
        layout, sizes = (ROW_MAJOR, TRANSPOSED, AS_IS), (rows, units, fan_in, rows, fan_out, units)
        part = ahead(scratch, start * rows)
        call_gemm(gemm, layout, sizes, T(1), A, ahead(W, start), T(0), part)
        turn(part, ahead(Z, start * rows), rows, units)
    return 0


def input_gradient(
    gemm: int, W: Numbers, dZ: Numbers, dA: Numbers, fan_in: int, fan_out: int, start: int, stop: int, rows: int
) -> None:
    """dA = W dZ for inputs start to stop."""
    chosen = way(fan_in, fan_out, rows)
    if chosen == ONE_ROW:
        dots(ahead(dA, start), dZ, ahead(W, start * fan_out), fan_out, stop - start, fan_out, T(0))
    elif chosen == LOOPS:
        for i in range(start, stop):
            combine(ahead(dA, i * rows), T(0), ahead(W, i * fan_out), 1, dZ, rows, fan_out, rows)
    else:
        layout, sizes = (ROW_MAJOR, AS_IS, AS_IS), (stop - start, rows, fan_out, fan_out, rows, rows)
        call_gemm(gemm, layout, sizes, T(1), ahead(W, start * fan_out), dZ, T(0), ahead(dA, start * rows))


def weight_gradient(
    gemm: int,
    A: Numbers,
    dZ: Numbers,
    dZ_rows: Numbers,
    dW: Numbers,
    W: Numbers,
    fan_in: int,
    fan_out: int,
    start: int,
    stop: int,
    rows: int,
    inside: int,
    rate: float,
) -> float:
    """dW = A dZᵀ for inputs start to stop; `dZ_rows` is dZ (rows, fan_out), needed if `wants_rows`.

    `inside`: W is updated by gradient descent with this rate, inside the product where that is safe. Answers 0 times
    the W that was updated otherwise.
    """
    chosen, part = way(fan_in, fan_out, rows), ahead(A, start * rows)
    safe = inside and chosen == PRODUCT and is_safe(part, dZ, (stop - start) * rows, fan_out * rows, rate)
    alpha, beta, target = T(1), T(0), ahead(dW, start * fan_out)
    if safe:
        alpha, beta, target = -rate, T(1), ahead(W, start * fan_out)
    if chosen == ONE_ROW:
        for i in range(start, stop):
            combine(ahead(dW, i * fan_out), T(0), ahead(A, i), 1, dZ, fan_out, 1, fan_out)
    elif chosen == LOOPS:
        for i in range(start, stop):
            dots(ahead(dW, i * fan_out), ahead(A, i * rows), dZ, rows, fan_out, rows, T(0))
    elif not wants_rows(fan_in, fan_out, rows):
        layout, sizes = (ROW_MAJOR, AS_IS, TRANSPOSED), (stop - start, fan_out, rows, rows, rows, fan_out)
        call_gemm(gemm, layout, sizes, alpha, part, dZ, beta, target)
    else:
        layout, sizes = (ROW_MAJOR, AS_IS, AS_IS), (stop - start, fan_out, rows, rows, fan_out, fan_out)
        call_gemm(gemm, layout, sizes, alpha, part, dZ_rows, beta, target)
    finite = T(0)
    if inside and not safe:
        for k in range(start * fan_out, stop * fan_out):
            W[k] -= rate * dW[k]
            finite += W[k] * T(0)
    return finite


@compiled
def is_safe(A, dZ, size, other, rate):  # type: ignore[no-untyped-def]
    """Whether η A dZᵀ is so small that adding it to finite numbers gives finite numbers.

    Each entry is at most η ‖A‖ ‖dZ‖ (Cauchy-Schwarz); 1e29 is below half a unit in the last place of the largest
    float32.
    """
    a, d = rate - rate, rate - rate
    for k in range(size):
        a += A[k] * A[k]
    for k in range(other):
        d += dZ[k] * dZ[k]
    return np.float64(a) * np.float64(d) * np.float64(rate) ** 2 < 1e58


@compiled
def combine(y, first, c, c_stride, V, V_stride, count, length):  # type: ignore[no-untyped-def]
    """y = first + Σₖ cₖ Vₖ, a combination of `count` vectors; some at a time, so that y is read less often."""
    if count == 1:
        c0 = c[0]
        for r in range(length):
            y[r] = first + c0 * V[r]
        return
    c0, c1, v1 = c[0], c[c_stride], ahead(V, V_stride)
    for r in range(length):
        y[r] = first + (c0 * V[r] + c1 * v1[r])
    k = 2
    while k + 4 <= count:
        c0, c1, c2, c3 = c[k * c_stride], c[(k + 1) * c_stride], c[(k + 2) * c_stride], c[(k + 3) * c_stride]
        v0, v1 = ahead(V, k * V_stride), ahead(V, (k + 1) * V_stride)
        v2, v3 = ahead(V, (k + 2) * V_stride), ahead(V, (k + 3) * V_stride)
        for r in range(length):
            y[r] += (c0 * v0[r] + c1 * v1[r]) + (c2 * v2[r] + c3 * v3[r])
        k += 4
    while k < count:
        c0, v0 = c[k * c_stride], ahead(V, k * V_stride)
        for r in range(length):
            y[r] += c0 * v0[r]
        k += 1


@compiled
def dots(y, x, V, V_stride, count, length, zero):  # type: ignore[no-untyped-def]
    """yₖ = x · Vₖ for `count` vectors; four at a time, so that x is read less often."""
    k = 0
    while k + 4 <= count:
        v0, v1 = ahead(V, k * V_stride), ahead(V, (k + 1) * V_stride)
        v2, v3 = ahead(V, (k + 2) * V_stride), ahead(V, (k + 3) * V_stride)
        s0, s1, s2, s3 = zero, zero, zero, zero
        for r in range(length):
            s0 += x[r] * v0[r]
            s1 += x[r] * v1[r]
            s2 += x[r] * v2[r]
            s3 += x[r] * v3[r]
        y[k], y[k + 1], y[k + 2], y[k + 3] = s0, s1, s2, s3
        k += 4
    while k < count:
        v0, s0 = ahead(V, k * V_stride), zero
        for r in range(length):
            s0 += x[r] * v0[r]
        y[k] = s0
        k += 1


def transpose(A: Numbers, B: Numbers, rows: int, columns: int) -> None:
    """B (columns, rows) = Aᵀ, with A (rows, columns)."""
    turn(A, B, rows, columns)
