"""The engine's inner loops that are neither products nor layers. `T` makes a constant of the dtype."""

from typing import Any

import numpy as np

from handgrad.compiled.native import Integers, Numbers
from handgrad.compiled.pointers import ahead
from handgrad.compiled.transposing import SIDE, turn, turn_rows

T: Any = np.float64


def copy(a: Numbers, b: Numbers, length: int) -> None:
    """b = a."""
    for i in range(length):
        b[i] = a[i]


def add(a: Numbers, b: Numbers, y: Numbers, length: int) -> None:
    """y = a + b."""
    for i in range(length):
        y[i] = a[i] + b[i]


def add_bias(Z: Numbers, b: Numbers, start: int, stop: int, rows: int) -> None:
    """Z (units, rows) += b, units start to stop."""
    for u in range(start, stop):
        bias = b[u]
        for k in range(u * rows, (u + 1) * rows):
            Z[k] += bias


def unit_sums(dZ: Numbers, db: Numbers, start: int, stop: int, rows: int) -> None:
    """db = Σ dZ over the rows, units start to stop."""
    for u in range(start, stop):
        total = T(0)
        for k in range(u * rows, (u + 1) * rows):
            total += dZ[k]
        db[u] = total


def gather(source: Numbers, order: Integers, target: Numbers, columns: int, start: int, stop: int, rows: int) -> None:
    """target (columns, rows) = the chosen rows of source (any, columns) transposed, columns start to stop."""
    for r in range(0, rows - SIDE + 1, SIDE):
        eight = (
            ahead(source, order[r] * columns),
            ahead(source, order[r + 1] * columns),
            ahead(source, order[r + 2] * columns),
            ahead(source, order[r + 3] * columns),
            ahead(source, order[r + 4] * columns),
            ahead(source, order[r + 5] * columns),
            ahead(source, order[r + 6] * columns),
            ahead(source, order[r + 7] * columns),
        )
        turn_rows(eight, ahead(target, r), rows, start, stop)
    for r in range(rows - rows % SIDE, rows):
        row = ahead(source, order[r] * columns)
        for c in range(start, stop):
            target[c * rows + r] = row[c]


def share_out(weights: Numbers, order: Integers, shares: Numbers, rows: int, chosen: int) -> None:
    """shares = wᵢ / Σ w of the chosen rows, or of the first; where all weights are zero the batch teaches nothing."""
    total = T(0)
    for r in range(rows):
        shares[r] = weights[order[r]] if chosen else weights[r]
        total += shares[r]
    total = total if total > T(0) else T(1)
    for r in range(rows):
        shares[r] /= total


def equal_shares(shares: Numbers, rows: int) -> None:
    """shares = 1 / rows."""
    for r in range(rows):
        shares[r] = T(1) / T(rows)


def penalise(gradient: Numbers, params: Numbers, l2: float, length: int) -> float:
    """g += l2 w; the squares of w, added up."""
    squares = T(0)
    for k in range(length):
        gradient[k] += l2 * params[k]
        squares += params[k] * params[k]
    return squares


def largest(gradient: Numbers, length: int) -> float:
    """The largest absolute value; infinite if a value is not a number."""
    found = T(0)
    for k in range(length):
        size = abs(gradient[k])
        found = size if size > found else found
        found = found if size == size else T(np.inf)
    return found


def scaled_squares(gradient: Numbers, size: float, length: int) -> float:
    """The squares of g / size, added up."""
    total = T(0)
    for k in range(length):
        total += (gradient[k] / size) * (gradient[k] / size)
    return total


def transpose_rows(X: Numbers, A: Numbers, rows: int, columns: int) -> float:
    """A (columns, rows) = X (rows, columns) transposed; answers 0 times the sum of X."""
    turn(X, A, rows, columns)
    finite = T(0)
    for k in range(columns * rows):
        finite += A[k] * T(0)
    return finite


def choose(Z: Numbers, classes: Integers, best: Numbers, units: int, rows: int) -> None:
    """The unit with the largest value in each row of Z (units, rows), the first of equals; NaN is largest (NumPy)."""
    for r in range(rows):
        classes[r] = 0
        best[r] = Z[r]
    for u in range(1, units):
        for r in range(rows):
            z = Z[u * rows + r]
            larger = z > best[r] or (z != z and best[r] == best[r])
            best[r] = z if larger else best[r]
            classes[r] = u if larger else classes[r]
