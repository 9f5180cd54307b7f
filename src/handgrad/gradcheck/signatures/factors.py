"""The gradient is right up to a number."""

from collections.abc import Mapping

import numpy as np

from handgrad.gradcheck.signatures.case import Case, factor_between

_CLOSE = 1e-4  # relative: a factor this near to a known number is that number
_ROWS = "rows"  # the constants that count examples start with this word


class SumInsteadOfMean:
    """Every gradient is the number of rows times the derivative: summed over the batch, not averaged."""

    cause = "sum-instead-of-mean"

    def evidence(self, case: Case, name: str) -> str | None:
        """The same factor in every parameter, and it is a number of rows."""
        factors = np.array([_factor(case, each) for each in case.names if not _vanishes(case, each)])
        rows = {what: number for what, number in case.constants.items() if what.startswith(_ROWS) and number > 1}
        if not len(factors) or not np.ptp(factors) <= _CLOSE * abs(factors[0]):  # NaN: some gradient has no factor
            return None
        found = name_of_number(factors[0], rows)
        if found is None or found.startswith("1 /"):
            return None
        return f"every gradient is {factors[0]:.6g} times the derivative, and {found}: summed where the loss averages"


class ConstantFactor:
    """The gradient is c times the derivative: a forgotten 2, a sign, a batch size, a learning rate."""

    cause = "constant-factor"

    def evidence(self, case: Case, name: str) -> str | None:
        """The factor, and what number it may be."""
        factor = _factor(case, name)
        if np.isnan(factor) or case.examined.point[name].size == 1:
            return None
        return _in_words(factor, case)


class FactorOfOne:
    """As before, for a single number: any mistake is a factor there, so that it is said only if nothing else fits."""

    cause = "constant-factor"

    def evidence(self, case: Case, name: str) -> str | None:
        """The factor, and what number it may be."""
        factor = _factor(case, name)
        return None if np.isnan(factor) else _in_words(factor, case)


def _in_words(factor: float, case: Case) -> str:
    found = name_of_number(factor, case.constants)
    return f"the gradient is {factor:.6g} times the derivative" + (f", and {found}" if found else "")


def _factor(case: Case, name: str) -> float:
    """The constant factor of a parameter's gradient; NaN if it has none but 1."""
    pair = case.pair(name)
    if pair is None:
        return np.nan
    factor = factor_between(pair.analytic, pair.numeric)
    if not np.isfinite(factor) or factor == 0 or not pair.is_explained_by(factor * pair.numeric):
        return np.nan
    return factor


def _vanishes(case: Case, name: str) -> bool:
    return case.examined.verdicts.get(name) in ("zero", "below noise")


def name_of_number(factor: float, constants: Mapping[str, float]) -> str | None:
    """What number a factor may be, in words.

    >>> name_of_number(0.03125, {"rows of X": 32})
    '1 / 32 is one over the rows of X'
    """
    if abs(factor + 1) < _CLOSE:
        return "its sign is wrong"
    for sign, word in ((1, ""), (-1, " with the wrong sign")):
        for what, number in constants.items():
            if number and number != 1 and abs(sign * factor / number - 1) < _CLOSE:
                return f"{number:.6g} is the {what}{word}"
            if number and number != 1 and abs(sign * factor * number - 1) < _CLOSE:
                return f"1 / {number:.6g} is one over the {what}{word}"
    return None
