"""Mistakes in an activation's derivative, f'(Z)."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array
from handgrad.elementary import sigmoid, step
from handgrad.gradcheck.mistakes.mistake import Mistake, of_layers
from handgrad.gradcheck.mistakes.places import activation_layers
from handgrad.gradcheck.mistakes.planting import Wrong
from handgrad.layers import Activation, Parameters
from handgrad.network import Network
from handgrad.network.layout import Leaf

Derivative = Callable[[Formula, Array, Array, Array], Array]  # (the right formula, Z, A, dA) -> what stands for f'(Z)

_GRID = np.linspace(-3, 3, 121)  # where a wrong derivative has to differ from the right one


class SpoiltActivation(Wrong, Activation):
    """An activation that multiplies by `slope(formula, Z, A, dA)` in place of f'(Z)."""

    slope: Derivative

    def backward(self, params: Parameters, dA: Array, cache: tuple[Array, Array]) -> tuple[Array, Parameters]:
        """dZ = dA ⊙ what is not f'(Z)."""
        Z, A = cache
        return dA * self.slope(self.formula, Z, A, dA), {}


def _one(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return np.ones_like(Z)


def _at_A(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return formula.derivative(A)


def _Z_for_A(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return formula.derivative(Z, Z)


def _squared(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return formula.derivative(Z, A) ** 2


def _mirrored(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return formula.derivative(-Z)


def _step(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return step(Z)


def _step_of_dA(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return step(dA)


def _quotient(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return A / Z


def _tanh_gelu(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    """Of 0.5 z (1 + tanh(c (z + 0.044715 z³))), the approximation of Hendrycks & Gimpel 2016; off by some 1e-3."""
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (Z + 0.044715 * Z**3))
    slope: Array = 0.5 * (1 + t) + 0.5 * Z * (1 - t * t) * c * (1 + 3 * 0.044715 * Z**2)
    return slope


def _first_factor_only(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    """f = z g(z): only g(z) of g(z) + z g'(z)."""
    return A / np.where(Z == 0, 1, Z)


def _square_forgotten(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return 1 - A


def _of_sigmoid(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return A * (1 - A)


def _sigmoid_itself(formula: Formula, Z: Array, A: Array, dA: Array) -> Array:
    return sigmoid(Z)


def _places(slope: Derivative, names: Sequence[str], most: int | None, net: Network) -> list[Leaf]:
    found = [leaf for leaf in activation_layers(net) if _shows(slope, names, leaf)]
    return found[:most]


def _shows(slope: Derivative, names: Sequence[str], leaf: Leaf) -> bool:
    assert isinstance(leaf.layer, Activation)
    formula = leaf.layer.formula
    if names and formula.name not in names:
        return False
    with np.errstate(all="ignore"):  # a formula may be as steep as it likes
        A = formula.value(_GRID)
        wrong, right = slope(formula, _GRID, A, np.ones_like(A)), formula.derivative(_GRID, A)
        return not np.allclose(wrong, right, rtol=0, atol=1e-4)


def _entry(name: str, cause: str, story: str, slope: Derivative, *names: str, most: int | None = None) -> Mistake:
    return of_layers(name, cause, story, SpoiltActivation, partial(_places, slope, names, most), slope=slope)


_WRONG, _PLACE = "wrong-activation-derivative", "derivative-at-wrong-place"
_MISSING = "missing-activation-derivative"

ACTIVATION: tuple[Mistake, ...] = (
    _entry("derivative missing", _MISSING, "passed dA on as dZ", _one),
    _entry("derivative missing, first layer", _MISSING, "passed dA on as dZ in the first activation", _one, most=1),
    _entry("derivative at A", _PLACE, "f'(A) in place of f'(Z)", _at_A),
    _entry("Z for A", _PLACE, "a formula in A, such as 1 - A², fed with Z", _Z_for_A),
    _entry("derivative squared", _WRONG, "multiplied by f'(Z) twice", _squared),
    _entry("mask reversed", _WRONG, "let through where Z < 0", _mirrored, "relu", "leaky_relu"),
    _entry("relu's derivative for leaky relu", _WRONG, "forgot the slope", _step, "leaky_relu"),
    _entry("mask by dA", _WRONG, "masked by the sign of dA, not of Z", _step_of_dA, "relu"),
    _entry(
        "tanh approximation's derivative", _WRONG, "exact GELU, derivative of its approximation", _tanh_gelu, "gelu"
    ),
    _entry("product rule forgotten", _WRONG, "only g of (z g)' = g + z g'", _first_factor_only, "gelu", "silu", "mish"),
    _entry("1 - A for tanh", _WRONG, "forgot the square in 1 - A²", _square_forgotten, "tanh"),
    _entry("sigmoid's derivative for tanh", _WRONG, "A (1 - A) for tanh", _of_sigmoid, "tanh"),
    _entry("softplus' derivative for elu", _WRONG, "σ(Z), another smooth relu's", _sigmoid_itself, "elu", "selu"),
    _entry("relu's mask as A / Z", "not-finite", "0 / 0 where a unit's Z is 0", _quotient, "relu"),
)
