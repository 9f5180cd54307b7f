"""Inputs made of two columns: squares, the product, waves; what a small network may be given besides x1 and x2."""

from collections.abc import Callable, Sequence

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_numeric
from handgrad.rules import unknown

INPUTS: dict[str, Callable[[Array, Array], Array]] = {
    "x1": lambda x1, x2: x1,
    "x2": lambda x1, x2: x2,
    "x1_squared": lambda x1, x2: x1**2,
    "x2_squared": lambda x1, x2: x2**2,
    "product": lambda x1, x2: x1 * x2,
    "sin_x1": lambda x1, x2: np.sin(np.pi * x1),
    "sin_x2": lambda x1, x2: np.sin(np.pi * x2),
    "radius": lambda x1, x2: np.hypot(x1, x2),
}


def plane_inputs(X: ArrayLike, names: Sequence[str]) -> Array:
    """The named inputs of the points X (B, 2) in the plane, (B, len(names)); `sin_x1` is sin(π x1).

    >>> plane_inputs([[2.0, 3.0]], ["x1", "product", "x2_squared"])
    array([[2., 6., 9.]])

    Raises
    ------
    ValueError
        X is not (B, 2), there is no name, or one is unknown or given twice.
    """
    points = require_numeric("X", X)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"X has shape {points.shape}; expected points in the plane, (B, 2)")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"inputs are {list(names)}; expected some of {', '.join(INPUTS)}, each once")
    for name in names:
        if name not in INPUTS:
            raise unknown("input", name, INPUTS)
    return np.column_stack([INPUTS[name](*points.T) for name in names])
