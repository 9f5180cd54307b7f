"""From a failed check to findings: what is wrong with each parameter's gradient, and where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from handgrad.gradcheck.chain import Outside
from handgrad.gradcheck.comparison import PASSING, STATED, ParameterCheck
from handgrad.gradcheck.examining import Examined
from handgrad.gradcheck.localising import Culprit, culprits
from handgrad.gradcheck.networks import INPUTS, Examples, GivenNetwork
from handgrad.gradcheck.signatures import explain
from handgrad.gradcheck.signatures.activations import curves_agree
from handgrad.gradcheck.signatures.case import Case
from handgrad.gradcheck.signatures.registry import UNKNOWN, behaviour

Explained = tuple[str, str]  # cause and evidence


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and what speaks for it; `cause` is a short slug."""

    parameter: str
    cause: str
    evidence: str


def diagnose(
    examined: Examined, near: Examined | None, constants: Mapping[str, float], strengths: tuple[float, ...] = ()
) -> tuple[Finding, ...]:
    """The findings on one point of a check: named mistakes first, then what follows from them, then the rest.

    `constants` may be factors, `strengths` those of an L2 penalty.
    """
    subject = examined.subject
    outside = Outside(subject, examined.point)
    case = Case(
        examined,
        constants,
        near,
        frozenset(subject.changed),
        outside.curves,
        outside.logits,
        outside.turned,
        strengths=strengths,
    )
    explained: dict[str, Explained | None] = {}
    for name in case.names:
        if examined.verdicts.get(name) in (None, "WRONG"):
            explained[name] = explain(case, name)
        elif (found := behaviour(case, name)) is not None:
            explained[name] = found
    if isinstance(subject, GivenNetwork) and any(name in case.accused for name in explained):
        explained |= _by_layer(subject, subject.examples, [name for name in explained if name in case.accused])
    return (*_in_order(case, explained, outside), *map(_abstention, _abstained(examined.checks)))


def _by_layer(given: GivenNetwork, examples: Examples, accused: Sequence[str]) -> dict[str, Explained]:
    """What the layers' own checks say about parameters."""
    found, places = culprits(given, examples)
    explained = {}
    for name in accused:
        layer, _, key = name.partition(".")
        place = -1 if name == INPUTS else places[layer]
        guilty = next((each for each in found if _spoils(each, place, key)), None)
        if guilty is not None:
            explained[name] = _said_of(guilty, key if guilty.number == place else None)
    return explained


def _spoils(culprit: Culprit, place: int, key: str) -> bool:
    """Whether a wrong layer spoils a parameter: its own, or one of a layer before it, through its input's gradient."""
    return (culprit.number == place and key in culprit.explained) or (
        culprit.number > place and any(name in ("A", "x") for name in culprit.explained)
    )


def _said_of(culprit: Culprit, key: str | None) -> Explained:
    said = culprit.explained.get(key) if key is not None else next(iter(culprit.explained.values()))
    where = f"the backward of {culprit.name}" if "loss" not in culprit.name else f"the derivative of {culprit.name}"
    if said is None:
        return UNKNOWN, f"the mistake lies in {where}, checked alone"
    cause, evidence = said
    return cause, f"in {where}: {evidence}"


def _in_order(case: Case, explained: Mapping[str, Explained | None], outside: Outside) -> list[Finding]:
    named = [Finding(name, *said) for name, said in explained.items() if said is not None]
    named.sort(key=lambda finding: finding.cause == UNKNOWN)  # stable
    unnamed = [_unnamed(case, name, named, outside) for name, said in explained.items() if said is None]
    return named + sorted(unnamed, key=lambda finding: finding.cause == UNKNOWN)


def _unnamed(case: Case, name: str, named: Sequence[Finding], outside: Outside) -> Finding:
    """A gradient that no signature explains; it may be right but for a mistake further on."""
    curves = outside.curves(name)
    if len(curves) == 1 and curves_agree(curves[0]):
        root = next((each for each in named if each.parameter in outside.later(name)), None)
        if root is not None:
            evidence = f"right, but for what comes back from {root.parameter}: mend that first"
            return Finding(name, root.cause, evidence)
    return Finding(name, UNKNOWN, _difference(next(c for c in case.examined.checks if c.name == name)))


def _difference(check: ParameterCheck) -> str:
    if check.unseen_error > check.relative_error:
        return (
            f"the {check.measured} entries measured are right, but slopes along random directions, which see all "
            f"{check.entries}, show an error of about {check.unseen_error:.2g} of the gradient's size"
        )
    at = "" if check.index == () else f"[{', '.join(map(str, check.index))}]"
    return (
        f"the gradient is wrong by {check.relative_error:.2g} of its size; "
        f"at {check.name}{at} it is {check.analytic:.8g}, but the loss changes by {check.numeric:.8g}"
    )


def _abstained(checks: Sequence[ParameterCheck]) -> list[ParameterCheck]:
    return [check for check in checks if check.verdict not in (*PASSING, "WRONG")]


def _abstention(check: ParameterCheck) -> Finding:
    if check.verdict == "inconclusive":
        share = check.unjudged / check.measured
        evidence = (
            f"{check.unjudged} of {check.measured} entries ({share:.0%}) lie on kinks, or where the function cannot be "
            "measured, and could not be judged"
        )
        return Finding(check.name, "on-kinks", evidence)
    if check.measured < check.entries:
        evidence = (
            f"along random directions an error of {STATED:g} of its norm would be missed with probability "
            f"{check.missing:.1g}, for rounding and kinks blur their slopes: check fewer rows, or more entries"
        )
    else:
        evidence = (
            f"the gradient's norm is {check.size:.2g}, and rounding of the loss moves its differences by up to "
            f"{check.noise:.2g}: a wrong gradient would look the same"
        )
    return Finding(check.name, "below-noise", evidence)


def found_elsewhere(
    examined: Examined, label: str, known: set[str], constants: Mapping[str, float]
) -> tuple[list[ParameterCheck], list[Finding]]:
    """The wrong gradients at another point, of parameters not known to be wrong already; abstentions do not count."""
    wrong = [
        replace(check, point=label) for check in examined.checks if check.verdict == "WRONG" and check.name not in known
    ]
    names = {check.name for check in wrong}
    found = diagnose(examined, None, constants) if wrong else ()
    return wrong, [replace(each, evidence=f"{label}: {each.evidence}") for each in found if each.parameter in names]
