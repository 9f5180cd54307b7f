"""All signatures, in the order in which they are tried: what explains more, and is less likely by chance, first."""

from dataclasses import replace

from handgrad.gradcheck.signatures.activations import MissingDerivative, WrongDerivative, WrongPlace
from handgrad.gradcheck.signatures.arrangement import Permuted, Shared, Transposed, Unmoved, Zero
from handgrad.gradcheck.signatures.backward import TransposedWeights
from handgrad.gradcheck.signatures.biases import Broadcast, NotSummed, OneRow
from handgrad.gradcheck.signatures.case import Case, Signature
from handgrad.gradcheck.signatures.factors import ConstantFactor, FactorOfOne, SumInsteadOfMean
from handgrad.gradcheck.signatures.losses import MissingSoftmaxJacobian, OutputDerivative, TargetNotSubtracted
from handgrad.gradcheck.signatures.memory import Accumulated, ChangesInput, NonDeterministic, Stale
from handgrad.gradcheck.signatures.penalties import DoubledPenalty, MissingPenalty
from handgrad.gradcheck.signatures.precision import Cast, LowPrecision
from handgrad.gradcheck.signatures.shapes import NotFinite, WrongShape

UNKNOWN = "unknown"

BEHAVIOURS: tuple[Signature, ...] = (Accumulated(), NonDeterministic(), Stale())  # wrong even where the numbers fit

FIRST: tuple[Signature, ...] = (
    ChangesInput(),
    NotFinite(),
    Zero(),
    *BEHAVIOURS,
    NotSummed(),
    Transposed(),
    Broadcast(),
    OneRow(),
    WrongShape(),
    Cast(),
    SumInsteadOfMean(),
    ConstantFactor(),
    Shared(),
    MissingPenalty(),
    DoubledPenalty(),
    OutputDerivative(),
    TargetNotSubtracted(),
    MissingSoftmaxJacobian(),
    MissingDerivative(),
    WrongPlace(),
    TransposedWeights(),
    WrongDerivative(),
    Permuted(),
)
LAST_RESORTS: tuple[Signature, ...] = (Unmoved(), LowPrecision(), FactorOfOne())  # which might fit by chance
SIGNATURES = (*FIRST, *LAST_RESORTS)
DERIVATIVES: tuple[Signature, ...] = (MissingDerivative(), WrongPlace(), WrongDerivative())
# Looked for with the penalty taken off:
BESIDE_A_PENALTY: tuple[Signature, ...] = (Zero(), Transposed(), Shared(), Permuted())


def explain(case: Case, name: str) -> tuple[str, str] | None:
    """The cause and the evidence of the first signature that fits a parameter's gradient; None if none does."""
    found = _first(FIRST, case, name)
    for strength in case.strengths if found is None else ():
        found = _first(BESIDE_A_PENALTY, replace(case, penalty=strength), name)
        if found is not None:
            return found[0], f"{found[1]} (beside a penalty of strength {strength:.6g}, which is right)"
    return found or _first(LAST_RESORTS, case, name)


def explain_activation(case: Case, name: str) -> tuple[str, str] | None:
    """As `explain`, for an activation alone, whose derivative is seen point by point."""
    return _first(DERIVATIVES, case, name) or explain(case, name)


def behaviour(case: Case, name: str) -> tuple[str, str] | None:
    """What is wrong with how a gradient comes about, though its numbers fit."""
    return _first((*BEHAVIOURS, ChangesInput()), case, name)


def _first(signatures: tuple[Signature, ...], case: Case, name: str) -> tuple[str, str] | None:
    for signature in signatures:
        evidence = signature.evidence(case, name)
        if evidence is not None:
            return signature.cause, evidence
    return None
