"""How a mistake gets into a twin of a network: through a layer's backward, the loss's derivative, or the flat gradient.

A twin's forward pass is the right network's. Its loss record is always a `PlantedLoss`, which the compiled engine does
not know: so a twin is trained by the NumPy engine, which runs the very backward that is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from handgrad.arrays import Array, ArrayLike
from handgrad.layers import Context, Dense, Layer, Residual
from handgrad.losses import Loss
from handgrad.network import Network
from handgrad.network.layout import Layout, Path, leaves


class Batch(NamedTuple):
    """What a gradient was computed on."""

    X: Array
    T: Array
    shares: Array | None
    contexts: Sequence[Context]


SpoilGradient = Callable[["Planted", Array, Batch], Array]  # (net, the right gradient, batch) -> the wrong one
SpoilLoss = Callable[[Loss, Array, Array, Array], Array]  # (the right loss, Z, T, the right dZ) -> the wrong one
SpoilShares = Callable[[Array], Array | None]


class Planted(Network):
    """A network whose gradient is wrong on purpose."""

    spoil: SpoilGradient | None
    spoil_shares: SpoilShares | None
    memory: Any  # what a mistake keeps from call to call; a copy of the network takes it along

    def backpropagate(
        self, X: Array, T: Array, shares: Array | None, contexts: Sequence[Context]
    ) -> tuple[Any, Array, list[Any]]:
        """The right objective, the wrong gradient."""
        loss, gradient, caches = super().backpropagate(X, T, shares, contexts)
        if self.spoil is not None:
            gradient = self.spoil(self, gradient, Batch(X, T, shares, contexts))
        return loss, gradient, caches

    def _weighted_loss(self, Z: Array, T: Array, shares: Array | None) -> tuple[Any, Array]:
        loss, dZ = super()._weighted_loss(Z, T, shares)
        if self.spoil_shares is not None and shares is not None:
            _, dZ = super()._weighted_loss(Z, T, self.spoil_shares(shares))
        return loss, dZ


class PlantedLoss(Loss):
    """A loss with the right values and the wrong derivative (or the right one: then the mistake is elsewhere)."""

    right: Loss
    spoil: SpoilLoss | None

    def __init__(self, right: Loss, spoil: SpoilLoss | None) -> None:
        self.__dict__.update(vars(right), right=right, spoil=spoil)

    def __reduce__(self) -> Any:
        """Pickled by what it is made of: a right loss is pickled as its text."""
        return PlantedLoss, (self.right, self.spoil)

    def evaluate(self, Z: Array, T: Array) -> tuple[Array, Array]:
        """The right loss of each example and the wrong derivative by the logits."""
        loss, dZ = self.right.evaluate(Z, T)
        return loss, dZ if self.spoil is None else self.spoil(self.right, Z, T, dZ)

    def output(self, Z: Array) -> Array:
        """What the right loss makes of logits."""
        return self.right.output(Z)

    def predict(self, Z: Array) -> Array:
        """What the right loss predicts."""
        return self.right.predict(Z)

    def encode(self, y: ArrayLike, *shape_and_dtype: Any) -> Array:
        """Targets as the right loss wants them."""
        return self.right.encode(y, *shape_and_dtype)


class Wrong:
    """A layer of a wrong kind is named like the right one, `class RowsReversed(Wrong, Dense)` like `Dense`."""

    @property
    def kind(self) -> str:
        """The right layer's word."""
        right = next(each for each in type(self).__mro__ if not issubclass(each, Wrong))
        return right.__name__.lower()


class SpoiltDense(Wrong, Dense):
    """A Dense layer whose gradients by W and b go through `spoil(grads, dZ, A)`."""

    spoil: Callable[[dict[str, Array], Array, Array], dict[str, Array]]

    def parameter_gradients(self, dZ: Array, A: Array) -> dict[str, Array]:
        """The wrong gradients by W and b."""
        return self.spoil(super().parameter_gradients(dZ, A), dZ, A)


def become(layer: Layer, kind: type[Layer], **more: Any) -> Layer:
    """The same layer, of a wrong kind."""
    twin = object.__new__(kind)
    twin.__dict__.update(vars(layer), **more)
    return twin


def planted(
    net: Network,
    *,
    layers: Mapping[Path, Layer] | None = None,
    dZ: SpoilLoss | None = None,
    gradient: SpoilGradient | None = None,
    shares: SpoilShares | None = None,
) -> Planted:
    """A twin of a network, with parameters of its own, and with these layers or formulas in place of the right ones."""
    twin = object.__new__(Planted)
    twin.__dict__.update(vars(net.copy()), spoil=gradient, spoil_shares=shares, memory=None)
    twin.loss_rule = PlantedLoss(net.loss_rule, dZ)
    if layers:
        twin.layers = _swapped(net.layers, layers, ())
        twin.leaves = leaves(twin.layers)
        twin.layout = Layout(twin.layers, lambda layer: layer.parameter_shapes())
        twin.state_layout = Layout(twin.layers, lambda layer: layer.state_shapes())
    twin._make_views()
    return twin


def _swapped(layers: Sequence[Layer], others: Mapping[Path, Layer], above: Path) -> tuple[Layer, ...]:
    found = []
    for index, layer in enumerate(layers):
        path = (*above, index)
        swapped = others.get(path, layer)
        if isinstance(layer, Residual):
            swapped = become(swapped, type(swapped), layers=_swapped(layer.layers, others, path))
        found.append(swapped)
    return tuple(found)
