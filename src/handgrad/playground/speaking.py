"""What is said of a run besides its numbers: the signals of each layer, the doctor's findings, what theory predicts."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from handgrad import theory
from handgrad.health import Monitor, diagnose
from handgrad.layers import Activation, Dense
from handgrad.network import Network
from handgrad.playground.run import Run

_SAMPLES = 40  # of a monitor that are kept: the first, and the last ones


@dataclass
class _History:
    """The curves of a run as the doctor reads them."""

    columns: dict[str, list[Any]]
    diverged: dict[int, tuple[int, int]] = field(default_factory=dict)


class _Since(NamedTuple):
    """A training as the monitor looks at it: its epochs are those since the watch began."""

    net: Network
    epoch: int
    ending: bool


class Watch:
    """Signals of a run since its leg began or it was taken back in time, looked at now and then."""

    def __init__(self, run: Run) -> None:
        self.begun = run.epoch
        with np.errstate(all="ignore"):  # here and below: weights set by hand may be as large as can be
            self.monitor = Monitor(run.net, *run.scene.train, share=None)

    def look(self, run: Run) -> dict[str, Any]:
        """The signals of each layer as they are now, and how far weights move in an epoch, ‖ΔW‖ / ‖W‖."""
        with np.errstate(all="ignore"):
            self.monitor(_Since(run.net, run.epoch - self.begun, run.training.ending))
        del self.monitor.samples[1:-_SAMPLES]
        sample = self.monitor.samples[-1]
        layers = [_finite(asdict(each)) for each in sample.signals.layers]
        return {"epoch": self.begun + sample.epoch, "layers": layers, "updates": _finite(sample.updates)}

    def diagnose(self, run: Run) -> dict[str, Any]:
        """The doctor's findings of these epochs, each with a sentence."""
        curves = run.curves.columns
        since, until = (int(np.searchsorted(curves["epoch"], epoch, side="right")) for epoch in (self.begun, run.epoch))
        columns: dict[str, list[Any]] = {"loss": curves["train_loss"][since:until]}
        columns["validation_loss"] = curves["test_loss"][since:until]
        with np.errstate(all="ignore"):
            found = diagnose(self.monitor, _History(columns), error=run.error).to_dict()
        for each in found["findings"]:
            where = f" ({each['layer']})" if each["layer"] else ""
            each["sentence"] = f"{each['slug'].replace('-', ' ')}{where}: {each['evidence']}. Try {each['advice']}."
        return found


def predicted_variances(net: Network, X: Any) -> list[float] | None:
    """By mean-field theory, the mean square of each hidden Dense's outputs before training; None where it has no say.

    q₁ is what the inputs X and the weights' spread give, q of the next layer σ_w² E[f(√q z)²] (`theory.length_map`)
    with σ_w² = fan_in · mean(W²), as drawn; biases begin at zero, and there is neither norm nor skip connection.
    """
    kinds = [type(layer).__name__ for layer in net.layers]
    expected = ["Dense", "Activation"] * (len(kinds) // 2) + ["Dense"]
    if kinds != expected or any(net[name].any() for name in net.parameter_names if name.endswith(".b")):
        return None
    formulas = [layer.formula for layer in net.layers if isinstance(layer, Activation)]
    weights = [net[f"{leaf.name}.W"] for leaf in net.leaves if isinstance(leaf.layer, Dense)]
    spreads = [float(np.sqrt(len(W) * np.mean(W**2))) for W in weights]  # (fan_in, fan_out)
    if not formulas or min(spreads) == 0:
        return None
    lengths = [spreads[0] ** 2 * float(np.mean(np.square(X)))]
    try:
        for formula, spread in zip(formulas[:-1], spreads[1:-1], strict=True):
            lengths.append(float(theory.length_map(formula, spread, 0.0, lengths[-1], 1)[-1]))
    except ValueError:  # its mean square is not finite: theory has no say
        return None
    return lengths if np.isfinite(lengths).all() else None


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are not finite as null, for JSON knows none."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in values.items()
    }
