"""What can be checked: a function of named arrays with a gradient, whoever wrote it."""

from typing import Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.variables import Variable

Point = dict[str, Array]  # arrays by name, in float64


class Subject(Protocol):
    """A scalar function of named arrays, its gradient, and the point at which the two are compared."""

    title: str
    point: Point
    changed: set[str]  # "function", "gradient": which wrote into their argument

    def value(self, point: Point) -> float:
        """The function there; ValueError or TypeError where it is not a finite number."""

    def gradient(self, point: Point) -> Point:
        """The gradient that is to be proved."""

    def variables(self, point: Point) -> list[Variable]:
        """The function around the point, one array at a time."""


def typical_size(x: Array) -> Array:
    """The size of a move that matters for each entry: its own, at least the root mean square of all, 1 if all are 0."""
    largest = float(np.max(np.abs(x)))
    if largest == 0:
        return np.ones(x.shape)
    return np.maximum(np.abs(x), largest * np.sqrt(np.mean(np.square(x / largest))))


def moved(point: Point, size: float, generator: np.random.Generator) -> Point:
    """A point nearby: every entry times 1 ± size, each with a sign of its own; zeros stay."""
    return {name: x * (1 + size * generator.choice([-1.0, 1.0], x.shape)) for name, x in point.items()}


def somewhere_near(point: Point, size: float, generator: np.random.Generator) -> Point:
    """A point nearby where nothing is special: every entry moved by `size` of what matters to it."""
    return {
        name: x + size * generator.standard_normal(x.shape) * typical_size(x.reshape(-1)).reshape(x.shape)
        for name, x in point.items()
    }
