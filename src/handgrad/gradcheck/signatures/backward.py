"""The mistake sits in the way back through a layer's weights."""

from handgrad.gradcheck.signatures.case import Case


class TransposedWeights:
    """dA = dZ W where dA = dZ Wᵀ was meant; it goes unnoticed where W is square."""

    cause = "transposed-weights"

    def evidence(self, case: Case, name: str) -> str | None:
        """Backward through the other orientation gives what was used."""
        if not case.backward(name):
            return None
        return "the gradient came back through the next layer's weights the wrong way round: W where Wᵀ was meant"
