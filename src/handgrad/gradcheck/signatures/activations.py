"""The mistake sits in an activation's derivative, seen as a curve: z, the measured f'(z), and the one that was used."""

from collections.abc import Callable, Iterator

import numpy as np

from handgrad.activations import Formula, activations
from handgrad.arrays import Array
from handgrad.gradcheck.signatures.case import Case, Curve, factor_between

_CLOSE = 1e-4  # of the largest slope: how well a curve must fit
_SAME = 1e-6  # how well for two curves to be one: a good approximation of a derivative still is another
_FEWEST = 3  # points of a curve that say something


class MissingDerivative:
    """dZ = dA where dZ = dA ⊙ f'(Z) was meant."""

    cause = "missing-activation-derivative"

    def evidence(self, case: Case, name: str) -> str | None:
        """The derivative used is 1 everywhere, the true one is not."""
        for curve in case.curves(name):
            ones = np.ones_like(curve.z)
            if _fits(curve.used, ones) and not _fits(curve.measured, ones):
                return f"backpropagated without f'(Z): at z = {_worst(curve)}{_named(curve)}"
        return None


class WrongPlace:
    """f' taken at A where Z was meant, or a formula in terms of A fed with Z."""

    cause = "derivative-at-wrong-place"

    def evidence(self, case: Case, name: str) -> str | None:
        """The known activation whose derivative, at the wrong place, is what was used."""
        for curve in case.curves(name):
            for formula in _alike(curve):
                for words, wrong in _wrong_places(formula):
                    values = wrong(curve.z)
                    if _fits(curve.used, values) and not _fits(values, curve.measured):
                        return f"the derivative of {formula} was taken {words}: at z = {_worst(curve)}"
        return None


class WrongDerivative:
    """f' itself is wrong: squared, another activation's, an approximation."""

    cause = "wrong-activation-derivative"

    def evidence(self, case: Case, name: str) -> str | None:
        """Where the two curves differ most."""
        wrong = [curve for curve in case.curves(name) if not curves_agree(curve)]
        if not wrong or all(_proportional(curve) for curve in wrong):
            return None
        for curve in wrong:
            if _fits(curve.used, curve.measured**2):
                return f"the derivative of the activation is there twice: at z = {_worst(curve)}{_named(curve)}"
        if len(wrong) > 1:
            return "the derivative of the activation is wrong: by a factor that depends on z"
        (curve,) = wrong
        for formula in activations:
            if _fits(curve.used, formula.derivative(curve.z, formula.value(curve.z))):
                return f"the derivative of {formula} was used: at z = {_worst(curve)}{_named(curve)}"
        return f"the derivative of the activation is wrong: at z = {_worst(curve)}{_named(curve)}"


def _proportional(curve: Curve) -> bool:
    """Whether the derivative used is the measured one times a number: no mistake in f', but in what it is times."""
    factor = factor_between(curve.used, curve.measured)
    return _fits(curve.used, factor * curve.measured, _SAME)


def curves_agree(curve: Curve) -> bool:
    """Whether the derivative used is the measured one."""
    return _fits(curve.used, curve.measured, _SAME)


def _fits(one: Array, other: Array, close: float = _CLOSE) -> bool:
    return bool(np.max(np.abs(one - other)) <= close * max(1e-3, float(np.max(np.abs(other)))))


def _alike(curve: Curve) -> Iterator[Formula]:
    """The known activations with the measured derivative."""
    if len(np.unique(curve.z)) >= _FEWEST:
        for formula in activations:
            if _fits(curve.measured, formula.derivative(curve.z, formula.value(curve.z))):
                yield formula


def _wrong_places(formula: Formula) -> list[tuple[str, Callable[[Array], Array]]]:
    """The ways to mix up Z and A = f(Z)."""

    def at_a(z: Array) -> Array:
        A = formula.value(z)
        return formula.derivative(A, formula.value(A))

    return [
        ("at A = f(Z) instead of Z", at_a),
        ("at Z by a formula that expects A = f(Z)", lambda z: formula.derivative(z, z)),
        ("at A by a formula that expects Z", lambda z: formula.derivative(formula.value(z), formula.value(z))),
    ]


def _worst(curve: Curve) -> str:
    """Where measured and used differ most."""
    worst = int(np.argmax(np.abs(curve.used - curve.measured)))
    return f"{curve.z[worst]:.3g} it is {curve.measured[worst]:.5g}, but {curve.used[worst]:.5g} was used"


def _named(curve: Curve) -> str:
    """In brackets, the known activations that the curve may be."""
    names = [str(formula) for formula in _alike(curve)]
    return f" (the activation behaves like {' or '.join(names[:2])})" if names else ""
