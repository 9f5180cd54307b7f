"""The plots of `handgrad train`: how training went, what is taken for what, and the boundary in the plane."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from handgrad.cli.learning import Learned


def draw(learned: "Learned", folder: Path) -> None:
    """Write history.png, and for classes confusion_matrix.png and, in the plane, decision_boundary.png."""
    import matplotlib as mpl

    from handgrad import plots
    from handgrad.cli.network import classify

    with plots.style(), mpl.rc_context({"backend": "agg", "savefig.facecolor": "white", "savefig.dpi": 144}):
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


def _save(axes: object, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
