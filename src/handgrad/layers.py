"""Layers: forward and backward side by side, in the order of the equations.

A layer is a small stateless description. `forward(params, A, context)` gives its output and what backward needs;
`backward(params, dY, cache)` gives the gradient by its input and by its parameters. Both work on one network,
A (B, units) and W (fan_in, fan_out), and on a stack of S, A (S, B, units) and W (S, fan_in, fan_out), unchanged.
Forward writes nothing; what a layer measures while training (batch norm) it reports through `measured`.

Letters: `dY` is ∂loss/∂Y. Every backward here is proved by the gradient checker.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from handgrad import randomness
from handgrad.activations import activations
from handgrad.arrays import Array, require_integer, require_number
from handgrad.elementary import column_sum, row_sum

Parameters = Any  # a dict of views by name; for a composite layer a list of those, one for each inner layer
Cache = Any


class Context(NamedTuple):
    """What a layer is told besides parameters and input."""

    training: bool = False
    state: Any = None  # what the layer measured so far: a dict of views by name
    seed: Any = 0  # the network's seed, or the (S,) seeds of a stack
    training_seed: int | None = None
    step: int = 0
    layer: int = 0  # the layer's number, depth first
    inner: "Sequence[Context]" = ()  # a composite layer's contexts for its inner layers


@dataclass(frozen=True)
class Layer:
    """What every layer offers; subclass it for a layer of your own."""

    fills: ClassVar[Mapping[str, float]] = {}  # what parameters and state that are not drawn start from
    draws: ClassVar[bool] = False  # whether forward uses the context's seeds and step

    @property
    def kind(self) -> str:
        """The word that parameters are named after: `dense` in `dense1.W`."""
        return type(self).__name__.lower()

    @property
    def inner(self) -> "tuple[Layer, ...]":
        """The layers inside a composite one."""
        return ()

    def parameter_shapes(self) -> dict[str, tuple[int, int]]:
        """The learned arrays by name; `W` is drawn by the initialiser and penalised, others are not."""
        return {}

    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """The arrays that are measured in training, not learned."""
        return {}

    def width(self, fan_in: int | None) -> int | None:
        """Units out, given the units in (None: any); raises ValueError when they do not fit."""
        return fan_in

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Cache]:
        """The output, and what backward needs."""
        raise NotImplementedError

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """The gradient by the input, and by each parameter."""
        raise NotImplementedError

    def measured(self, state: Any, cache: Cache) -> dict[str, Array]:
        """The next values of the state, after a forward pass in training mode."""
        return {}


@dataclass(frozen=True)
class Dense(Layer):
    """Affine layer, Z = A W + b.   A (B, fan_in) -> Z (B, fan_out)"""

    fan_in: int
    fan_out: int
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "fan_in", require_integer("Dense.fan_in", self.fan_in))
        object.__setattr__(self, "fan_out", require_integer("Dense.fan_out", self.fan_out))

    def parameter_shapes(self) -> dict[str, tuple[int, int]]:
        """W (fan_in, fan_out) and b (1, fan_out)."""
        W, b = {"W": (self.fan_in, self.fan_out)}, {"b": (1, self.fan_out)}
        return W | b if self.bias else W

    def width(self, fan_in: int | None) -> int:
        """fan_out."""
        if fan_in not in (None, self.fan_in):
            raise ValueError(f"fan_in={self.fan_in} but the layer before gives {fan_in} units; make them equal")
        return self.fan_out

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Array]:
        """Z = A W + b."""
        Z = A @ params["W"]  # (B, fan_out)
        if self.bias:
            Z += params["b"]
        return Z, A  # backward needs only A

    def backward(self, params: Parameters, dZ: Array, A: Array) -> tuple[Array, Parameters]:
        """dA = dZ Wᵀ, and the gradients by W and b."""
        dA = dZ @ params["W"].mT  # (B, fan_in)
        return dA, self.parameter_gradients(dZ, A)

    def parameter_gradients(self, dZ: Array, A: Array) -> Parameters:
        """dW = Aᵀ dZ and db = Σ dZ; all that the first layer needs, for nobody differentiates by its input."""
        dW = A.mT @ dZ  # (fan_in, fan_out)
        if not self.bias:
            return {"W": dW}
        db = column_sum(dZ)  # (1, fan_out)
        return {"W": dW, "b": db}


@dataclass(frozen=True)
class Activation(Layer):
    """Elementwise activation, A = f(Z), by name or record."""

    formula: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "formula", activations.find(self.formula))

    def forward(self, params: Parameters, Z: Array, context: Context) -> tuple[Array, tuple[Array, Array]]:
        """A = f(Z)."""
        A = self.formula.value(Z)
        return A, (Z, A)

    def backward(self, params: Parameters, dA: Array, cache: tuple[Array, Array]) -> tuple[Array, Parameters]:
        """dZ = dA ⊙ f'(Z)."""
        Z, A = cache
        return dA * self.formula.derivative(Z, A), {}


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: in training each unit is kept with probability 1 - rate and divided by it.

    Srivastava et al. 2014. The mask is a pure function of (seeds, step, layer, row, unit); in prediction mode the
    layer is the identity.
    """

    rate: float

    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rate = require_number("Dropout.rate", self.rate, at_least=0, below=1)
        object.__setattr__(self, "rate", rate)  # a plain float: NumPy's would turn float32 into float64

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Array | None]:
        """Y = A ⊙ M, with M either 0 or 1 / (1 - rate)."""
        if not context.training or self.rate == 0:
            return A, None
        key = randomness.key(context.seed, context.training_seed, "dropout", context.step, context.layer)
        kept = randomness.bits(key, *A.shape[-2:]) >= np.uint64(self.rate * 2.0**64)  # (B, units)
        M = kept.astype(A.dtype) / (1 - self.rate)
        return A * M, M

    def backward(self, params: Parameters, dY: Array, M: Array | None) -> tuple[Array, Parameters]:
        """dA = dY ⊙ M."""
        return (dY if M is None else dY * M), {}


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Each row standardised over its units, then scaled: Y = gain ⊙ (A - μ) / σ + shift (Ba et al. 2016)."""

    units: int
    epsilon: float = 1e-5

    fills: ClassVar[Mapping[str, float]] = {"gain": 1.0, "shift": 0.0}

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "units", require_integer(f"{name}.units", self.units))
        object.__setattr__(self, "epsilon", require_number(f"{name}.epsilon", self.epsilon, above=0))

    def parameter_shapes(self) -> dict[str, tuple[int, int]]:
        """Gain (1, units) and shift (1, units)."""
        return {"gain": (1, self.units), "shift": (1, self.units)}

    def width(self, fan_in: int | None) -> int:
        """Units."""
        if fan_in not in (None, self.units):
            raise ValueError(f"units={self.units} but the layer before gives {fan_in} units; make them equal")
        return self.units

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Cache]:
        """Standardise over the last axis."""
        centred = A - _row_mean(A)  # (B, units)
        deviation = np.sqrt(_row_mean(centred * centred) + self.epsilon)  # (B, 1)
        normed = centred / deviation
        return params["gain"] * normed + params["shift"], (normed, deviation)

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """dA = (dN - mean(dN) - N mean(dN ⊙ N)) / σ, with dN = dY ⊙ gain and means over the units."""
        normed, deviation = cache
        grads = _gain_and_shift(dY, normed)
        return _standardised_backward(dY * params["gain"], normed, deviation, _row_mean), grads


