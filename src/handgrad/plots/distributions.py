"""Distributions: values by layer, and means with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from handgrad.arrays import Array, require_finite, require_numeric
from handgrad.plots.theme import colour, ink, line_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BANDS = 4  # more would hide each other


def histograms(values: Mapping[str, Array], ax: "Axes | None" = None, *, xlabel: str) -> "Axes":
    """One small histogram for each layer, the first on top, on one scale; arrays of any shape.

    Each is as high as its row. Exact zeros (a ReLU that is off) are left out and counted at the right instead, beside
    the standard deviation, which tells a narrow layer's width where the picture cannot.

    Raises ValueError for no layers at all, an empty one, and values that are not finite.

    >>> from matplotlib.figure import Figure
    >>> ax = histograms({"relu1": np.array([0.0, 0.0, 1.0, 3.0])}, ax=Figure().subplots(), xlabel="activation")
    >>> [note.get_text() for note in ax.texts]
    ['sd 1.2, 50 % zeros']
    """
    if not values:
        raise ValueError("values is empty; expected at least one layer's name with an array")
    arrays = {layer: _filled(layer, each) for layer, each in values.items()}
    ax = new_axes(ax, 6.0, 1.0 + 0.6 * len(arrays))
    edges = np.histogram_bin_edges(np.concatenate([each.ravel() for each in arrays.values()]), bins=100)
    for row, each in enumerate(reversed(arrays.values())):
        counts, _ = np.histogram(each[each != 0], bins=edges)
        heights = 0.85 * counts / max(counts.max(), 1)
        ax.stairs(row + heights, edges, baseline=row, fill=True, color=colour(0), alpha=0.45)
        ax.stairs(row + heights, edges, baseline=row, color=colour(0))
        note = f"sd {each.std():.2g}, {np.mean(each == 0):.0%} zeros".replace("%", " %")
        ax.text(1.01, row, note, transform=ax.get_yaxis_transform(), color=ink(), fontsize="small")
    ax.set_yticks(range(len(arrays)), list(arrays)[::-1])
    ax.set(xlabel=xlabel, ylim=(-0.1, len(arrays)))
    return ax


def intervals(table: Sequence[tuple[str, float, float, float]], ax: "Axes | None" = None, *, xlabel: str) -> "Axes":
    """Means with their 95 % intervals, a row for each (label, mean, low, high), the first on top.

    Raises ValueError for an empty table and for a row without low ≤ mean ≤ high.

    >>> from matplotlib.figure import Figure
    >>> ax = intervals([("he_normal", 0.97, 0.96, 0.98)], ax=Figure().subplots(), xlabel="accuracy")
    >>> ax.get_xlabel()
    'accuracy (mean and 95 % interval)'
    """
    if not table:
        raise ValueError("table is empty; expected at least one row (label, mean, low, high)")
    for label, mean, low, high in table:
        if not low <= mean <= high:
            raise ValueError(f"table row {label!r} is mean {mean}, low {low}, high {high}; expected low ≤ mean ≤ high")
    ax = new_axes(ax, 6.0, 1.0 + 0.35 * len(table))
    rows = np.arange(len(table))
    mean, low, high = np.array([row[1:] for row in table], dtype=float).T
    ax.errorbar(
        mean, rows, xerr=[mean - low, high - mean], fmt="o", color=colour(0), markersize=5, capsize=5, linewidth=2
    )
    ax.set_yticks(rows, [row[0] for row in table])
    ax.set(xlabel=f"{xlabel} (mean and 95 % interval)", ylim=(len(table) - 0.5, -0.5))
    return ax


class Profile(Protocol):
    """What `profiles` draws: the share of runs above each threshold, with a band; all (T,)."""

    @property
    def thresholds(self) -> Array: ...
    @property
    def share(self) -> Array: ...
    @property
    def low(self) -> Array: ...
    @property
    def high(self) -> Array: ...


def profiles(profiles: Mapping[str, Profile], ax: "Axes | None" = None, *, xlabel: str) -> "Axes":
    """Performance profiles by name: which share of the runs is above each threshold, with a band.

    Raises ValueError for no profiles at all.

    >>> from types import SimpleNamespace
    >>> from matplotlib.figure import Figure
    >>> half = np.array([1.0, 0.5])
    >>> profile = SimpleNamespace(thresholds=np.array([0.8, 0.9]), share=half, low=half - 0.1, high=half)
    >>> profiles({"relu": profile}, ax=Figure().subplots(), xlabel="test accuracy").get_ylabel()
    'share of networks above'
    """
    if not profiles:
        raise ValueError("profiles is empty; expected at least one name with a profile")
    ax = new_axes(ax, 5.2, 3.4)
    for i, (name, each) in enumerate(profiles.items()):
        ax.plot(each.thresholds, each.share, label=name, **line_style(i, len(each.thresholds)))
        if len(profiles) <= _BANDS:
            ax.fill_between(each.thresholds, each.low, each.high, color=colour(i), alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel="share of networks above", ylim=(-0.02, 1.02))
    if len(profiles) > 1:
        ax.legend(fontsize="small")
    return ax


def _filled(layer: str, values: Array) -> Array:
    array = require_finite(f"values[{layer!r}]", require_numeric(f"values[{layer!r}]", values))
    if array.size == 0:
        raise ValueError(f"values[{layer!r}] is empty; expected at least one value")
    return array
