"""The door: which networks can leave, and what must be installed for it."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handgrad.arrays import Array
from handgrad.files.description import require_finite
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.network import Network
from handgrad.preprocessing import Preprocessing, TextColumn

KINDS: tuple[type[Layer], ...] = (Dense, Activation, Dropout, LayerNorm, BatchNorm, Residual)
_EXTRAS = {"onnx": "onnx", "onnxruntime": "onnx", "torch": "torch"}


@dataclass(frozen=True)
class Piece:
    """A layer with its name and its arrays; a composite one with the pieces inside it."""

    name: str
    layer: Layer
    arrays: dict[str, Array]
    inner: "tuple[Piece, ...]" = ()


def require_single(net: object) -> Network:
    """The network, if it is one that can be exported: single, and finite in every number."""
    if not isinstance(net, Network):
        raise TypeError(f"net is {net!r}; expected a Network (of a Training, give its .net)")
    if net.size is not None:
        raise ValueError(f"net is a stack of {net.size} networks; export one of them, such as net[0]")
    require_finite(net.layout, net.params)
    require_finite(net.state_layout, net.state)
    return net


def pieces_of(net: Network) -> tuple[Piece, ...]:
    """The layers of a single network in order, with names and arrays.

    >>> [piece.name for piece in pieces_of(Network.mlp([2, 3, 2]))]
    ['dense1', 'activation1', 'dense2']

    Raises
    ------
    TypeError
        A layer's class is not one of handgrad's.
    """
    names = iter([leaf.name for leaf in net.leaves])
    composites = iter(range(1, 1 + len(net.leaves)))

    def of(place: str, layers: tuple[Layer, ...]) -> tuple[Piece, ...]:
        return tuple(piece(f"{place}[{index}]", layer) for index, layer in enumerate(layers))

    def piece(place: str, layer: Layer) -> Piece:
        if type(layer) not in KINDS:
            known = ", ".join(kind.__name__ for kind in KINDS)
            raise TypeError(f"{place} is {layer!r}, a layer of your own, which only Python runs; expected {known}")
        if layer.inner:
            name = f"{layer.kind}{next(composites)}"
            return Piece(name, layer, {}, of(f"{place}.layers", layer.inner))
        name = next(names)
        keys = (*layer.parameter_shapes(), *layer.state_shapes())
        return Piece(name, layer, {key: net[f"{name}.{key}"] for key in keys})

    return of("layers", net.layers)


def require_library(module: str, purpose: str) -> Any:
    """That module, or an error that says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module:  # it is there, but something that it needs is not
            raise
        raise ModuleNotFoundError(
            f"{purpose} needs {module}, which is not installed: pip install 'handgrad[{_EXTRAS[module]}]'", name=module
        ) from missing


def require_inputs(net: Network) -> int:
    """How many numbers a row has, which an export must know, and which the preprocessing must make."""
    if net.fan_in is None:
        raise ValueError("net takes rows of any width, for no layer says how many units it takes; begin with a Dense")
    if net.preprocessing is not None:
        made = len(net.preprocessing.feature_names)
        if made != net.fan_in:
            raise ValueError(f"net.preprocessing makes {made} columns but the network takes {net.fan_in}")
        _require_portable(net.preprocessing)
    return net.fan_in


def _require_portable(preprocessing: Preprocessing) -> None:
    """Refuse text that other libraries cut off or cannot write: with a NUL, or half of a surrogate pair."""
    for what, text in _texts(preprocessing):
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(
                f"net.preprocessing has the {what} {text!r}; expected text without NUL and lone surrogates, which "
                "other libraries cut off or cannot write; rename it in the data and train again"
            )


def _texts(preprocessing: Preprocessing) -> Iterator[tuple[str, str]]:
    yield "target name", preprocessing.target_name
    yield from (("class name", name) for name in preprocessing.class_names or ())
    for column in preprocessing.columns:
        yield "column name", column.name
        if isinstance(column, TextColumn):
            yield from ((f"category (of column {column.name!r})", category) for category in column.categories)