@dataclass(frozen=True)
class BatchNorm(LayerNorm):
    """Each unit standardised over the batch, then scaled: Y = gain ⊙ (A - μ) / σ + shift (Ioffe & Szegedy 2015).

    In training μ and σ are the batch's (algorithm 1), in prediction the running mean and variance, which training
    moves by `running ← momentum · running + (1 - momentum) · batch`, the variance unbiased as in algorithm 2.
    """

    momentum: float = 0.9

    fills: ClassVar[Mapping[str, float]] = {"gain": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        momentum = require_number("BatchNorm.momentum", self.momentum, at_least=0, below=1)
        object.__setattr__(self, "momentum", momentum)

    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """Mean (1, units) and variance (1, units)."""
        return {"mean": (1, self.units), "variance": (1, self.units)}

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Cache]:
        """Standardise over the batch, or by the running statistics."""
        mean = _column_mean(A) if context.training else context.state["mean"]  # (1, units)
        centred = A - mean
        variance = _column_mean(centred * centred) if context.training else context.state["variance"]
        deviation = np.sqrt(variance + self.epsilon)
        normed = centred / deviation
        return params["gain"] * normed + params["shift"], (normed, deviation, mean, variance, context.training)

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        """As in layer norm with means over the batch; with running statistics, dA = dY ⊙ gain / σ."""
        normed, deviation, _, _, training = cache
        grads = _gain_and_shift(dY, normed)
        dN = dY * params["gain"]
        return (_standardised_backward(dN, normed, deviation, _column_mean) if training else dN / deviation), grads

    def measured(self, state: Any, cache: Cache) -> dict[str, Array]:
        """The running mean and variance after this batch."""
        normed, _, mean, variance, _ = cache
        rows = normed.shape[-2]
        if rows == 1:  # one row has no variance to speak of
            return dict(state)
        unbiased = variance * (rows / (rows - 1))
        fresh = 1 - self.momentum
        return {
            "mean": self.momentum * state["mean"] + fresh * mean,
            "variance": self.momentum * state["variance"] + fresh * unbiased,
        }


