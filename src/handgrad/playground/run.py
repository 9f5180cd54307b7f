"""A run: one network that is trained leg by leg, measured, remembered at kept epochs, and taken back to them.

A new setting of training, or a weight set by hand, begins a new leg: the optimiser starts afresh from the weights as
they are. So a run is told by its document and its legs alone, and code can walk it again to the same bits.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.experiments.recipe import NetworkRecipe
from handgrad.gradcheck.mistakes import MISTAKES
from handgrad.losses import Loss
from handgrad.metrics import accuracy, r2
from handgrad.network import Network
from handgrad.optimizers import LBFGS
from handgrad.playground.curves import Curves
from handgrad.playground.document import Document
from handgrad.playground.legs import MOST_EDITS, MOST_LEGS, Edit, Leg
from handgrad.playground.limits import Limits
from handgrad.playground.scene import Scene
from handgrad.playground.work import engine_for, require_affordable
from handgrad.training import DivergenceError, Training

KEPT, KEPT_BYTES = 60, 20_000_000  # epochs that a run can be taken back to, and what they may hold together
_MOMENT, _FEWEST = 4, 4  # a kept epoch holds so many times the parameters, as with Adam; so few are always kept
_LBFGS_EPOCHS = 500  # it walks all of its leg again at every epoch


class Moment(NamedTuple):
    """A kept epoch: the legs so far, where the last of them began, and what its training remembers."""

    legs: tuple[Leg, ...]
    start: Array
    state: dict[str, Any]


class Run:
    """A network on its way; `epoch` counts through all legs."""

    def __init__(self, document: Document, scene: Scene, limits: Limits) -> None:
        self.document, self.scene = document, scene
        self.engine, self.limits = engine_for(document.network, document.mistake), limits
        require_affordable(document.network, document.training, scene, self.engine, limits)
        self.right = network_of(document, scene)  # what a mistake is planted in
        self.net = _planted(self.right, document.mistake)
        self.error: DivergenceError | None = None
        start = document.start
        if start is not None:
            start.put_into(self.net)
        self.curves, self.kept, self.every = Curves(), dict[int, Moment](), 1
        self.targets = [self.net.accept_targets(y, X) for X, y in (scene.train, scene.test)]
        earlier, before = ((), 0) if start is None else (start.legs, start.epoch)
        self._enter(earlier, Leg(document.training, document.frozen), before)
        self._note()

    @property
    def epoch(self) -> int:
        """Epochs over, through all legs."""
        return self.before + self.training.epoch

    @property
    def diverged(self) -> str | None:
        """Why training cannot go on."""
        return None if self.error is None else str(self.error)

    @property
    def ended(self) -> bool:
        """Whether the planned epochs of this leg are over, or training cannot go on."""
        return self.diverged is not None or self.training.converged or self.training.epoch >= self.training.epochs

    def advance(self, epochs: int = 1) -> None:
        """Train so many epochs, one after the other, and measure; a divergence is kept as `error`."""
        for _ in range(epochs):
            self._advance()

    def _advance(self) -> None:
        is_lbfgs = isinstance(self.training.optimizer, LBFGS)
        if self.diverged is not None or (is_lbfgs and self.ended):
            return
        self._forget_later()
        if is_lbfgs:
            self.training.leg = 0, self.start  # it walks its leg again: its memory cannot be kept
        before = self.net.params.copy(), self.net.state.copy()
        try:
            self.training.run(epochs=1)
        except DivergenceError as wrong:
            self.error = wrong
            self.net.params, self.net.state = before  # of the last whole epoch, which can be told and come back to
        self.training.history.columns.clear()  # the curves hold what is shown, and stay within bounds
        self.training.history.epochs.clear()
        self._note()

    def change(self, document: Document) -> None:
        """Go on from the weights as they are, with other settings of training."""
        before = self.document
        if (document.training, document.frozen) != (before.training, before.frozen):
            self._require_room()
            self._new_leg(Leg(document.training, document.frozen))
        self.document = replace(document, start=self.document.start)

    def edit(self, edit: Edit) -> None:
        """Set one weight by hand."""
        edit.require_in(self.net)
        self._require_room()
        changed = self.net[edit.parameter].copy()
        changed[edit.index] = edit.value
        self.net[edit.parameter] = changed
        self._new_leg(replace(self.legs[-1], edits=(edit,)))

    def rewind(self, epoch: int) -> None:
        """To a kept epoch; those after it stay until the network goes on from there in another way, or again."""
        if epoch not in self.kept:
            raise ValueError(f"epoch {epoch} is not kept; those that are: {', '.join(map(str, self.kept))}")
        moment = self.kept[epoch]
        if self.diverged is None:
            self._keep()  # where it is now, to come back to
        *earlier, leg = moment.legs
        self._enter(earlier, leg, epoch - moment.state["epoch"])
        self.training.load_state_dict(moment.state)
        self.start = moment.start
        self.document = replace(self.document, training=leg.training, frozen=leg.frozen)
        self.now = self.measured_of(self.net)

    def walked(self) -> tuple[Leg, ...]:
        """The legs with the epochs that they went, the last as far as it is."""
        return (*self.legs[:-1], self.legs[-1].of(self.training.epoch))

    def told(self) -> tuple[Leg, ...]:
        """The legs, if they tell of all epochs: not where the first weights came without the legs that led there."""
        start = self.document.start
        return () if start is not None and not start.legs else self.walked()

    def measured_of(self, net: Network) -> dict[str, float]:
        """The epoch, and the objective and the metric of the training and the test rows by this network."""
        found: dict[str, float] = {"epoch": self.epoch}
        rows = zip(("train", "test"), (self.scene.train, self.scene.test), self.targets, strict=True)
        with np.errstate(all="ignore"):
            for part, (X, y), T in rows:
                Z = net.forward(X, engine="numpy")
                found[f"{part}_loss"] = float(net.objective_of(Z, T))
                found[f"{part}_metric"] = _metric(net.loss_rule, self.scene, y, Z)
        return found

    def _new_leg(self, leg: Leg) -> None:
        """End the leg, and begin this one; one without an epoch leaves nothing but its edits."""
        *earlier, last = self.walked()
        if last.epochs:
            earlier.append(last)
        else:
            edits = {each.place: each for each in (*last.edits, *leg.edits)}  # the last of each weight is what counts
            leg = replace(leg, edits=tuple(edits.values()))
        self._enter(earlier, replace(leg, epochs=0), self.epoch)
        self._forget_later()
        self.curves.cut(self.epoch - 1)
        self._measure()
        self._keep()

    def _forget_later(self) -> None:
        """Another future begins, or the same one again."""
        self.kept = {number: each for number, each in self.kept.items() if number <= self.epoch}
        if self.curves.columns["epoch"][-1] > self.epoch:
            self.curves.cut(self.epoch)

    def _require_room(self) -> None:
        """Refuse a leg, or an edit, that no document could tell of."""
        edits = sum(len(leg.edits) for leg in self.legs)
        if (len(self.legs) >= MOST_LEGS and self.training.epoch) or edits >= MOST_EDITS:
            raise ValueError(
                f"this run has {len(self.legs):,} legs and {edits:,} edits, for settings or weights were changed so "
                "often while it ran; rewind it, or export the network and begin anew"
            )

    def _enter(self, earlier: Sequence[Leg], leg: Leg, before: int) -> None:
        """Begin the leg after those, so many epochs from the start; a leg that cannot be is refused first."""
        self.training = self._training_of(leg)
        self.legs, self.before, self.error = (*earlier, leg), before, None
        self.start = self.net.params.copy()

    def _training_of(self, leg: Leg) -> Training:
        if isinstance(leg.training.optimizer, LBFGS) and leg.training.epochs > _LBFGS_EPOCHS:
            raise ValueError(
                f"training.epochs is {leg.training.epochs}; L-BFGS takes at most {_LBFGS_EPOCHS} in a playground, and "
                "mostly far fewer"
            )
        recipe, (X, y) = leg.training, self.scene.train
        require_affordable(self.document.network, recipe, self.scene, self.engine, self.limits)
        return Training(
            self.net,
            X,
            y,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            optimizer=recipe.optimizer,
            schedule=recipe.schedule,
            clip_norm=recipe.clip_norm,
            frozen=leg.frozen,
            engine=self.engine,
            threads=1,
            progress=False,
        )

    def _note(self) -> None:
        """A point of the curves, and perhaps a kept epoch."""
        self._measure()
        if self.epoch % self.every == 0 and self.diverged is None:
            self._keep()

    def _measure(self) -> None:
        self.now = self.measured_of(self.net)
        self.curves.add(self.now)

    def _keep(self) -> None:
        self.kept[self.epoch] = Moment(self.legs, self.start, self.training.state_dict())
        size = 8 * (self.net.params.size + self.net.state.size) * _MOMENT
        if len(self.kept) > min(KEPT, max(_FEWEST, KEPT_BYTES // size)):
            self.every *= 2
            first = min(self.kept)
            self.kept = {e: each for e, each in self.kept.items() if e in (first, self.epoch) or e % self.every == 0}


def network_of(document: Document, scene: Scene) -> Network:
    """The document's network before training."""
    inputs = scene.train.X.shape[1]
    return NetworkRecipe.stack([document.network], inputs, scene.outputs, scene.loss, document.seed)


def _planted(net: Network, name: str | None) -> Network:
    """The network with the mistake of that name, if there is one."""
    if name is None:
        return net
    mistake = MISTAKES[name]
    if not mistake.applies(net):
        raise ValueError(f"mistake {mistake.name!r} has no place in this network: {mistake.story}")
    return mistake.plant(net)


def _metric(loss: Loss, scene: Scene, y: Array, Z: Array) -> float:
    """Accuracy for classes, R² for numbers; NaN where the outputs are not finite."""
    if not np.isfinite(Z).all():
        return float("nan")
    if scene.one_hot:
        return float(accuracy(y.argmax(axis=-1), Z.argmax(axis=-1)))
    if scene.classes is not None:
        return float(accuracy(y, loss.predict(Z).reshape(len(y))))
    return float(r2(y, loss.predict(Z).reshape(len(y))))
