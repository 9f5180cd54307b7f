"""Where a gradient is wrong: the error of every entry, from the report of a gradient check."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.plots.theme import is_dark
from handgrad.rules import unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.image import AxesImage

_LOWEST, _HIGHEST = -14, 0  # powers of ten that the colours tell apart
_CELLS = 64  # down and across; of larger arrays each cell shows the worst of several entries
_IN_A_CELL = 3  # measured entries, where only some are: fewer leave holes
_COLUMNS = 3
_FLATTEST, _TALLEST = 0.12, 1.2  # panels, height over width


class GradientReport(Protocol):
    """What `gradient_errors` draws: both gradients by parameter (NaN where not measured), and a verdict on each."""

    @property
    def tolerance(self) -> float:
        """The relative error that counts as right."""

    @property
    def checks(self) -> Sequence[Any]:
        """Rows with a name, a verdict and a point; the first of a name counts."""

    @property
    def analytic(self) -> Mapping[str, Array]:
        """The gradient to prove."""

    @property
    def numeric(self) -> Mapping[str, Array]:
        """The measured one."""


def gradient_errors(
    report: GradientReport, parameter: str | None = None, ax: "Axes | Sequence[Axes] | Array | None" = None
) -> Array:
    """The error of each entry, a panel for each parameter (or for the one named); the Axes, in order.

    Colour is |analytic - numeric| over the root mean square of the parameter's measured gradient, by powers of ten;
    where it exceeds the tolerance the hue changes. Entries that were not measured are hatched. Vectors are drawn as one
    row; of arrays of more than two axes the rows of the last lie below each other. `ax`: as many Axes as panels.

    Raises ValueError for a parameter that was not measured, a report without any, and too few or too many Axes.

    >>> import handgrad as hg
    >>> from matplotlib.figure import Figure
    >>> report = hg.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1.0, 2.0]))
    >>> gradient_errors(report, ax=Figure().subplots())[0].get_title()
    'x: ok'
    """
    names = list(report.analytic)
    if not names:
        raise ValueError("report has measured no parameter; its findings say why")
    if parameter is not None and parameter not in names:
        raise unknown("parameter", parameter, names)
    names = names if parameter is None else [parameter]
    verdicts = {check.name: check.verdict for check in reversed(report.checks)}
    axes = _axes(ax, len(names))
    colours = _colours(report.tolerance)
    images = [
        _draw(each, name, verdicts[name], _errors(report.analytic[name], report.numeric[name]), colours)
        for each, name in zip(axes, names, strict=True)
    ]
    _colour_bar(images[0], axes, report.tolerance)
    return axes


def _errors(analytic: Array, numeric: Array) -> Array:
    """log10 of the error over the gradient's typical size, as rows and columns; NaN where nothing was measured."""
    known = np.isfinite(numeric) & np.isfinite(analytic)
    typical = _root_mean_square(numeric[known]) or _root_mean_square(analytic[known]) or 1.0
    errors = np.full(numeric.shape, np.nan)
    errors[known] = np.log10(np.maximum(np.abs(analytic - numeric)[known] / typical, 10.0 ** (_LOWEST - 1)))
    return errors.reshape(-1, ([1, *errors.shape])[-1])


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0


