"""Pictures as files: how training went, what is taken for what, the boundary in the plane, errors of gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from handgrad.cli.learning import Learned
    from handgrad.gradcheck import Report
    from handgrad.health import Monitor


def draw(learned: "Learned", folder: Path) -> None:
    """Write history.png, and for classes confusion_matrix.png and, in the plane, decision_boundary.png."""
    from handgrad import plots
    from handgrad.cli.network import classify

    with _on_paper():
        axes = plots.history(learned.history)
        if learned.net.loss_rule.target == "values":
            axes[0].set_ylabel("loss of the standardised target")
        _save(axes, folder / "history.png")
        test = learned.test
        if not test.n_classes:
            return
        predicted = classify(learned.net, test.X)[0]
        _save(plots.confusion_matrix(test.y, predicted, test.class_names), folder / "confusion_matrix.png")
        if test.X.shape[1] == 2:
            _save(plots.decision_boundary(learned.net, test.X, test.y), folder / "decision_boundary.png")


def draw_errors(report: "Report", file: Path) -> None:
    """Write the error of every entry of a gradient check."""
    from handgrad import plots

    with _on_paper():
        _save(plots.gradient_errors(report), file)


def draw_signals(monitor: "Monitor", file: Path) -> None:
    """Write what a monitor saw of each layer."""
    from handgrad import plots

    with _on_paper():
        _save(plots.signals(monitor), file)


@contextmanager
def _on_paper() -> Iterator[None]:
    import matplotlib as mpl

    from handgrad import plots

    with plots.style(), mpl.rc_context({"backend": "agg", "savefig.facecolor": "white", "savefig.dpi": 144}):
        yield


def _save(axes: object, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
