"""The `Training` object: what `hg.train`, checkpoints and studies use. It owns everything that training remembers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad import blas, randomness
from handgrad.arrays import Array, ArrayLike, require_finite, require_integer, require_number
from handgrad.initializers import lsuv
from handgrad.metrics import Metric
from handgrad.network import Network
from handgrad.optimizers import LBFGS, SGD, Optimizer, find_optimizer
from handgrad.randomness import require_seed
from handgrad.schedules import ReduceOnPlateau, Schedule, schedules
from handgrad.training.data import Batch, TrainingData, accept_data, batches
from handgrad.training.divergence import divergence, warn_of_divergence
from handgrad.training.door import (
    accept_validation,
    frozen_mask,
    require_callbacks,
    require_engine,
    require_lbfgs,
    require_metrics,
    require_settings,
    require_stop,
)
from handgrad.training.engine import NumpyEngine
from handgrad.training.history import History
from handgrad.training.lbfgs import minimize
from handgrad.training.progress import progress_bar
from handgrad.training.resuming import remembered, take_up
from handgrad.training.stopping import BestSoFar, EarlyStopping

Callback = Callable[["Training"], bool | None]


class Training:
    """A network, its data, the settings, and all that training remembers between epochs.

    Parameters
    ----------
    net
        The network or stack to train, in place.
    X, y
        As for `Network.gradient`.
    epochs
        Epochs planned; `run()` goes that far, `run(epochs=n)` goes n further.
    batch_size
        Rows of a step, shuffled anew each epoch; None: the whole set. L-BFGS always takes the whole set.
    optimizer
        A record such as `SGD(0.1, momentum=0.9)`, or a name.
    schedule
        A record or name of `handgrad.schedules`; None: constant.
    clip_norm
        Largest norm of the gradient over all parameters; None: no clipping.
    sample_weight, class_weight
        How much each row (N,), or each class (a dict, or "balanced"), counts.
    frozen
        Names of parameters ("dense1.W") or layers ("dense1") that stay as they are.
    validation
        (X, y) on which `validation_loss` and metrics are measured after each epoch.
    metrics
        Names of `handgrad.metrics`, measured on the training set and the validation set after each epoch.
    stop
        `EarlyStopping(...)`; the best weights come back when it stops and when the planned epochs are over.
    callbacks
        Functions called with this object after each epoch; one that returns True stops the training.
    seed
        Together with each network's own seed it decides batch order and dropout; None adds nothing.
    progress
        True, False, or None: a bar on a terminal when it takes longer than a second.
    engine
        "auto" or "numpy".

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be; nothing has changed then.
    DivergenceError
        From `run`: the loss of a single network stopped being finite.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> training = Training(hg.Network.mlp([2, 8, 2]), X, y, epochs=20, batch_size=None, optimizer=SGD(0.5))
    >>> training.run().loss.shape
    (20,)
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 100,
        batch_size: int | None = 32,
        optimizer: str | Optimizer = SGD(0.1),  # noqa: B008 - a frozen record
        schedule: str | Schedule | None = None,
        clip_norm: float | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | str | None = None,
        frozen: Sequence[str] = (),
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        metrics: Sequence[str | Metric] = (),
        stop: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        seed: int | None = None,
        progress: bool | None = None,
        engine: str = "auto",
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net is {net!r}; expected a Network, such as Network.mlp([2, 10, 2])")
        self.net = net
        self.epochs = require_integer("epochs", epochs)
        self.batch_size = None if batch_size is None else require_integer("batch_size", batch_size)
        self.optimizer = find_optimizer(optimizer)
        self.schedule = schedules.find("constant" if schedule is None else schedule)
        self.seed = None if seed is None else require_seed("seed", seed)
        self.progress = progress
        self.callbacks = require_callbacks(callbacks)
        self.metrics = require_metrics(net, metrics)
        self.stop = stop
        self.monitor = require_stop(stop, self.metrics, validation)
        require_engine(engine)
        if clip_norm is not None:
            clip_norm = require_number("clip_norm", clip_norm, above=0)
        if isinstance(self.optimizer, LBFGS):
            require_lbfgs(net, clip_norm, self.schedule)
        require_finite("net.params", net.params)
        self.data = accept_data(net, X, y, sample_weight, class_weight)
        self.validation = None if validation is None else accept_validation(net, validation)
        self.engine = NumpyEngine(net, self.optimizer, clip_norm, frozen_mask(net, frozen))

        networks = net.size or 1
        self.history = History(net.size)
        self.epoch, self.step = 0, 0
        self.active = np.ones(networks, dtype=bool)  # (S,) or (1,): still training
        self.plateau = self.schedule.start(networks) if isinstance(self.schedule, ReduceOnPlateau) else None
        self.best = BestSoFar(*self._as_stack()) if self.stop else None
        if self.metrics:
            with np.errstate(all="ignore"):
                self._metrics_on(self.data)  # one that does not suit the targets says so now, not after an epoch

    def run(self, epochs: int | None = None) -> History:
        """Train: to the planned number of epochs, or that many further; returns the history so far."""
        until = max(self.epochs, self.epoch) if epochs is None else self.epoch + require_integer("epochs", epochs)
        self._rescale_at_first_data()
        blas.look_again()
        over, diverged_before = False, len(self.diverged)
        with (
            blas.single_threaded(),
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),  # what is not finite is looked for below
            progress_bar("training", until, self.progress) as show,
        ):
            if isinstance(self.optimizer, LBFGS) and self.epoch < until:
                over = self._run_lbfgs(until, show)
            while not over and self.epoch < until and self._running():
                over = self._finish_epoch(self._run_epoch(), show)
        if self.best is not None and (over or self.epoch >= self.epochs):
            self._restore_best(self.active)  # who stopped has them already; who diverged keeps the last finite ones
        if len(self.diverged) > diverged_before:
            warn_of_divergence(self.diverged, len(self.active))
        return self.history

    @property
    def diverged(self) -> dict[int, tuple[int, int]]:
        """Which networks of the stack diverged, each with its (epoch, step), counted from 1."""
        return self.history.diverged

    def _running(self) -> bool:
        return bool(self.active[0] if self.net.size is None else self.active.any())

    # --- one epoch ----------------------------------------------------------------------------------------------

    def _run_epoch(self) -> Any:
        """All batches once; the mean loss as it ran, weighted by batch size: a number, or (S,)."""
        rows = self.data.rows
        steps = 1 if self.batch_size is None else -(-rows // self.batch_size)
        masked = None if self.net.size is None or self.active.all() else self.active
        total: Any = 0.0
        for number, indices in enumerate(batches(self.net, rows, self.batch_size, self.seed, self.epoch)):
            X, T, shares = self.data.batch(indices)
            factor = self._factor(self.epoch + number / steps)
            loss, fine = self.engine.step(X, T, shares, self.seed, self.step, factor, masked)
            self.step += 1
            if not (fine if self.net.size is None else fine.all()):
                masked = self._freeze_diverged((X, T, shares), loss, fine)
            total = total + loss * (X.shape[-2] / rows)
        return total

    def _factor(self, t: float) -> Any:
        """The schedule's factor on the learning rate: a number, or (S, 1) where each network has its own."""
        factor = self.schedule.factor(t, self.epochs)
        if self.plateau is None:
            return factor
        reduced = factor * self.plateau[:, 2:]
        return float(reduced[0, 0]) if self.net.size is None else reduced

    def _freeze_diverged(self, batch: Batch, loss: Any, fine: Any) -> Array:
        """A single network raises; of a stack only those that diverged stop, and the rest go on."""
        if self.net.size is None:
            rate = np.max(self.optimizer.learning_rate) * self._factor(self.epoch)
            raise divergence(self.net, batch, float(loss), self.epoch + 1, self.step, self.seed, float(rate))
        for network in np.flatnonzero(self.active & ~fine):
            self.history.diverged[int(network)] = (self.epoch + 1, self.step)
        self.active = self.active & fine
        return self.active

    def _finish_epoch(self, loss: Any, show: Callable[[int, Any], None]) -> bool:
        """Measure, record, judge; True when training should stop."""
        row = {"loss": loss, "learning_rate": self._rate()}
        if self.validation is not None or self.metrics:
            row |= self._measure()
        self.epoch += 1
        if self.net.size is not None and not self.active.all():
            row = {name: np.where(self.active, value, np.nan) for name, value in row.items()}
        self.history.append(row)
        monitored = row.get("validation_loss", loss)
        if self.plateau is not None and isinstance(self.schedule, ReduceOnPlateau):
            self.plateau = self.schedule.advance(self.plateau, np.reshape(monitored, -1))
        if self.stop is not None:
            self._judge(row)
        show(self.epoch, monitored)
        asked = [callback(self) for callback in self.callbacks]  # each is called, whatever the one before said
        return any(asked)

    def _rate(self) -> Any:
        """The learning rate of this epoch's first step: a number, or (S,)."""
        rate: Any = self.engine.optimizer.learning_rate * self._factor(self.epoch)
        return rate if self.net.size is None else np.full(self.net.size, np.ravel(rate))

    # --- measuring ----------------------------------------------------------------------------------------------

    def _measure(self) -> dict[str, Any]:
        """Validation loss and all metrics, in prediction mode."""
        measured: dict[str, Any] = {}
        if self.validation is not None:
            X, T, _ = self.validation.batch(slice(None))
            measured["validation_loss"] = self.net.objective(X, T, None, self.net.contexts(False, None, 0))
        for prefix, data in (("", self.data), ("validation_", self.validation)):
            if self.metrics and data is not None:
                measured |= {prefix + name: value for name, value in self._metrics_on(data).items()}
        return measured

    def _metrics_on(self, data: TrainingData) -> dict[str, Any]:
        rule = self.net.loss_rule
        Z = self.net.forward(data.X)
        made = {"predict": rule.predict(Z), "predict_proba": rule.output(Z)}
        y = data.T.argmax(axis=-1) if rule.target == "classes" else data.T
        if data.T.ndim == 2:
            return {metric.name: metric.function(y, made[metric.needs]) for metric in self.metrics}
        return {  # every network has targets of its own
            metric.name: np.array([metric.function(*pair) for pair in zip(y, made[metric.needs], strict=True)])
            for metric in self.metrics
        }

    # --- stopping -----------------------------------------------------------------------------------------------

    def _judge(self, row: dict[str, Any]) -> None:
        """Early stopping, for each network on its own."""
        assert self.stop is not None
        assert self.best is not None
        assert self.monitor is not None
        name, sign = self.monitor
        value = sign * np.reshape(row[name], -1)
        tired = self.best.update(value, self.epoch, *self._as_stack(), self.stop, self.active)
        self.history.best_epoch = int(self.best.epoch[0]) if self.net.size is None else self.best.epoch
        if tired.any():
            self._restore_best(tired)
            self.active = self.active & ~tired

    def _restore_best(self, which: Array) -> None:
        assert self.best is not None
        params, state = self._as_stack()
        seen = which & (self.best.epoch > 0)
        params[seen], state[seen] = self.best.params[seen], self.best.state[seen]

    def _as_stack(self) -> tuple[Array, Array]:
        """Views of parameters and state with a leading axis of networks, also for a single one."""
        return np.atleast_2d(self.net.params), self.net.state.reshape(len(self.active), -1)

    # --- L-BFGS and LSUV ----------------------------------------------------------------------------------------

    def _run_lbfgs(self, until: int, show: Callable[[int, Any], None]) -> bool:
        """Iterations as epochs; True: it converged, stopped early, or a callback asked it to stop."""
        assert isinstance(self.optimizer, LBFGS)
        asked = False
        X, T, shares = self.data.batch(slice(None))
        loss = self.net.backpropagate(X, T, shares, self.net.contexts(True, self.seed, 0))[0]
        if not np.isfinite(loss):
            raise divergence(self.net, (X, T, shares), float(loss), self.epoch + 1, 1, self.seed, 1.0)

        def after_iteration(loss: float) -> bool:
            nonlocal asked
            self.step += 1
            asked = self._finish_epoch(loss, show)
            return asked or self.epoch >= until or not self._running()

        minimize(
            self.net, self.data, self.optimizer, until - self.epoch, self.seed, self.engine.frozen, after_iteration
        )
        return asked or self.epoch < until

    def _rescale_at_first_data(self) -> None:
        """`init="lsuv"` needs data: rescale once, before the first step, on up to 1000 rows drawn at random."""
        waiting = self.net.awaits_data.copy()
        if not waiting.any():
            return
        drawn = self.net.params.copy()
        rows = randomness.order(randomness.key(0, self.seed, "lsuv"), self.data.rows)[:1000]
        with blas.single_threaded():
            lsuv(self.net, self.data.X[..., rows, :])
        if self.net.size is not None:
            self.net.params = np.where(waiting[:, None], self.net.params, drawn)

    # --- saving and resuming ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that training remembers, as plain arrays and numbers; `load_state_dict` goes on with the same bits."""
        return remembered(self)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave, with the same network, data and settings.

        Raises
        ------
        ValueError
            It is of another network, optimiser or schedule, or incomplete; nothing has changed then.
        """
        take_up(self, saved)


def train(net: Network, X: ArrayLike, y: ArrayLike, **settings: Any) -> History:
    """Train a network or a stack in place and return its history; settings are those of `Training`.

    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> net = hg.Network.mlp([2, 8, 2])
    >>> history = train(net, X, y, epochs=50, batch_size=None, optimizer=SGD(0.5), metrics=("accuracy",))
    >>> bool(history.accuracy[-1] > 0.8)
    True
    """
    require_settings(settings, inspect.signature(Training).parameters)
    return Training(net, X, y, **settings).run()
