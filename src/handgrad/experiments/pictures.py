"""The report's pictures, each drawn twice, for light and for dark pages, and kept as text that a page can hold."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import plots
from handgrad.experiments.result import Result
from handgrad.experiments.statistics import performance_profile
from handgrad.experiments.tour import Notebook
from handgrad.network import record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 110  # of pictures in pixels: fine enough on a page, and drawn in half the time
_OFF_THE_PAGE = 1e30  # a loss on its way to diverge
_MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """The same picture twice, as data URIs, and what it shows, for those who cannot see it."""

    light: str
    dark: str
    shows: str


def take(shows: str, draw: Callable[[], Any], form: str = "svg") -> Picture:
    """Draw in light and in dark; `draw` gives the Axes it made. The same drawing always gives the same bytes."""
    with np.errstate(over="ignore", invalid="ignore"):  # networks that diverged are drawn too
        light, dark = (_data_uri(draw, is_dark, form) for is_dark in (False, True))
    return Picture(light, dark, shows)


def notebook_pictures(notebook: Notebook) -> tuple[Picture, Picture]:
    """Its loss over the epochs, and where it decides what, with the test points."""
    return (
        take(
            "Loss of the notebook's network over its epochs",
            lambda: plots.curves({"2-10-2": notebook.loss}, log=True, ax=_axes(5.6, 3.6)),
        ),
        take(
            "Decision boundary of the notebook's network, with the test points",
            lambda: plots.decision_boundary(notebook.net, notebook.X_test, notebook.y_test, _axes(5.6, 3.6)),
            "png",
        ),
    )


def learning_curves(result: Result, width: float = 7.6, height: float = 3.4) -> Picture:
    """Loss of each setting over the epochs, mean and interval over the seeds."""
    losses = {
        result.name_of(setting): np.where(np.abs(curve) < _OFF_THE_PAGE, curve, np.nan)
        for setting, curve in result.curves().items()
    }
    epochs = {result.name_of(setting): each for setting, each in result.epochs().items()}
    log = all((curve[np.isfinite(curve)] > 0).all() for curve in losses.values())
    return take(
        "Training loss: mean and 95 % interval over the seeds",
        lambda: plots.curves(losses, epochs=epochs, log=log, ax=_axes(width, height)),
    )


def confusion(result: Result) -> Picture:
    """What the first seed's network of the first setting takes for what, on its test rows."""
    net, draw = result.network(result.settings[0])
    names = [str(each) for each in range(int(draw.test.y.max()) + 1)]
    return take(
        "Confusion matrix of one network",
        lambda: plots.confusion_matrix(draw.test.y, net.predict(draw.test.X), names, ax=_axes(4.8, 4.0)),
    )


def layers_at_start(result: Result) -> tuple[Picture, Picture]:
    """Outputs and gradients by layer of the first seed's network of the first setting, before training."""
    net, draw = result.start(result.settings[0])
    recording = record(net, *draw.test)
    return (
        take(
            "Histograms of each layer's outputs",
            lambda: plots.histograms(recording.outputs, _axes(5.6, 2.8), xlabel="output of the layer"),
        ),
        take(
            "Histograms of the gradient that reaches each layer's output",
            lambda: _short_ticks(
                plots.histograms(recording.gradients, _axes(5.6, 2.8), xlabel="∂loss / ∂output of the layer")
            ),
        ),
    )


def intervals(result: Result) -> Picture:
    """The main metric of each setting with its interval."""
    scale, label = _scale(result)
    table = [
        (result.name_of(setting), scale * each.value, scale * each.low, scale * each.high)
        for setting, each in result.intervals().items()
    ]
    return take(
        f"{label}: means and 95 % intervals",
        lambda: plots.intervals(table, _axes(5.2, 1.1 + 0.36 * len(table)), xlabel=label),
    )


def differences(result: Result) -> Picture:
    """The best setting minus each other, seed by seed: means with their intervals."""
    best, (scale, label) = result.best(), _scale(result)
    table = [
        (f"− {pair.b}", scale * pair.difference.value, scale * pair.difference.low, scale * pair.difference.high)
        for pair in result.against(best)
    ]

    def draw() -> Any:
        ax = plots.intervals(
            table, _axes(5.2, 1.1 + 0.36 * len(table)), xlabel="difference in points" if scale > 1 else "difference"
        )
        ax.axvline(0, color=ax.spines["bottom"].get_edgecolor(), linewidth=1, linestyle=":")
        return ax

    return take(f"Differences of {label} between {best} and each other setting, with 95 % intervals", draw)


def profiles(result: Result) -> Picture:
    """The share of each setting's networks above each threshold."""
    scale, label = _scale(result)
    values = {result.name_of(setting): scale * each for setting, each in result.values().items()}
    ends = np.concatenate(list(values.values()))
    shares = performance_profile(values, np.linspace(ends.min(), ends.max(), 200))
    return take(
        f"Share of networks above each {label}",
        lambda: plots.profiles(shares, xlabel=label, ax=_axes(5.2, 3.4)),
    )


def _scale(result: Result) -> tuple[float, str]:
    """Shares are drawn in percent."""
    label, share = result.main_metric.replace("_", " "), result.main_metric.endswith("accuracy")
    return (100.0, f"{label} in %") if share else (1.0, label)


def boundaries(result: Result) -> Picture | None:
    """Decision boundaries of the first seed's networks; None unless they decide between classes on a plane."""
    nets, draws = {}, []
    for setting in result.settings:
        net, draw = result.network(setting)
        if net.fan_in != 2 or not result.main_metric.endswith("accuracy"):
            return None
        nets[result.name_of(setting)] = net
        draws.append(draw)
    if any(not np.array_equal(draw.test.X, draws[0].test.X) for draw in draws):
        return None  # each has points of its own
    X, y = draws[0].test
    return take(
        "Decision boundaries, one seed",
        lambda: plots.decision_boundaries(nets, X, y, columns=min(4, len(nets))),
        "png",
    )


def _short_ticks(ax: "Axes") -> "Axes":
    """Powers of ten beside the axis rather than in each of its numbers."""
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
    return ax


def _axes(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").subplots()


def _data_uri(draw: Callable[[], Any], dark: bool, form: str) -> str:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    buffer = BytesIO()
    with plots.style(dark=dark), mpl.rc_context({"svg.hashsalt": "handgrad"}):
        figure: Figure = np.ravel(np.asarray(draw(), dtype=object))[0].figure
        figure.savefig(buffer, format=form, dpi=_DPI, metadata={"Date": None} if form == "svg" else {"Software": None})
        plt.close(figure)
    return f"data:{_MEDIA_TYPES[form]};base64,{base64.b64encode(buffer.getvalue()).decode()}"
