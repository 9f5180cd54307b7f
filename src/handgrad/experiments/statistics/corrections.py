"""What asking often costs: p values of several tests, adjusted so that they can be read one by one."""

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_numeric


def holm(p: ArrayLike) -> Array:
    """P values (m,) adjusted for being m tests: the i-th smallest times m - i + 1, never falling, at most 1.

    Calling those of at most α significant makes any false call with a chance of at most α, however the tests depend on
    each other. Raises ValueError unless all are between 0 and 1. Source: Holm 1979.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = require_numeric("p", p).astype(np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p is {p}; expected p values between 0 and 1, shape (m,)")
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
