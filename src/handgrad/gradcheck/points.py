"""The other points at which a network's gradient is sampled: some mistakes do not show where one happens to look."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.networks import INPUTS, Examples, GivenNetwork
from handgrad.gradcheck.subjects import Point, Subject, typical_size
from handgrad.gradcheck.variables import CLEAR, Values, Variable
from handgrad.network import Network
from handgrad.network.drawing import draw_parameters
from handgrad.network.layout import Segment

_AT_ONCE = 250_000  # numbers
_DROWNING = 1e9  # times the penalty's gradient: rounding is then 1e-7 of it
_STEPS, _STEP = 10, 0.02  # of the parameters' norm, along the gradient
AFTER_STEPS = f"after {_STEPS} steps"


class Elsewhere(NamedTuple):
    """A subject to sample besides the one that was asked for, and what it is."""

    label: str
    subject: Subject


class GivenPenalty:
    """The penalty alone: its gradient is what the network's gradient holds beyond that of the data loss."""

    def __init__(self, whole: GivenNetwork, data: GivenNetwork) -> None:
        self.whole, self.data = whole, data
        self.title = "penalty"
        self.changed: set[str] = set()
        self.point: Point = {name: x for name, x in whole.point.items() if name != INPUTS}

    def value(self, point: Point) -> float:
        """l2 / 2 · Σ W² there."""
        return float(self.whole.at(point).penalty())

    def gradient(self, point: Point) -> Point:
        """The gradient with the penalty minus the one without."""
        there = point | {INPUTS: self.whole.point[INPUTS]}
        whole, data = self.whole.gradient(there), self.data.gradient(there)
        return {name: whole[name] - data[name] for name in self.point}

    def variables(self, point: Point) -> list[Variable]:
        """One parameter after another."""
        value = self.value(point)

        net = self.whole.one

        def around_of(segment: Segment) -> Callable[[Array, bool], Values]:
            def around(points: Array, watch: bool) -> Values:
                own = net.penalty_of(points) - net.penalty_of(point[segment.name].reshape(-1))
                values = value + (own if segment.key == "W" else np.zeros(len(points)))
                return Values(values, np.full(len(points), CLEAR))

            return around

        flat = {segment: point[segment.name].reshape(-1) for segment in net.layout.segments}
        return [
            Variable(each.name, each.shape, x, typical_size(x), value, around_of(each), _AT_ONCE // x.size + 1)
            for each, x in flat.items()
        ]


def other_points(given: GivenNetwork) -> Iterator[Elsewhere]:
    """The parts of the objective, other parameters, and other batches."""
    net, examples = given.net, given.examples
    if np.any(net.l2):
        without = net.copy()
        without.l2 = 0.0
        data = GivenNetwork(without, examples, given.member)
        yield Elsewhere("data loss alone", data)
        if not _drowned(given, data):
            yield Elsewhere("penalty alone", GivenPenalty(given, data))
    fresh = net.copy()
    fresh.params = draw_parameters(fresh)
    if not np.array_equal(fresh.params, net.params):
        yield Elsewhere("freshly initialised", GivenNetwork(fresh, examples, given.member))
    yield Elsewhere(AFTER_STEPS, GivenNetwork(_trained(net, examples), examples, given.member))
    rows = examples.X.shape[-2]
    if rows > 1:
        yield Elsewhere("on one row", GivenNetwork(net, _only(examples, np.arange(1)), given.member))
    if rows > 3:
        yield Elsewhere(
            "on an unbalanced batch", GivenNetwork(net, _only(examples, _unbalanced(examples)), given.member)
        )


def _drowned(given: GivenNetwork, data: GivenNetwork) -> bool:
    """Whether the data loss's gradient is so large that its rounding hides that of the penalty."""
    weights = [segment.name for segment in given.one.layout.segments if segment.key == "W"]
    gradient = data.gradient(given.point)
    whole = np.linalg.norm([np.linalg.norm(gradient[name]) for name in weights])
    penalty = float(np.max(given.one.l2)) * np.linalg.norm([np.linalg.norm(given.point[name]) for name in weights])
    return not whole <= _DROWNING * penalty


def _trained(net: Network, examples: Examples) -> Network:
    """The network after some steps along its own gradient, each of a fixed length, so that nothing can diverge."""
    net = net.copy()
    for _ in range(_STEPS):
        _, gradient = net.gradient(examples.X, examples.T, sample_weight=examples.sample_weight, **examples.mode)
        if not np.isfinite(gradient).all():
            break
        length = np.linalg.norm(gradient, axis=-1, keepdims=True)
        step = _STEP * np.linalg.norm(net.params, axis=-1, keepdims=True)
        net.params = net.params - np.divide(step, length, out=np.zeros_like(step), where=length > 0) * gradient
    return net


def _only(examples: Examples, rows: Array) -> Examples:
    """Some rows of a batch; if their weights are all 0, they all count the same."""
    weights = None if examples.sample_weight is None else np.asarray(examples.sample_weight, np.float64)[rows]
    if weights is not None and not weights.any():
        weights = None
    shares = None if weights is None else weights / weights.sum()
    X, T = (np.ascontiguousarray(each[..., rows, :]) for each in (examples.X, examples.T))
    return Examples(X, T, weights, shares, examples.mode)


def _unbalanced(examples: Examples) -> Array:
    """Two thirds of the rows, those with the largest first target before all: most of one class."""
    T = examples.T if examples.T.ndim == 2 else examples.T[0]
    order = np.argsort(-T[:, 0], kind="stable")
    return np.sort(order[: max(3, 2 * len(T) // 3)])
