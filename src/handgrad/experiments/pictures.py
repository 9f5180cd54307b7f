"""The report's pictures, each drawn twice, for light and for dark pages, and kept as text that a page can hold."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import plots
from handgrad.experiments.comparison import Outcome, Result
from handgrad.experiments.tour import Notebook
from handgrad.network import record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """The same picture twice, as data URIs, and what it shows, for those who cannot see it."""

    light: str
    dark: str
    shows: str


def take(shows: str, draw: Callable[[], Any], form: str = "svg") -> Picture:
    """Draw in light and in dark; `draw` gives the Axes it made. The same drawing always gives the same bytes."""
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


def digits_loss(digits: Outcome) -> Picture:
    """The loss of all seeds."""
    return take(
        "Training loss on digits",
        lambda: plots.curves({"64-100-10": digits.loss}, log=True, ax=_axes(5.6, 4.0)),
    )


def digits_confusion(digits: Outcome) -> Picture:
    """What the first seed's network takes for what."""
    X, y = digits.test_rows()
    predicted = digits.network().predict(X)
    return take(
        "Confusion matrix of one digits network",
        lambda: plots.confusion_matrix(y, predicted, [str(digit) for digit in range(10)], ax=_axes(4.8, 4.0)),
    )


def digits_layers(digits: Outcome) -> tuple[Picture, Picture]:
    """Outputs and gradients by layer of the first seed's network, before training."""
    X, y = digits.test_rows()
    start = digits.setting.networks(X.shape[1], digits.outputs, digits.seeds[0])
    recording = record(start, X, y)
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
    """Mean test accuracy of each setting with its interval."""
    table = []
    for name, outcome in result.outcomes.items():
        mean = outcome.interval
        table.append((name, 100 * mean.value, 100 * mean.low, 100 * mean.high))
    return take(
        f"Test accuracy by {result.comparison.title.lower()}: means and 95 % intervals",
        lambda: plots.intervals(table, _axes(5.2, 1.1 + 0.36 * len(table)), xlabel="test accuracy in %"),
    )


def curves(result: Result) -> Picture:
    """Loss of each setting over the epochs, mean and interval over the seeds."""
    losses = {name: outcome.loss for name, outcome in result.outcomes.items()}
    return take(
        f"Training loss by {result.comparison.title.lower()}: mean and 95 % interval over the seeds",
        lambda: plots.curves(losses, log=True, ax=_axes(7.6, 3.4)),
    )


def boundaries(result: Result) -> Picture:
    """Decision boundaries of the first seed's networks."""
    nets = {name: outcome.network() for name, outcome in result.outcomes.items()}
    X, y = next(iter(result.outcomes.values())).test_rows()
    return take(
        f"Decision boundaries by {result.comparison.title.lower()}, one seed",
        lambda: plots.decision_boundaries(nets, X, y, columns=4),
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
        figure.savefig(buffer, format=form, dpi=144, metadata={"Date": None} if form == "svg" else {"Software": None})
        plt.close(figure)
    return f"data:{_MEDIA_TYPES[form]};base64,{base64.b64encode(buffer.getvalue()).decode()}"
