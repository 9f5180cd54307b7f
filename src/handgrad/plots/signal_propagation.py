"""Signals through depth: what theory predicts as lines, what networks did as points."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_finite, require_numeric
from handgrad.plots.lines import mean_and_half_width
from handgrad.plots.theme import BLUE, ORANGE, colour, ink, line_style, marker, new_axes, page, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def length_by_depth(
    predicted: Mapping[str, ArrayLike], measured: Mapping[str, ArrayLike] | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Squared lengths q by layer: predictions (layers,) as lines, measurements as points in their colour.

    Measured values are (layers,) or (layers, S): the mean over S networks with its 95 % t interval. The axis is
    logarithmic where lengths span more than a factor of 100.

    Raises ValueError for nothing to draw, a shape that does not fit, and measurements without a prediction.

    >>> from matplotlib.figure import Figure
    >>> ax = length_by_depth({"tanh": [1.0, 0.5]}, {"tanh": [[1.1, 0.9], [0.6, 0.5]]}, ax=Figure().subplots())
    >>> ax.get_ylabel()
    'squared length q'
    """
    ax, values = _by_depth(predicted, measured, ax)
    positive = values[values > 0]
    if positive.size == values.size and positive.max() > 100 * positive.min():
        ax.set_yscale("log")
    ax.set_ylabel("squared length q")
    return ax


