"""The two faces of the checker: any function's gradient, and a network's."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad import blas, randomness
from handgrad.arrays import ArrayLike, require_integer, require_number
from handgrad.gradcheck.comparison import FLOAT32, FLOAT64, STATED, Budget, ParameterCheck
from handgrad.gradcheck.constants import constants_of, scalars_of
from handgrad.gradcheck.diagnosis import Finding, diagnose, elsewhere
from handgrad.gradcheck.examining import Examined, examine
from handgrad.gradcheck.functions import GivenFunction
from handgrad.gradcheck.networks import Examples, GivenNetwork
from handgrad.gradcheck.noise import noise_of
from handgrad.gradcheck.points import other_points
from handgrad.gradcheck.report import Report
from handgrad.gradcheck.subjects import Point, Subject, somewhere_near
from handgrad.network import Network

_ENTRIES = 10_000  # of a function that are measured if nothing else is said
_MOVED = 10**8  # numbers that a function's check may write to move its point about
_COARSE = 1e-9  # noise of a function's values, relative to them, that no float64 has
_LEAST_VALUE = 1e-6  # below which a value is not told from what cancelled in it
_WORK = 4e10  # multiplications that a network's check may cost
_FEWEST = 4  # entries of a parameter that are measured at least
_EVALUATIONS = 4  # of the objective for an entry, as a rule
_ELSEWHERE = 4  # entries of a parameter that are measured at other points, besides directions
_STRONGEST = 10  # that an L2 penalty may be
_NEAR = 0.01  # how far away a function is looked at again, in units of what matters


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
    'the gradient is 0.5 times the derivative, and 1 / 2 is one over the 2'
    """
    _refuse(tolerance, entries)
    subject = GivenFunction(function, gradient, x)
    coarse = noise_in_values(subject) > _COARSE
    budget = _budget(FLOAT32 if subject.structure.float32 or coarse else FLOAT64, tolerance)
    allowed = shares_of(subject.point, entries if entries is not None else _affordable_entries(subject.point))
    generator = randomness.generator(0, "gradient check")
    examined = examine(subject, subject.point, allowed, budget, generator)
    near = _near(subject, budget, generator) if callable(gradient) else None
    functions = (function, gradient)
    strengths = tuple(number for number in scalars_of(functions).values() if 0 < number <= _STRONGEST)
    findings = diagnose(examined, near, constants_of(functions, subject.point), strengths)
    checks = list(examined.checks)
    notes = _coverage_notes(examined)
    if coarse:
        notes.append(
            "the function's values are no finer than float32's: checked inside the float32 budget "
            f"(tolerance {budget.tolerance:g})"
        )
    if near is not None and not findings:
        wrong = [check for check in near.checks if check.verdict == "WRONG"]
        checks += [replace(check, point="a little away") for check in wrong]
        findings = tuple(elsewhere(each, "a little away from x") for each in diagnose(near, None, {}) if wrong)
    if subject.failure is not None:
        notes.append(
            f"away from x the function raised {type(subject.failure).__name__}: {subject.failure}; "
            "it was measured where it did not"
        )
    return _report(examined, checks, findings, notes, budget)


def check_network(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
    tolerance: float | None = None,
    entries: int | None = None,
) -> Report:
    """Prove a network's gradient by every parameter and by the inputs, in float64, or find the layer that is wrong.

    The analytic side is `net.gradient` and `net.input_gradient`; the numeric side sees only the loss. Where a step
    would cross a kink of an activation or of the loss it is shortened; on a kink the one-sided derivatives count.
    Dropout keeps one mask throughout. A parameter whose gradient is zero (a bias before batch norm) passes if the loss
    does not feel it; one whose gradient is too small to measure makes the report inconclusive.

    Besides the point given, the gradient is sampled freshly initialised, after some steps, on one row, on an unbalanced
    batch, and for data loss and penalty apart. A float32 network is checked as its float64 twin; in a stack every
    network is checked.

    Parameters
    ----------
    net, X, y, sample_weight, training, seed, step
        As for `Network.gradient`.
    tolerance
        The largest relative error, ‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖), that counts as right: 1e-7.
    entries
        How many entries of each parameter are measured at most; as many as take a few seconds, if nothing is said.
        Beyond that random directions see the rest, and the report states what could be missed.

    Returns
    -------
    Report
        `print` it; `report.passed`, `report.findings`, `report.raise_if_failed()`.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=20, seed=0)
    >>> check_network(hg.Network.mlp([2, 5, 2], activation="tanh"), X, y).passed
    True
    """
    _refuse(tolerance, entries)
    double = net.astype("float64")
    X, T, shares = double.accept(X, y, sample_weight)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    examples = Examples(X, T, weights, shares, {"training": training, "seed": seed, "step": step})
    budget = _budget(FLOAT64, tolerance)
    with blas.single_threaded(), np.errstate(over="ignore", invalid="ignore"):
        if double.size is None:
            return _check_one(GivenNetwork(double, examples), budget, entries)
        members = range(double.size)
        return _together([_check_one(GivenNetwork(double, examples, s), budget, entries) for s in members], double)


