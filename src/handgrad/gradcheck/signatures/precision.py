"""The gradient is nearly right: the difference looks like rounding in a lower precision."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case

_PRECISIONS = {"float32": (1e-8, 3e-5), "float16": (1e-4, 4e-3)}  # how far off sums of rounded terms are

_FEWEST = 12  # entries among which the absence of a pattern is one


class DtypeLoss:
    """Somewhere on the way the numbers passed through float32 or float16."""

    cause = "dtype-loss"

    def evidence(self, case: Case, name: str) -> str | None:
        """Every entry fits into the lower precision; or the difference has its size and no pattern."""
        pair = case.pair(name)
        if pair is None:
            return None
        for dtype in reversed(_PRECISIONS):
            if _holds_no_more_than(pair.analytic, dtype):
                return f"every entry of the gradient is a {dtype}: cast on the way, it lost digits"
        known = np.isfinite(pair.numeric)
        error = float(np.linalg.norm(pair.difference[known])) / max(float(np.linalg.norm(pair.numeric[known])), 1e-300)
        for dtype, (least, most) in _PRECISIONS.items():
            if least < error < most and _patternless(pair.difference[known], pair.numeric[known]):
                return f"the gradient is off by {error:.1g} of its size without a pattern, as if computed in {dtype}"
        return None


def _holds_no_more_than(values: Array, dtype: str) -> bool:
    with np.errstate(over="ignore"):
        rounded = values.astype(dtype).astype(np.float64)
    return bool(values.size > 3 and values.any() and np.array_equal(rounded, values) and len(np.unique(values)) > 3)


def _patternless(difference: Array, numeric: Array) -> bool:
    """Whether nearly all entries differ, in both directions, none much more than others."""
    moved = difference[difference != 0]
    typical = float(np.linalg.norm(difference)) / np.sqrt(max(difference.size, 1))
    if len(moved) < _FEWEST or (np.abs(difference) > 0.01 * typical).mean() < 0.9:
        return False
    if not 0.15 < (moved * numeric[difference != 0] > 0).mean() < 0.85:
        return False
    largest = float(np.max(np.abs(difference)))
    return largest < 0.9 * float(np.linalg.norm(difference))
