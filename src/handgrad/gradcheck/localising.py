"""Which layer is it? Each layer of a network checked alone: its backward against its own forward.

A layer alone is the function Σ dY ⊙ forward(params, A) of its parameters and its input, with some fixed dY; `backward`
is its gradient. A mistake in one layer spoils the gradients of all layers before it, but only its own check.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array
from handgrad.gradcheck.comparison import FLOAT64
from handgrad.gradcheck.examining import Examined, examine
from handgrad.gradcheck.functions import GivenFunction
from handgrad.gradcheck.networks import Examples, GivenNetwork
from handgrad.gradcheck.signatures.case import Case, Curve, Logits
from handgrad.gradcheck.signatures.registry import explain, explain_activation
from handgrad.layers import Activation, Context, Dense, Layer

_FEWEST, _MOVED = 6, 500_000  # entries at least, and numbers that may be written for them
Explain = Callable[[Case, str], tuple[str, str] | None]
INPUT = "A"
_ENTRIES, _LOGITS = 60, 1000  # of each array that are measured; of the logits, where whole rows are looked at


class Culprit(NamedTuple):
    """A layer (or the loss) whose own backward is wrong: its place among the layers, and each array's explanation."""

    name: str
    number: int  # depth first; a composite layer after those in it
    explained: dict[str, tuple[str, str] | None]


class _Placed(NamedTuple):
    """A layer, its name and place, and what it is given in a forward pass."""

    name: str
    number: int
    layer: Layer
    params: Any
    A: Array
    context: Context


def culprits(given: GivenNetwork, examples: Examples) -> tuple[list[Culprit], dict[str, int]]:
    """The layers whose backward is wrong, from the first to the loss; and the place of every layer by name."""
    net = given.one
    placed = list(_placed(net.layers, net.layout.tree(net.params), given.X, net.contexts(**examples.mode), _namer(net)))
    Z = placed[-1].layer.forward(placed[-1].params, placed[-1].A, placed[-1].context)[0]
    found = [*map(_layer_alone, placed), _loss_alone(given, Z, examples.shares, len(placed))]
    wrong = {each.number: each for each in found if each is not None}
    for each in placed:  # a composite layer is wrong of itself only if none of those in it is
        if any(number in wrong for number in range(each.number - _inside(each.layer), each.number)):
            wrong.pop(each.number, None)
    return list(wrong.values()), {each.name: each.number for each in placed}


def _inside(layer: Layer) -> int:
    """How many layers a composite one holds, those in them included."""
    return sum(1 + _inside(inner) for inner in layer.inner)


def _namer(net: Any) -> Callable[[Layer], str]:
    names = iter([leaf.name for leaf in net.leaves])
    return lambda layer: layer.kind if layer.inner else next(names)


def _placed(
    layers: Sequence[Layer], tree: Sequence[Any], A: Array, contexts: Sequence[Context], name: Callable[[Layer], str]
) -> Iterator[_Placed]:
    """Every layer with its input; those inside a composite one before it."""
    number = 0
    for layer, params, context in zip(layers, tree, contexts, strict=True):
        for inner in _placed(layer.inner, params, A, context.inner, name) if layer.inner else ():
            yield inner._replace(number=number)
            number += 1
        yield _Placed(name(layer), number, layer, params, A, context)
        number += 1
        A = layer.forward(params, A, context)[0]


def _layer_alone(placed: _Placed) -> Culprit | None:
    """The check of one layer with a random dY; None if it is right."""
    layer, context = placed.layer, placed.context
    own = {} if layer.inner else dict(placed.params)
    frozen = placed.params if layer.inner else None  # a composite layer is moved by its input only
    dY = randomness.generator(0, "dY").standard_normal(layer.forward(placed.params, placed.A, context)[0].shape)

    def function(x: dict[str, Array]) -> float:
        params = frozen if frozen is not None else {key: x[key] for key in own}
        return float((dY * layer.forward(params, x[INPUT], context)[0]).sum())

    def gradient(x: dict[str, Array]) -> dict[str, Array]:
        params = frozen if frozen is not None else {key: x[key] for key in own}
        _, cache = layer.forward(params, x[INPUT], context)
        dA, grads = layer.backward(params, dY, cache)
        return {INPUT: dA, **(grads if frozen is None else {})}

    examined = _alone(function, gradient, {key: np.array(value) for key, value in own.items()} | {INPUT: placed.A})
    constants = {"rows of the batch": float(len(dY)), "units of the layer": float(dY.shape[-1])}
    changed = frozenset(examined.subject.changed)
    case = Case(examined, constants, changed=changed, upstream=dY)
    if isinstance(layer, Activation):
        case = Case(examined, constants, changed=changed, curves=lambda name: _slopes(examined, dY))
    if isinstance(layer, Dense) and layer.fan_in == layer.fan_out:
        turned = dY @ own["W"]
        case = replace(case, backward=lambda name: _is(examined, name, turned))
    say = explain_activation if isinstance(layer, Activation) else explain
    return _culprit(placed.name, placed.number, case, say)


def _loss_alone(given: GivenNetwork, Z: Array, shares: Array | None, number: int) -> Culprit | None:
    """The check of the loss by the logits; None if it is right."""
    rule, T = given.one.loss_rule, given.T
    weights = np.ones(len(Z)) if shares is None else shares

    def function(Z: Array) -> float:
        return float((rule.evaluate(Z, T)[0] * weights).sum())

    def gradient(Z: Array) -> Array:
        return rule.evaluate(Z, T)[1] * weights[:, None]

    examined = _alone(function, gradient, Z, _LOGITS)

    def logits(name: str) -> Logits | None:
        if name not in examined.measured:
            return None
        measured = examined.numeric(name)
        rows = np.isfinite(measured).all(axis=-1) & (weights > 0)
        given, targets = examined.given[name], T * weights[:, None]
        return Logits(Z[rows], measured[rows], given[rows], targets[rows]) if rows.any() else None

    constants = {"rows of the batch": float(len(Z)), "outputs": float(Z.shape[-1])}
    return _culprit(f"the loss {rule}", number, Case(examined, constants, logits=logits))


def _alone(function: Any, gradient: Any, x: Any, entries: int = _ENTRIES) -> Examined:
    subject = GivenFunction(function, gradient, x)
    size = sum(each.size for each in subject.point.values())
    allowed = dict.fromkeys(subject.point, min(entries, max(_FEWEST, _MOVED // size)))
    return examine(subject, subject.point, allowed, FLOAT64, randomness.generator(0, "layer alone"))


def _culprit(name: str, number: int, case: Case, say: Explain = explain) -> Culprit | None:
    accused = case.accused
    return Culprit(name, number, {each: say(case, each) for each in accused}) if accused else None


def _slopes(examined: Examined, dY: Array) -> list[Curve]:
    """The activation's slopes at the pre-activations that were measured; none where the gradient is not finite."""
    if INPUT not in examined.measured:
        return []
    measured = examined.numeric(INPUT)
    known = np.isfinite(measured) & (np.abs(dY) > 1e-3)
    z = examined.point[INPUT][known]
    return [Curve(z, measured[known] / dY[known], examined.given[INPUT][known] / dY[known])]


def _is(examined: Examined, name: str, expected: Array) -> bool:
    return name == INPUT and bool(np.allclose(examined.given[name], expected, rtol=1e-6))
