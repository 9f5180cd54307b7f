"""Looking into a function of weights and biases from outside.

A layer whose weights are zero puts out its bias, whatever the data: the pre-activations of all rows are then known, and
the same. Let layer l have W = 0 and b = z. Then with the sums over the rows that the gradients by biases are,

    ∂f/∂b_l = f'(z) ⊙ W_{l+1} ∂f/∂b_{l+1}

so that the measured gradients give f'(z), and the analytic ones the derivative that the code used, point by point. The
same trick on the last layer makes the logits known. All this asks only for the function and its gradient elsewhere.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from handgrad import randomness
from handgrad.activations import activations
from handgrad.arrays import Array
from handgrad.gradcheck.differences import quick_slopes
from handgrad.gradcheck.signatures.case import Curve, Logits
from handgrad.gradcheck.subjects import Point, Subject
from handgrad.gradcheck.variables import Entries

_SPREAD = 1.7  # pre-activations between minus this and this: where activations bend
_STEP = 1e-3  # of the scale
_CLOSE = 1e-5
_FEWEST = 3  # units whose ratios say something


class Link(NamedTuple):
    """The weights and the bias of one layer, and whether the weights stand as (fan_out, fan_in)."""

    W: str
    b: str
    flipped: bool


_NORMS = {"gain": "shift", "gamma": "beta", "scale": "shift"}  # what a norm layer's parameters are called


def links(point: Point) -> list[Link]:
    """The layers that a point seems to hold: each matrix with the next vector as long as one of its sides.

    A norm layer is a link too: with gain 0 it puts out its shift. It comes in place of the matrix before it.
    """
    norms = _norm_layers(point)
    taken = {name for link in norms for name in link[:2]}
    found = []
    free = [name for name, x in point.items() if x.shape in ((x.size,), (1, x.size)) and name not in taken]
    matrices = [name for name, x in point.items() if x.ndim == 2 and name not in free and name not in taken]
    flipped = _stand_flipped(point, matrices, free)
    for W in matrices:
        for turned in (flipped, not flipped):
            b = next((name for name in free if point[name].size == point[W].shape[0 if turned else 1]), None)
            if b is not None:
                free.remove(b)
                found.append(Link(W, b, turned))
                break
    return [*norms, *found]


def _stand_flipped(point: Point, matrices: list[str], vectors: list[str]) -> bool:
    """Whether weights stand as (fan_out, fan_in): the first sides of all have biases of that length, the others not."""
    lengths = {point[name].size for name in vectors}
    sides = [point[name].shape for name in matrices]
    return all(first in lengths for first, _ in sides) and not all(last in lengths for _, last in sides)


def _norm_layers(point: Point) -> list[Link]:
    pairs = [
        (name, name[: -len(gain)] + shift) for name in point for gain, shift in _NORMS.items() if name.endswith(gain)
    ]
    return [Link(gain, shift, False) for gain, shift in pairs if shift in point]


class Outside:
    """A subject as a chain of layers, looked into by setting weights to zero."""

    def __init__(self, subject: Subject, point: Point) -> None:
        self.subject, self.point = subject, point
        self.links = links(point)
        self.curves, self.turned, self.logits = cache(self._curves_behind), cache(self._turned), cache(self._logits)

    def _curves_behind(self, name: str) -> list[Curve]:
        """What the activation behind the layer that a parameter belongs to may be; nothing where it cannot be seen."""
        place = self._place(name)
        if place is None:
            return []
        forth, back = self._curve(place, 1), self._curve(place, -1)
        if forth is not None and back is not None and _same_curve(forth, back):
            return [forth]
        return self._by_ratio(place)

    def _by_ratio(self, place: int) -> list[Curve]:
        """Without the next layer's weights: used over measured is the ratio of the gradients by the bias alone.

        It holds behind any layers whose own way back is right. The true derivative is not seen then; it is taken to be
        that of each known activation in turn.
        """
        forth, back = self._ratio(place, 1), self._ratio(place, -1)
        if forth is None or back is None:
            return []
        z, ratios = forth
        if len(z) < _FEWEST or not _same(ratios, back[1][::-1]):
            return []
        slopes = [formula.derivative(z, formula.value(z)) for formula in activations]
        return [Curve(z, slope, ratios * slope) for slope in slopes]

    def _ratio(self, place: int, order: int) -> tuple[Array, Array] | None:
        """Pre-activations, and analytic over measured gradient there."""
        link = self.links[place]
        z = self._spread(link, order)
        found = self._at(link, z, [link.b])
        if found is None:
            return None
        measured, used = found[0][link.b], found[1][link.b]
        if np.min(np.abs(measured)) <= 1e-6 * np.max(np.abs(measured)):
            return None
        return z, used / measured

    def _turned(self, name: str) -> bool:
        """Whether the gradient came back through the next layer's W instead of Wᵀ."""
        place = self._place(name)
        if place is None or place + 1 >= len(self.links):
            return False
        W = self.point[self.links[place + 1].W]
        if W.shape[0] != W.shape[1]:
            return False
        right, wrong = self._curve(place, 1), self._curve(place, 1, turned=True)
        if right is None or wrong is None or _same(right.used, right.measured):
            return False
        return _same(wrong.used, right.measured)

    def _logits(self, name: str) -> Logits | None:
        """The loss by the logits, if the parameter is the last layer's bias or weight and p is their softmax."""
        if not self.links or name not in self.links[-1][:2]:
            return None
        last = self.links[-1]
        rows = []
        for seed in range(3):
            z = randomness.generator(seed, "logits").uniform(-1, 1, self.point[last.b].size)
            found = self._at(last, z, [last.b])
            if found is None:
                return None
            measured, used = found
            rows.append((z, measured[last.b], used[last.b]))
        return Logits(*(np.array(each) for each in zip(*rows, strict=True)))

    def later(self, name: str) -> list[str]:
        """The parameters of the layers after the one that a parameter belongs to."""
        place = self._place(name)
        return [] if place is None else [each for link in self.links[place + 1 :] for each in (link.W, link.b)]

    def _place(self, name: str) -> int | None:
        return next((i for i, link in enumerate(self.links) if name in (link.W, link.b)), None)

    def _spread(self, link: Link, order: int) -> Array:
        """Pre-activations for the units of a layer, in this order or the other."""
        return (np.linspace(-_SPREAD, _SPREAD, self.point[link.b].size + 2)[1:-1] + 0.0137)[::order]

    def _curve(self, place: int, order: int, *, turned: bool = False) -> Curve | None:
        if place + 1 >= len(self.links):
            return None
        link, following = self.links[place], self.links[place + 1]
        z = self._spread(link, order)
        W = self.point[following.W]
        W = W.T if following.flipped != turned else W
        found = self._at(link, z, [link.b, following.b])
        if found is None or W.shape != (z.size, self.point[following.b].size):
            return None
        measured, used = found
        by_a, by_a_used = W @ measured[following.b], W @ used[following.b]
        if min(np.min(np.abs(by_a)), np.min(np.abs(by_a_used))) <= 1e-6 * np.max(np.abs(by_a)):
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            curve = Curve(z, measured[link.b] / by_a, used[link.b] / by_a_used)
        return curve if np.isfinite(curve.measured).all() and np.isfinite(curve.used).all() else None

    def _at(self, link: Link, z: Array, names: list[str]) -> tuple[Point, Point] | None:
        """Measured and analytic gradients by some parameters, flat, where a layer has weights 0 and bias z."""
        point = self.point | {
            link.W: np.zeros_like(self.point[link.W]),
            link.b: z.reshape(self.point[link.b].shape),
        }
        try:
            analytic = self.subject.gradient(point)
            variables = {each.name: each for each in self.subject.variables(point)}
        except ValueError:  # the function has no value there: then it cannot be looked into
            return None
        measured = {}
        for name in names:
            if analytic[name].size != point[name].size:
                return None
            lines = Entries(variables[name], np.arange(point[name].size))
            measured[name] = quick_slopes(lines, _STEP, 0.0).values
            if not np.isfinite(measured[name]).all():
                return None
        return measured, {name: analytic[name].reshape(-1) for name in names}


def _same_curve(one: Curve, reversed_other: Curve) -> bool:
    """Whether a unit's slopes depend on its z alone, whichever unit it is."""
    return _same(one.measured, reversed_other.measured[::-1]) and _same(one.used, reversed_other.used[::-1])


def _same(one: Array, other: Array) -> bool:
    return bool(np.max(np.abs(one - other)) <= _CLOSE * max(1e-3, float(np.max(np.abs(one)))))
