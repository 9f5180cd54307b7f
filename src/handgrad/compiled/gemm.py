"""Where the matrix product lies in memory: NumPy's own BLAS if it can be found, else SciPy's.

NumPy's wheels carry OpenBLAS under names of their own, with 64-bit sizes; calling it directly keeps one BLAS (and one
thread pool) in the process. That name is nobody's promise, so where it is missing SciPy's `cython_blas` serves, which
is one.
"""

import ctypes
import glob
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np


@cache
def gemm_address(dtype: Any) -> int:
    """The address of a function like cblas_?gemm with 64-bit sizes, for a dtype."""
    found = _numpys(dtype)
    return found if found is not None else _scipys(dtype)


def _numpys(dtype: Any) -> int | None:
    letter = "d" if dtype == np.float64 else "s"
    home = Path(np.__file__).parent
    places = [home.parent / "numpy.libs" / "*openblas64_*", home / ".dylibs" / "*openblas64_*"]
    for place in places:
        for path in glob.glob(str(place)):
            function = getattr(ctypes.CDLL(path), f"scipy_cblas_{letter}gemm64_", None)
            if function is not None:
                return ctypes.cast(function, ctypes.c_void_p).value
    return None


def _scipys(dtype: Any) -> int:
    from handgrad.compiled.fortran import adaptor

    return int(adaptor(dtype).address)
