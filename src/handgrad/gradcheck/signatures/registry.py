"""All signatures, in the order in which they are tried: what explains more, and is less likely by chance, first."""

from handgrad.gradcheck.signatures.activations import MissingDerivative, WrongDerivative, WrongPlace
from handgrad.gradcheck.signatures.arrangement import Permuted, Shared, Transposed, Zero
from handgrad.gradcheck.signatures.backward import TransposedWeights
from handgrad.gradcheck.signatures.biases import Broadcast, NotSummed, OneRow
from handgrad.gradcheck.signatures.case import Case, Signature
from handgrad.gradcheck.signatures.factors import ConstantFactor, FactorOfOne, SumInsteadOfMean
from handgrad.gradcheck.signatures.losses import MissingSoftmaxJacobian, TargetNotSubtracted
from handgrad.gradcheck.signatures.memory import Accumulated, ChangesInput, NonDeterministic, Stale
from handgrad.gradcheck.signatures.penalties import DoubledPenalty, MissingPenalty
from handgrad.gradcheck.signatures.precision import DtypeLoss
from handgrad.gradcheck.signatures.shapes import NotFinite, WrongShape

UNKNOWN = "unknown"

BEHAVIOURS: tuple[Signature, ...] = (Accumulated(), NonDeterministic(), Stale())  # wrong even where the numbers fit

SIGNATURES: tuple[Signature, ...] = (
    NotFinite(),
    *BEHAVIOURS,
    NotSummed(),
    Transposed(),
    Broadcast(),
    OneRow(),
    WrongShape(),
    Zero(),
    SumInsteadOfMean(),
    ConstantFactor(),
    Shared(),
    MissingPenalty(),
    DoubledPenalty(),
    MissingSoftmaxJacobian(),
    TargetNotSubtracted(),
    DtypeLoss(),
    MissingDerivative(),
    WrongPlace(),
    TransposedWeights(),
    WrongDerivative(),
    Permuted(),
    FactorOfOne(),
    ChangesInput(),
)


def explain(case: Case, name: str) -> tuple[str, str] | None:
    """The cause and the evidence of the first signature that fits a parameter's gradient; None if none does."""
    return _first(SIGNATURES, case, name)


def behaviour(case: Case, name: str) -> tuple[str, str] | None:
    """What is wrong with how a gradient comes about, though its numbers fit."""
    return _first((*BEHAVIOURS, ChangesInput()), case, name)


def _first(signatures: tuple[Signature, ...], case: Case, name: str) -> tuple[str, str] | None:
    for signature in signatures:
        evidence = signature.evidence(case, name)
        if evidence is not None:
            return signature.cause, evidence
    return None