def _gain_and_shift(dY: Array, normed: Array) -> Parameters:
    return {"gain": column_sum(dY * normed), "shift": column_sum(dY)}  # (1, units)


def _standardised_backward(dN: Array, normed: Array, deviation: Array, mean: Callable[[Array], Array]) -> Array:
    """Through N = (A - mean) / σ, where mean and σ move with A: what points along 1 and along N is lost."""
    result: Array = (dN - mean(dN) - normed * mean(dN * normed)) / deviation
    return result


def _row_mean(A: Array) -> Array:
    return row_sum(A)[..., None] / A.shape[-1]  # (B, 1)


def _column_mean(A: Array) -> Array:
    return column_sum(A) / A.shape[-2]  # (1, units)


@dataclass(frozen=True)
class Residual(Layer):
    """A skip connection around a list of layers, Y = A + F(A) (He et al. 2016, eq. 1); F keeps the number of units."""

    layers: Sequence[Layer] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        require_layers("Residual.layers", self.layers)
        object.__setattr__(self, "layers", tuple(self.layers))

    @property
    def inner(self) -> tuple[Layer, ...]:
        """The layers that the connection skips."""
        return tuple(self.layers)

    def width(self, fan_in: int | None) -> int | None:
        """The same units out as in."""
        fan_out = fan_in
        for layer in self.layers:
            fan_out = layer.width(fan_out)
            fan_in = fan_in or getattr(layer, "fan_in", None)
        if fan_in is not None and fan_out != fan_in:
            raise ValueError(f"takes {fan_in} units but its layers give {fan_out}; a skip connection needs them equal")
        return fan_out

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, list[Cache]]:
        """Y = A + F(A)."""
        F, caches = forward_through(self.layers, params, A, context.inner)
        return A + F, caches

    def backward(self, params: Parameters, dY: Array, caches: list[Cache]) -> tuple[Array, Parameters]:
        """dA = dY + what comes back through F."""
        dA, grads = backward_through(self.layers, params, dY, caches)
        return dY + dA, grads


def forward_through(
    layers: Sequence[Layer], params: Sequence[Parameters], A: Array, contexts: Sequence[Context]
) -> tuple[Array, list[Cache]]:
    """One layer after another: the last output, and every layer's cache."""
    caches = []
    for layer, own, context in zip(layers, params, contexts, strict=True):
        A, cache = layer.forward(own, A, context)
        caches.append(cache)
    return A, caches


def backward_through(
    layers: Sequence[Layer], params: Sequence[Parameters], dY: Array, caches: Sequence[Cache]
) -> tuple[Array, list[Parameters]]:
    """The chain rule, last layer first: the gradient by the input, and every layer's gradients in forward order."""
    grads: list[Parameters] = []
    for layer, own, cache in zip(reversed(layers), reversed(params), reversed(caches), strict=True):
        dY, own_grads = layer.backward(own, dY, cache)
        grads.append(own_grads)
    return dY, grads[::-1]


def require_layers(argument: str, layers: object) -> None:
    """Refuse what is not a non-empty sequence of layers."""
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        raise TypeError(
            f"{argument} is {layers!r}; expected a list of layers such as [Dense(2, 10), Activation('relu')]"
        )
    for index, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"{argument}[{index}] is {layer!r}; expected a layer such as Dense(2, 10)")
