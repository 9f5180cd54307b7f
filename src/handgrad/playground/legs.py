"""Legs of a run: so many epochs with one way of training, begun with weights edited by hand or with other settings."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from handgrad.arrays import require_integer, require_number
from handgrad.experiments.recipe import TrainingRecipe, make
from handgrad.network import Network
from handgrad.playground.limits import Limits
from handgrad.playground.reading import plain_fields, read_object, read_text, read_texts

DEFAULTS: dict[str, Any] = {"epochs": 1000, "batch_size": 10}
SLOW = {"optimizer": "sgd", "learning_rate": 0.1}  # where nothing is said of an optimiser
_UNUSED = ("patience", "validation", "follow_test")  # they belong to studies
MOST_LEGS, MOST_EDITS = 1_000, 10_000  # of a run that a document tells of


@dataclass(frozen=True)
class Edit:
    """A weight set by hand: `net[parameter][index] = value`."""

    parameter: str
    index: tuple[int, int]
    value: float

    @property
    def place(self) -> tuple[str, tuple[int, int]]:
        """Which weight it is."""
        return self.parameter, self.index

    @classmethod
    def from_json(cls, given: Any) -> Self:
        """From an object with these fields."""
        values = read_object("edit", given, ("parameter", "index", "value"))
        index = values.get("index")
        if not isinstance(index, list) or len(index) != 2:
            raise ValueError(f"edit.index is {index!r}; expected the row and the column, such as [0, 1]")
        row, column = (require_integer("edit.index", each, at_least=0) for each in index)
        return cls(str(read_text("edit.parameter", values.get("parameter"))), (row, column), _number(values))

    def require_in(self, net: Network) -> None:
        """Refuse a weight that this network does not have."""
        shape, (row, column) = net[self.parameter].shape, self.index
        if row >= shape[0] or column >= shape[1]:
            raise ValueError(f"edit.index is {[row, column]}; {self.parameter} has the shape {shape}")


def _number(values: Mapping[str, Any]) -> float:
    return require_number("edit.value", values.get("value"), at_least=-1e9, at_most=1e9)


@dataclass(frozen=True)
class Leg:
    """Edits first, then so many epochs of training, with these parameters frozen; the optimiser starts afresh."""

    training: TrainingRecipe
    frozen: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    epochs: int = 0

    @classmethod
    def from_json(cls, given: Any, limits: Limits) -> Self:
        """From an object with these fields."""
        values = read_object("leg", given, [each.name for each in fields(cls)])
        edits = values.get("edits", [])
        if not isinstance(edits, list) or len(edits) > MOST_EDITS:
            raise ValueError(f"leg.edits is no list of at most {MOST_EDITS:,} edits")
        epochs = require_integer("leg.epochs", values.get("epochs", 0), at_least=0)
        limits.require("epochs", epochs, f"leg.epochs is {epochs:,}")
        return cls(
            read_training(values.get("training", {}), limits),
            read_texts("leg.frozen", values.get("frozen", [])),
            tuple(Edit.from_json(each) for each in edits),
            epochs,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        edits = [plain_fields(edit) for edit in self.edits]
        return plain_fields(self, ("training", "edits")) | {"training": training_to_json(self.training), "edits": edits}

    def of(self, epochs: int) -> Self:
        """The same leg with another number of epochs."""
        return replace(self, epochs=epochs)


def read_legs(given: Any, limits: Limits) -> tuple[Leg, ...]:
    """A list of legs, without those in which nothing happened; a run that was opened may have more than the most."""
    if not isinstance(given, list) or len(given) > 2 * MOST_LEGS:
        raise ValueError(f"start.legs is no list of at most {2 * MOST_LEGS:,} legs")
    told = tuple(Leg.from_json(each, limits) for each in given)
    legs = tuple(leg for leg in told if leg.epochs or leg.edits) or told[-1:]
    edits = sum(len(leg.edits) for leg in legs)
    if edits > MOST_EDITS:
        raise ValueError(f"start.legs have {edits:,} edits; expected at most {MOST_EDITS:,}")
    return legs


def read_training(given: Any, limits: Limits) -> TrainingRecipe:
    """How to train: fields of `hg.Study`'s training, the optimiser's settings beside them."""
    if not isinstance(given, Mapping):
        raise ValueError(f"training is {given!r}; expected an object")
    for name in _UNUSED:
        if name in given:
            raise ValueError(f"training.{name}: a playground does not have it; leave it out")
    usual = DEFAULTS if "optimizer" in given else DEFAULTS | SLOW
    recipe: TrainingRecipe = make("training", {**usual, **given})
    limits.require("epochs", recipe.epochs, f"training.epochs is {recipe.epochs:,}")
    return recipe


def training_to_json(training: TrainingRecipe) -> dict[str, Any]:
    """Plain values, the optimiser by name with its settings beside it."""
    optimizer = {"optimizer": type(training.optimizer).__name__.lower(), **plain_fields(training.optimizer)}
    return plain_fields(training, (*_UNUSED, "optimizer")) | optimizer
