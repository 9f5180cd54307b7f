"""The right numbers in the wrong places."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case, Pair

_NOTHING = 1e-9  # of the derivative: what rounding may leave of a zero


class Transposed:
    """The gradient is the transpose of the derivative, or the transpose read in the parameter's shape."""

    cause = "transposed"

    def evidence(self, case: Case, name: str) -> str | None:
        """Its transpose fits."""
        given, x = case.given[name], case.examined.point[name]
        if x.ndim == 2 and given.shape == x.T.shape and given.shape != x.shape:
            return f"the gradient has shape {given.shape}, the parameter {x.shape}: transposed"
        pair = case.pair(name)
        if pair is None or x.ndim != 2 or min(x.shape) == 1:
            return None
        if x.shape[0] == x.shape[1] and pair.is_explained_by(pair.numeric.T):
            return "the gradient is the transpose of the derivative"
        if pair.is_explained_by(np.ascontiguousarray(pair.numeric.T).reshape(x.shape)):
            return f"the gradient is the derivative's transpose, reshaped from {x.T.shape} to {x.shape}"
        return None


class Permuted:
    """Rows, columns or entries stand in another order."""

    cause = "permuted"

    def evidence(self, case: Case, name: str) -> str | None:
        """The order that fits."""
        pair = case.pair(name)
        if pair is None or not np.isfinite(pair.numeric).all() or pair.x.size < 2:
            return None
        for axis in range(pair.x.ndim) if pair.x.ndim > 1 else ():
            if pair.x.shape[axis] > 1 and (order := _matching(pair, axis)) is not None:
                return f"the gradient's {('rows', 'columns')[min(axis, 1)]} stand in another order: {_shown(order)}"
        a, n = np.sort(pair.analytic, axis=None), np.sort(pair.numeric, axis=None)
        in_order = Pair(a, n, np.sort(pair.bars, axis=None), n)
        allowed = 1e-6 * np.linalg.norm(n) + np.linalg.norm(in_order.bars)
        if np.linalg.norm(a - n) <= min(allowed, 1e-2 * np.linalg.norm(pair.difference)):
            return "the gradient has the derivative's entries in another order"
        return None


class Shared:
    """The gradient is another parameter's."""

    cause = "shared-gradient"

    def evidence(self, case: Case, name: str) -> str | None:
        """The parameter whose derivative it is."""
        pair = case.pair(name)
        if pair is None or pair.x.size < 2:
            return None
        for other in case.names:
            theirs = case.pair(other)
            if other == name or theirs is None or theirs.numeric.size != pair.numeric.size:
                continue
            if pair.is_explained_by(theirs.numeric.reshape(pair.numeric.shape)):
                return f"the gradient is that of {other}"
        return None


class Zero:
    """The gradient is zero, but the loss moves."""

    cause = "zero-gradient"

    def evidence(self, case: Case, name: str) -> str | None:
        """All entries 0."""
        pair = case.pair(name)
        if pair is None or not np.linalg.norm(pair.analytic) <= _NOTHING * np.linalg.norm(np.nan_to_num(pair.numeric)):
            return None
        return "the gradient is zero throughout, but the loss moves with the parameter"


class Unmoved:
    """The loss does not move at all, but the gradient says so."""

    cause = "loss-stands-still"

    def evidence(self, case: Case, name: str) -> str | None:
        """Every measured derivative by every parameter exactly 0."""
        if not case.stands_still:
            return None
        return "the loss does not change at all: it does not use its argument, or is rounded before it is returned"


def _matching(pair: Pair, axis: int) -> Array | None:
    """The order of slices along an axis in which the derivative is the gradient, if there is one but the given."""
    from scipy.optimize import linear_sum_assignment

    a = np.moveaxis(pair.analytic, axis, 0).reshape(pair.x.shape[axis], -1)
    n = np.moveaxis(pair.numeric, axis, 0).reshape(pair.x.shape[axis], -1)
    distance = ((a[:, None] - n[None]) ** 2).sum(axis=-1) if a.size * len(a) <= 10**7 else None
    if distance is None:
        return None
    _, order = linear_sum_assignment(distance)
    return order if pair.is_explained_by(np.take(pair.numeric, order, axis=axis)) else None


def _shown(order: Array) -> str:
    return ", ".join(map(str, order[:8])) + (", ..." if len(order) > 8 else "")
