"""What a mistake is, and the makers of a catalogue entry for each place where one can be planted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.planting import SpoilGradient, SpoilLoss, SpoiltDense, become, planted
from handgrad.network import Network
from handgrad.network.layout import Leaf

Applies = Callable[[Network], bool]
Places = Callable[[Network], Sequence[Leaf]]


@dataclass(frozen=True)
class Mistake:
    """A kind of mistake in hand-written backpropagation, and how to plant it.

    Attributes
    ----------
    name
        Its name in `MISTAKES`.
    cause
        What a checker should call it: the `cause` of a finding; "unknown" where only the parameter can be told.
    story
        What the programmer did, in one line.
    applies
        Whether a network has a place for it.
    plant
        A twin of a network: same parameters, same loss, same forward pass, but this gradient.
    remembers
        Whether the first gradient is still right, and only later calls are wrong.
    """

    name: str
    cause: str
    story: str
    applies: Applies
    plant: Callable[[Network], Network]
    remembers: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.story}"


def always(net: Network) -> bool:
    """Every network has a place for it."""
    return True


def of_the_gradient(
    name: str, cause: str, story: str, spoil: SpoilGradient, applies: Applies = always, remembers: bool = False
) -> Mistake:
    """A mistake in what becomes of the finished gradient: `spoil(net, gradient, batch)`."""
    return Mistake(name, cause, story, applies, lambda net: planted(net, gradient=spoil), remembers)


def of_the_loss(name: str, cause: str, story: str, spoil: SpoilLoss, applies: Applies = always) -> Mistake:
    """A mistake in the loss's derivative by the logits: `spoil(right, Z, T, dZ)`."""
    return Mistake(name, cause, story, applies, lambda net: planted(net, dZ=spoil))


def of_layers(name: str, cause: str, story: str, kind: type[Any], places: Places, **more: Any) -> Mistake:
    """A mistake in the backward pass of the layers at these places, which become layers of a wrong kind."""

    def plant(net: Network) -> Network:
        return planted(net, layers={leaf.path: become(leaf.layer, kind, **more) for leaf in places(net)})

    return Mistake(name, cause, story, lambda net: bool(places(net)), plant)


def of_dense(
    name: str,
    cause: str,
    story: str,
    spoil: Callable[[dict[str, Array], Array, Array], dict[str, Array]],
    places: Places,
) -> Mistake:
    """A mistake in the gradients by W and b of the Dense layers at these places: `spoil(grads, dZ, A)`."""
    return of_layers(name, cause, story, SpoiltDense, places, spoil=spoil)
