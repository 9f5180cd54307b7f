"""A network as something to check: its objective by every parameter and by the inputs, with the kinks it crosses."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.subjects import Point, typical_size
from handgrad.gradcheck.variables import CLEAR, CROSSED, LEFT, Values, Variable
from handgrad.layers import Activation
from handgrad.network import Network
from handgrad.network.layout import Path, Segment, at, tree_of

INPUTS = "inputs"
_NUMBERS_AT_ONCE = 250_000  # parameters plus layer outputs evaluated side by side: what stays in cache
_MOVING = 20  # multiplications that it costs as much time to move a number
_LARGE = 31 * 2**17  # numbers in 31 MB: see _keep_memory


class Examples(NamedTuple):
    """A batch that a network has accepted, and the mode to differentiate in."""

    X: Array
    T: Array
    sample_weight: Array | None
    shares: Array | None
    mode: dict[str, Any]


class GivenNetwork:
    """A network's objective, or one network's of a stack, as a function of its parameters and inputs.

    The analytic side is `net.gradient` and `net.input_gradient` of the whole stack; the numeric side sees only the
    forward pass and the loss. It starts at the layer that a parameter belongs to, for what comes before stands still.
    """

    def __init__(self, net: Network, examples: Examples, member: int | None = None) -> None:
        self.net, self.examples, self.member = net.copy(), examples, member
        self.changed: set[str] = set()
        self.one = net if member is None else net[member]
        self.title = f"gradient check of {net!r}"
        X, T = examples.X, examples.T
        self.X = X[member] if X.ndim == 3 else X
        self.T = T[member] if T.ndim == 3 else T
        self.point: Point = {s.name: s.view(self.one.params).copy() for s in self.one.layout.segments}
        self.point[INPUTS] = self.X.copy()

    def at(self, point: Point) -> Network:
        """The network, on its own, with these parameters."""
        one = self.one.copy()
        for segment in one.layout.segments:
            segment.view(one.params)[...] = point[segment.name]
        return one

    def value(self, point: Point) -> float:
        """The objective there."""
        return _Around(self.at(point), point[INPUTS], self.T, self.examples).value

    def gradient(self, point: Point) -> Point:
        """The hand-derived gradient there, as `net.gradient` and `net.input_gradient` give it."""
        net, X, weights, mode = self.net, point[INPUTS], self.examples.sample_weight, self.examples.mode
        stood = net.params.copy()  # the very network is asked, not a copy: some remember what they should not
        params = net.params if self.member is None else net.params[self.member]
        for segment in net.layout.segments:
            segment.view(params)[...] = point[segment.name]
        if self.examples.X.ndim == 3:
            X = self.examples.X.copy()
            X[self.member] = point[INPUTS]
        there = net.params.copy()
        _, gradient = net.gradient(X, self.examples.T, sample_weight=weights, **mode)
        if not np.array_equal(there, net.params):
            self.changed.add("gradient")
            net.params = there
        dX = net.input_gradient(X, self.examples.T, sample_weight=weights, **mode)
        net.params = stood
        flat, dX = (gradient, dX) if self.member is None else (gradient[self.member], dX[self.member])
        return net.layout.views(np.asarray(flat)) | {INPUTS: dX}

    def cost(self, name: str) -> float:
        """About how many multiplications it takes to move one parameter and to evaluate the objective again."""
        segments = self.one.layout.segments
        starts = {segment.name: segment.leaf.path[0] for segment in segments} | {INPUTS: 0}
        onward = sum(segment.stop - segment.start for segment in segments if segment.leaf.path[0] >= starts[name])
        return float(len(self.X) * onward + _MOVING * self.point[name].size)

    def variables(self, point: Point) -> list[Variable]:
        """One parameter after another, and the inputs."""
        _keep_memory()
        around = _Around(self.at(point), point[INPUTS], self.T, self.examples)
        parameters = [around.parameter(segment) for segment in self.one.layout.segments]
        return [*parameters, around.inputs()]


class _Around:
    """One network's objective near its parameters and inputs, at many points side by side."""

    def __init__(self, net: Network, X: Array, T: Array, examples: Examples) -> None:
        self.net, self.X, self.T, self.shares = net, X, T, examples.shares
        self.contexts = net.contexts(**examples.mode)
        self.tree = net.layout.tree(net.params)
        self.starts = [X]  # the input of every top-level layer
        for layer, own, context in zip(net.layers, self.tree, self.contexts, strict=True):
            self.starts.append(layer.forward(own, self.starts[-1], context)[0])
        self.value, self.sides = self._observe(0, X, self.tree)
        self.value = float(self.value + net.penalty())
        self.widths = [sum(_widths(layer, X.shape[-1])) for layer in net.layers]

    def parameter(self, segment: Segment) -> Variable:
        """The objective as a function of one parameter."""
        x = segment.view(self.net.params)
        start, penalised = segment.leaf.path[0], segment.key == "W" and self.net.l2 != 0
        penalty = float(self.net.penalty()) - self._penalty_of(x[None])[0] if penalised else float(self.net.penalty())

        def around(points: Array, watch: bool) -> Values:
            moved = points.reshape(-1, *segment.shape)
            tree = tree_of(self.net.layers, lambda path, layer: dict(at(self.tree, path)))
            at(tree, segment.leaf.path)[segment.key] = moved
            own = self._penalty_of(moved) if penalised else 0.0
            A = np.broadcast_to(self.starts[start], (len(points), *self.starts[start].shape))
            return self._values(start, A, tree, penalty + own, watch, len(points))

        size = x.size + len(self.X) * sum(self.widths[start:])
        return self._variable(segment.name, segment.shape, x, typical_size(x.reshape(-1)), around, size)

    def inputs(self) -> Variable:
        """The objective as a function of the batch."""
        penalty = float(self.net.penalty())

        def around(points: Array, watch: bool) -> Values:
            return self._values(0, points.reshape(-1, *self.X.shape), self.tree, penalty, watch, len(points))

        columns = np.apply_along_axis(typical_size, 0, self.X)
        size = self.X.size + len(self.X) * sum(self.widths)
        return self._variable(INPUTS, self.X.shape, self.X, columns.reshape(-1), around, size)

    def _variable(
        self,
        name: str,
        shape: tuple[int, ...],
        x: Array,
        scale: Array,
        around: Callable[[Array, bool], Values],
        size: int,
    ) -> Variable:
        at_once = max(1, _NUMBERS_AT_ONCE // size)
        return Variable(name, shape, x.reshape(-1).copy(), scale, self.value, around, at_once, made_of=1.0)

    def _values(self, start: int, A: Array, tree: list[Any], penalty: Any, watch: bool, points: int) -> Values:
        loss, sides = self._observe(start, A, tree, watch)
        kinks = np.full(points, CLEAR, dtype=np.int8)
        for path, there in sides.items():
            here = self.sides[path]
            left, crossed = (here == 0) & (there != 0), here * there < 0
            kinks = np.where(left.any(axis=(-2, -1)), np.minimum(kinks, LEFT), kinks)
            kinks = np.where(crossed.any(axis=(-2, -1)), CROSSED, kinks)
        return Values(np.broadcast_to(loss + penalty, (points,)), kinks)

    def _observe(self, start: int, A: Array, tree: list[Any], watch: bool = True) -> tuple[Any, dict[Path, Array]]:
        """The data loss from a layer on, and on which side of each kink every pre-activation and residual lies."""
        net = self.net
        loss, Z, caches = net.onward(start, A, tree, self.T, self.shares, self.contexts)
        if not watch:
            return loss, {}
        sides: dict[Path, Array] = {(-1, i): np.sign(d) for i, d in enumerate(net.loss_rule.kink_distances(Z, self.T))}
        for leaf in net.leaves:
            if leaf.path[0] >= start and isinstance(leaf.layer, Activation):
                pre_activation, _ = at(caches[leaf.path[0] - start :], (0, *leaf.path[1:]))
                for number, kink in enumerate(leaf.layer.formula.kinks):
                    sides[*leaf.path, -1, number] = np.sign(pre_activation - kink)
        return loss, sides

    def _penalty_of(self, W: Array) -> Array:
        return np.asarray(self.net.penalty_of(W.reshape(len(W), -1)))


def _widths(layer: Any, inputs: int) -> list[int]:
    """Units of each output that a layer, or those in it, hold at once."""
    inner = [width for each in layer.inner for width in _widths(each, inputs)]
    return [*inner, layer.width(None) or inputs]


def _keep_memory() -> None:
    """Have glibc keep what is freed for the next block of points, which halves the time of a check.

    Once an array of this size was freed, smaller ones come from the heap, not from fresh pages (mallopt(3), on the
    dynamic mmap threshold, which ends at 32 MB). Other allocators see one allocation that nobody touches.
    """
    np.empty(_LARGE)  # not kept: freed at once
