"""A network as plain values for JSON, and back; for each piece the way out stands beside the way in.

What comes back from a file may be anything: each value is checked here, or by the constructor that takes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np

from handgrad.activations import Formula, activations
from handgrad.arrays import Array, require_integer
from handgrad.files.container import ENVELOPE
from handgrad.initializers import Initializer, initializers
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.losses import Loss, losses
from handgrad.network import Network
from handgrad.network.layout import Layout, leaves
from handgrad.preprocessing import Preprocessing
from handgrad.rules import Registry, Rule, unknown

_KINDS: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in (Dense, Activation, Dropout, LayerNorm, BatchNorm, Residual)
}
_KEYS = ("layers", "loss", "init", "bias_init", "networks", "seed", "l2", "dtype", "awaits_data", "preprocessing")
_MOST_LAYERS = 10_000
_TYPES = {"float64": "F64", "float32": "F32"}  # as safetensors calls them

RuleType = TypeVar("RuleType", bound=Rule)


# --- the network ------------------------------------------------------------------------------------------------------


def to_tensors(net: Network) -> dict[str, Array]:
    """What is stored as arrays; `expected_tensors` tells their shapes."""
    tensors: dict[str, Any] = {"params": net.params, "state": net.state}
    if net.size is not None:
        tensors |= {"seed": net.seed, "l2": net.l2}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def expected_tensors(description: Mapping[str, Any], layers: Sequence[Layer]) -> dict[str, tuple[tuple[int, ...], str]]:
    """The shape and type of each tensor, by counting alone."""
    _require_few(layers)
    networks, dtype = description["networks"], description["dtype"]
    lead = () if networks is None else (require_integer("networks", networks),)
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ValueError(f"dtype is {dtype!r}; expected {' or '.join(_TYPES)}")
    P = Layout(layers, lambda layer: layer.parameter_shapes()).size
    Q = Layout(layers, lambda layer: layer.state_shapes()).size
    shapes: dict[str, tuple[tuple[int, ...], str]]
    shapes = {"params": ((*lead, P), _TYPES[dtype]), "state": ((*lead, Q), _TYPES[dtype])}
    return shapes | {"seed": (lead, "I64"), "l2": (lead, _TYPES[dtype])} if lead else shapes


def describe(net: Network) -> dict[str, Any]:
    """All but the tensors."""
    _require_few(net.layers)
    single = net.size is None
    return {
        "layers": describe_layers("layers", net.layers),
        "loss": describe_rule(net.loss_rule, losses),
        "init": [describe_rule(each, initializers) for each in net.init],
        "bias_init": [describe_rule(each, initializers) for each in net.bias_init],
        "networks": net.size,
        "seed": net.seed if single else None,
        "l2": net.l2 if single else None,
        "dtype": net.dtype.name,
        "awaits_data": net.awaits_data.tolist(),
        "preprocessing": _describe_preprocessing(net.preprocessing),
    }


def build(
    description: Mapping[str, Any], layers: Sequence[Layer], tensors: Mapping[str, Array], shelves: "Shelves"
) -> Network:
    """The network; it starts from zeros, for nothing need be drawn that the file's values replace."""
    values = {**description, **tensors}  # the seeds and penalties of a stack are tensors
    net = Network(
        layers,
        loss=shelves.losses.find("loss", values["loss"]),
        init="zeros",
        l2=values["l2"],
        seed=values["seed"],
        dtype=values["dtype"],
    )
    require_finite(net.layout, values["params"])
    require_finite(net.state_layout, values["state"])
    net.params, net.state = values["params"], values["state"]
    net.init = _build_initializers("init", values, net, shelves)
    net.bias_init = _build_initializers("bias_init", values, net, shelves)
    net.awaits_data = np.array([_require_bool("awaits_data", each) for each in _one_each("awaits_data", values, net)])
    if values["preprocessing"] is not None:
        net.preprocessing = Preprocessing.from_dict(values["preprocessing"])
    return net


def _build_initializers(
    key: str, values: Mapping[str, Any], net: Network, shelves: "Shelves"
) -> tuple[Initializer, ...]:
    records = _one_each(key, values, net)
    return tuple(shelves.initializers.find(f"{key}[{index}]", record) for index, record in enumerate(records))


def _one_each(key: str, values: Mapping[str, Any], net: Network) -> list[Any]:
    """The entries under that key: one for all networks, or one for each."""
    entries = _require_list(key, values[key])
    if len(entries) not in (1, net.size or 1):
        raise ValueError(f"{key} has {len(entries)} entries for {net.size or 1} networks")
    return entries


def _describe_preprocessing(preprocessing: object) -> dict[str, Any] | None:
    if preprocessing is None:
        return None
    if not isinstance(preprocessing, Preprocessing):
        raise TypeError(f"net.preprocessing is {preprocessing!r}; expected a Preprocessing, or None")
    return preprocessing.to_dict()


def require_finite(layout: Layout, vector: Array) -> None:
    """Refuse a flat vector with NaN or infinity, and name the array that has it."""
    for name, values in layout.views(vector).items():
        bad = int((~np.isfinite(values)).sum())
        if bad:
            count = "1 value that is" if bad == 1 else f"{bad} values that are"
            raise ValueError(f"{name} has {count} not finite; expected none; did the network diverge?")


# --- layers -----------------------------------------------------------------------------------------------------------


