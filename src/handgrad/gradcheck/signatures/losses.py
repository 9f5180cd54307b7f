"""The mistake sits where the loss meets the logits: softmax, its Jacobian J = diag(p) - p pᵀ, and the targets."""

import numpy as np

from handgrad.activations import activations
from handgrad.arrays import Array
from handgrad.elementary import sigmoid
from handgrad.gradcheck.signatures.case import Case, Logits, factor_between

_CLOSE = 1e-4
_FEWEST = 4  # logits in which a pattern is one


class MissingSoftmaxJacobian:
    """The gradient by the probabilities passed on as if it were the one by the logits; or only the Jacobian's diagonal.

    With v the gradient by p, the right one is J v = p ⊙ (v - p·v).
    """

    cause = "missing-softmax-jacobian"

    def evidence(self, case: Case, name: str) -> str | None:
        """The Jacobian applied to what was used gives what was measured."""
        logits = case.logits(name)
        if logits is None or not _behind_softmax(logits):
            return None
        if _is(_through_softmax(logits.used, logits.P), logits.measured):
            return "the softmax's Jacobian is missing: applied to the gradient it gives the derivative"
        if _is(_through_softmax(logits.used / (logits.P * (1 - logits.P)), logits.P), logits.measured):
            return "only the diagonal p (1 - p) of the softmax's Jacobian is there"
        return None


class TargetNotSubtracted:
    """dZ = P where P - T was meant."""

    cause = "target-not-subtracted"

    def evidence(self, case: Case, name: str) -> str | None:
        """What is too much are the targets; or, if they are not known, the same for any logits."""
        logits = case.logits(name)
        if logits is None:
            return None
        if logits.targets is not None:
            extra = logits.used - logits.measured
            share = factor_between(extra, logits.targets)
            off = np.max(np.abs(extra - share * logits.targets))
            if not off <= _CLOSE * np.max(np.abs(extra)):
                return None
            return f"the gradient by the logits has {share:.5g} times the targets too much: they were not subtracted"
        extra = logits.used - logits.measured
        if not np.max(np.ptp(extra, axis=0)) <= _CLOSE * np.max(np.abs(extra)) or not _knows_no_target(logits):
            return None
        return f"whatever the logits, the gradient by them is too large by {_shown(extra[0])}: no target was subtracted"


class OutputDerivative:
    """dZ = (P - T) ⊙ g'(Z) where the derivative of the output function g had cancelled."""

    cause = "wrong-activation-derivative"

    def evidence(self, case: Case, name: str) -> str | None:
        """The known function whose derivative is a factor."""
        logits = case.logits(name)
        if logits is None or logits.Z.size < _FEWEST or np.min(np.abs(logits.measured)) == 0:
            return None
        ratio = logits.used / logits.measured
        for formula in activations:
            slopes = formula.derivative(logits.Z, formula.value(logits.Z))
            if np.ptp(slopes) > _CLOSE and np.max(np.abs(ratio - slopes)) <= _CLOSE * np.max(np.abs(slopes)):
                return f"the gradient is the derivative times that of {formula}, which cancels in this loss"
        return None


def _knows_no_target(logits: Logits) -> bool:
    """Whether what was used is a number times an output function of the logits, and nothing else."""
    for outputs in (logits.P, logits.Z, sigmoid(logits.Z), np.exp(logits.Z)):
        left = logits.used - factor_between(logits.used, outputs) * outputs
        if np.max(np.abs(left)) <= _CLOSE * np.max(np.abs(logits.used)):
            return True
    return False


def _shown(values: Array) -> str:
    return ", ".join(f"{value:.4g}" for value in values[:4]) + (", ..." if len(values) > 4 else "")


def _behind_softmax(logits: Logits) -> bool:
    """Whether the derivatives add up to 0 over the classes."""
    size = np.abs(logits.measured).max()
    return bool(size > 0 and np.abs(logits.measured.sum(axis=-1)).max() < _CLOSE * size)


def _through_softmax(v: Array, P: Array) -> Array:
    """J v = p ⊙ (v - p·v), row by row."""
    return P * (v - (P * v).sum(axis=-1, keepdims=True))


def _is(one: Array, other: Array) -> bool:
    return bool(np.max(np.abs(one - other)) <= _CLOSE * np.max(np.abs(other)))
