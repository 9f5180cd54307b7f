"""The gradient depends on more than the point: on chance, on calls before, or it writes where it should only read."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case, factor_between


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
        kept = factor_between(second - pair.numeric, first)
        known = np.isfinite(pair.numeric)
        left = (second - kept * first - pair.numeric)[known]
        if not 0.05 < kept < 1.1 or np.linalg.norm(left) > 1e-3 * np.linalg.norm(pair.numeric[known]):
            return None
        return f"asked again at one point, it gave {kept:.4g} of the gradient before and once more the derivative"


class NonDeterministic:
    """The same point gives another gradient, or another value, at another call."""

    cause = "non-deterministic"

    def evidence(self, case: Case, name: str) -> str | None:
        """How far two calls are apart."""
        examined = case.examined
        first, second = examined.given[name], examined.again[name]
        if same(second, examined.once_more[name]):
            first = second  # it is the first call that differs: not by chance
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
        first, second, near = case.given[name], case.examined.again[name], case.near
        if not same(first, second) and same(second, case.examined.once_more[name]):
            return "the first call at a point gave another gradient than the next ones: it is that of a point before"
        if near is None or name not in near.measured or name not in case.examined.measured:
            return None
        if near.verdicts[name] != "WRONG":
            return None
        right_here = case.examined.verdicts.get(name) == "ok"  # elsewhere a sign, which stays too, is likelier
        names = {name} if right_here else {name, *case.accused}
        stays = first.any() and all(_unmoved(case.given[each], near.given[each]) for each in names)
        moves = np.abs(near.numeric(name) - case.examined.numeric(name))
        if not stays or not np.nanmax(moves) > 1e-6 * np.abs(first).max():
            return None
        return "at another point the gradient is still the one from before, but the derivative is not"


def _unmoved(here: Array, there: Array) -> bool:
    return here.shape == there.shape and np.allclose(here, there, rtol=1e-12, atol=0)


def same(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bits, NaN where the other has NaN."""
    return bool(np.array_equal(one, other, equal_nan=True))
