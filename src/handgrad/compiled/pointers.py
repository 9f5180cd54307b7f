"""What Numba lacks for an engine that runs plans: pointers, calls by address, and barriers between threads.

Arrays are passed as bare pointers because indexing an array with an offset blocks vectorisation (an index may be
negative). Kernels are called by address, so that one engine runs with kernels that are compiled later.
"""

import platform
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

FAST = {"contract", "nsz", "arcp", "reassoc"}  # NaN and infinity keep their meaning, unlike with fastmath=True
OPTIONS: dict[str, Any] = {"fastmath": FAST, "error_model": "numpy", "nogil": True}


def compiled(function: Any) -> Any:
    """Compile a function for use inside compiled functions; nothing happens until one of those is compiled."""
    return njit(**OPTIONS)(function)


def primitive(function: Any) -> Any:
    """Numba's `intrinsic`: a function that writes LLVM instructions."""
    return intrinsic(function)


@primitive
def pointer(_: Any, address: Any, like: Any) -> Any:
    """The address as a pointer to numbers of the type of `like`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return types.CPointer(like)(address, like), code


@primitive
def ahead(_: Any, start: Any, steps: Any) -> Any:
    """The pointer that many numbers further on."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return start(start, steps), code


@primitive
def start_of(_: Any, array: Any) -> Any:
    """Where the numbers of an array begin."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.make_array(array)(context, builder, values[0]).data

    return types.CPointer(array.dtype)(array), code


def _caller(returns: Any) -> Any:
    def call(_: Any, address: Any, arguments: Any, *like: Any) -> Any:
        result = returns(*like)
        _require_one_dtype(arguments, like)

        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            unpacked = cgutils.unpack_tuple(builder, values[1])
            returned = context.get_value_type(result) if like else ir.VoidType()
            kind = ir.FunctionType(returned, [value.type for value in unpacked])
            answer = builder.call(builder.inttoptr(values[0], kind.as_pointer()), unpacked)
            return answer if like else context.get_dummy_value()

        return result(address, arguments, *like), code

    return call


def _require_one_dtype(arguments: Any, like: Any) -> None:
    """A number of another dtype than the pointers would be read as garbage."""
    numbers = {getattr(each, "dtype", each) for each in (*arguments, *like)}
    if len({each for each in numbers if isinstance(each, types.Float)}) > 1:
        raise TypingError(f"a call by address mixes numbers of different dtypes: {arguments}")


@primitive
def call(typing: Any, address: Any, arguments: Any) -> Any:
    """Call the C function at that address with a tuple of pointers and numbers; it returns nothing."""
    return _caller(lambda: types.void)(typing, address, arguments)


@primitive
def call_number(typing: Any, address: Any, arguments: Any, like: Any) -> Any:
    """The same for a function that returns a number of the type of `like`."""
    return _caller(lambda like: like)(typing, address, arguments, like)


@primitive
def call_gemm(_: Any, address: Any, layout: Any, sizes: Any, alpha: Any, A: Any, B: Any, beta: Any, C: Any) -> Any:
    """cblas_?gemm with 64-bit sizes: layout (order, A, B as CBLAS enums), sizes (m, n, k, lda, ldb, ldc)."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        enums = [builder.trunc(each, ir.IntType(32)) for each in cgutils.unpack_tuple(builder, values[1])]
        m, n, k, lda, ldb, ldc = cgutils.unpack_tuple(builder, values[2])
        _, _, _, alpha, A, B, beta, C = values
        unpacked = [*enums, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in unpacked])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), unpacked)
        return context.get_dummy_value()

    return types.void(address, layout, sizes, alpha, A, B, beta, C), code


@primitive
def add_atomically(_: Any, counter: Any, amount: Any) -> Any:
    """Add to the integer that a pointer shows, for all threads to see; the value before."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", values[0], values[1], "acq_rel")

    return types.int64(counter, amount), code


@primitive
def read_atomically(_: Any, counter: Any) -> Any:
    """The integer that a pointer shows, as other threads left it."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(values[0], "acquire", 8)

    return types.int64(counter), code


@primitive
def set_rounding_of_tiny(_: Any, control: Any) -> Any:
    """Set the floating-point control word and answer the one before; a negative one means: tiny numbers become 0.

    Numbers too small for the dtype's full precision (the moments of a unit that is dead) cost a hundred times more on
    x86. Elsewhere nothing is done.
    """

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if platform.machine() not in ("x86_64", "AMD64"):
            return values[0]
        word = ir.IntType(32)
        place = cgutils.alloca_once(builder, word)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
        store, load = (
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}mxcsr") for name in ("st", "ld")
        )
        address = builder.bitcast(place, cgutils.voidptr_t)
        builder.call(store, [address])
        before = builder.load(place)
        tiny_is_zero = builder.or_(before, word(0x8040))
        asked = builder.trunc(values[0], word)
        flush = builder.icmp_signed("<", values[0], ir.Constant(values[0].type, 0))
        builder.store(builder.select(flush, tiny_is_zero, asked), place)
        builder.call(load, [address])
        return builder.zext(before, values[0].type)

    return types.int64(types.int64), code
