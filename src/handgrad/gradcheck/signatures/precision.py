"""The gradient is nearly right: the difference looks like rounding in a lower precision."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case

_PRECISIONS = {"float32": (1e-8, 3e-5), "float16": (1e-4, 4e-3)}  # how far off sums of rounded terms are

_SEVERAL = 3  # entries that all are round by chance no more
_WIDER = 10  # times as far off may gradients be whose every entry is a number of that precision
_FEWEST = 12  # entries among which the absence of a pattern is one


class Cast:
    """The gradient was computed in float32 or float16, or cast to it on the way."""

    cause = "dtype-loss"

    def evidence(self, case: Case, name: str) -> str | None:
        """Every entry is a number of the lower precision: the derivative rounded to it, or nearly right."""
        pair = case.pair(name)
        if pair is None or np.count_nonzero(pair.analytic) < _SEVERAL:
            return None
        for dtype, (_, most) in reversed(_PRECISIONS.items()):
            if not _holds(pair.analytic, dtype):
                continue
            nearest = np.spacing(np.abs(pair.analytic).astype(dtype)).astype(np.float64)
            if (np.abs(pair.difference) <= nearest)[np.isfinite(pair.numeric)].all():
                return f"every entry of the gradient is the derivative rounded to {dtype}: cast on the way"
            if _error_of_all(case) < _WIDER * most:
                return f"every entry of the gradient is a number of {dtype}, and nearly right: computed in {dtype}"
        return None


class LowPrecision:
    """Somewhere on the way the numbers passed through float32 or float16, and were summed on."""

    cause = "dtype-loss"

    def evidence(self, case: Case, name: str) -> str | None:
        """The differences have the size of such rounding in every parameter, and no pattern over all of them."""
        pairs = [pair for each in case.accused if (pair := case.pair(each)) is not None]
        sizes = [float(np.linalg.norm(np.nan_to_num(pair.numeric))) for pair in pairs]
        if name not in case.accused or not all(sizes):
            return None
        differences = [
            np.nan_to_num(pair.difference).reshape(-1) / size for pair, size in zip(pairs, sizes, strict=True)
        ]
        slopes = [np.nan_to_num(pair.numeric).reshape(-1) for pair in pairs]
        errors = [float(np.linalg.norm(difference)) for difference in differences]
        for dtype, (least, most) in _PRECISIONS.items():
            if least < max(errors) < most and _patternless(np.concatenate(differences), np.concatenate(slopes)):
                return f"the gradients are off by up to {max(errors):.1g} without a pattern, as if computed in {dtype}"
        return None


def _error_of_all(case: Case) -> float:
    """The relative error of all gradients together, right and wrong."""
    pairs = [pair for name in case.names if (pair := case.pair(name)) is not None]
    errors = [float(np.linalg.norm(np.nan_to_num(pair.difference))) for pair in pairs]
    sizes = [float(np.linalg.norm(np.nan_to_num(pair.numeric))) for pair in pairs]
    return float(np.linalg.norm(errors)) / (float(np.linalg.norm(sizes)) or 1.0)


def _holds(values: Array, dtype: str) -> bool:
    """Whether a lower precision holds exactly these values."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values.astype(dtype).astype(np.float64), values))


def _patternless(difference: Array, numeric: Array) -> bool:
    """Whether most entries differ, in both directions, none much more than others."""
    moved = difference[difference != 0]
    typical = float(np.linalg.norm(difference)) / np.sqrt(max(difference.size, 1))
    if len(moved) < _FEWEST or (np.abs(difference) > 0.01 * typical).mean() < 0.6:
        return False
    if not 0.15 < (moved * numeric[difference != 0] > 0).mean() < 0.85:
        return False
    largest = float(np.max(np.abs(difference)))
    return largest < 0.9 * float(np.linalg.norm(difference))
