"""The `Training` object: what `hg.train`, checkpoints and studies use. It owns everything that training remembers."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from handgrad import blas
from handgrad.arrays import Array, ArrayLike, require_bool, require_finite, require_integer, require_number
from handgrad.datasets import Stream
from handgrad.initializers import lsuv
from handgrad.metrics import Metric
from handgrad.network import Network
from handgrad.network.door import require_engine
from handgrad.optimizers import LBFGS, SGD, Optimizer, find_optimizer
from handgrad.randomness import require_seed
from handgrad.schedules import ReduceOnPlateau, Schedule, schedules
from handgrad.training.checkpoints import Checkpoints, kept_when_interrupted
from handgrad.training.divergence import divergence, warn_of_divergence
from handgrad.training.door import (
    accept_validation,
    frozen_mask,
    require_callbacks,
    require_lbfgs,
    require_metrics,
    require_settings,
    require_stop,
)
from handgrad.training.engine import Ran
from handgrad.training.history import History
from handgrad.training.interrupts import interrupts_held_back
from handgrad.training.lbfgs import Leg, run_lbfgs
from handgrad.training.measuring import measured, measured_after_epoch
from handgrad.training.progress import progress_bar
from handgrad.training.resuming import remembered, take_up
from handgrad.training.settings import Settings
from handgrad.training.stopping import BestSoFar, EarlyStopping
from handgrad.training.streaming import StreamedData, StreamEngine, accept_training_set, engine_of, require_streamable

Callback = Callable[["Training"], bool | None]


class Training:
    """A network, its data, the settings, and all that training remembers between epochs.

    Parameters
    ----------
    net
        The network or stack to train, in place.
    X, y
        As for `Network.gradient`; or X a stream of `datasets.stream`, which brings its own y. A `np.memmap` that would
        be larger than 64 MB in memory is streamed.
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
        (X, y), or a stream, on which `validation_loss` and metrics are measured after each epoch.
    metrics
        Names of `handgrad.metrics`, measured on the training set and the validation set after each epoch.
    stop
        `EarlyStopping(...)`; the best weights come back when it stops and when the planned epochs are over.
    callbacks
        Functions called with this object after each epoch; one that returns True stops the training. One that has an
        attribute `next_epoch` is called when so many epochs are over, and at the end: epochs that nobody waits for run
        many at a time.
    seed
        Together with each network's own seed it decides batch order and dropout; None adds nothing.
    progress
        True, False, or None: a bar on a terminal when it takes longer than a second.
    shuffle
        False: the rows of an epoch keep their order.
    engine
        "auto": the compiled engine, and NumPy for what it does not know; or "numpy", or "compiled".
    threads
        Of the compiled engine; None: HANDGRAD_NUM_THREADS, or as many as fit. Results do not depend on it.
    record_every
        Keep every n-th epoch in the history, and the last: for many networks over many epochs.
    checkpoint, every
        A file that is written before the first epoch, after each `every` epochs, at the end, and on Ctrl-C; where it
        is there already, training goes on from it, with the same bits (`docs/reliability.md`). None: no such file.

    Raises
    ------
    TypeError, ValueError
        An argument, or the checkpoint, is not what it should be; nothing has changed then.
    OSError
        The checkpoint cannot be read, or (from `run`, before the first epoch) not be written.
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
        X: ArrayLike | Stream,
        y: ArrayLike | None = None,
        *,
        epochs: int = 100,
        batch_size: int | None = 32,
        optimizer: str | Optimizer = SGD(0.1),  # noqa: B008 - a frozen record
        schedule: str | Schedule | None = None,
        clip_norm: float | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | str | None = None,
        frozen: Sequence[str] = (),
        validation: tuple[ArrayLike, ArrayLike] | Stream | None = None,
        metrics: Sequence[str | Metric] = (),
        stop: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        seed: int | None = None,
        progress: bool | None = None,
        shuffle: bool = True,
        engine: str = "auto",
        threads: int | None = None,
        record_every: int = 1,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net is {net!r}; expected a Network, such as Network.mlp([2, 10, 2])")
        self.net = net
        self.epochs = require_integer("epochs", epochs)
        self.batch_size = None if batch_size is None else require_integer("batch_size", batch_size)
        self.optimizer = find_optimizer(optimizer)
        self.batch_size = None if isinstance(self.optimizer, LBFGS) else self.batch_size  # its line search needs all
        self.schedule = schedules.find("constant" if schedule is None else schedule)
        self.seed = None if seed is None else require_seed("seed", seed)
        self.progress = progress
        self.callbacks = require_callbacks(callbacks)
        self.metrics = require_metrics(net, metrics)
        self.stop = stop
        self.monitor = require_stop(stop, self.metrics, validation)
        engine = require_engine(engine)
        if clip_norm is not None:
            clip_norm = require_number("clip_norm", clip_norm, above=0)
        if isinstance(self.optimizer, LBFGS):
            require_lbfgs(net, clip_norm, self.schedule)
        require_finite("net.params", net.params)
        self.data = accept_training_set(net, X, y, sample_weight, class_weight)
        if isinstance(self.data, StreamedData):
            require_streamable(self.data, self.epochs, self.batch_size, self.optimizer, self.metrics)
        self.validation = None if validation is None else accept_validation(net, validation, self.metrics)
        threads = None if threads is None else require_integer("threads", threads)
        stays = frozen_mask(net, frozen)
        self.settings = Settings(
            self.optimizer, self.batch_size, clip_norm, stays, self.seed, threads, require_bool("shuffle", shuffle)
        )
        self.engine = engine_of(engine, net, self.data, self.settings)

        networks = net.size or 1
        self.history = History(net.size, require_integer("record_every", record_every))
        self.epoch, self.step = 0, 0
        self._until = self.epochs
        self.converged = False  # L-BFGS alone says so
        self.active = np.ones(networks, dtype=bool)  # (S,) or (1,): still training
        self.plateau = self.schedule.start(networks) if isinstance(self.schedule, ReduceOnPlateau) else None
        self.best = BestSoFar(*self._as_stack()) if self.stop else None
        self.leg: Leg | None = None  # of L-BFGS, while it walks
        if self.metrics and not isinstance(self.data, StreamedData):
            with np.errstate(all="ignore"):
                measured(self, self.data)  # a metric that does not suit the targets says so now
        self.checkpoints = None if checkpoint is None else Checkpoints(checkpoint, every, self)
        self.callbacks += () if self.checkpoints is None else (self.checkpoints,)

    def run(self, epochs: int | None = None) -> History:
        """Train: to the planned number of epochs, or that many further; returns the history so far."""
        until = max(self.epochs, self.epoch) if epochs is None else self.epoch + require_integer("epochs", epochs)
        self._until = until
        self._rescale_at_first_data()
        blas.look_again()
        over, diverged_before = False, len(self.diverged)
        with (
            blas.single_threaded(),
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),  # what is not finite is looked for below
            progress_bar("training", until, self.progress) as show,
            kept_when_interrupted(self),
        ):
            if self.checkpoints is not None:
                self.checkpoints.begin(self)
            if isinstance(self.engine, StreamEngine):
                self.engine.tell = show
            if isinstance(self.optimizer, LBFGS) and self.epoch < until and self._running():
                over = run_lbfgs(self, until, show)
            while not over and self.epoch < until and self._running():
                over = self._run_epochs(until, show)
            if over and self.checkpoints is not None:
                self.checkpoints(self)
        self.leg = None
        if self.best is not None and (over or self.epoch >= self.epochs):
            self._restore_best(self.active)  # who stopped has them already; who diverged keeps the last finite ones
        if len(self.diverged) > diverged_before:
            warn_of_divergence(self.diverged, len(self.active))
        return self.history

    @property
    def diverged(self) -> dict[int, tuple[int, int]]:
        """Which networks of the stack diverged, each with its (epoch, step), counted from 1."""
        return self.history.diverged

    @property
    def ending(self) -> bool:
        """Whether `run` has come to its last epoch, or every network has stopped: callbacks are called once more."""
        return self.epoch >= self._until or not self._running()

    def _running(self) -> bool:
        return bool(self.active[0] if self.net.size is None else self.active.any())

    # --- one epoch ----------------------------------------------------------------------------------------------

    def _run_epochs(self, until: int, show: Callable[[float, Any], None]) -> bool:
        """As many epochs as go without a look at them; True when training should stop."""
        watched = self.validation or self.metrics or self.stop or self.plateau is not None
        epochs = 1 if watched else min([until, *self._awaited()]) - self.epoch
        epochs = min(max(1, epochs), self.engine.epochs_at_once)
        steps = self.settings.steps(self.data.rows)
        factors = self.factors(np.add.outer(self.epoch + np.arange(epochs), np.arange(steps) / steps).ravel())
        with interrupts_held_back():  # parameters and what is known of them stay together
            try:
                ran = self.engine.run(self.epoch, epochs, self.step, factors, self.active)
            except BaseException:
                self.step += self.engine.done  # of a stream, what was learned before stays
                raise
            rates = self.engine.optimizer.learning_rate * factors[:, ::steps]  # (S or 1, epochs)
            if not watched:
                self._record(ran.losses, rates.T, np.where(ran.failed < 0, epochs, ran.failed // steps))
            self._take_note(ran, steps)
            begun = epochs if self._running() else 1 + int(ran.failed.max()) // steps
            self.step += begun * steps
            loss = self._of_networks(ran.losses[begun - 1])
            if watched:
                loss = self.finish_epoch(loss, self._of_networks(rates[:, 0]))
            else:
                self.epoch += begun
        return self.call_back(loss, show)

    def _awaited(self) -> list[int]:
        """The epochs that callbacks wait for; the next, if they do not say."""
        return [getattr(callback, "next_epoch", self.epoch + 1) for callback in self.callbacks]

    def call_back(self, loss: Any, show: Callable[[int, Any], None]) -> bool:
        """The bar, and each callback whose turn it is, whatever the one before said; True when one asks to stop."""
        show(self.epoch, loss)
        turn = [each for each in self.callbacks if self.ending or getattr(each, "next_epoch", 0) <= self.epoch]
        asked = [callback(self) for callback in turn]
        return any(asked)

    def _record(self, losses: Array, rates: Array, finished: Array) -> None:
        """Several epochs' losses (epochs, S) and rates (epochs, S or 1); NaN beyond what each network finished (S,)."""
        finished = np.where(self.active, finished, 0)
        going = np.arange(len(losses))[:, None] < finished
        last = min(len(losses), int(finished.max()) + (self.net.size is not None))
        columns = {"loss": np.where(going, losses, np.nan), "learning_rate": np.where(going, rates, np.nan)}
        self.history.extend({name: self._of_networks(each)[:last] for name, each in columns.items()}, self.epoch + 1)

    def _of_networks(self, values: Array) -> Any:
        """What has a last axis of networks, without it for a single network."""
        if self.net.size is None:
            return values[..., 0]
        return np.broadcast_to(values, (*values.shape[:-1], self.net.size))

    def factors(self, times: Array) -> Array:
        """The schedule's factors on the learning rate at times in epochs: (S or 1, times)."""
        if self.schedule.name == "constant":
            return np.ones((1, len(times)))
        factors = np.array([[self.schedule.factor(float(t), self.epochs) for t in times]])
        return factors if self.plateau is None else factors * self.plateau[:, 2:]

    def _take_note(self, ran: Ran, steps: int) -> None:
        """A single network that diverged raises; of a stack only those that did stop, and the rest go on."""
        stopped = self.active & (ran.failed >= 0)
        if not stopped.any():
            return
        if self.net.size is None:
            self._raise_divergence(int(ran.failed[0]), steps)
        for network in np.flatnonzero(stopped):
            epoch, step = divmod(int(ran.failed[network]), steps)
            self.history.diverged[int(network)] = (self.epoch + epoch + 1, self.step + epoch * steps + step + 1)
        self.active = self.active & ~stopped

    def _raise_divergence(self, failed: int, steps: int) -> NoReturn:
        """Of a single network, at so many steps from here; what went before is counted."""
        self.epoch, self.step = self.epoch + failed // steps, self.step + failed
        factor = self.factors(np.array([float(self.epoch)]))
        rate = float(np.max(self.optimizer.learning_rate * factor))
        batch = self.data.batch_of(self.net, self.settings, self.epoch, failed % steps)
        raise divergence(self.net, batch, self.epoch + 1, self.step + 1, self.seed, rate)

    def finish_epoch(self, loss: Any, rate: Any) -> Any:
        """Measure, record, judge; gives the validation loss, or the loss."""
        row = {"loss": loss, "learning_rate": rate}
        row |= measured_after_epoch(self)
        self.epoch += 1
        if self.net.size is not None and not self.active.all():
            row = {name: np.where(self.active, value, np.nan) for name, value in row.items()}
        self.history.append(row, self.epoch)
        monitored = row.get("validation_loss", loss)
        if self.plateau is not None and isinstance(self.schedule, ReduceOnPlateau):
            self.plateau = self.schedule.advance(self.plateau, np.reshape(monitored, -1))
        if self.stop is not None:
            self._judge(row)
        return monitored

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

    # --- LSUV ---------------------------------------------------------------------------------------------------

    def _rescale_at_first_data(self) -> None:
        """`init="lsuv"` needs data: rescale once, before the first step, on up to 1000 rows drawn at random."""
        waiting = self.net.awaits_data.copy()
        if not waiting.any():
            return
        drawn = self.net.params.copy()
        with blas.single_threaded():
            lsuv(self.net, self.data.some_rows(self.seed))
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


def train(net: Network, X: ArrayLike | Stream, y: ArrayLike | None = None, **settings: Any) -> History:
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
