"""A bias reaches every row of the batch; its gradient is the sum over them."""

import numpy as np

from handgrad.gradcheck.signatures.case import Case


class NotSummed:
    """The gradient of a bias has one row for each example."""

    cause = "bias-not-summed"

    def evidence(self, case: Case, name: str) -> str | None:
        """A leading axis that the parameter lacks."""
        given, x = case.given[name], case.examined.point[name]
        if given.shape == x.shape or given.ndim == 0 or given.size == x.size:
            return None
        if given.shape[-1:] != x.shape[-1:] or given.ndim < 2 or given[..., 0].size < 2:
            return None
        return (
            f"the gradient has shape {given.shape}, the parameter {x.shape}: one row for each of {given.shape[0]} "
            "examples; sum over them"
        )


class OneRow:
    """The gradient of a bias is that of one example."""

    cause = "bias-not-summed"

    def evidence(self, case: Case, name: str) -> str | None:
        """The row of dY that it is."""
        pair, dY = case.pair(name), case.upstream
        if pair is None or dY is None or pair.x.shape[-1:] != dY.shape[-1:]:
            return None
        for row, slopes in enumerate(dY):
            if pair.is_explained_by(np.broadcast_to(slopes, pair.x.shape)):
                return f"the gradient is row {row} of dY; a bias reaches every row, so they add up"
        return None


class Broadcast:
    """Every entry holds the same number, which is a sum over more than the batch."""

    cause = "broadcast"

    def evidence(self, case: Case, name: str) -> str | None:
        """All entries of a gradient, or of its rows or columns, are their sum."""
        given, x = case.given[name], case.examined.point[name]
        if given.shape != x.shape and (given.size == 1 or x.size == 1):
            return f"the gradient has shape {given.shape}, the parameter {x.shape}: summed over too much, or too little"
        pair = case.pair(name)
        if pair is None:
            return None
        for axis in (None, *range(x.ndim)):
            if x.size < 2 or (axis is not None and x.shape[axis] < 2):
                continue
            total = pair.numeric.sum(axis=axis, keepdims=True)
            for words, value in (("sum", total), ("mean", pair.numeric.mean(axis=axis, keepdims=True))):
                if pair.is_explained_by(np.broadcast_to(value, x.shape)):
                    over = "all entries" if axis is None or x.size == x.shape[axis] else f"axis {axis}"
                    return f"every entry of the gradient is the {words} of the derivative over {over}"
        return None
