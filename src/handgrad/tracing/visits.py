"""What one batch did in each layer, arranged as the network is: the arrays that a recording holds, with their names.

Every quantity has one name, that of the layer it comes out of: the input A of activation1 is `dense1.Z`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.layers import Activation, Dense, Layer, Residual
from handgrad.network import Network
from handgrad.network.recording import Recording
from handgrad.tracing.steps import Step, Term, make_step
from handgrad.tracing.writing import Working

INPUT = "X"


@dataclass(frozen=True, eq=False)
class Visit:
    """One layer: its input A, output Y, the gradients by them, its parameters and the gradients by those."""

    name: str
    layer: Layer
    before: str  # the name of its input
    A: Array
    Y: Array
    dY: Array
    dA: Array
    cache: Any
    params: dict[str, Array]
    state: dict[str, Array]
    grads: dict[str, Array]  # of the data loss
    totals: dict[str, Array]  # of the objective
    l2: float
    training: bool

    @property
    def after(self) -> str:
        """The name of its output."""
        letter = "Z" if isinstance(self.layer, Dense) else "A" if isinstance(self.layer, Activation) else "Y"
        return f"{self.name}.{letter}"

    def own(self, letter: str, value: Any, part: str = "") -> Term:
        """A quantity of the layer's own: a parameter, a state, what lies between input and output."""
        return Term(letter, f"{self.name}.{part or letter}", value)

    def forward(
        self, title: str, formula: str, of: str, value: Array, terms: Sequence[Term], entry: Any = None, note: str = ""
    ) -> Step:
        """A step of the way forward."""
        return make_step(self.name, "forward", title, formula, of, value, terms, entry, note)

    def backward(
        self, title: str, formula: str, of: str, value: Array, terms: Sequence[Term], entry: Any = None, note: str = ""
    ) -> Step:
        """A step of the way back."""
        return make_step(self.name, "backward", title, formula, of, value, terms, entry, note)

    def learned(
        self, key: str, formula: str, terms: Sequence[Term], entry: Callable[..., Working] | None = None, note: str = ""
    ) -> Iterator[Step]:
        """The gradient by a parameter: by weights, where they are penalised, of the data loss and then of all."""
        of, title = f"{self.name}.{key}", f"gradient by {key}"
        if key != "W" or not self.l2:
            yield self.backward(title, f"d{key} = {formula}", of, self.grads[key], terms, entry, note)
            return
        data = Term("dW_data", f"{of}_data", self.grads[key], gradient=True)
        title = "gradient by W of the data loss"
        yield self.backward(title, f"dW_data = {formula}", data.of, data.value, terms, entry, note)
        W, l2 = self.own("W", self.params["W"]), Term("l2", "l2", np.asarray(self.l2))
        yield self.backward(
            "gradient by W, with the penalty's part",
            "dW = dW_data + l2 W",
            of,
            self.totals[key],
            (data, l2, W),
            lambda *index: data[index] + l2[()] * W[index],
        )


@dataclass(frozen=True, eq=False)
class Skip:
    """A skip connection around visits: Y = A + F, where F comes out of the last of them."""

    name: str
    before: str
    A: Array
    inside: "list[Visit | Skip]"

    @property
    def after(self) -> str:
        """The name of its output."""
        return f"{self.name}.Y"

    def step(
        self,
        direction: str,
        title: str,
        formula: str,
        of: str,
        value: Array,
        terms: Sequence[Term],
        entry: Callable[..., Working],
    ) -> Step:
        """A step of the connection itself."""
        return make_step(self.name, direction, title, formula, of, value, terms, entry)

    @property
    def Y(self) -> Array:
        """Input and F together, as `Residual.forward` adds them."""
        return np.asarray(self.A + self.inside[-1].Y)

    @property
    def dY(self) -> Array:
        """The gradient that reaches it, which is also that by F."""
        return self.inside[-1].dY

    @property
    def dA(self) -> Array:
        """The gradient by its input, as `Residual.backward` adds it up."""
        return np.asarray(self.dY + self.inside[0].dA)


@dataclass(eq=False)
class Arrangement:
    """Goes over a network's layers, and gives each what the recording holds of it."""

    net: Network
    recording: Recording
    totals: dict[str, Array]
    training: bool
    skips: Counter[str] = field(default_factory=Counter)

    def visits(self) -> "list[Visit | Skip]":
        """The network's layers, first to last."""
        return self._through(self.net.layers, INPUT, ())

    def _through(self, layers: Sequence[Layer], before: str, above: tuple[int, ...]) -> "list[Visit | Skip]":
        found: list[Visit | Skip] = []
        for index, layer in enumerate(layers):
            path = (*above, index)
            visit = self._skip(layer, before, path) if layer.inner else self._leaf(before, path)
            found.append(visit)
            before = visit.after
        return found

    def _skip(self, layer: Layer, before: str, path: tuple[int, ...]) -> Skip:
        if type(layer) is not Residual:
            raise TypeError(f"trace cannot follow {type(layer).__name__}, which holds layers; it knows Residual only")
        self.skips[layer.kind] += 1
        name = f"{layer.kind}{self.skips[layer.kind]}"
        inside = self._through(layer.inner, f"{name}.A", path)
        return Skip(name, before, inside[0].A, inside)

    def _leaf(self, before: str, path: tuple[int, ...]) -> Visit:
        leaf = next(each for each in self.net.leaves if each.path == path)
        name, recording = leaf.name, self.recording
        return Visit(
            name,
            leaf.layer,
            before,
            recording.inputs[name],
            recording.outputs[name],
            recording.gradients[name],
            recording.input_gradients[name],
            recording.caches[name],
            {key: self.net[f"{name}.{key}"] for key in leaf.layer.parameter_shapes()},
            {key: self.net[f"{name}.{key}"] for key in leaf.layer.state_shapes()},
            recording.parameters.get(name, {}),
            {key: self.totals[f"{name}.{key}"] for key in leaf.layer.parameter_shapes()},
            float(self.net.l2),
            self.training,
        )
