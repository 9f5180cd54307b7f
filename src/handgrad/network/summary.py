"""The table that `summary()` prints."""

from collections.abc import Sequence

from handgrad.layers import Activation, Dense, Layer
from handgrad.network.layout import Leaf


def summary_table(leaves: Sequence[Leaf], fan_in: int | None, loss: str, total: int) -> str:
    """Layers, descriptions, output shapes and parameter counts, a line each."""
    rows = [("layer", "description", "output", "parameters")]
    width = fan_in
    for leaf in leaves:
        width = leaf.layer.width(width)
        count = sum(rows * columns for rows, columns in leaf.layer.parameter_shapes().values())
        rows.append((leaf.name, _description(leaf.layer), f"(B, {width})", f"{count:,}"))
    rows += [("loss", loss, "-", "0"), ("total", "", "", f"{total:,}")]
    return "\n".join(f"{a:<11}  {b:<28}  {c:>10}  {d:>10}" for a, b, c, d in rows)


def _description(layer: Layer) -> str:
    if isinstance(layer, Dense):
        return f"Dense({layer.fan_in}, {layer.fan_out})" + ("" if layer.bias else " without bias")
    return str(layer.formula) if isinstance(layer, Activation) else str(layer)
