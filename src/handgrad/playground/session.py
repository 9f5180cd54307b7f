"""A session: one tab's document, its run, and what it may be asked to do. It knows nothing of networks of wires.

All of it happens in one thread, the lane's; what takes long (a proof, a comparison, an export) is handed out as a job.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_integer
from handgrad.network import Network
from handgrad.optimizers import LBFGS
from handgrad.playground import answers
from handgrad.playground.comparing import comparison_of
from handgrad.playground.document import Document
from handgrad.playground.exporting import export_of
from handgrad.playground.frames import pack
from handgrad.playground.jobs import Answer, Job
from handgrad.playground.legs import Edit
from handgrad.playground.limits import Limits
from handgrad.playground.proving import proof_of, traced
from handgrad.playground.reading import read_object
from handgrad.playground.run import Run
from handgrad.playground.scene import scene_of
from handgrad.playground.sent import Sent
from handgrad.playground.speaking import Watch, predicted_variances
from handgrad.playground.units import MAPS, PICTURE, drawn_layers, output_maps, unit_maps
from handgrad.rules import unknown
from handgrad.training.walking import walk

LOOK = 0.25  # seconds between two looks at the signals


class Session:
    """One tab: `handle` answers a message, `train` uses the time it is given, `frame` is what the page draws."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.running = False
        self.busy: str | None = None  # the job that is at work
        self._due = 0.0  # when the next epoch is
        self._sent = Sent()
        self._signals: Answer | None = None
        self._doctor: Answer | None = None
        self._steps: Iterator[Network] | None = None  # between two batches
        self._walking: Network | None = None
        self._batch = 0
        self._open(Document())

    # --- messages -----------------------------------------------------------------------------------------------

    def handle(self, message: Any) -> list[Answer | Job]:
        """The answers to a message; raises ValueError or TypeError, and has changed nothing then."""
        if not isinstance(message, dict) or not isinstance(message.get("do"), str):
            raise ValueError("a message is an object with 'do'")
        what = message["do"]
        if what not in _ASKED:
            raise unknown("message", what, _ASKED)
        known = ("do", *_ASKED[what])
        given = read_object(f"message {what}", message, known)
        del given["do"]
        answer: list[Answer | Job] = getattr(self, f"_{what}")(**given)
        return answer

    def _open(self, document: Any = None) -> list[Answer]:
        read = document if isinstance(document, Document) else Document.from_json(document or {}, self.limits)
        self._take(Run(read, scene_of(read, self.limits), self.limits))
        self.running = False
        return [self.state()]

    def _change(self, document: Any = None) -> list[Answer]:
        read = replace(Document.from_json(document or {}, self.limits), start=None)
        if not replace(self.run.document, start=None).same_network(read):
            self._take(Run(read, scene_of(read, self.limits), self.limits))
        elif read.training == self.run.document.training and read.frozen == self.run.document.frozen:
            self.run.document = replace(read, start=self.run.document.start)
        else:
            self.run.change(read)
            self._until = self.run.training.epochs
            self._watch()
        return [self.state()]

    def _run(self) -> list[Answer]:
        if self.run.diverged is not None:
            raise ValueError("the training diverged; rewind it, or reset it with a smaller learning rate")
        if self.run.ended and isinstance(self.run.training.optimizer, LBFGS):
            raise ValueError("L-BFGS has ended; plan more epochs to let it go further")
        self._stop_walking()
        self.running, self._due = True, time.monotonic()
        self._until = self.run.training.epochs if not self.run.ended else 2**62
        return []

    def _pause(self) -> list[Answer]:
        self.running = False
        self._look()
        return []

    def _step(self, unit: str = "epoch") -> list[Answer]:
        if unit not in ("batch", "epoch"):
            raise unknown("unit", str(unit), ("batch", "epoch"))
        if unit == "batch":
            self._step_batch()
        else:
            self._stop_walking()
            self.run.advance()
        self.running = False
        self._look()
        return []

    def _reset(self, seed: Any = None) -> list[Answer]:
        document = replace(self.run.document, start=None)
        if seed is not None:
            document = Document.from_json(document.to_json() | {"seed": seed}, self.limits)
        self._take(Run(document, self.run.scene, self.limits))
        self.running = False
        return [self.state()]

    def _rewind(self, epoch: Any = None) -> list[Answer]:
        self.run.rewind(require_integer("epoch", epoch, at_least=0))
        self.running = False
        self._watch()
        return [self.state()]

    def _edit(self, **edit: Any) -> list[Answer]:
        self.run.edit(Edit.from_json(edit))
        self._watch()
        return []

    def _trace(self, row: Any = 0, part: Any = "train") -> list[Answer]:
        return [traced(self.run, self.shown, row, part)]

    def _prove(self) -> list[Answer | Job]:
        return [proof_of(self.run)]

    def _compare(self, seeds: Any = 50, **settings: Any) -> list[Answer | Job]:
        return [comparison_of(self.run, settings.get("with"), seeds, self.limits)]

    def _export(self, to: Any = "python") -> list[Answer | Job]:
        return [export_of(self.run, to)]

    def _columns(self, csv: Any = None) -> list[Answer]:
        return [answers.columns(csv, self.limits)]

    # --- time ---------------------------------------------------------------------------------------------------

    def wants(self, now: float) -> bool:
        """Whether there is an epoch to train."""
        return self.running and now >= self._due

    def train(self, seconds: float, others: int = 0) -> None:
        """Train the epochs that are due, for about so long; where many train, signals are looked at more rarely."""
        speed = self.run.document.view.speed
        started = time.monotonic()
        while self.running:
            self.run.advance()
            now = time.monotonic()
            if self.run.diverged is not None or self.run.training.epoch >= self._until or self.run.training.converged:
                self.running = False
            self._due = max(self._due + 1 / speed, now - 0.2) if speed else now
            if now - started >= seconds or now < self._due:
                break
        self._look(now=time.monotonic() if self.running else float("inf"), pause=LOOK * max(1, others / 4))

    def state(self) -> Answer:
        """What the page must know whenever the document has changed."""
        return answers.state(self.run, self.drawn, self.theory)

    def frame(self) -> bytes:
        """What moves."""
        run, net = self.run, self.shown
        header = {
            **self._sent.news(run),
            "running": self.running,
            "busy": self.busy,
            "epoch": run.epoch,
            "batch": self._batch,
            "batches": run.training.settings.steps(run.training.data.rows),
            "metrics": run.now if self._walking is None else run.measured_of(net),
            "diverged": run.diverged,
            "ended": run.ended,
            "kept": list(run.kept),
            "signals": self._signals,
            "doctor": self._doctor,
        }
        self._doctor = None
        with np.errstate(all="ignore"):
            arrays: dict[str, Array] = {
                "params": net.params.astype(np.float64),
                "state": net.state.astype(np.float64),
                "maps": unit_maps(net, self.drawn, run.scene.grid(MAPS)).reshape(-1, MAPS, MAPS),
                "output": output_maps(net, run.scene.grid(PICTURE), run.engine).reshape(-1, PICTURE, PICTURE),
            }
        return pack(header, arrays)

    # --- inside -------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> Network:
        """The network on screen: between two batches the copy that walks."""
        return self.run.net if self._walking is None else self._walking

    def _take(self, run: Run) -> None:
        """Show another run; nothing has changed before all that may be refused is done."""
        drawn, theory, watch = drawn_layers(run.net), predicted_variances(run.net, run.scene.train.X), Watch(run)
        self.run, self.drawn, self.theory, self.watch = run, drawn, theory, watch
        self._sent.forget()
        self._stop_walking()
        self._until = run.training.epochs
        self._watch()

    def _watch(self) -> None:
        self._stop_walking()
        self.watch = Watch(self.run)
        self._looked = 0.0
        self._look()

    def _look(self, now: float = float("inf"), pause: float = LOOK) -> None:
        """Signals and doctor, not at every frame."""
        if now - self._looked >= pause:
            self._signals = self.watch.look(self.run)
            self._doctor = self.watch.diagnose(self.run)
            self._looked = time.monotonic()

    def _step_batch(self) -> None:
        if self.run.diverged is not None:
            return
        if self._steps is None:
            self._steps = walk(self.run.training)
        self._walking = next(self._steps, None)
        self._batch += 1
        if self._walking is None or self._batch == self.run.training.settings.steps(self.run.training.data.rows):
            self._stop_walking()
            self.run.advance()  # the same batches, by the engine that trains

    def _stop_walking(self) -> None:
        self._steps = self._walking = None
        self._batch = 0


_ASKED: dict[str, tuple[str, ...]] = {
    "open": ("document",),
    "change": ("document",),
    "run": (),
    "pause": (),
    "step": ("unit",),
    "reset": ("seed",),
    "rewind": ("epoch",),
    "edit": ("parameter", "index", "value"),
    "trace": ("row", "part"),
    "prove": (),
    "compare": ("with", "seeds"),
    "export": ("to",),
    "columns": ("csv",),
}
