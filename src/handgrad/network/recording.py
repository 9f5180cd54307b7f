"""Looking inside: every layer's output, and the gradient that reaches it, for one batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from handgrad import blas
from handgrad.arrays import Array, ArrayLike
from handgrad.layers import Cache, Context, Layer, Parameters, backward_through, forward_through
from handgrad.network.layout import tree_of

if TYPE_CHECKING:
    from handgrad.network.network import Network


@dataclass(frozen=True)
class Recording:
    """By layer name, first layer first: `outputs` (B, units) and `gradients` ∂loss/∂output; (S, ...) for a stack.

    Also the `inputs` of each layer with the gradients by them, `input_gradients`; what its backward remembered of its
    forward, `caches`; and of those that learn the gradient of the data loss by each of their `parameters` ("W", "b").
    """

    outputs: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    parameters: dict[str, dict[str, Array]] = field(default_factory=dict)
    input_gradients: dict[str, Array] = field(default_factory=dict)
    caches: dict[str, Cache] = field(default_factory=dict)


@dataclass(frozen=True)
class _Recorded(Layer):
    """A layer that also notes what passes through it."""

    layer: Layer
    name: str
    recording: Recording

    def forward(self, params: Parameters, A: Array, context: Context) -> tuple[Array, Cache]:
        Y, cache = self.layer.forward(params, A, context)
        self.recording.inputs[self.name] = A
        self.recording.outputs[self.name] = Y
        self.recording.caches[self.name] = cache
        return Y, cache

    def backward(self, params: Parameters, dY: Array, cache: Cache) -> tuple[Array, Parameters]:
        self.recording.gradients[self.name] = dY
        dA, grads = self.layer.backward(params, dY, cache)
        self.recording.input_gradients[self.name] = dA
        if grads:
            self.recording.parameters[self.name] = grads
        return dA, grads


def record(
    net: "Network",
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
) -> Recording:
    """Every layer's output and the gradient that reaches it, for one batch; arguments as for `Network.gradient`.

    >>> import handgrad as hg
    >>> net = hg.Network.mlp([2, 3, 2])
    >>> sorted(record(net, [[1.0, 2.0]], [0]).outputs)
    ['activation1', 'dense1', 'dense2']
    """
    X, T, shares = net.accept(X, y, sample_weight)
    return record_pass(net, X, T, shares, net.contexts(training, seed, step))[1]


def record_pass(
    net: "Network", X: Array, T: Array, shares: Array | None, contexts: Sequence[Context]
) -> tuple[Any, Recording]:
    """The data loss and what passed through every layer, for accepted arguments."""
    recording = Recording()
    layers = _recorded(net, recording)
    with blas.single_threaded():
        Z, caches = forward_through(layers, net._tree, X, contexts)
        data_loss, dZ = net._weighted_loss(Z, T, shares)
        backward_through(layers, net._tree, dZ, caches)
    gradients, parameters, by_input = recording.gradients, recording.parameters, recording.input_gradients
    in_order = replace(
        recording,
        gradients={name: gradients[name] for name in recording.outputs},
        parameters={name: parameters[name] for name in recording.outputs if name in parameters},
        input_gradients={name: by_input[name] for name in recording.outputs},
    )
    return data_loss, in_order


def record_outputs(net: "Network", X: Array, training: bool) -> dict[str, Array]:
    """Every layer's output by name, for accepted inputs."""
    recording = Recording()
    with blas.single_threaded():
        forward_through(_recorded(net, recording), net._tree, X, net.contexts(training, None, 0))
    return recording.outputs


def layer_outputs(net: "Network", X: Array) -> Iterator[Array]:
    """The output of each of `net.layers` in prediction mode, one after another; a composite layer has one."""
    A = net.accept_inputs(X)
    for layer, own, context in zip(net.layers, net._tree, net.contexts(False, None, 0), strict=True):
        A, _ = layer.forward(own, A, context)
        yield A


def _recorded(net: "Network", recording: Recording) -> list[Layer]:
    names = {leaf.path: leaf.name for leaf in net.leaves}
    wrapped = tree_of(net.layers, lambda path, layer: _Recorded(layer, names[path], recording))
    return [_around(layer, inside) for layer, inside in zip(net.layers, wrapped, strict=True)]


def _around(layer: Layer, inside: Any) -> Layer:
    """A composite layer again around its wrapped inner layers."""
    if not layer.inner:
        wrapped: Layer = inside
        return wrapped
    inner = [_around(*pair) for pair in zip(layer.inner, inside, strict=True)]
    composite: Layer = replace(layer, layers=inner)  # type: ignore[call-arg]
    return composite
