"""The gradient depends on more than the point: on chance, on calls before, or it writes where it should only read."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case


class ChangesInput:
    """The function or the gradient writes into its argument."""

    cause = "changes-input"

    def evidence(self, case: Case, name: str) -> str | None:
        """Which of them does."""
        if not case.changed:
            return None
        return f"the {' and the '.join(sorted(case.changed))} changed the arrays passed in; work on a copy"


class Accumulated:
    """Each call adds to what the call before left."""

    cause = "accumulated"

    def evidence(self, case: Case, name: str) -> str | None:
        """The second gradient at the same point is the first and once more the derivative."""
        first, second = case.given[name], case.examined.again[name]
        pair = case.pair(name)
        if first.shape != second.shape or same(first, second) or pair is None:
            return None
        known = np.isfinite(pair.numeric)
        added = (second - first - pair.numeric)[known]
        if np.linalg.norm(added) > 1e-3 * np.linalg.norm(pair.numeric[known]):
            return None
        return "asked twice at one point, the gradient had grown by the derivative: it adds to the call before"


class NonDeterministic:
    """The same point gives another gradient, or another value, at another call."""

    cause = "non-deterministic"

    def evidence(self, case: Case, name: str) -> str | None:
        """How far two calls are apart."""
        examined = case.examined
        first, second = examined.given[name], examined.again[name]
        if examined.value != examined.value_again:
            apart = abs(examined.value - examined.value_again)
            return f"two calls of the function at one point gave values {apart:.2g} apart; fix its random numbers"
        if first.shape != second.shape or same(first, second):
            return None
        apart = float(np.linalg.norm(first - second)) / max(float(np.linalg.norm(first)), 1e-300)
        return f"two calls of the gradient at one point differed by {apart:.2g} of its size; fix its random numbers"


class Stale:
    """The gradient is that of an earlier call, or never changes."""

    cause = "stale"

    def evidence(self, case: Case, name: str) -> str | None:
        """At another point it still is the old one, while the derivative has moved on."""
        near = case.near
        if near is None or near.verdicts.get(name) != "WRONG" or near.given[name].shape != case.given[name].shape:
            return None
        if not np.allclose(near.given[name], case.given[name], rtol=1e-12, atol=0):
            return None
        return "at another point the gradient is still the one from before, but the derivative is not"


def same(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bits, NaN where the other has NaN."""
    return bool(np.array_equal(one, other, equal_nan=True))
