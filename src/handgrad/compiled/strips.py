"""A row times a matrix, y = x W, in strips of columns whose sums stay in vector registers."""

from typing import Any

import llvmlite.binding
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types
from numba.core import cgutils

from handgrad.compiled.pointers import ahead, compiled, primitive

BYTES = 64 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 32  # of a vector
VECTORS = 4  # of a strip: enough that no sum waits for the one before


@primitive
def strip_of(_: Any, y: Any, x: Any, W: Any, stride: Any, count: Any, left: Any) -> Any:
    """The first `left` columns of y = Σₖ xₖ Wₖ, at most a strip; W's rows are `stride` apart."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        y, x, W, stride, count, left = values
        kind = context.get_value_type(signature.args[0].dtype)
        align = context.get_abi_sizeof(kind)
        lanes = BYTES // align
        vector = ir.VectorType(kind, lanes)
        nothing = ir.Constant(vector, None)
        masks = [_mask(builder, left, lanes, n * lanes) for n in range(VECTORS)]

        def masked(what: str, result: Any, *arguments: Any) -> Any:
            function = ir.FunctionType(result, [each.type for each in arguments])
            name = f"llvm.masked.{what}.v{lanes}f{8 * align}.p0"
            return builder.call(cgutils.get_or_insert_function(builder.module, function, name), arguments)

        def at(start: Any, n: int) -> Any:
            place = builder.gep(start, [ir.Constant(ir.IntType(64), n * lanes)])
            return builder.bitcast(place, vector.as_pointer())

        alignment = ir.Constant(ir.IntType(32), align)
        sums = [cgutils.alloca_once_value(builder, nothing) for _ in range(VECTORS)]
        for each in sums:
            builder.store(nothing, each)
        with cgutils.for_range(builder, count) as k:
            factor = _spread(builder, builder.load(builder.gep(x, [k.index])), lanes)
            row = builder.gep(W, [builder.mul(k.index, stride)])
            for n in range(VECTORS):
                terms = masked("load", vector, at(row, n), alignment, masks[n], nothing)
                product = builder.fmul(factor, terms, flags=["contract"])
                builder.store(builder.fadd(builder.load(sums[n]), product, flags=["contract"]), sums[n])
        for n in range(VECTORS):
            masked("store", ir.VoidType(), builder.load(sums[n]), at(y, n), alignment, masks[n])
        return context.get_dummy_value()

    return types.void(y, x, W, stride, count, left), code


@primitive
def strip_width(_: Any, y: Any) -> Any:
    """The columns of a strip of numbers like those of y."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        size = context.get_abi_sizeof(context.get_value_type(signature.args[0].dtype))
        return ir.Constant(ir.IntType(64), VECTORS * BYTES // size)

    return types.int64(y), code


def _spread(builder: Any, number: Any, lanes: int) -> Any:
    """The number in every lane of a vector."""
    nothing = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))


def _mask(builder: Any, left: Any, lanes: int, first: int) -> Any:
    """Which of the lanes, numbered from `first`, are among the first `left`."""
    numbers = ir.Constant(ir.VectorType(left.type, lanes), list(range(first, first + lanes)))
    return builder.icmp_signed("<", numbers, _spread(builder, left, lanes))


@compiled
def row_product(y, x, W, stride, count, columns):  # type: ignore[no-untyped-def]
    """y = x W for so many columns, with x (count,)."""
    width = strip_width(y)
    for start in range(0, columns, width):
        strip_of(ahead(y, start), x, ahead(W, start), stride, count, min(width, columns - start))
