"""When scikit-learn's estimators stop, for each network of a stack on its own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.estimators.settings import Adaptive
from handgrad.training import Training


class Convergence:
    """A callback of `Training`: stop after more than `patience` epochs in a row that did not improve by `tol`.

    What should improve is the training loss, or the validation score if `score` is given; the weights of the best
    score are kept. Epochs at which no network can stop yet run without a look at them (`next_epoch`).

    Parameters
    ----------
    tol, patience
        Numbers, or one for each network (S,); `tol` is in units of the loss, or of the score.
    best, waited
        The best loss or score so far, higher better, and the epochs since it improved by `tol`, (S,).
    score
        A function of the training that gives a score for each network, (S,).
    """

    def __init__(
        self,
        tol: Array,
        patience: Array,
        best: Array,
        waited: Array,
        score: Callable[[Training], Array] | None = None,
    ) -> None:
        self.tol, self.patience, self.best, self.waited, self.score = tol, patience, best, waited, score
        self.stopped = np.zeros(len(best), dtype=bool)  # (S,): converged
        self.scores: list[Array] = []
        self.kept: tuple[Array, Array] | None = None  # parameters and state of the best score
        self._seen, self.next_epoch = 0, 0  # type: int, float

    def begin(self, training: Training) -> None:
        """Before the first epoch, which may be any number."""
        self._seen = len(training.history)
        if self.score is not None:
            self.kept = _as_stack(training)
        self._plan(training)

    def __call__(self, training: Training) -> bool:
        """Look at the epochs since the last call."""
        losses = training.history.columns["loss"][self._seen :]
        self._seen += len(losses)
        if self.score is not None:
            values = [self.score(training)]
            self.scores += values
            self._keep(training, values[0])
        else:
            values = [-np.reshape(loss, -1) for loss in losses]
        for value in values:
            self._advance(value, training)
        self._plan(training)
        return bool((self.stopped | ~training.active).all())

    def _advance(self, value: Array, training: Training) -> None:
        """One epoch's values (S,), higher better."""
        going = training.active & ~self.stopped
        with np.errstate(invalid="ignore"):
            short = ~(value >= self.best + self.tol)  # NaN is no improvement
            self.waited = np.where(going, np.where(short, self.waited + 1, 0), self.waited)
            self.best = np.where(going & (value > self.best), value, self.best)
        tired = going & (self.waited > self.patience)
        if isinstance(training.schedule, Adaptive) and training.plateau is not None:
            small = training.optimizer.learning_rate * training.plateau[:, 2] <= training.schedule.smallest
            training.plateau[tired & ~small, 2] /= 5
            self.waited[tired & ~small] = 0
            tired = tired & small
        self.stopped |= tired
        if training.net.size is not None:
            training.active = training.active & ~tired

    def _keep(self, training: Training, value: Array) -> None:
        """Remember the weights of the networks whose score is their best."""
        assert self.kept is not None
        better = training.active & ~self.stopped & (value > self.best)
        for kept, now in zip(self.kept, _as_stack(training), strict=True):
            kept[better] = now[better]

    def restore(self, training: Training) -> None:
        """Put the weights of the best scores back."""
        if self.kept is not None:
            params, state = self.kept
            training.net.params = params.reshape(training.net.params.shape)
            training.net.state = state.reshape(training.net.state.shape)

    def _plan(self, training: Training) -> None:
        """The first epoch after which a network could stop."""
        going = training.active & ~self.stopped
        each = self.score is not None or isinstance(training.schedule, Adaptive) or not going.any()
        soonest = 1.0 if each else max(1.0, float((self.patience - self.waited)[going].min()) + 1)
        self.next_epoch = training.epoch + int(soonest) if np.isfinite(soonest) else np.inf


def _as_stack(training: Training) -> tuple[Array, Array]:
    """Copies of parameters and state with a leading axis of networks."""
    net = training.net
    return np.atleast_2d(net.params).copy(), net.state.reshape(len(training.active), -1).copy()


class Spoken:
    """A callback that prints a line for each epoch, as scikit-learn's `verbose` does."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, training: Training) -> Any:
        """Print the epoch's loss; of a stack the mean."""
        loss = self.scale * float(np.nanmean(training.history.columns["loss"][-1]))
        print(f"Iteration {training.epoch}, loss = {loss:.8f}")