def correlation_by_depth(
    predicted: Mapping[str, ArrayLike], measured: Mapping[str, ArrayLike] | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Correlations c of two inputs by layer, drawn as `length_by_depth` draws lengths; raises as it does.

    >>> from matplotlib.figure import Figure
    >>> ax = correlation_by_depth({"relu": [0.0, 0.32, 0.49]}, ax=Figure().subplots())
    >>> [float(end) for end in ax.get_ylim()]
    [-0.05, 1.05]
    """
    ax, values = _by_depth(predicted, measured, ax)
    ax.set(ylabel="correlation c", ylim=(-0.05 if values.min() >= 0 else -1.05, 1.05))
    return ax


def phase_diagram(
    sigma_w: ArrayLike,
    sigma_b: ArrayLike,
    chi: ArrayLike,
    critical: ArrayLike | None = None,
    ax: "Axes | None" = None,
    *,
    title: str | None = None,
) -> "Axes":
    """Order and chaos in the plane of sigma_w (M,) and sigma_b (N,): χ₁ (N, M) as colour, NaN hatched, and its edge.

    Blue is order (χ₁ < 1, signals become alike), orange chaos (χ₁ > 1, they part), paler near 1; the scale is that of
    log χ₁. `critical` (N,) is the critical sigma_w of each sigma_b (`handgrad.theory.critical_line`), drawn as a line.

    Raises ValueError for shapes that do not fit, values that do not increase, and a negative χ₁.

    >>> from matplotlib.figure import Figure
    >>> ax = phase_diagram([0.5, 1.5], [0.0, 0.1], [[0.25, 2.0], [0.2, 1.8]], [1.0, 1.1], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['order', 'chaos']
    """
    columns, rows = _increasing("sigma_w", sigma_w), _increasing("sigma_b", sigma_b)
    values = _shaped("chi", chi, (len(rows), len(columns)), "a row for each sigma_b, a column for each sigma_w")
    if (values < 0).any():
        raise ValueError(f"chi holds {np.nanmin(values):g}; expected values of at least 0")
    edge = None if critical is None else _shaped("critical", critical, rows.shape, "one sigma_w for each sigma_b")
    ax = new_axes(ax, 5.2, 4.0)
    shades, reach = _draw_phases(ax, columns, rows, values)
    if edge is not None:
        _draw_edge(ax, edge, rows)
    bar = ax.figure.colorbar(shades, ax=ax, label="$\\chi_1$")
    _tick_factors(bar, reach)
    for name, sign in (("order", -1), ("chaos", 1)):
        _name_phase(ax, name, columns, rows, sign * np.log(values), shades)
    _explain(ax, bool(np.isnan(values).any()))
    ax.grid(False)
    ax.set(xlim=(columns[0], columns[-1]), ylim=(rows[0], rows[-1]))
    ax.set(xlabel="$\\sigma_w$", ylabel="$\\sigma_b$", title=title)
    return ax


# --- by depth ---------------------------------------------------------------------------------------------------------


def _by_depth(
    predicted: Mapping[str, ArrayLike], measured: Mapping[str, ArrayLike] | None, ax: "Axes | None"
) -> tuple["Axes", Array]:
    """The axes, and the values of all lines and points in one row."""
    if not predicted:
        raise ValueError("predicted is empty; expected at least one name with values (layers,)")
    lines = {name: _layers(f"predicted[{name!r}]", each, (1,)) for name, each in predicted.items()}
    points = {name: _layers(f"measured[{name!r}]", each, (1, 2)) for name, each in (measured or {}).items()}
    for name in points:
        if name not in lines:
            raise ValueError(f"measured has {name!r}, which predicted has not; expected {', '.join(lines)}")
    ax = new_axes(ax, 6.5, 3.8)
    for i, (name, line) in enumerate(lines.items()):
        ax.plot(np.arange(1, len(line) + 1), line, label=name, **line_style(i, len(line)))
        if name in points:
            _draw_points(ax, i, points[name])
    _whole_layers(ax)
    told = "line: theory, points: networks" + ("\n(mean, 95 % interval)" if _stacked(points) else "")
    outside: Any = {"loc": "upper left", "bbox_to_anchor": (1, 1), "alignment": "left"}
    ax.legend(title=told if points else "theory", fontsize="small", title_fontsize="small", **outside)
    means = [each.reshape(len(each), -1).mean(axis=1) for each in (*lines.values(), *points.values())]
    return ax, np.concatenate(means)


def _draw_points(ax: "Axes", i: int, values: Array) -> None:
    layers = np.arange(1, len(values) + 1)
    mean, half = mean_and_half_width(values.reshape(len(values), -1))
    look: Any = {"color": colour(i), "marker": marker(i), "markersize": 5, "linestyle": "none", "capsize": 3}
    ax.errorbar(layers, mean, yerr=None if values.ndim == 1 else half, **look)


def _stacked(points: Mapping[str, Array]) -> bool:
    return any(each.ndim == 2 for each in points.values())


def _whole_layers(ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("layer")


def _layers(argument: str, values: ArrayLike, dimensions: tuple[int, ...]) -> Array:
    array = require_numeric(argument, values).astype(float)
    if array.ndim not in dimensions or array.size == 0:
        shapes = " or ".join(("(layers,)", "(layers, S)")[: len(dimensions)])
        raise ValueError(f"{argument} has shape {array.shape}; expected {shapes}, not empty")
    return require_finite(argument, array)


# --- phases -----------------------------------------------------------------------------------------------------------


def _draw_phases(ax: "Axes", columns: Array, rows: Array, values: Array) -> tuple[Any, float]:
    from matplotlib.colors import LinearSegmentedColormap

    logs = np.log(np.maximum(values, 1e-300))
    finite = np.abs(logs[np.isfinite(logs)])
    reach = float(np.clip(finite.max() if finite.size else 1.0, 0.1, np.log(10)))
    ramp = LinearSegmentedColormap.from_list("phases", [BLUE, page(), ORANGE])
    ax.patch.set(hatch="///", edgecolor=ink(), alpha=0.4)
    shades = ax.pcolormesh(columns, rows, logs, cmap=ramp, vmin=-reach, vmax=reach, shading="nearest", rasterized=True)
    return shades, reach


def _draw_edge(ax: "Axes", edge: Array, rows: Array) -> None:
    """A line; a dot where a point of it stands alone and a line would not show."""
    look: Any = {"color": ink(), "clip_on": False}
    ax.plot(edge, rows, linewidth=1.8, label="$\\chi_1$ = 1", color=ink())
    there = np.pad(np.isfinite(edge), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    ax.plot(edge[alone], rows[alone], linestyle="none", marker="o", **look)


def _explain(ax: "Axes", hatched: bool) -> None:
    """What the line and the hatching are, below the axes."""
    from matplotlib.patches import Patch

    lines: list[Any] = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    patches = [Patch(facecolor="none", edgecolor=ink(), hatch="///", alpha=0.4, label="no fixed point")] * hatched
    if lines or patches:
        below: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2}
        ax.legend(handles=[*lines, *patches], fontsize="small", **below)


def _tick_factors(bar: Any, reach: float) -> None:
    factors = np.array([0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10])
    shown = factors[np.abs(np.log(factors)) <= reach + 1e-9]
    bar.set_ticks(np.log(shown), labels=[f"{each:g}" for each in shown])


def _name_phase(ax: "Axes", name: str, columns: Array, rows: Array, logs: Array, shades: Any) -> None:
    """The phase's name in the middle of where it is, if anywhere."""
    inside = np.nan_to_num(logs, nan=-1.0) > 0
    if inside.any():
        row, column = (int(np.median(each)) for each in np.nonzero(inside))
        at = shades.to_rgba(shades.get_array().reshape(logs.shape)[row, column])[:3]
        ax.text(columns[column], rows[row], name, ha="center", va="center", color=text_on(at), fontsize="large")


def _increasing(argument: str, values: ArrayLike) -> Array:
    array = require_finite(argument, require_numeric(argument, values).astype(float))
    if array.ndim != 1 or array.size < 2 or not (np.diff(array) > 0).all():
        raise ValueError(f"{argument} has shape {array.shape}; expected at least two increasing numbers")
    return array


def _shaped(argument: str, values: ArrayLike, shape: tuple[int, ...], meaning: str) -> Array:
    array = require_numeric(argument, values).astype(float)
    if array.shape != shape:
        raise ValueError(f"{argument} has shape {array.shape}; expected {shape}, {meaning}")
    return array
