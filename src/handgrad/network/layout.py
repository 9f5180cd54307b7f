"""Where each named array lies in the flat vector: all weights first, layer by layer, then biases, gains and shifts.

Weights come first so that the L2 penalty is a prefix of the vector. A tree is the shape in which layers see arrays:
a list with one dict for each layer, or a list again where a layer holds layers.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.layers import Layer

Path = tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """A layer that holds no others: where it stands in the tree, its number depth first, and its name."""

    path: Path
    number: int
    name: str  # "dense1"
    layer: Layer


def leaves(layers: Sequence[Layer]) -> list[Leaf]:
    """The layers that hold no others, depth first, named by counting each kind."""
    counts: Counter[str] = Counter()
    found = []
    for number, (path, layer) in enumerate(_walk(layers, ())):
        counts[layer.kind] += 1
        found.append(Leaf(path, number, f"{layer.kind}{counts[layer.kind]}", layer))
    return found


def _walk(layers: Sequence[Layer], above: Path) -> Iterator[tuple[Path, Layer]]:
    for index, layer in enumerate(layers):
        if layer.inner:
            yield from _walk(layer.inner, (*above, index))
        else:
            yield (*above, index), layer


def at(tree: Any, path: Path) -> Any:
    """What stands at that path of a tree."""
    for index in path:
        tree = tree[index]
    return tree


def tree_of(layers: Sequence[Layer], make: Callable[[Path, Layer], Any], above: Path = ()) -> list[Any]:
    """A tree in the shape of the layers, with `make(path, layer)` in place of each leaf."""
    return [
        tree_of(layer.inner, make, (*above, index)) if layer.inner else make((*above, index), layer)
        for index, layer in enumerate(layers)
    ]


@dataclass(frozen=True)
class Segment:
    """One named array inside the flat vector: `vector[..., start:stop]` in that shape."""

    name: str  # "dense1.W"
    leaf: Leaf
    key: str  # "W"
    start: int
    shape: tuple[int, int]

    @property
    def stop(self) -> int:
        """The position after the last."""
        return self.start + self.shape[0] * self.shape[1]

    def view(self, vector: Array) -> Array:
        """This array as a view into (P,) or (S, P)."""
        return vector[..., self.start : self.stop].reshape(*vector.shape[:-1], *self.shape)


class Layout:
    """The segments of a flat vector, in order."""

    def __init__(self, layers: Sequence[Layer], shapes: Callable[[Layer], dict[str, tuple[int, int]]]) -> None:
        named = [(leaf, key, shape) for leaf in leaves(layers) for key, shape in shapes(leaf.layer).items()]
        weights_first = sorted(named, key=lambda each: each[1] != "W")  # stable: the order of layers stays
        self.layers = layers
        self.segments: list[Segment] = []
        start = 0
        for leaf, key, shape in weights_first:
            self.segments.append(Segment(f"{leaf.name}.{key}", leaf, key, start, shape))
            start = self.segments[-1].stop
        self._places = [(segment.leaf.path, segment.key) for segment in self.segments]
        self.size = start
        self.weights = sum(s.stop - s.start for s in self.segments if s.key == "W")  # length of the prefix

    def views(self, vector: Array) -> dict[str, Array]:
        """Each named array as a view into the vector."""
        return {segment.name: segment.view(vector) for segment in self.segments}

    def tree(self, vector: Array) -> list[Any]:
        """The views in the shape in which layers see them."""
        tree = tree_of(self.layers, lambda path, layer: {})
        for segment in self.segments:
            at(tree, segment.leaf.path)[segment.key] = segment.view(vector)
        return tree

    def flatten(self, tree: Sequence[Any], lead: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """A new flat vector (*lead, P) from a tree of arrays (*lead, *shape), or of one array shared by all."""
        if not self.segments:
            return np.empty((*lead, 0), dtype)
        try:
            parts = [at(tree, path)[key] for path, key in self._places]
            if not lead:
                flat = np.concatenate([part.reshape(-1) for part in parts])
            else:
                wide = [np.broadcast_to(part, (*lead, *part.shape[-2:])).reshape(*lead, -1) for part in parts]
                flat = np.concatenate(wide, axis=-1)
        except (KeyError, ValueError):
            self._require_arrays(tree, lead)
            raise
        if flat.shape[-1] != self.size:
            self._require_arrays(tree, lead)
        return flat

    def _require_arrays(self, tree: Sequence[Any], lead: tuple[int, ...]) -> None:
        """Say which layer gave no array, or one of another shape; only a layer of somebody's own does."""
        for segment in self.segments:
            given = at(tree, segment.leaf.path)
            layer = type(segment.leaf.layer).__name__
            if segment.key not in given:
                raise ValueError(
                    f"{segment.name}: the layer {layer} gave no array for {segment.key!r}; it gave {sorted(given)}"
                )
            shape = np.shape(given[segment.key])
            if shape not in (segment.shape, (*lead, *segment.shape)):
                raise ValueError(f"{segment.name}: the layer {layer} gave shape {shape}; expected {segment.shape}")