def _draw(ax: "Axes", name: str, verdict: str, errors: Array, colours: "Colormap") -> "AxesImage":
    rows, columns = errors.shape
    measured = int(np.isfinite(errors).sum())
    silent = verdict in ("zero", "below noise")  # the typical size is one of noise: errors over it mean nothing
    down, across = _block(rows, columns, measured)
    cells = _worst_of_each(np.full_like(errors, np.nan) if silent else errors, down, across)
    image = ax.imshow(
        np.ma.masked_invalid(cells),
        cmap=colours,
        vmin=_LOWEST,
        vmax=_HIGHEST,
        extent=(-0.5, cells.shape[1] * across - 0.5, cells.shape[0] * down - 0.5, -0.5),
        interpolation="nearest",
        aspect="auto",
    )
    notes = []
    if silent:
        why = "both are 0" if verdict == "zero" else "too small to measure"
        ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize="small")
    elif measured < errors.size:
        ax.patch.set(hatch="/////", edgecolor="#5a6572" if is_dark() else "#b4bcc5", linewidth=0)
        notes.append(
            f"{measured:,} of {errors.size:,} measured" + ("" if np.isfinite(cells).all() else ", others hatched")
        )
    if down * across > 1 and not silent:
        notes.append(f"a cell: worst of {down}×{across}")
    ax.set_box_aspect(_FLATTEST if rows == 1 else np.clip(rows / columns, _FLATTEST, _TALLEST))
    ax.set_anchor("N")  # titles stand on one line
    ax.set(title=f"{name}: {verdict}", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    ax.set_xlabel("\n".join(notes), fontsize="small")
    ax.grid(False)
    ax.spines[:].set_visible(True)
    for axis, length in ((ax.xaxis, columns), (ax.yaxis, rows)):
        axis.set_ticks([] if length == 1 else _ticks(length))
    return image


def _block(rows: int, columns: int, measured: int) -> tuple[int, int]:
    """How many rows and columns a cell shows: one each where there is room, and few holes if not."""
    down, across = -(-rows // _CELLS), -(-columns // _CELLS)
    if measured == rows * columns or down * across == 1:
        return down, across
    cells = max(1, measured // _IN_A_CELL)
    side = max(1, int(np.sqrt(cells)))
    most_down = max(1, min(rows, max(side, cells // columns)))
    most_across = max(1, min(columns, cells // most_down))
    return max(down, -(-rows // most_down)), max(across, -(-columns // most_across))


def _worst_of_each(errors: Array, down: int, across: int) -> Array:
    """The largest of each block of that many rows and columns; NaN where nothing in it is known."""
    rows, columns = -(-errors.shape[0] // down), -(-errors.shape[1] // across)
    whole = np.full((rows * down, columns * across), -np.inf)
    whole[: errors.shape[0], : errors.shape[1]] = np.where(np.isnan(errors), -np.inf, errors)
    worst = whole.reshape(rows, down, columns, across).max(axis=(1, 3))
    return np.where(np.isneginf(worst), np.nan, worst)


def _ticks(length: int) -> list[int]:
    """The first index, the last, and some round ones between."""
    from matplotlib.ticker import MaxNLocator

    round_ones = MaxNLocator(3, integer=True).tick_values(0, length - 1)
    apart = length / 6
    return [0, *(int(each) for each in round_ones if apart < each < length - 1 - apart), length - 1]


def _colours(tolerance: float) -> "Colormap":
    """Blues up to the tolerance and reds beyond, farther from the page the larger the error, in grey too."""
    from matplotlib.colors import LinearSegmentedColormap

    small, right, wrong, large = (
        ("#14283a", "#2f7fb5", "#d9661f", "#ffe0b0") if is_dark() else ("#e8f1f9", "#5fa9d6", "#d55e00", "#4d1400")
    )
    limit = _place(tolerance)
    return LinearSegmentedColormap.from_list("error", [(0, small), (limit, right), (limit, wrong), (1, large)], N=1024)


def _place(tolerance: float) -> float:
    """Where on the scale of colours, 0 to 1."""
    return float(np.clip((np.log10(tolerance) - _LOWEST) / (_HIGHEST - _LOWEST), 0.02, 0.98))


def _colour_bar(image: "AxesImage", axes: Array, tolerance: float) -> None:
    bar = axes[0].figure.colorbar(
        image, ax=list(axes), extend="both", label="error / typical gradient", aspect=25, panchor=False
    )
    limit = _LOWEST + _place(tolerance) * (_HIGHEST - _LOWEST)
    powers = [power for power in range(_LOWEST, _HIGHEST + 1, 2) if abs(power - limit) > 1.2]
    ticks = sorted([*powers, limit])
    bar.set_ticks(ticks, labels=["tolerance" if tick == limit else f"$10^{{{tick}}}$" for tick in ticks])
    bar.ax.grid(False)


def _axes(ax: "Axes | Sequence[Axes] | Array | None", panels: int) -> Array:
    """The Axes given, or those of a new figure."""
    if ax is not None:
        given = np.ravel(np.asarray(ax, dtype=object))
        if len(given) != panels:
            raise ValueError(f"ax holds {len(given)} axes but this report needs {panels}")
        return given
    import matplotlib.pyplot as plt

    columns = min(_COLUMNS, panels)
    rows = -(-panels // columns)
    size = (2.5 * max(columns, 1.6) + 1.5, 2.5 * rows + 0.4)
    _, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for unused in grid.flat[panels:]:
        unused.remove()
    axes: Array = grid.ravel()[:panels]
    return axes
