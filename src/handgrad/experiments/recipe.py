"""A recipe: everything but the seed that decides how a network comes out. Data, network and training, as plain fields.

Each field is checked when the recipe is made, and an error names it: `network.init: unknown initializer 'hee'`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from handgrad.activations import Formula, activations, relu
from handgrad.arrays import require_bool, require_integer, require_number
from handgrad.datasets.dataset import require_share_or_rows
from handgrad.initializers import Initializer, he_normal, initializers, zeros
from handgrad.losses import Loss, losses
from handgrad.network import Network
from handgrad.optimizers import SGD, Optimizer, find_optimizer
from handgrad.rules import unknown
from handgrad.schedules import Schedule, constant, schedules

SPLITS = ("random", "in order")


@dataclass(frozen=True)
class DataRecipe:
    """Which data, and how it is split: a built-in name, or the name of a table that the study holds.

    `n`, `noise`, `arms` and `classes` are those of synthetic data, None their defaults. `test` is the share, or the
    number, of rows kept for testing: drawn with `split` "random", the last with "in order", for data that has a split
    of its own. `standardise` None: tables yes, synthetic data no. `one_hot` makes a 0/1 target of each class, for
    losses of values or labels; the largest output then decides.
    """

    name: str = "moons"
    test: float = 0.3
    split: str = "random"
    one_hot: bool = False
    standardise: bool | None = None
    n: int | None = None
    noise: float | None = None
    arms: int | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        _convert(
            self,
            "data",
            test=lambda share: require_share_or_rows("share", share),
            split=_require_split,
            one_hot=lambda value: require_bool("value", value),
            standardise=lambda value: None if value is None else require_bool("value", value),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What the maker of synthetic data is called with, besides the seed."""
        given = {"n": self.n, "noise": self.noise, "arms": self.arms, "classes": self.classes}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class NetworkRecipe:
    """A multi-layer perceptron but for inputs and outputs; fields as of `Network.mlp`. `loss` None: the usual one."""

    hidden_sizes: tuple[int, ...] = (10,)
    activation: Formula | tuple[Formula, ...] = relu
    init: Initializer = he_normal
    bias_init: Initializer = zeros
    loss: Loss | None = None
    l2: float = 0.0
    dropout: float = 0.0
    norm: str | None = None
    residual: bool = False
    output_activation: Formula | None = None
    dtype: str = "float64"

    def __post_init__(self) -> None:
        _convert(
            self,
            "network",
            hidden_sizes=lambda sizes: tuple(require_integer("size", size) for size in _several(sizes)),
            activation=lambda rule: (
                tuple(map(activations.find, rule)) if isinstance(rule, list | tuple) else activations.find(rule)
            ),
            init=initializers.find,
            bias_init=initializers.find,
            loss=lambda rule: None if rule is None else losses.find(rule),
            output_activation=lambda rule: None if rule is None else activations.find(rule),
        )

    @staticmethod
    def stack(recipes: Sequence["NetworkRecipe"], inputs: int, outputs: int, loss: Loss, seeds: Any) -> Network:
        """Networks that differ in `init`, `bias_init` and `l2` only, side by side."""
        first, many = recipes[0], np.ndim(seeds) > 0
        return Network.mlp(
            [inputs, *first.hidden_sizes, outputs],
            activation=first.activation if isinstance(first.activation, Formula) else list(first.activation),
            loss=loss,
            init=[each.init for each in recipes] if many else first.init,
            bias_init=[each.bias_init for each in recipes] if many else first.bias_init,
            output_activation=first.output_activation,
            l2=[each.l2 for each in recipes] if many else first.l2,
            dropout=first.dropout,
            norm=first.norm,
            residual=first.residual,
            seed=seeds,
            dtype=first.dtype,
        )

    def require_possible(self, inputs: int, outputs: int, loss: Loss) -> None:
        """Refuse fields that no network can have; one of a single unit a layer is made, and thrown away."""
        small = replace(self, hidden_sizes=(1,) * len(self.hidden_sizes))
        try:
            NetworkRecipe.stack([small], inputs, outputs, loss, 0)
        except (TypeError, ValueError) as wrong:
            raise type(wrong)(f"network: {wrong}") from wrong

    def shape(self) -> Self:
        """What must be equal for networks to stand in one stack."""
        plain = NetworkRecipe()
        return replace(self, init=plain.init, bias_init=plain.bias_init, l2=plain.l2)


@dataclass(frozen=True)
class TrainingRecipe:
    """How it is trained; fields as of `Training`. Settings of the optimiser, such as `learning_rate`, stand beside it.

    `patience` is that of early stopping, which keeps the share `validation` of the training rows aside. `follow_test`
    records loss and accuracy (or R²) on the test rows as curves; they decide nothing.
    """

    epochs: int = 100
    batch_size: int | None = 32
    optimizer: Optimizer = SGD(0.1)  # noqa: RUF009 - a frozen record
    schedule: Schedule = constant
    clip_norm: float | None = None
    patience: int | None = None
    validation: float = 0.2
    follow_test: bool = False

    def __post_init__(self) -> None:
        _convert(
            self,
            "training",
            epochs=lambda epochs: require_integer("number", epochs),
            batch_size=lambda rows: None if rows is None else require_integer("number", rows),
            optimizer=find_optimizer,
            schedule=lambda rule: schedules.find("constant" if rule is None else rule),
            clip_norm=lambda norm: None if norm is None else require_number("norm", norm, above=0),
            patience=lambda epochs: None if epochs is None else require_integer("number", epochs),
            validation=lambda share: require_number("share", share, above=0, below=1),
        )

    def shape(self) -> Self:
        """What must be equal for networks to be trained as one stack: all but the optimiser's numbers.

        A momentum of 0 is another rule than any other momentum.
        """
        numbers = {name: 0.0 if getattr(self.optimizer, name) == 0 else 0.5 for name in per_network(self.optimizer)}
        return replace(self, optimizer=replace(self.optimizer, **numbers))


