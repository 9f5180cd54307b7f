"""The gradient differs from the derivative by a multiple of the parameter, the L2 penalty, or of its sign, L1."""

from collections.abc import Callable

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case, Pair, factor_between

_TERMS: dict[str, tuple[Callable[[Array], Array], int]] = {  # and from how many entries on it can be told
    "the parameter": (lambda x: x, 3),
    "the parameter's sign": (np.sign, 6),
}


def _strength(pair: Pair | None) -> tuple[float, str] | None:
    """The c and the term for which analytic - numeric = c · term(x)."""
    for words, (term, fewest) in _TERMS.items() if pair is not None else ():
        if pair is None or pair.x.size < fewest:
            continue
        shape: Array = term(pair.x)
        strength = factor_between(pair.difference, shape)
        if np.isfinite(strength) and strength != 0 and pair.is_explained_by(pair.numeric + strength * shape):
            return strength, words
    return None


class MissingPenalty:
    """The loss has a penalty that the gradient leaves out, in part or whole."""

    cause = "missing-penalty"

    def evidence(self, case: Case, name: str) -> str | None:
        """The strength that is missing."""
        found = _strength(case.pair(name))
        if found is None or found[0] > 0:
            return None
        strength, words = found
        return f"the gradient lacks {-strength:.6g} times {words}: a penalty that it leaves out, or part of one"


class DoubledPenalty:
    """The gradient has more penalty than the loss: counted twice, or on a parameter that the loss does not penalise."""

    cause = "doubled-penalty"

    def evidence(self, case: Case, name: str) -> str | None:
        """The strength that is too much."""
        found = _strength(case.pair(name))
        if found is None or found[0] < 0 or case.stands_still:
            return None
        strength, words = found
        return (
            f"the gradient has {strength:.6g} times {words} too much: a penalty counted twice, "
            "or one that the loss does not have"
        )
