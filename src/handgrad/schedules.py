"""Schedules: the factor on the learning rate as training goes on.

A schedule is a record of one formula, f(t, total, **parameters), where t is the time in epochs (2.5: in the middle of
the third) and `total` the number of epochs that were planned. `reduce_on_plateau` looks at the loss instead.
"""

from collections.abc import Callable

import numpy as np

from handgrad.arrays import Array
from handgrad.rules import Bounds, Registry, Rule


class Schedule(Rule):
    """A record: the learning rate is multiplied by f(t, total, **parameters) at t epochs of a planned total.

    >>> halving = Schedule("halving", f=lambda t, total: 0.5**t)
    >>> halving.factor(2.0, total=10)
    0.25
    """

    def __init__(
        self,
        name: str,
        f: Callable[..., float],
        *,
        bounds: Bounds | None = None,
        doc: str | None = None,
        **parameters: float,
    ) -> None:
        super().__init__(name, {"f(t, total)": f}, parameters, bounds, doc)
        self.f = f

    def factor(self, t: float, total: int) -> float:
        """The factor on the learning rate, t epochs into training."""
        return float(self.f(t, total, **self.parameters))


class ReduceOnPlateau(Schedule):
    """The rate times `factor` whenever the monitored loss has not improved for `patience` epochs.

    Patience counts as in `EarlyStopping`: 1 reduces after the first epoch without an improvement.
    Its state is one row (best loss, epochs waited, factor now) for each network; `advance` moves it.
    """

    def __init__(self) -> None:
        super().__init__(
            "reduce_on_plateau",
            f=lambda t, total, factor, patience, min_delta, least: 1.0,
            bounds={
                "factor": {"above": 0, "below": 1},
                "patience": {"at_least": 1},
                "min_delta": {"at_least": 0},
                "least": {"at_least": 0, "at_most": 1},
            },
            factor=0.1,
            patience=10.0,
            min_delta=1e-4,
            least=0.0,
        )

    def start(self, networks: int) -> Array:
        """The state before the first epoch, (S, 3)."""
        return np.tile([np.inf, 0.0, 1.0], (networks, 1))

    def advance(self, state: Array, loss: Array) -> Array:
        """The state after an epoch with these losses (S,)."""
        best, waited, factor = state.T
        improved = loss < best - self.parameters["min_delta"]
        best = np.where(improved, loss, best)
        waited = np.where(improved, 0, waited + 1)
        tired = waited >= self.parameters["patience"]
        reduced = np.maximum(factor * self.parameters["factor"], self.parameters["least"])
        return np.stack([best, np.where(tired, 0, waited), np.where(tired, reduced, factor)], axis=-1)


def _cosine(t: float, total: int, warmup: float, floor: float) -> float:
    if t < warmup:
        return (t + 1) / (warmup + 1)
    progress = min((t - warmup) / max(total - warmup, 1e-9), 1.0)
    return float(floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * progress)))


constant = Schedule("constant", f=lambda t, total: 1.0, doc="1: the learning rate stays.")

step = Schedule(
    "step",
    f=lambda t, total, every, factor: factor ** (t // every),
    doc="factor^⌊t / every⌋: a staircase, times `factor` after every `every` epochs.",
    bounds={"every": {"above": 0}, "factor": {"above": 0, "at_most": 1}},
    every=30.0,
    factor=0.1,
)

exponential = Schedule(
    "exponential",
    f=lambda t, total, decay: decay**t,
    doc="decay^t: smooth exponential decay, times `decay` an epoch.",
    bounds={"decay": {"above": 0, "at_most": 1}},
    decay=0.95,
)

cosine = Schedule(
    "cosine",
    f=_cosine,
    doc="""Half a cosine from 1 to `floor` over the planned epochs, after a linear warm-up of `warmup` epochs.

    Loshchilov & Hutter 2017, eq. 5, without restarts; the warm-up is that of Goyal et al. 2017.
    """,
    bounds={"warmup": {"at_least": 0}, "floor": {"at_least": 0, "at_most": 1}},
    warmup=0.0,
    floor=0.0,
)

inverse_scaling = Schedule(
    "inverse_scaling",
    f=lambda t, total, power: (1 + t) ** -power,
    doc="(1 + t)^(-power): the condition of Robbins & Monro 1951 holds for power in (0.5, 1].",
    bounds={"power": {"at_least": 0}},
    power=0.5,
)

reduce_on_plateau = ReduceOnPlateau()

schedules = Registry(
    "schedule",
    Schedule,
    [constant, step, exponential, cosine, inverse_scaling, reduce_on_plateau],
    aliases={"invscaling": "inverse_scaling"},
)
