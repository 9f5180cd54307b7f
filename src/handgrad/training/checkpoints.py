"""Checkpoints on disk: a training that was killed goes on where it was, with the same bits."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array, require_integer
from handgrad.files.disk import replace, require_place
from handgrad.training.conditions import OtherTrainingError, conditions, digest, require_epochs
from handgrad.training.interrupts import interrupts_held_back
from handgrad.training.packing import Saved, packed, unpacked
from handgrad.training.resuming import remembered, take_up
from handgrad.training.streaming import StreamEngine

if TYPE_CHECKING:
    from handgrad.training.training import Training

_LONGEST = 900  # characters that an error quotes of what it found in a file


class Checkpoints:
    """The last of a training's callbacks: it writes a checkpoint when one is due, and the one before is kept.

    When made it takes up what the file holds, if there is one.

    >>> import tempfile
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for epochs in (20, 30):
    ...         net = hg.Network.mlp([2, 8, 2], seed=0)
    ...         training = hg.Training(net, X, y, epochs=epochs, checkpoint=f"{folder}/run.ckpt", every=10)
    ...         print(f"begins after epoch {training.epoch}, ends after {len(training.run())}")
    begins after epoch 0, ends after 20
    begins after epoch 20, ends after 30

    Raises
    ------
    TypeError, ValueError
        `checkpoint` or `every` is not what it should be; or the file is of another training, damaged, or no checkpoint.
    OSError
        There is no such folder, or the file cannot be read.
    """

    def __init__(self, path: object, every: int, training: "Training") -> None:
        self.every = require_integer("every", every)
        self.path = require_place(path, "checkpoint")
        self.previous = self.path.with_name(f"{self.path.name}.previous")
        self.made_by = conditions(training)
        self.start = digest(training.net.params, training.net.state, training.net.awaits_data)
        self.kept: int | None = None  # the epoch of the checkpoint that is there
        self._failing, self._tried = False, 0
        if self.path.exists():
            self._take_up(training)

    @property
    def next_epoch(self) -> int:
        """When the next one is due: at the next multiple of `every`, however the last one came about."""
        return (self._tried // self.every + 1) * self.every

    def __call__(self, training: "Training") -> None:
        """Write one, or warn: training goes on without, for what is in memory is worth more than what is on disk."""
        try:
            self.keep(training)
            self._failing = False
        except OSError as error:
            if not self._failing or training.ending:  # the first time, and when it is the last word
                warnings.warn(
                    f"{error.strerror} Training goes on; {self._held()}; the next try is after epoch {self.next_epoch}",
                    RuntimeWarning,
                    stacklevel=2,
                )
            self._failing = True

    def begin(self, training: "Training") -> None:
        """Write the first one, if there is none yet: a place that cannot be written is an error before any work.

        One that came after this training was made is looked at as one that was there before.
        """
        if self.kept is None and self.path.exists():
            self._take_up(training)
        if self.kept is None:
            self.keep(training)

    def keep(self, training: "Training") -> None:
        """Write one, unless the file is of this epoch already."""
        self._tried = training.epoch
        if training.epoch == self.kept:
            return
        with interrupts_held_back():
            content = packed(training, self.made_by, self.start)
            replace(self.path, content, f"the checkpoint of epoch {training.epoch}", self.previous)
            self.kept = training.epoch

    def after_interrupt(self, training: "Training") -> str:
        """Write one, and say how to go on; within an epoch of a stream the last one is what there is."""
        if isinstance(training.engine, StreamEngine) and training.engine.done:
            within = f"handgrad: stopped within epoch {training.epoch + 1} of {training.epochs}"
            return f"{within}; {self._held()}: the same call, with the network made anew, goes on from there"
        try:
            self.keep(training)
        except OSError as error:
            return f"{error.strerror} {self._held()}"
        return (
            f"handgrad: stopped after epoch {training.epoch} of {training.epochs}; "
            f"{str(self.path)!r} holds it: the same call goes on from there"
        )

    def _held(self) -> str:
        """What there is on disk."""
        if self.kept is None:
            return f"there is no checkpoint at {str(self.path)!r}"
        return f"{str(self.path)!r} holds epoch {self.kept}"

    # --- taking up ----------------------------------------------------------------------------------------------

    def _take_up(self, training: "Training") -> None:
        name = repr(str(self.path))
        try:
            saved = unpacked(self.path, training, self.made_by)
            self._require_fit(saved, training)
        except OSError as error:
            raise type(error)(error.errno, f"checkpoint {name} cannot be read ({error.strerror or error})") from error
        except OtherTrainingError as other:
            raise ValueError(
                f"checkpoint {name}: {_abridged(str(other))}. To go on with it, give what it was made with; "
                "to begin anew, name another file or move this one away"
            ) from other
        except ValueError as wrong:
            raise ValueError(f"checkpoint {name}: {_abridged(str(wrong))}. {self._way_back(training)}") from wrong
        take_up(training, {**saved.state, "of": remembered(training)["of"]})
        self.start = str(saved.description["start"])
        self.kept = self._tried = training.epoch

    def _require_fit(self, saved: Saved, training: "Training") -> None:
        """Refuse another end, and another beginning: the network is as at its start, or as this training left it."""
        require_epochs(training, saved.state["epoch"], saved.description["epochs"])
        state = saved.state
        left = [digest(*vectors, state["awaits_data"]) for vectors in _as_left(state)]
        if self.start not in (saved.description["start"], *left):
            raise OtherTrainingError(
                "the network begins with other parameters than it began with there; make it as it was made then "
                "(a network that was trained further is another)"
            )

    def _way_back(self, training: "Training") -> str:
        """What can be done about a file that cannot be used."""
        try:
            epoch = unpacked(self.previous, training, self.made_by).state["epoch"]
        except (ValueError, OSError):
            return "There is no good one before it: move it away to begin anew"
        return (
            f"The one before it, {str(self.previous)!r}, is good (epoch {epoch}): "
            f"rename it to {self.path.name!r} to go on from there"
        )


def _as_left(state: Mapping[str, Any]) -> list[tuple[Array, Array]]:
    """Parameters and state as training leaves them in the network: the last ones, or the best ones at the end."""
    last = state["params"], state["state"]
    if state["best"] is None:
        return [last]
    best = state["best"]
    seen = (state["active"] & (best["epoch"] > 0))[:, None]
    restored = [np.where(seen, best[name], np.reshape(state[name], best[name].shape)) for name in ("params", "state")]
    return [last, (restored[0].reshape(last[0].shape), restored[1].reshape(last[1].shape))]


def _abridged(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"


@contextmanager
def kept_when_interrupted(training: "Training") -> Iterator[None]:
    """A context in which Ctrl-C leaves a checkpoint, and the KeyboardInterrupt says how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if training.checkpoints is not None:
            interrupt.add_note(training.checkpoints.after_interrupt(training))
        raise
