"""Lines over epochs: learning curves of many seeds, and the history of one network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.arrays import Array, require_numeric
from handgrad.plots.theme import colour, line_style, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class History(Protocol):
    """What `history` draws: anything that gives a table indexed by epoch, a column for each measured quantity."""

    def to_pandas(self) -> "pd.DataFrame":
        """The table."""


def curves(
    curves: Mapping[str, Array],
    *,
    epochs: Mapping[str, Array] | None = None,
    ylabel: str = "loss",
    log: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    r"""Learning curves by name: (epochs,) is one line; (epochs, S) is the mean over S seeds and its 95 % t interval.

    mean ± t(0.975, n - 1) s / √n at each epoch, over the n networks that still ran then: one that stopped is NaN from
    there. The legend says how many there were, and how many reached the last epoch. `epochs` are, by name, the
    numbers of the epochs that were kept, if not all.

    Raises ValueError for no curves at all and for another shape, TypeError for values that are not numbers.

    >>> from matplotlib.figure import Figure
    >>> losses = {"he_normal": np.array([[1.0, 1.2], [0.5, 0.7]]), "zeros": np.array([1.1, 1.1])}
    >>> ax = curves(losses, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['he_normal\n(2 seeds)', 'zeros']
    """
    if not curves:
        raise ValueError("curves is empty; expected at least one name with values (epochs,) or (epochs, S)")
    values = {name: _by_epoch(name, each) for name, each in curves.items()}
    ax = new_axes(ax, 7.5, 3.8)
    for i, (name, each) in enumerate(values.items()):
        at = np.arange(1, len(each) + 1) if epochs is None else _of_points(name, epochs[name], each)
        mean, half = mean_and_half_width(each.reshape(len(each), -1))
        ax.plot(at, mean, label=name + _seeds(each), **line_style(i, len(at)))
        if each.ndim == 2:
            ax.fill_between(at, mean - half, mean + half, color=colour(i), alpha=0.2, linewidth=0)
    if log:
        ax.set_yscale("log")
    _whole_epochs(ax)
    ax.set_ylabel(ylabel)
    stacked = any(each.ndim == 2 for each in values.values())
    title = "mean and 95 % interval" if stacked else None
    outside: Any = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
    ax.legend(title=title, fontsize="small", title_fontsize="small", alignment="left", **outside)
    return ax


def history(history: History, ax: "Axes | Sequence[Axes] | Array | None" = None) -> Array:
    """Training history of one network: the loss; then the metrics in [0, 1], together; then each other metric alone.

    Each with its validation; the learning rate is left out. `ax`: as many Axes as that takes. Returns them as an array.

    Raises ValueError for an empty history, one of several networks (`curves` draws those), or another number of axes.

    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> class Recorded:
    ...     def to_pandas(self):
    ...         return pd.DataFrame({"loss": [0.7, 0.3], "accuracy": [0.5, 0.9]}, index=[1, 2])
    >>> [ax.get_ylabel() for ax in history(Recorded(), ax=Figure().subplots(1, 2))]
    ['loss', 'accuracy']
    """
    table = history.to_pandas()
    if table.index.nlevels > 1:
        raise ValueError("history is of several networks; draw them with plots.curves({'loss': history.loss})")
    if table.empty:
        raise ValueError("history is empty; train for an epoch first")
    panels = _panels(table)
    for panel, quantities in zip(axes := _side_by_side(ax, len(panels)), panels, strict=True):
        columns = [column for each in quantities for column in _columns(table, each)]
        for i, column in enumerate(columns):
            panel.plot(table.index, table[column], label=column.replace("_", " "), **line_style(i, len(table)))
        _whole_epochs(panel)
        panel.set_ylabel(quantities[0].replace("_", " ") if len(quantities) == 1 else "metrics")
        if len(columns) > 1:
            panel.legend()
    return axes


def mean_and_half_width(values: Array) -> tuple[Array, Array]:
    """Mean of each row of (epochs, S) and half the width of its 95 % t interval; a row with one finite value has none.

    >>> mean, half = mean_and_half_width(np.array([[1.0, 3.0, np.nan]]))
    >>> mean.round(3), half.round(3)  # t(0.975, 1) = 12.706, s / √2 = 1
    (array([2.]), array([12.706]))
    """
    from scipy.stats import t

    finite = np.isfinite(values)
    n = finite.sum(axis=1).astype(float)
    n[n == 0] = np.nan
    mean = np.where(finite, values, 0).sum(axis=1) / n  # (epochs,)
    freedom = np.where(n > 1, n - 1, np.nan)
    variance = np.where(finite, (values - mean[:, None]) ** 2, 0).sum(axis=1) / freedom
    return mean, t.ppf(0.975, freedom) * np.sqrt(variance / n)


def _by_epoch(name: str, values: Array) -> Array:
    array = require_numeric(f"curves[{name!r}]", values).astype(float)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"curves[{name!r}] has shape {array.shape}; expected (epochs,) or (epochs, S), not empty")
    return array


def _of_points(name: str, epochs: Array, values: Array) -> Array:
    if len(epochs) != len(values):
        raise ValueError(f"epochs[{name!r}] has {len(epochs)} numbers for {len(values)} points; expected one each")
    return np.asarray(epochs)


def _seeds(values: Array) -> str:
    if values.ndim == 1:
        return ""
    S, finished = values.shape[1], int(np.isfinite(values[-1]).sum())
    seeds = "1 seed" if S == 1 else f"{S} seeds"
    return f"\n({seeds})" if finished == S else f"\n({seeds}, {finished} to the end)"


def _panels(table: "pd.DataFrame") -> list[list[str]]:
    """The quantities that share an axes."""
    quantities = list(dict.fromkeys(str(column).removeprefix("validation_") for column in table.columns))
    metrics = [each for each in quantities if each not in ("loss", "learning_rate")]
    shares = [each for each in metrics if _in_unit_interval(table[_columns(table, each)].to_numpy())]
    return [["loss"]] + [shares] * bool(shares) + [[each] for each in metrics if each not in shares]


def _columns(table: "pd.DataFrame", quantity: str) -> list[str]:
    return [column for column in (quantity, f"validation_{quantity}") if column in table]


def _in_unit_interval(values: Array) -> bool:
    return bool(np.all(np.isnan(values) | ((values >= 0) & (values <= 1))))


def _side_by_side(ax: Any, n: int) -> Array:
    if ax is None:
        import matplotlib.pyplot as plt

        return np.asarray(plt.subplots(1, n, figsize=(4.5 * n, 3.4), layout="constrained", squeeze=False)[1][0])
    axes = np.ravel(np.asarray(ax, dtype=object))
    if len(axes) != n:
        raise ValueError(f"ax holds {len(axes)} axes but this history needs {n}; make them with plt.subplots(1, {n})")
    return axes


def _whole_epochs(ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
