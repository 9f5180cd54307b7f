"""What a signal-propagation function accepts: an activation and the spreads of weights and biases."""

from typing import NamedTuple

from handgrad.activations import Formula, activations
from handgrad.arrays import require_number


class Ensemble(NamedTuple):
    """Random wide networks: W_ij ~ N(0, sigma_w² / fan_in), b_i ~ N(0, sigma_b²), one activation in all layers."""

    formula: Formula
    sigma_w: float
    sigma_b: float

    def __str__(self) -> str:
        return f"{self.formula} with sigma_w = {self.sigma_w:.6g} and sigma_b = {self.sigma_b:.6g}"


def require_ensemble(activation: str | Formula, sigma_w: float, sigma_b: float) -> Ensemble:
    """The ensemble, if it is one."""
    return Ensemble(
        activations.find(activation),
        require_number("sigma_w", sigma_w, above=0),
        require_number("sigma_b", sigma_b, at_least=0),
    )
