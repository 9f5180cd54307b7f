"""Checking a network: every parameter and the inputs, here and at other points, against its own loss."""

import numpy as np

from handgrad import blas, randomness
from handgrad.arrays import ArrayLike
from handgrad.gradcheck.comparison import FLOAT64, Budget, with_tolerance
from handgrad.gradcheck.diagnosis import diagnose, found_elsewhere
from handgrad.gradcheck.examining import Examined, examine
from handgrad.gradcheck.networks import Examples, GivenNetwork
from handgrad.gradcheck.points import AFTER_STEPS, other_points
from handgrad.gradcheck.report import Report, coverage_notes, report_on, require_options
from handgrad.gradcheck.stacks import together
from handgrad.gradcheck.subjects import Subject
from handgrad.network import Network

_WORK = 4e10  # multiplications that a check may cost
_FEWEST = 4  # entries of a parameter that are measured at least
_EVALUATIONS = 4  # of the objective for an entry, as a rule
_ELSEWHERE = 4  # entries of a parameter that are measured at other points, besides a direction


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
    network is checked, at the other points the first.

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
    require_options(tolerance, entries)
    double = net.astype("float64")
    X, T, shares = double.accept(X, y, sample_weight)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    examples = Examples(X, T, weights, shares, {"training": training, "seed": seed, "step": step})
    budget = with_tolerance(FLOAT64, tolerance)
    with blas.single_threaded(), np.errstate(over="ignore", invalid="ignore"):
        if double.size is None:
            return _check_one(GivenNetwork(double, examples), budget, entries)
        members = [GivenNetwork(double, examples, s) for s in range(double.size)]
        return together([_check_one(each, budget, entries, everywhere=each.member == 0) for each in members], double)


def _check_one(given: GivenNetwork, budget: Budget, entries: int | None, *, everywhere: bool = True) -> Report:
    """The check of one network, or of one of a stack; `everywhere`: at other points too."""
    generator = randomness.generator(0, "gradient check")
    allowed = dict.fromkeys(given.point, entries) if entries is not None else _affordable(given)
    examined = examine(given, given.point, allowed, budget, generator)
    right = "WRONG" not in examined.verdicts.values()  # a gradient that is wrong here need not be looked at everywhere
    elsewhere = [each for each in other_points(given) if everywhere and (right or each.label == AFTER_STEPS)]
    others = {label: _sampled(subject, budget, examined, generator, confirm=right) for label, subject in elsewhere}
    near = others.get(AFTER_STEPS)
    constants, strengths = _sizes(given), (float(given.one.l2),) if given.one.l2 else ()
    checks, findings = list(examined.checks), list(diagnose(examined, near, constants, strengths))
    for label, found in others.items() if right else ():
        wrong, more = found_elsewhere(found, label, {finding.parameter for finding in findings}, constants)
        checks += wrong
        findings += more
    notes = [*coverage_notes(examined), *([f"also sampled: {', '.join(others)}"] if others else [])]
    return report_on(examined, checks, tuple(findings), notes, budget)


def _affordable(given: GivenNetwork) -> dict[str, int]:
    """How many entries of each parameter can be measured in a few seconds: all, or those that an equal share pays."""
    sizes = {name: x.size for name, x in given.point.items()}
    cost = {name: _EVALUATIONS * given.cost(name) for name in sizes}
    if sum(sizes[name] * cost[name] for name in sizes) <= _WORK:
        return sizes
    share = _WORK / len(sizes)
    return {name: min(size, max(_FEWEST, int(share / cost[name]))) for name, size in sizes.items()}


def _sampled(
    subject: Subject, budget: Budget, like: Examined, generator: np.random.Generator, *, confirm: bool
) -> Examined:
    """A cheap check: few entries and a direction of each parameter; one entry where not all were measured before."""
    few = {
        name: min(x.size, _ELSEWHERE if name in like.measured and like.measured[name].complete else 1)
        for name, x in subject.point.items()
    }
    found = examine(subject, subject.point, few, budget, generator, directions=1, like=like)
    if not confirm or "WRONG" not in found.verdicts.values():
        return found
    return examine(subject, subject.point, few, budget, generator)  # nobody is accused with the noise of another point


def _sizes(given: GivenNetwork) -> dict[str, float]:
    """Numbers that may have slipped into a network's gradient."""
    rows, outputs = len(given.X), given.T.shape[-1]
    sizes = {"rows of the batch": rows, "number of outputs": outputs, "rows times outputs": rows * outputs}
    shares = given.examples.shares
    more = {} if shares is None else {"effective number of rows": 1 / float(np.square(shares).sum())}
    return {name: float(size) for name, size in (sizes | more).items()}
