"""The state of a playground as one validated document: data, inputs, network, training, seed, and what is shown.

Network and training are the recipes that `hg.Study` uses, field by field; the document is JSON in a link, a file, a
lesson and on the wire. What comes in may be anything: every field is checked here, and an error names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from handgrad.activations import written
from handgrad.arrays import require_bool, require_integer, require_number
from handgrad.datasets import INPUTS
from handgrad.experiments.draws import SYNTHETIC
from handgrad.experiments.recipe import DataRecipe, NetworkRecipe, TrainingRecipe, make
from handgrad.gradcheck.mistakes import MISTAKES
from handgrad.losses import softmax_cross_entropy
from handgrad.playground.legs import read_training, training_to_json
from handgrad.playground.limits import Limits
from handgrad.playground.reading import plain_fields, read_object, read_seed, read_text, read_texts
from handgrad.playground.start import Start
from handgrad.rules import unknown

VERSION = 1
TABLES = ("digits", "iris", "wine", "breast_cancer", "diabetes")
NAMES = (*SYNTHETIC, *TABLES, "table")


@dataclass(frozen=True)
class Source:
    """Which rows: a recipe of `hg.Study`, the seed that draws and splits them, a table of one's own, its columns.

    `csv` is the text of a table with a `target` column; `columns` names two of its features, None takes all.
    """

    recipe: DataRecipe = field(default_factory=DataRecipe)
    seed: int = 0
    csv: str | None = None
    target: str | None = None
    task: str | None = None
    columns: tuple[str, str] | None = None


@dataclass(frozen=True)
class View:
    """What the page shows, and how fast the network trains: epochs a second, 0 as many as there is time for."""

    hide: tuple[str, ...] = ()
    show_test: bool = False
    log: bool = False
    speed: float = 30.0
    lesson: str | None = None


@dataclass(frozen=True)
class Document:
    """All that a link holds. `frozen` names layers or parameters, `mistake` one of `MISTAKES` that is planted."""

    data: Source = field(default_factory=Source)
    inputs: tuple[str, ...] = ("x1", "x2")
    network: NetworkRecipe = field(default_factory=lambda: make("network", _NETWORK))
    training: TrainingRecipe = field(default_factory=lambda: read_training({}, Limits()))
    seed: int = 0
    frozen: tuple[str, ...] = ()
    mistake: str | None = None
    start: Start | None = None
    view: View = field(default_factory=View)

    @classmethod
    def from_json(cls, given: Any, limits: Limits = Limits()) -> Self:  # noqa: B008 - frozen
        """The document of a JSON value; fields that are missing have their defaults."""
        values = read_object("the document", given, ("handgrad", *(each.name for each in fields(cls))))
        if values.pop("handgrad", VERSION) != VERSION:
            raise ValueError(f"handgrad: this document is of version {given['handgrad']!r}; expected {VERSION}")
        readers: dict[str, Callable[[Any], Any]] = {
            "data": lambda value: _source(value, limits),
            "inputs": _inputs,
            "network": lambda value: _network(value, limits),
            "training": lambda value: read_training(value, limits),
            "seed": lambda value: read_seed("seed", value),
            "frozen": lambda value: read_texts("frozen", value),
            "mistake": _mistake,
            "start": lambda value: None if value is None else Start.from_json(value, limits),
            "view": _view,
        }
        return cls(**{name: readers[name](value) for name, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` reads back as the same document."""
        data = plain_fields(self.data.recipe, _UNUSED) | plain_fields(self.data, ("recipe",))
        return {
            "handgrad": VERSION,
            "data": data,
            "inputs": list(self.inputs),
            "network": plain_fields(self.network),
            "training": training_to_json(self.training),
            "seed": self.seed,
            "frozen": list(self.frozen),
            "mistake": self.mistake,
            "start": None if self.start is None else self.start.to_json(),
            "view": plain_fields(self.view),
        }

    def without_start(self) -> dict[str, Any]:
        """Plain values for the page: weights travel in frames, and a link takes them from the export."""
        return replace(self, start=None).to_json()

    def same_network(self, other: "Document") -> bool:
        """Whether the other asks for the same data and network, from the same start: training may go on."""
        training = {"training": other.training, "frozen": other.frozen, "view": other.view}
        return replace(self, **training) == other  # type: ignore[arg-type]


