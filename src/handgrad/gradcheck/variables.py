"""One named array that a function depends on, all its other arguments held still; and straight lines through it.

A derivative by an entry is the slope along the line on which only that entry moves. A derivative along a direction is
the slope on a line on which all entries move at once, so that it sees them all.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array

_TINY = 1e-16  # of the scale: an entry smaller than that is as good as 0
CROSSED, LEFT, CLEAR = 0, 1, 2  # a kink lies between x and a point; x itself lies on one; none was seen


class Values(NamedTuple):
    """The function at k points: its values (k,), NaN where it has none, and which kinks were seen on the way (k,)."""

    values: Array
    kinks: Array


class Variable(NamedTuple):
    """An array x (n,) of some shape, and the function of it alone.

    `around(points, watch)` gives the function at points (k, n); with `watch` it also looks for kinks between x and the
    points, if it can see them. `scale` (n,) is the size of a move that matters; `at_once` is how many points of this
    size stay in cache, `side_by_side` whether several threads may look at once.
    """

    name: str
    shape: tuple[int, ...]
    x: Array
    scale: Array
    value: float
    around: Callable[[Array, bool], Values]
    at_once: int
    made_of: float = 0.0  # the size of the numbers that the value is made of, if known


class Entries(NamedTuple):
    """The lines on which one entry moves."""

    variable: Variable
    which: Array

    @property
    def scale(self) -> Array:
        """The move that matters, on each line."""
        return self.variable.scale[self.which]

    @property
    def own_size(self) -> Array:
        """The entry's own size, which may be far below the scale."""
        own = np.abs(self.variable.x[self.which])
        return np.where(own > 0, np.maximum(own, _TINY * self.scale), self.scale)

    def only(self, chosen: Array) -> "Entries":
        """Some of these lines."""
        return Entries(self.variable, self.which[chosen])

    def points(self, lines: Array, offsets: Array) -> Array:
        """The points (k, n) at `offsets` (k,) along lines (k,)."""
        points = np.tile(self.variable.x, (len(offsets), 1))
        points[np.arange(len(offsets)), self.which[lines]] += offsets
        return points


class Directions(NamedTuple):
    """The lines on which all entries move, each by its scale times what `moves` (lines, n) says."""

    variable: Variable
    moves: Array

    @property
    def scale(self) -> Array:
        """The move that matters, on each line: 1, for the moves are scaled already."""
        return np.ones(len(self.moves))

    @property
    def own_size(self) -> Array:
        """As `scale`."""
        return self.scale

    def only(self, chosen: Array) -> "Directions":
        """Some of these lines."""
        return Directions(self.variable, self.moves[chosen])

    def points(self, lines: Array, offsets: Array) -> Array:
        """The points (k, n) at `offsets` (k,) along lines (k,)."""
        points = np.empty((len(offsets), self.variable.x.size))
        for point, line, offset in zip(points, lines, offsets, strict=True):  # millions of entries: no copy more
            np.multiply(self.moves[line], offset, out=point)
            point += self.variable.x
        return points


Lines = Entries | Directions


def look(lines: Lines, offsets: Array, *, watch: bool = False) -> Values:
    """The function at `offsets` (m, lines) along each line: values and kinks, both (m, lines)."""
    values, kinks = np.empty(offsets.size), np.empty(offsets.size, dtype=np.int8)
    which, moves = np.tile(np.arange(offsets.shape[1]), len(offsets)), offsets.reshape(-1)
    for start in range(0, offsets.size, lines.variable.at_once):
        few = slice(start, start + lines.variable.at_once)
        with np.errstate(all="ignore"):  # far off the point a value may overflow
            values[few], kinks[few] = lines.variable.around(lines.points(which[few], moves[few]), watch)
    return Values(values.reshape(offsets.shape), kinks.reshape(offsets.shape))
