"""Checking anybody's gradient: of any scalar function of an array, or of a dict, list or tuple of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad import randomness
from handgrad.gradcheck.comparison import FLOAT32, FLOAT64, Budget, with_tolerance
from handgrad.gradcheck.constants import constants_of, scalars_of
from handgrad.gradcheck.coverage import shares_of
from handgrad.gradcheck.diagnosis import diagnose, found_elsewhere
from handgrad.gradcheck.examining import Examined, examine
from handgrad.gradcheck.functions import GivenFunction
from handgrad.gradcheck.noise import noise_of
from handgrad.gradcheck.report import Report, coverage_notes, report_on, require_options
from handgrad.gradcheck.subjects import Point, somewhere_near

_ENTRIES = 10_000  # that are measured if nothing else is said
_MOVED = 10**8  # numbers that a check may write to move the point about
_FEWEST = 4  # entries of an array that are measured at least
_COARSE = 1e-9  # noise of a function's values, relative to them, that no float64 has
_LEAST_VALUE = 1e-6  # below which a value is not told from what cancelled in it
_STRONGEST = 10  # that an L2 penalty may be
_REACH = 1e120
_NEAR = 0.01  # how far away the function is looked at again, in units of what matters
_ELSEWHERE = 4  # entries of an array that are measured there, besides directions


def check_gradient(
    function: Callable[[Any], float],
    gradient: Any,
    x: Any,
    *,
    tolerance: float | None = None,
    entries: int | None = None,
) -> Report:
    """Prove a gradient, or find what is wrong with it.

    Every entry is compared with a measured derivative that carries its own error bar; entries on a kink with the
    one-sided derivatives. Where the gradient is wrong, the findings say which parameter, by how much, and the likely
    mistake. The function is also looked at a little away from x, and the gradient asked twice.

    Parameters
    ----------
    function
        From x to a number.
    gradient
        What is to be proved: a function from x to arrays shaped like x, or those arrays. A dict answers a dict, and a
        list or tuple answers a list or tuple.
    x
        The point: an array of floats, or a dict, list or tuple of such arrays and numbers. The function is called with
        the same structure, where each number is an array of shape (). Where x is float32, the gradient gets float32 and
        is checked inside a float32 budget; the function gets float64 if it takes it.
    tolerance
        The largest relative error, ‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖), that counts as right: 1e-7, for
        float32 1e-4.
    entries
        How many entries are measured at most, spread over all arrays; 10,000. Beyond that random directions see the
        rest, and the report states what could be missed.

    Raises
    ------
    TypeError, ValueError
        x is not made of finite floats or holds an empty array, the function or gradient raises or does not give finite
        numbers there, or the gradient has another structure. Another shape is a finding.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x).passed
    True
    >>> check_gradient(lambda x: (x**2).sum(), lambda x: x, x).findings[0].evidence
    'the gradient is 0.5 times the derivative'
    """
    require_options(tolerance, entries)
    subject = GivenFunction(function, gradient, x)
    with np.errstate(over="ignore", invalid="ignore"):
        coarse = _noise_in_values(subject) > _COARSE
    budget = with_tolerance(FLOAT32 if subject.structure.float32 or coarse else FLOAT64, tolerance)
    allowed = shares_of(subject.point, entries if entries is not None else _affordable_entries(subject.point))
    generator = randomness.generator(0, "gradient check")
    with np.errstate(over="ignore", invalid="ignore"):
        examined = examine(subject, subject.point, allowed, budget, generator)
    _require_reach(examined)
    near = _near(subject, budget, generator) if callable(gradient) else None
    functions = (function, gradient)
    strengths = tuple(number for number in scalars_of(functions).values() if 0 < number <= _STRONGEST)
    findings = list(diagnose(examined, near, constants_of(functions, subject.point), strengths))
    checks = list(examined.checks)
    notes = coverage_notes(examined)
    if coarse:
        notes.append(
            "the function's values are no finer than float32's: checked inside the float32 budget "
            f"(tolerance {budget.tolerance:g})"
        )
    if near is not None and not findings:
        wrong, findings = found_elsewhere(near, "a little away from x", set(), {})
        checks += wrong
    if subject.failure is not None:
        notes.append(
            f"away from x the function raised {type(subject.failure).__name__}: {subject.failure}; "
            "it was measured where it did not"
        )
    return report_on(examined, checks, findings, notes, budget)


def _require_reach(examined: Examined) -> None:
    """Refuse derivatives whose squares leave the range of float64."""
    slopes = [each for m in examined.measured.values() for each in (m.analytic, m.numeric)]
    largest = max((float(np.abs(each).max(initial=0.0)) for each in slopes), default=0.0)
    if largest != 0 and not 1 / _REACH < largest < _REACH:
        raise ValueError(f"function has derivatives of {largest:.3g} at x, out of reach; scale it by {1 / largest:.0e}")


def _affordable_entries(point: Point) -> int:
    size = sum(x.size for x in point.values())
    return min(_ENTRIES, max(_FEWEST * len(point), _MOVED // size))


def _noise_in_values(subject: GivenFunction) -> float:
    """The largest measured rounding in the function's values, relative to them."""
    generator = randomness.generator(0, "noise")
    variables = subject.variables(subject.point)
    return max(noise_of(each, generator) for each in variables) / max(abs(variables[0].value), _LEAST_VALUE)


def _near(subject: GivenFunction, budget: Budget, generator: np.random.Generator) -> Examined | None:
    """The check a little away; None where the function has no value there."""
    point = somewhere_near(subject.point, _NEAR, generator)
    try:
        return examine(subject, point, dict.fromkeys(point, _ELSEWHERE), budget, generator)
    except (ValueError, TypeError):  # no number, or no gradient, a little away: then there is nothing to compare
        return None
