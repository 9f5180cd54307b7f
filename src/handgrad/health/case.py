"""What an illness is looked for in: one network's samples, its curves, and how its training ended."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from handgrad.arrays import Array
from handgrad.health.measuring import LayerSignals, Signals
from handgrad.health.monitor import Sample


class Symptom(NamedTuple):
    """The layer that it shows in (None: the whole network), and the evidence in words."""

    layer: str | None
    evidence: str


@dataclass(frozen=True)
class Illness:
    """Something that goes wrong in training: a slug, how it is seen, and one thing to try."""

    slug: str
    look: "Callable[[Case], Iterator[Symptom]]"
    advice: str


@dataclass(frozen=True)
class Case:
    """One network: samples, the first of them before training; `loss` and `validation` by epoch, empty if unknown.

    `targets` (B, C) of the rows that were sampled where they are values, else None; `diverged` says how, or is None.
    """

    samples: Sequence[Sample]
    loss: Array
    validation: Array
    targets: Array | None
    diverged: str | None

    @property
    def start(self) -> Signals:
        """Before the first epoch."""
        return self.samples[0].signals

    @property
    def end(self) -> Signals:
        """As the network is now."""
        return self.samples[-1].signals

    @property
    def trained(self) -> bool:
        """Whether there is anything but the network as it stands."""
        return len(self.samples) > 1 or len(self.loss) > 0 or self.diverged is not None

    @property
    def learned(self) -> bool:
        """Whether the network is clearly better than chance now."""
        return self.end.data_loss < self.start.chance - 0.3 * abs(self.start.chance)

    @cached_property
    def objective_at_start(self) -> float:
        """Data loss and penalty before the first epoch."""
        return float(self.start.data_loss / max(1 - self.start.penalty_share, 1e-12))

    def ends(self, signals: Signals) -> tuple[LayerSignals, LayerSignals] | None:
        """The first and the last hidden layer with weights; None where there are fewer than two.

        The last layer of all is left out: its weights carry the unit of the targets.
        """
        hidden = [each for each in signals.layers if each.weight is not None][:-1]
        return (hidden[0], hidden[-1]) if len(hidden) > 1 else None

    def growth(self, signals: Signals) -> float:
        """The norm of the gradient at the first hidden layer over that at the last; 1 where there are no two."""
        ends = self.ends(signals)
        return float(ends[0].gradient / ends[1].gradient) if ends and ends[1].gradient > 0 else 1.0

    def activations(self, signals: Signals) -> list[LayerSignals]:
        """The layers that may be saturated or dead."""
        return [each for each in signals.layers if each.dead is not None]

    def dead(self, signals: Signals) -> list[LayerSignals]:
        """The activations whose units are mostly dead."""
        return [each for each in self.activations(signals) if each.dead > 0.5]


def after(sample: Sample) -> str:
    """When it was, in words."""
    return "before training" if sample.epoch == 0 else f"after epoch {sample.epoch}"


def percent(share: float) -> str:
    """A share as text: 12 %."""
    return f"{100 * share:.0f} %"
