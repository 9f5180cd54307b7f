"""The mistake sits where the loss meets the logits: softmax, its Jacobian J = diag(p) - p pᵀ, and the targets."""

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case, Logits

_CLOSE = 1e-4


class MissingSoftmaxJacobian:
    """The gradient by the probabilities passed on as if it were the one by the logits; or only the Jacobian's diagonal.

    With v the gradient by p, the right one is J v = p ⊙ (v - p·v). From it v = (J v) / p up to a constant.
    """

    cause = "missing-softmax-jacobian"

    def evidence(self, case: Case, name: str) -> str | None:
        """The Jacobian applied to what was used gives what was measured."""
        logits = case.logits(name)
        if logits is None or not _shift_invariant(logits):
            return None
        by_p = logits.measured / logits.P
        if _constant(logits.used - by_p, by_p):
            return "the softmax's Jacobian is missing: applied to the gradient it gives the derivative"
        diagonal = logits.P * (1 - logits.P)
        if _constant(logits.used / diagonal - by_p, by_p):
            return "only the diagonal p (1 - p) of the softmax's Jacobian is there"
        return None


class TargetNotSubtracted:
    """dZ = P where P - T was meant."""

    cause = "target-not-subtracted"

    def evidence(self, case: Case, name: str) -> str | None:
        """What was used are the probabilities."""
        logits = case.logits(name)
        if logits is None or not _shift_invariant(logits):
            return None
        ratio = logits.used / logits.P
        if np.max(np.abs(ratio / ratio.flat[0] - 1)) > _CLOSE:
            return None
        return "the gradient by the logits is the probabilities themselves; the targets were not subtracted"


def _shift_invariant(logits: Logits) -> bool:
    """Whether the derivatives add up to 0 over the classes, as behind any softmax, and those used do not."""
    size = np.abs(logits.measured).sum(axis=-1).max()
    measured, used = np.abs(logits.measured.sum(axis=-1)).max(), np.abs(logits.used.sum(axis=-1)).max()
    return bool(size > 0 and measured < _CLOSE * size < used)


def _constant(values: Array, like: Array) -> bool:
    """Whether the values of each row are one number, next to the size of others."""
    size = max(float(np.max(np.abs(like))), float(np.max(np.abs(values))))
    return bool(np.max(np.ptp(values, axis=-1)) <= _CLOSE * size)
