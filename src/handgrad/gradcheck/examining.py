"""One point of a check: the analytic gradient, asked for several times, next to what is measured there."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.comparison import Budget, ParameterCheck, compare, incomparable
from handgrad.gradcheck.coverage import DIRECTIONS
from handgrad.gradcheck.measuring import Measured, measure
from handgrad.gradcheck.noise import noise_of
from handgrad.gradcheck.subjects import Point, Subject, moved

_JITTER = 10  # times what rounding of x moves the gradient, in a few tries
_MOST_JITTER = 1e-10  # of the larger of the objective and the gradient's norm: more is no rounding


@dataclass(frozen=True)
class Examined:
    """What was found at one point: the gradient (as it came, and when asked for twice more), and the measurements."""

    subject: Subject
    point: Point
    value: float
    value_again: float
    given: Point
    again: Point
    once_more: Point
    measured: Mapping[str, Measured]  # of the parameters whose gradient has the right shape and is finite
    checks: tuple[ParameterCheck, ...]

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each parameter that could be compared."""
        return {check.name: check.verdict for check in self.checks}

    def numeric(self, name: str) -> Array:
        """What was measured, in the parameter's shape; NaN where nothing was."""
        return self._full(name, self.measured[name].numeric)

    def bars(self, name: str) -> Array:
        """The error bars of `numeric`."""
        return self._full(name, self.measured[name].bars)

    def _full(self, name: str, values: Array) -> Array:
        measured = self.measured[name]
        full = np.full(measured.variable.x.size, np.nan)
        full[measured.which] = np.where(measured.judged, values, np.nan)
        return full.reshape(measured.variable.shape)


def examine(
    subject: Subject,
    point: Point,
    allowed: Mapping[str, int],
    budget: Budget,
    generator: np.random.Generator,
    *,
    directions: int = DIRECTIONS,
    like: "Examined | None" = None,
) -> Examined:
    """The gradient at a point against at most so many measured entries of each parameter.

    The noise of the function, and how short steps must be, is measured, or taken from another point that is `like` this
    one; then the gradient is not asked for again either.
    """
    value = subject.value(point)
    given = subject.gradient(point)
    again, once_more = (subject.gradient(point) for _ in range(2)) if like is None else (given, given)
    rounded = [subject.gradient(moved(point, budget.epsilon, generator)) for _ in range(2 if like is None else 1)]
    measured, checks = {}, []
    for variable in subject.variables(point):
        analytic = given[variable.name]
        if analytic.shape != variable.shape or not np.isfinite(analytic).all():
            checks.append(incomparable(variable.name, variable.shape, variable.x.size, budget))
            continue
        others = [each[variable.name] for each in rounded]
        most = _MOST_JITTER * max(abs(value), float(np.linalg.norm(analytic)))
        jitter = _jitter(analytic, others, most)
        known = like.measured.get(variable.name) if like is not None else None
        noise, step = (noise_of(variable, generator), 0) if known is None else (known.noise, known.step)
        at_most = allowed[variable.name]
        found = measure(variable, analytic.reshape(-1), noise, at_most, directions, generator, step)
        measured[variable.name] = found
        checks.append(compare(found, jitter, budget))
    return Examined(subject, point, value, subject.value(point), given, again, once_more, measured, tuple(checks))


def _jitter(analytic: Array, others: list[Array], most: float) -> Array:
    """How far rounding moves each entry of a gradient, (n,): that of the array as a whole at least."""
    moves = [np.abs(np.nan_to_num(each - analytic)) for each in others if each.shape == analytic.shape]
    largest = np.max(moves, axis=0).reshape(-1) if moves else np.zeros(analytic.size)
    typical = float(np.sqrt(np.mean(np.square(largest))))
    return np.minimum(_JITTER * np.maximum(largest, typical), most)