def shares_of(point: Point, entries: int) -> dict[str, int]:
    """How many entries of each array are measured, of so many in all; what small arrays do not need, large ones get."""
    allowed: dict[str, int] = {}
    left = entries
    smallest_first = sorted(point, key=lambda name: point[name].size)
    for number, name in enumerate(smallest_first):
        allowed[name] = max(1, min(point[name].size, left // (len(point) - number)))
        left -= allowed[name]
    return allowed


def _affordable_entries(point: Point) -> int:
    size = sum(x.size for x in point.values())
    return min(_ENTRIES, max(_FEWEST * len(point), _MOVED // size))


def noise_in_values(subject: GivenFunction) -> float:
    """The largest measured rounding in the function's values, relative to them."""
    generator = randomness.generator(0, "noise")
    variables = subject.variables(subject.point)
    return max(noise_of(each, generator) for each in variables) / max(abs(variables[0].value), _LEAST_VALUE)


def _refuse(tolerance: float | None, entries: int | None) -> None:
    if tolerance is not None:
        require_number("tolerance", tolerance, above=0)
    if entries is not None:
        require_integer("entries", entries)


def _budget(budget: Budget, tolerance: float | None) -> Budget:
    return budget if tolerance is None else budget._replace(tolerance=tolerance, entry=max(budget.entry, tolerance))


def _near(subject: GivenFunction, budget: Budget, generator: np.random.Generator) -> Examined | None:
    """The check a little away; None where the function has no value there."""
    point = somewhere_near(subject.point, _NEAR, generator)
    try:
        return examine(subject, point, dict.fromkeys(point, _ELSEWHERE), budget, generator)
    except ValueError:
        return None


def _check_one(given: GivenNetwork, budget: Budget, entries: int | None) -> Report:
    """The check of one network, or of one of a stack."""
    generator = randomness.generator(0, "gradient check")
    allowed = dict.fromkeys(given.point, entries) if entries is not None else _affordable(given)
    examined = examine(given, given.point, allowed, budget, generator)
    others = {label: _sampled(subject, budget, examined, generator) for label, subject in other_points(given)}
    near = next(found for label, found in others.items() if label.startswith("after"))
    constants, strengths = _sizes(given), (float(given.one.l2),) if given.one.l2 else ()
    checks, findings = list(examined.checks), list(diagnose(examined, near, constants, strengths))
    for label, found in others.items():
        known = {finding.parameter for finding in findings}
        wrong = [check for check in found.checks if check.verdict == "WRONG" and check.name not in known]
        if wrong:
            checks += [replace(check, point=label) for check in wrong]
            findings += [
                elsewhere(each, label) for each in diagnose(found, None, constants) if each.parameter not in known
            ]
    notes = [*_coverage_notes(examined), f"also sampled: {', '.join(others)}"]
    return _report(examined, checks, tuple(findings), notes, budget)


def _affordable(given: GivenNetwork) -> dict[str, int]:
    """How many entries of each parameter can be measured in a few seconds: all, or those that an equal share pays."""
    sizes = {name: x.size for name, x in given.point.items()}
    cost = {name: _EVALUATIONS * given.cost(name) for name in sizes}
    if sum(sizes[name] * cost[name] for name in sizes) <= _WORK:
        return sizes
    share = _WORK / len(sizes)
    return {name: min(size, max(_FEWEST, int(share / cost[name]))) for name, size in sizes.items()}


def _sampled(subject: Subject, budget: Budget, like: Examined, generator: np.random.Generator) -> Examined:
    """A cheap check: few entries and a direction of each parameter; one entry where not all were measured before."""
    few = {
        name: min(x.size, _ELSEWHERE if name in like.measured and like.measured[name].complete else 1)
        for name, x in subject.point.items()
    }
    found = examine(subject, subject.point, few, budget, generator, directions=1, like=like)
    if "WRONG" not in found.verdicts.values():
        return found
    return examine(subject, subject.point, few, budget, generator)  # nobody is accused with the noise of another point


def _sizes(given: GivenNetwork) -> dict[str, float]:
    """Numbers that may have slipped into a network's gradient."""
    rows, outputs = len(given.X), given.T.shape[-1]
    sizes = {"rows of the batch": rows, "number of outputs": outputs, "rows times outputs": rows * outputs}
    shares = given.examples.shares
    more = {} if shares is None else {"effective number of rows": 1 / float(np.square(shares).sum())}
    return {name: float(size) for name, size in (sizes | more).items()} | {"2": 2.0, "3": 3.0}


def _coverage_notes(examined: Examined) -> list[str]:
    """What a check that did not measure every entry may have missed."""
    sampled = [check for check in examined.checks if 0 < check.measured < check.entries]
    if not sampled:
        return []
    worst = max(sampled, key=lambda check: check.missing)
    return [
        f"{len(sampled)} of {len(examined.checks)} gradients were sampled, and seen whole along random directions: an "
        f"error of {STATED:g} of a gradient's norm is missed with probability {worst.missing:.1g} at most "
        f"({worst.name}), a larger one less often"
    ]


def _report(
    examined: Examined,
    checks: Sequence[ParameterCheck],
    findings: tuple[Finding, ...],
    notes: list[str],
    budget: Budget,
) -> Report:
    names = [name for name in examined.point if name in examined.measured]
    return Report(
        examined.subject.title,
        examined.value,
        budget.tolerance,
        tuple(checks),
        findings,
        tuple(notes),
        {name: examined.given[name] for name in names},
        {name: examined.numeric(name) for name in names},
    )


_WORST_FIRST = ("WRONG", "inconclusive", "below noise", "ok", "zero")


def _together(reports: Sequence[Report], net: Network) -> Report:
    """The reports on the networks of a stack as one: a row for each parameter, the findings of all."""
    by_name: dict[tuple[str, str], list[tuple[int, ParameterCheck]]] = {}
    for number, report in enumerate(reports):
        for check in report.checks:
            by_name.setdefault((check.name, check.point), []).append((number, check))
    findings = [
        replace(finding, evidence=f"network {number}: {finding.evidence}")
        for number, report in enumerate(reports)
        for finding in report.findings
    ]
    first = reports[0]
    return Report(
        f"gradient check of {net!r}",
        float(np.mean([report.loss for report in reports])),
        first.tolerance,
        tuple(_stacked(checks) for checks in by_name.values()),
        tuple(findings),
        first.notes,
        {name: np.stack([report.analytic[name] for report in reports]) for name in first.analytic},
        {name: np.stack([report.numeric[name] for report in reports]) for name in first.numeric},
    )


def _stacked(checks: Sequence[tuple[int, ParameterCheck]]) -> ParameterCheck:
    """One parameter's checks in several networks as one, with the verdict of the worst."""
    number, worst = min(checks, key=lambda each: (_WORST_FIRST.index(each[1].verdict), -each[1].relative_error))
    each = [check for _, check in checks]
    size = float(np.linalg.norm([check.size for check in each]))
    return replace(
        worst,
        shape=(len(each), *worst.shape),
        entries=sum(check.entries for check in each),
        measured=sum(check.measured for check in each),
        judged=sum(check.judged for check in each),
        kinks=sum(check.kinks for check in each),
        relative_error=float(np.linalg.norm([check.relative_error * check.size for check in each])) / (size or 1.0),
        size=size,
        noise=float(np.linalg.norm([check.noise for check in each])),
        missing=max(check.missing for check in each),
        index=(number, *worst.index),
    )
