"""Signals by layer and epoch: what a monitor saw of a network while it trained."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.plots.theme import colour, line_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PANELS = {  # column of the table: title, and whether zero is out of sight
    "mean": ("outputs of activations, mean ± sd", False),
    "gradient": ("norm of the gradient at the output", True),
    "saturated": ("saturated, share of units and rows", False),
    "dead": ("dead, share of units", False),
    "update": ("update of W per epoch, ‖ΔW‖ / ‖W‖", True),
}
_LAYERS = 7  # of activations, and of the others: of a deeper network those at even distances, the ends among them
_BANDS = 3  # more would hide each other


class Monitored(Protocol):
    """What `signals` draws: a table indexed by epoch and layer, its columns those of `Monitor.to_pandas`."""

    def to_pandas(self) -> "pd.DataFrame":
        """The table."""


def signals(monitor: Monitored, ax: "Sequence[Axes] | Array | None" = None) -> Array:
    """Signals of each layer over the epochs: outputs, gradients, saturated and dead units, updates of the weights.

    Activations are drawn with their mean and, where they are three or fewer, a band of a standard deviation on either
    side; norms on a logarithmic scale, where what is exactly 0 is left out. Of a network with more than seven
    activations, or other layers, seven at even distances are drawn. `ax`: five Axes, without a legend. Returns them as
    an array.

    Raises ValueError for a table of several networks, or of other columns, and for another number of axes.

    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> class Seen:
    ...     def to_pandas(self):
    ...         index = pd.MultiIndex.from_product([[0, 10], ["dense1"]], names=["epoch", "layer"])
    ...         names = ["mean", "variance", "gradient", "saturated", "dead", "update"]
    ...         return pd.DataFrame(1.0, index=index, columns=names)
    >>> [ax.get_title() for ax in signals(Seen(), ax=Figure().subplots(1, 5))][-1]
    'update of W per epoch, ‖ΔW‖ / ‖W‖'
    """
    table = _table(monitor)
    axes, legend_place = _five(ax)
    layers = list(dict.fromkeys(table.index.get_level_values("layer")))
    units = [layer for layer in layers if table.xs(layer, level="layer")["dead"].notna().any()]
    activations, others = _some(units), _some([layer for layer in layers if layer not in units])
    shown = [layer for layer in layers if layer in {*activations, *others}]
    lines: dict[str, Any] = {}
    for panel, (column, (title, log)) in zip(axes, _PANELS.items(), strict=True):
        for i, layer in enumerate(shown):
            values = table[table.index.get_level_values("layer") == layer].droplevel("layer")
            if values[column].notna().any() and (column != "mean" or layer in activations or not activations):
                lines.setdefault(layer, _draw(panel, values, column, log, i))
                if column == "mean" and len(activations) <= _BANDS:
                    _band(panel, values, i)
        _dress(panel, title, log, share=column in ("saturated", "dead"))
    if legend_place is not None:
        title = "layer" if len(shown) == len(layers) else f"{len(shown)} of {len(layers)} layers"
        named = [layer for layer in shown if layer in lines]
        legend_place.legend([lines[layer] for layer in named], named, loc="center", ncols=2, title=title)
    return axes


def _some(layers: list[str]) -> list[str]:
    """At most seven of them, at even distances."""
    if len(layers) <= _LAYERS:
        return layers
    return [layers[round(place)] for place in np.linspace(0, len(layers) - 1, _LAYERS)]


def _draw(panel: "Axes", values: "pd.DataFrame", column: str, log: bool, i: int) -> Any:
    """One layer's line."""
    drawn = values[column].where(values[column] > 0) if log else values[column]
    (line,) = panel.plot(values.index, drawn, **line_style(i, int(drawn.count())))
    return line


def _band(panel: "Axes", values: "pd.DataFrame", i: int) -> None:
    """A standard deviation on either side of the mean."""
    mean, sd = values["mean"], np.sqrt(values["variance"])
    panel.fill_between(values.index, mean - sd, mean + sd, color=colour(i), alpha=0.18, linewidth=0)


def _dress(panel: "Axes", title: str, log: bool, share: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    heights = [y for line in panel.get_lines() for y in np.asarray(line.get_ydata(), float) if np.isfinite(y)]
    if log and heights:
        panel.set_yscale("log")
        if max(heights) < 100 * min(heights):  # within two powers of ten: these alone would label too little
            _label_between(panel)
    if share:
        panel.set_ylim(-0.03, 1.03)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    panel.set(title=title, xlabel="epoch")


def _label_between(panel: "Axes") -> None:
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    panel.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    panel.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _table(monitor: Monitored) -> "pd.DataFrame":
    table = monitor.to_pandas()
    if table.index.nlevels != 2:
        raise ValueError("monitor watched several networks; watch one of them, or draw its own table")
    missing = [name for name in (*_PANELS, "variance") if name not in table]
    if missing:
        raise ValueError(f"monitor's table has no column {missing[0]!r}; expected what Monitor.to_pandas gives")
    return table


def _five(ax: Any) -> tuple[Array, "Axes | None"]:
    """Five axes, and in a figure of our own a sixth place for the legend."""
    if ax is None:
        import matplotlib.pyplot as plt

        grid = plt.subplots(2, 3, figsize=(12.0, 6.2), layout="constrained")[1]
        grid.flat[-1].set_axis_off()
        return grid.ravel()[:5], grid.flat[-1]
    axes = np.ravel(np.asarray(ax, dtype=object))
    if len(axes) != len(_PANELS):
        raise ValueError(f"ax holds {len(axes)} axes; expected {len(_PANELS)}, as plt.subplots(1, 5) makes them")
    return axes, None
