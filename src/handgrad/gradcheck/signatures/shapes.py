"""A gradient that cannot be compared at all."""

import numpy as np

from handgrad.gradcheck.signatures.case import Case


class NotFinite:
    """The gradient holds NaN or infinity."""

    cause = "not-finite"

    def evidence(self, case: Case, name: str) -> str | None:
        """How many entries, and the first."""
        given = case.given[name]
        bad = np.argwhere(~np.isfinite(given))
        if not len(bad):
            return None
        first = tuple(int(i) for i in bad[0])
        return (
            f"{len(bad)} of {given.size} entries of the gradient are not finite, first {given[first]} at {list(first)}"
        )


class WrongShape:
    """The gradient has another shape than its parameter."""

    cause = "wrong-shape"

    def evidence(self, case: Case, name: str) -> str | None:
        """Both shapes."""
        given, x = case.given[name].shape, case.examined.point[name].shape
        return None if given == x else f"the gradient has shape {given}, the parameter {x}; expected {x}"
