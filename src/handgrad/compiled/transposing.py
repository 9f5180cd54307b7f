"""Transposition in registers: eight rows of eight numbers are loaded, exchanged in three rounds, stored as columns."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types
from numba.core import cgutils

from handgrad.compiled.pointers import ahead, compiled, primitive

SIDE = 8


@primitive
def turn_square(_: Any, rows: Any, target: Any, stride: Any) -> Any:
    """Eight numbers from each of eight pointers, as columns: number c of row r goes to target[c · stride + r]."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = context.get_value_type(signature.args[1].dtype)
        align, vector = context.get_abi_sizeof(kind), ir.VectorType(kind, SIDE)

        def at(pointer: Any) -> Any:
            return builder.bitcast(pointer, vector.as_pointer())

        turned = [builder.load(at(row), align=align) for row in cgutils.unpack_tuple(builder, values[0])]
        for distance in (4, 2, 1):
            turned = _exchanged(builder, turned, distance)
        for c, column in enumerate(turned):
            offset = builder.mul(values[2], ir.Constant(ir.IntType(64), c))
            builder.store(column, at(builder.gep(values[1], [offset])), align=align)
        return context.get_dummy_value()

    return types.void(rows, target, stride), code


def _exchanged(builder: Any, rows: list[Any], distance: int) -> list[Any]:
    """Rows i and i + distance exchange their lanes: the upper ones of the first for the lower ones of the second."""
    upper = [lane & distance for lane in range(SIDE)]
    first = [lane if not up else SIDE + lane - distance for lane, up in enumerate(upper)]
    second = [lane + distance if not up else SIDE + lane for lane, up in enumerate(upper)]
    index = ir.VectorType(ir.IntType(32), SIDE)
    result = list(rows)
    for i in range(SIDE):
        if not i & distance:
            pair = rows[i], rows[i + distance]
            result[i] = builder.shuffle_vector(*pair, ir.Constant(index, first))
            result[i + distance] = builder.shuffle_vector(*pair, ir.Constant(index, second))
    return result


@compiled
def turn(A, B, rows, columns):  # type: ignore[no-untyped-def]
    """B (columns, rows) = Aᵀ, with A (rows, columns)."""
    for r in range(0, rows - SIDE + 1, SIDE):
        turn_rows(eight(A, r * columns, columns), ahead(B, r), rows, 0, columns)
    for r in range(rows - rows % SIDE, rows):
        for c in range(columns):
            B[c * rows + r] = A[r * columns + c]


@compiled
def eight(A, start, stride):  # type: ignore[no-untyped-def]
    """Eight pointers into A, `stride` apart."""
    a = ahead(A, start)
    first = (a, ahead(a, stride), ahead(a, 2 * stride), ahead(a, 3 * stride))
    return (*first, ahead(a, 4 * stride), ahead(a, 5 * stride), ahead(a, 6 * stride), ahead(a, 7 * stride))


@compiled
def turn_rows(rows, target, stride, start, stop):  # type: ignore[no-untyped-def]
    """Columns start to stop of eight rows, as columns `stride` apart."""
    a, b, c, d, e, f, g, h = rows
    k = start
    while k + SIDE <= stop:
        first = (ahead(a, k), ahead(b, k), ahead(c, k), ahead(d, k))
        turn_square((*first, ahead(e, k), ahead(f, k), ahead(g, k), ahead(h, k)), ahead(target, k * stride), stride)
        k += SIDE
    while k < stop:
        column = ahead(target, k * stride)
        column[0], column[1], column[2], column[3] = a[k], b[k], c[k], d[k]
        column[4], column[5], column[6], column[7] = e[k], f[k], g[k], h[k]
        k += 1