def written_or_named(activation: Any) -> Any:
    """An activation by its name, or by the texts of f and df."""
    if not isinstance(activation, Mapping):
        return activation
    texts = read_object("network.activation", activation, ("f", "df"))
    if set(texts) != {"f", "df"}:
        raise ValueError("network.activation: a formula needs both texts, f of z and its derivative df of z and a")
    return written(texts["f"], texts["df"])


_NETWORK: dict[str, Any] = {"hidden_sizes": (4, 3), "activation": "tanh", "init": "glorot_normal"}
_UNUSED = ("split", "one_hot")  # fields of data that follow from the others here


# --- the sections -----------------------------------------------------------------------------------------------------


def _source(given: Any, limits: Limits) -> Source:
    own = [each.name for each in fields(Source) if each.name != "recipe"]
    known = [each.name for each in fields(DataRecipe) if each.name not in _UNUSED]
    values = read_object("data", given, (*known, *own))
    mine = {name: values.pop(name) for name in own if name in values}
    recipe = make("data", {name: value for name, value in values.items() if value is not None})
    if recipe.name not in NAMES:
        raise unknown("data", str(recipe.name), NAMES)
    if recipe.n is not None:
        limits.require("rows", require_integer("data.n", recipe.n), f"data.n is {recipe.n!r} rows")
    for name in ("arms", "classes"):
        if getattr(recipe, name) is not None and require_integer(f"data.{name}", getattr(recipe, name)) > 10:
            raise ValueError(f"data.{name} is {getattr(recipe, name)}; expected at most 10, as there are colours")
    source = Source(
        recipe=recipe,
        seed=read_seed("data.seed", mine.get("seed", 0)),
        csv=read_text("data.csv", mine.get("csv"), limits.csv_bytes),
        target=read_text("data.target", mine.get("target")),
        task=read_text("data.task", mine.get("task")),
        columns=_columns(mine.get("columns")),
    )
    if (source.csv is None) == (recipe.name == "table"):
        raise ValueError("data.csv: the name 'table' goes with the text of a table, and no other name does")
    if source.csv is not None and source.target is None:
        raise ValueError("data.target: name the column of the table that is to be predicted")
    return source


def _network(given: Any, limits: Limits) -> NetworkRecipe:
    values = read_object("network", given, [each.name for each in fields(NetworkRecipe)])
    if isinstance(values.get("activation"), list):
        values["activation"] = [written_or_named(each) for each in values["activation"]]
    elif "activation" in values:
        values["activation"] = written_or_named(values["activation"])
    sizes = values.get("hidden_sizes", ())
    if isinstance(sizes, list):
        limits.require("hidden_layers", len(sizes), f"network.hidden_sizes has {len(sizes)} layers")
    recipe: NetworkRecipe = make("network", _NETWORK | values)
    for units in recipe.hidden_sizes:
        limits.require("units", units, f"network.hidden_sizes has a layer of {units:,} units")
    if isinstance(recipe.activation, tuple) and len(recipe.activation) != len(recipe.hidden_sizes):
        raise ValueError(
            f"network.activation has {len(recipe.activation)} entries for {len(recipe.hidden_sizes)} hidden layers"
        )
    recipe.require_possible(2, 2, softmax_cross_entropy)
    return recipe


def _view(given: Any) -> View:
    values = read_object("view", given, [each.name for each in fields(View)])
    plain = View()
    return View(
        hide=read_texts("view.hide", values.get("hide", [])),
        show_test=require_bool("view.show_test", values.get("show_test", plain.show_test)),
        log=require_bool("view.log", values.get("log", plain.log)),
        speed=require_number("view.speed", values.get("speed", plain.speed), at_least=0, at_most=1e6),
        lesson=read_text("view.lesson", values.get("lesson")),
    )


def _inputs(given: Any) -> tuple[str, ...]:
    names = read_texts("inputs", given)
    for name in names:
        if name not in INPUTS:
            raise unknown("input", name, INPUTS)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"inputs are {list(names)}; expected at least one, each once")
    return names


def _mistake(given: Any) -> str | None:
    if given is not None and (not isinstance(given, str) or given not in MISTAKES):
        raise unknown("mistake", str(given), MISTAKES)
    return given


def _columns(given: Any) -> tuple[str, str] | None:
    if given is None:
        return None
    names = read_texts("data.columns", given)
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"data.columns is {list(names)}; expected two different columns, or null for all")
    return names[0], names[1]