def per_network(optimizer: Optimizer) -> list[str]:
    """The optimiser's settings that may differ from network to network of a stack."""
    return [each.name for each in fields(optimizer) if each.type not in (bool, int, "bool", "int")]


@dataclass(frozen=True)
class Recipe:
    """Data, network and training."""

    data: DataRecipe = field(default_factory=DataRecipe)
    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From field names with their section, such as {"network.init": "he_normal"}.

        >>> Recipe.of({"network.init": "he", "training.learning_rate": 0.5}).training.optimizer
        SGD(learning_rate=0.5, momentum=0.0, nesterov=False)
        """
        sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for name, value in given.items():
            section, _, own_name = name.partition(".")
            sections[section][own_name] = value
        return cls(**{section: make(section, sections[section]) for section in SECTIONS})

    def stacks_with(self) -> tuple[DataRecipe, NetworkRecipe, TrainingRecipe]:
        """Recipes for which this is equal can be trained as one stack."""
        return self.data, self.network.shape(), self.training.shape()

    def describe(self) -> dict[str, Any]:
        """Plain values for JSON, in which recipes that could come out differently differ."""
        return {section: _described(getattr(self, section)) for section in SECTIONS}


SECTIONS: dict[str, type[Any]] = {"data": DataRecipe, "network": NetworkRecipe, "training": TrainingRecipe}


def known_fields() -> list[str]:
    """Every field with its section; the optimisers' settings among those of training."""
    named = [f"{section}.{each.name}" for section, kind in SECTIONS.items() for each in fields(kind)]
    settings = {name for kind in Optimizer.__subclasses__() for name in kind.__dataclass_fields__}
    return [*named, *(f"training.{name}" for name in ["learning_rate", *sorted(settings - {"learning_rate"})])]


def full_name(name: str) -> str:
    """A field's name with its section, which may be left out where only one has it.

    >>> full_name("init"), full_name("training.epochs")
    ('network.init', 'training.epochs')
    """
    known = known_fields()
    if name in known:
        return name
    fitting = [each for each in known if each.split(".")[1] == name]
    if len(fitting) != 1:
        raise unknown("field", name, known if "." in name else [each.split(".")[1] for each in known])
    return fitting[0]


def make(section: str, given: Mapping[str, Any]) -> Any:
    """One section's recipe from its fields."""
    kind = SECTIONS[section]
    own = {name: value for name, value in given.items() if name in kind.__dataclass_fields__}
    more = {name: value for name, value in given.items() if name not in own}
    recipe = kind(**own)
    if not more:
        return recipe
    if section != "training":
        raise unknown(f"field of {section}", next(iter(more)), kind.__dataclass_fields__)
    if "learning_rate" in more and "(" in str(given.get("optimizer", "")):
        raise ValueError(
            f"training.learning_rate is {more['learning_rate']!r}, and training.optimizer {given['optimizer']!r} has "
            "settings of its own; give the rate in one of the two"
        )
    for name in more:
        if name not in recipe.optimizer.__dataclass_fields__:
            known = [*kind.__dataclass_fields__, *recipe.optimizer.__dataclass_fields__]
            raise unknown(f"field of training (with {type(recipe.optimizer).__name__})", name, known)
    return replace(recipe, optimizer=_named("training", next(iter(more)), lambda: replace(recipe.optimizer, **more)))


def _convert(recipe: Any, section: str, **converters: Callable[[Any], Any]) -> None:
    for name, convert in converters.items():
        value = getattr(recipe, name)
        object.__setattr__(recipe, name, _named(section, name, lambda: convert(value)))  # noqa: B023 - called at once


def _named(section: str, name: str, make: Callable[[], Any]) -> Any:
    """What `make` gives; its errors say which field they are about."""
    try:
        return make()
    except (TypeError, ValueError) as wrong:
        raise type(wrong)(f"{section}.{name}: {wrong}") from wrong


def _require_split(split: Any) -> str:
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    return str(split)


def _several(sizes: Any) -> Sequence[Any]:
    if isinstance(sizes, list | tuple):
        return sizes
    raise TypeError(f"{sizes!r} is not a list of sizes such as [10] or [64, 32]")


def _described(recipe: Any) -> dict[str, Any]:
    values = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    if values.get("residual") is False:
        del values["residual"]  # it came later: what was stored before keeps its key
    return {name: describe_value(value) for name, value in values.items()}


def describe_value(value: Any) -> Any:
    """A field's value for JSON: rules as their text, those of somebody's own with a digest of their code."""
    from handgrad.experiments.digests import digest_of_rule
    from handgrad.rules import Rule

    if isinstance(value, Rule):
        return repr(value) if (digest := digest_of_rule(value)) is None else f"{value!r} #{digest}"
    if isinstance(value, Optimizer):
        return {"kind": type(value).__name__, **asdict(value)}
    return [describe_value(each) for each in value] if isinstance(value, tuple) else value
