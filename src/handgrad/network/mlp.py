"""The layers of a multi-layer perceptron from its sizes."""

from collections.abc import Sequence
from typing import Any

from handgrad.activations import activations
from handgrad.arrays import require_bool, require_integer
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.rules import unknown

_NORMS = {"batch": BatchNorm, "layer": LayerNorm}


def mlp_layers(
    sizes: Sequence[int],
    activation: Any,
    output_activation: Any,
    dropout: float,
    norm: str | None,
    residual: bool = False,
) -> list[Layer]:
    """Dense, norm, activation, dropout for each hidden layer; Dense and perhaps an activation at the end.

    With `residual`, a hidden layer as wide as the one before is skipped by a connection.
    """
    require_bool("residual", residual)
    widths = _require_sizes(sizes)
    if norm is not None and norm not in _NORMS:
        raise unknown("norm", norm, _NORMS)
    hidden = widths[1:-1]
    formulas = _one_each(activation, len(hidden))
    drop = Dropout(dropout)
    layers: list[Layer] = []
    for fan_in, fan_out, formula in zip(widths, hidden, formulas, strict=False):
        block: list[Layer] = [Dense(fan_in, fan_out, bias=norm != "batch")]
        if norm is not None:
            block.append(_NORMS[norm](fan_out))
        block.append(Activation(formula))
        if drop.rate:
            block.append(drop)
        is_skipped = residual and len(layers) > 0 and fan_in == fan_out
        layers.extend([Residual(block)] if is_skipped else block)
    layers.append(Dense(widths[-2], widths[-1]))
    if output_activation is not None:
        layers.append(Activation(output_activation))
    return layers


def _require_sizes(sizes: Sequence[int]) -> list[int]:
    try:
        widths = [require_integer(f"sizes[{index}]", size) for index, size in enumerate(sizes)]
    except TypeError as wrong:
        raise TypeError(f"sizes is {sizes!r}; expected whole numbers of units such as [2, 10, 2]") from wrong
    if len(widths) < 2:
        raise ValueError(f"sizes is {widths}; expected at least inputs and outputs, such as [2, 10, 2]")
    return widths


def _one_each(activation: Any, hidden: int) -> list[Any]:
    if not isinstance(activation, list | tuple):
        return [activations.find(activation)] * hidden
    if len(activation) != hidden:
        raise ValueError(f"activation has {len(activation)} entries for {hidden} hidden layers; give one each, or one")
    return list(activation)