def describe_layers(place: str, layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """A list with one object for each layer; `place` names the list in errors."""
    return [_describe_layer(f"{place}[{index}]", layer) for index, layer in enumerate(layers)]


def require_complete(description: Mapping[str, Any]) -> None:
    """Refuse a description that lacks something, or has something more."""
    _require_keys("the description", description, (*ENVELOPE, *_KEYS))


def build_layers(place: str, records: Any, shelf: "Shelf[Formula]") -> list[Layer]:
    """The layers that `describe_layers` described."""
    return [_build_layer(f"{place}[{i}]", record, shelf) for i, record in enumerate(_require_list(place, records))]


def _require_few(layers: Sequence[Layer]) -> None:
    """Refuse more layers than anybody trains: each takes time and memory, though it may have no parameter."""
    count = len(leaves(layers))
    if count > _MOST_LAYERS:
        raise ValueError(f"layers: there are {count:,}; expected at most {_MOST_LAYERS:,}")


def _describe_layer(place: str, layer: Layer) -> dict[str, Any]:
    kind = type(layer).__name__
    if _KINDS.get(kind) is not type(layer):
        raise TypeError(
            f"net has a layer of your own, {place} = {layer!r}, and a file holds only {', '.join(_KINDS)}; "
            "save net.params and net.state with numpy.savez, and build the network in code"
        )
    values = {each.name: getattr(layer, each.name) for each in fields(layer)}
    if isinstance(layer, Activation):
        values["formula"] = describe_rule(layer.formula, activations)
    if isinstance(layer, Residual):
        values["layers"] = describe_layers(f"{place}.layers", layer.layers)
    return {"kind": kind, **values}


def _build_layer(place: str, record: Any, shelf: "Shelf[Formula]") -> Layer:
    kind = record.get("kind") if isinstance(record, dict) else record
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"{place}: {unknown('kind of layer', str(kind), _KINDS)}")
    names = [each.name for each in fields(_KINDS[kind])]
    _require_keys(place, record, ("kind", *names))
    values = {name: record[name] for name in names}
    if kind == "Activation":
        values["formula"] = shelf.find(f"{place}.formula", values["formula"])
    if kind == "Residual":
        values["layers"] = build_layers(f"{place}.layers", values["layers"], shelf)
    if kind == "Dense":
        _require_bool(f"{place}.bias", values["bias"])
    return _KINDS[kind](**values)


# --- rules ------------------------------------------------------------------------------------------------------------


def describe_rule(rule: RuleType, registry: Registry[RuleType]) -> dict[str, Any]:
    """Its name and parameters; it is built in only if its formulas are, whatever its name."""
    return {"name": rule.name, "parameters": rule.parameters, "built_in": _is_built_in(rule, registry)}


def _is_built_in(rule: RuleType, registry: Registry[RuleType]) -> bool:
    named = registry.rules.get(rule.name)
    return named is not None and set(named.parameters) == set(rule.parameters) and named(**rule.parameters) == rule


@dataclass(frozen=True)
class Shelf(Generic[RuleType]):
    """Where rules of one kind are found: in a registry, or among the records passed to `load` under that argument."""

    argument: str
    registry: Registry[RuleType]
    own: Mapping[str, RuleType]

    def find(self, place: str, record: Any) -> RuleType:
        """The rule that `describe_rule` described."""
        _require_keys(place, record, ("name", "parameters", "built_in"))
        name, parameters = str(record["name"]), record["parameters"]
        built_in = _require_bool(f"{place}.built_in", record["built_in"])
        rules = self.registry.rules if built_in else self.own
        if name not in rules:
            raise self._missing(place, name, built_in)
        rule = rules[name]
        _require_keys(f"{place}: parameters of {name}", parameters, rule.parameters)
        return rule(**parameters) if parameters else rule  # type: ignore[return-value]

    def _missing(self, place: str, name: str, built_in: bool) -> ValueError:
        kind = self.registry.kind
        if built_in:
            return ValueError(f"{place}: {unknown(kind, name, self.registry.rules)}")
        return ValueError(
            f"{place} is {kind} {name!r}, which is not built in, and a file holds no code; "
            f"pass the record that the network was made with: load(path, {self.argument}=[{name}])"
        )


class Shelves(NamedTuple):
    """All rules that a file may name."""

    activations: Shelf[Formula]
    losses: Shelf[Loss]
    initializers: Shelf[Initializer]

    @classmethod
    def with_own(
        cls,
        own_activations: Iterable[Formula],
        own_losses: Iterable[Loss],
        own_initializers: Iterable[Initializer],
    ) -> Self:
        """The built-in rules and these."""
        return cls(
            Shelf("activations", activations, _by_name("activations", Formula, own_activations)),
            Shelf("losses", losses, _by_name("losses", Loss, own_losses)),
            Shelf("initializers", initializers, _by_name("initializers", Initializer, own_initializers)),
        )


def _by_name(argument: str, kind: type[RuleType], records: Iterable[RuleType]) -> dict[str, RuleType]:
    expected = f"expected a list of {kind.__name__} records, such as [my_record]"
    if not isinstance(records, Iterable):
        raise TypeError(f"{argument} is {records!r}; {expected}")
    found: dict[str, RuleType] = {}
    for index, record in enumerate(records):
        if not isinstance(record, kind):
            raise TypeError(f"{argument}[{index}] is {record!r}; {expected}")
        if record.name in found:
            raise ValueError(f"{argument}[{index}] is a second record named {record.name!r}; names must differ")
        found[record.name] = record
    return found


# --- values from a file -----------------------------------------------------------------------------------------------


def _require_keys(place: str, record: Any, keys: Iterable[str]) -> None:
    expected = ", ".join(keys) or "no keys"
    if not isinstance(record, dict):
        raise ValueError(f"{place} is {record!r}; expected an object with {expected}")
    if set(record) != set(keys):
        raise ValueError(f"{place} has the keys {list(record)!r}; expected {expected}")


def _require_list(place: str, values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise ValueError(f"{place} is {values!r}; expected a list")
    return values


def _require_bool(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{place} is {value!r}; expected true or false")
    return value
