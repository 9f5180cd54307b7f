"""What goes into a training of the estimators, and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.estimators.settings import Settings
from handgrad.network import Network
from handgrad.optimizers import LBFGS, Optimizer

if TYPE_CHECKING:
    from handgrad.estimators.mlp import MLP


class Accepted(NamedTuple):
    """A training set as it came through the door: X, targets T, y as it was, and weights (n,) or None."""

    X: Array
    T: Array
    y: Array
    weight: Array | None


class Examples(NamedTuple):
    """X (n, features), targets T (n, outputs) and weights (n,), or None for equal ones."""

    X: Array
    T: Array
    weight: Array | None

    def at(self, rows: Array) -> "Examples":
        """Some of the rows."""
        return Examples(self.X[rows], self.T[rows], None if self.weight is None else self.weight[rows])

    def counted(self) -> "Examples":
        """The rows whose weight is not 0."""
        if self.weight is None or (self.weight > 0).all():
            return self
        return self.at(np.flatnonzero(self.weight > 0))


class DivergedError(ValueError):
    """No network of an estimator is any good."""


class Memory(NamedTuple):
    """What `partial_fit` goes on from: the optimiser's slots, and where training was."""

    optimizer: type[Optimizer]
    slots: Array
    epoch: int
    step: int
    seed: int | None


@dataclass
class Plan:
    """One estimator's networks, what they are trained on, and how."""

    estimator: "MLP"
    settings: Settings
    seeds: Array
    data: Examples
    held: Examples | None
    incremental: bool
    first: bool

    @property
    def judged(self) -> bool:
        """Whether a validation score decides when to stop; L-BFGS has tolerances of its own."""
        by_score = bool(self.estimator.early_stopping) and self.held is not None
        return by_score and not isinstance(self.settings.training["optimizer"], LBFGS)

    @property
    def architecture(self) -> dict[str, Any]:
        """What cannot change while training goes on."""
        return {name: self.settings.network[name] for name in ("sizes", "activation", "loss", "dropout", "norm")} | {
            "n_ensemble": self.networks,
            "dtype": self.data.X.dtype,
        }

    @property
    def networks(self) -> int:
        """How many networks it trains."""
        return len(self.seeds)


class Outcome(NamedTuple):
    """What training made of S networks; curves (epochs, S) are NaN where a network had stopped."""

    net: Network
    losses: Array
    validation_losses: Array | None
    scores: Array | None
    best: Array
    waited: Array
    converged: Array
    errors: dict[int, str]
    memory: Memory | None

    def of(self, members: Sequence[int], single: bool) -> "Outcome":
        """Those of some networks, as a stack or as the single one."""
        chosen = list(members)
        epochs = 1 + int(np.flatnonzero(np.isfinite(self.losses[:, chosen]).any(axis=1)).max(initial=-1))
        validation, scores = (
            None if each is None else each[:epochs, chosen] for each in (self.validation_losses, self.scores)
        )
        memory = self.memory
        if memory is not None:
            memory = memory._replace(slots=memory.slots[:, chosen[0] if single else chosen])
        return self._replace(
            net=self.net[chosen[0]] if single else self.net[chosen],
            losses=self.losses[:epochs, chosen],
            validation_losses=validation,
            scores=scores,
            best=self.best[chosen],
            waited=self.waited[chosen],
            converged=self.converged[chosen],
            errors={chosen.index(number): error for number, error in self.errors.items() if number in chosen},
            memory=memory,
        )

    def sound(self) -> "Outcome":
        """Without the networks of an ensemble that diverged, if others are left."""
        sound = [number for number in range(len(self.best)) if number not in self.errors]
        return self if not self.errors or not sound else self.of(sound, single=False)
