"""SciPy's Fortran ?gemm behind an adaptor with the signature of cblas_?gemm with 64-bit sizes."""

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import cfunc, types
from numba.core import cgutils
from numba.extending import get_cython_function_address

from handgrad.compiled.pointers import primitive


@cache
def adaptor(dtype: Any) -> Any:
    """The C function, in memory: the address that it calls is another in each process."""
    name = "dgemm" if dtype == np.float64 else "sgemm"
    fortran = get_cython_function_address("scipy.linalg.cython_blas", name)
    real, size, enum = types.float64 if dtype == np.float64 else types.float32, types.int64, types.int32
    numbers = types.CPointer(real)

    def gemm(order, a, b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc):  # type: ignore[no-untyped-def]
        # row-major C = op(A) op(B) is column-major Cᵀ = op(B)ᵀ op(A)ᵀ
        _call_fortran(fortran, (b, a), (n, m, k, ldb, lda, ldc), alpha, B, A, beta, C)

    signature = types.void(enum, enum, enum, size, size, size, real, numbers, size, numbers, size, real, numbers, size)
    return cfunc(signature)(gemm)


@primitive
def _call_fortran(_: Any, address: Any, layout: Any, sizes: Any, alpha: Any, A: Any, B: Any, beta: Any, C: Any) -> Any:
    """Fortran's ?gemm with 32-bit sizes: everything by address, transposition as a letter."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        def by_address(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)

        def letter(enum: Any) -> Any:
            transposed, as_is = (ir.Constant(ir.IntType(8), ord(each)) for each in "TN")
            return by_address(builder.select(builder.icmp_signed("==", enum, enum.type(112)), transposed, as_is))

        a, b = (letter(each) for each in cgutils.unpack_tuple(builder, values[1]))
        small = (builder.trunc(each, ir.IntType(32)) for each in cgutils.unpack_tuple(builder, values[2]))
        m, n, k, lda, ldb, ldc = (by_address(each) for each in small)
        _, _, _, alpha, A, B, beta, C = values
        unpacked = [a, b, m, n, k, by_address(alpha), A, lda, B, ldb, by_address(beta), C, ldc]
        kind = ir.FunctionType(ir.VoidType(), [each.type for each in unpacked])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), unpacked)
        return context.get_dummy_value()

    return types.void(address, layout, sizes, alpha, A, B, beta, C), code
