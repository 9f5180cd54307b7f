"""The modules that PyTorch lacks. Importing this needs torch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from handgrad.compiled.expressions import Expression
from handgrad.interchange.formulas import evaluated

_FUNCTIONS = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "power": torch.pow,
    "float_power": torch.pow,
    "negative": torch.negative,
    "positive": torch.positive,
    "reciprocal": torch.reciprocal,
    "square": torch.square,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": torch.log,
    "log1p": torch.log1p,
    "tanh": torch.tanh,
    "absolute": torch.abs,
    "sign": torch.sign,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "erfc": torch.special.erfc,
    "where": lambda condition, one, other: torch.where(condition != 0, one, other),
    "greater": torch.greater,
    "greater_equal": torch.greater_equal,
    "less": torch.less,
    "less_equal": torch.less_equal,
    "equal": torch.eq,
    "not_equal": torch.not_equal,
    "bitwise_and": torch.logical_and,
    "bitwise_or": torch.logical_or,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_not": torch.logical_not,
    "invert": torch.logical_not,
}


class Elementwise(nn.Module):
    """An activation that torch lacks, computed by its functions from the expression that the formula is."""

    def __init__(self, name: str, expression: Expression, built_in: bool) -> None:
        super().__init__()
        self.name = name
        self.built_in = built_in  # whether handgrad knows the name
        self.expression = expression

    def forward(self, z: Tensor) -> Tensor:
        """f(z), elementwise."""

        def apply(function: str, operands: Sequence[Any]) -> Any:
            return _FUNCTIONS[function](*operands)

        return evaluated(self.expression, {"z": z}.__getitem__, z.new_tensor, apply)

    def extra_repr(self) -> str:
        """The rule's name and parameters."""
        return self.name


class Residual(nn.Sequential):
    """A skip connection around the modules inside, Y = A + F(A)."""

    def forward(self, A: Tensor) -> Tensor:
        """Y = A + F(A)."""
        F: Tensor = super().forward(A)  # type: ignore[no-untyped-call]
        return A + F
