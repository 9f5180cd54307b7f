"""The gradient is right up to a number."""

from collections.abc import Mapping

import numpy as np

from handgrad.gradcheck.signatures.case import Case, Pair, factor_between, is_weight

_CLOSE = 1e-4  # relative: a factor this near to a known number is that number
_FEWEST = 6  # entries from which two numbers can be told
_SLIGHT = 5e-3  # a factor of two entries so near to 1 may be rounding
_TINY = 1e-9  # a factor that is nothing but rounding
_ROWS = "rows"  # the constants that count examples start with this word


class SumInsteadOfMean:
    """Every gradient is the number of rows times the derivative: summed over the batch, not averaged."""

    cause = "sum-instead-of-mean"

    def evidence(self, case: Case, name: str) -> str | None:
        """The same factor in every parameter, and it is a number of rows."""
        if "ok" in case.examined.verdicts.values():
            return None
        factors = np.array([_factor(case, each) for each in case.accused])
        rows = {what: number for what, number in case.constants.items() if what.startswith(_ROWS) and number > 1}
        for what, number in rows.items():
            if len(factors) and np.all(np.abs(factors / number - 1) < _CLOSE):
                return (
                    f"every gradient is {number:.6g} times the derivative, the {what}: summed where the loss averages"
                )
        return None


class ConstantFactor:
    """The gradient is c times the derivative: a forgotten 2, a sign, a batch size, a learning rate."""

    cause = "constant-factor"

    def evidence(self, case: Case, name: str) -> str | None:
        """The factor, and what number it may be."""
        factor = _factor(case, name)
        entries = case.examined.point[name].size
        if np.isnan(factor) or entries == 1 or (entries == 2 and abs(factor - 1) < _SLIGHT):
            return None
        if _all_penalty(case, name):
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
    shown = f"{factor:.6g}" if abs(factor - 1) > _CLOSE else f"1 {'+' if factor > 1 else '-'} {abs(factor - 1):.2g}"
    return f"the gradient is {shown} times the derivative" + (f", and {found}" if found else "")


def _factor(case: Case, name: str) -> float:
    """The constant factor of a parameter's gradient, beside a penalty perhaps; NaN if it has none but 1."""
    pair = case.pair(name)
    if pair is None:
        return np.nan
    factor = factor_between(pair.analytic, pair.numeric)
    if np.isfinite(factor) and abs(factor) > _TINY and pair.is_explained_by(factor * pair.numeric):
        return factor
    return _factor_beside_penalty(pair)


def _factor_beside_penalty(pair: Pair) -> float:
    """The c of analytic = c · (numeric - λ x) + λ x: the data loss's gradient is off, the penalty's is right."""
    known = np.isfinite(pair.numeric)
    if known.sum() < _FEWEST or not is_weight(pair.x):
        return np.nan
    terms = np.stack([pair.numeric[known], pair.x[known]], axis=-1)
    (factor, share), *_ = np.linalg.lstsq(terms, pair.analytic[known])
    if abs(factor - 1) < _CLOSE or abs(factor) < _TINY or not share / (1 - factor) > 0:
        return np.nan
    return float(factor) if pair.is_explained_by(factor * pair.numeric + share * pair.x) else np.nan


def _all_penalty(case: Case, name: str) -> bool:
    """Whether a gradient is that of a penalty and nothing else, and others are right: then the penalty is at fault."""
    pair = case.pair(name)
    if pair is None or "ok" not in case.examined.verdicts.values() or not is_weight(pair.x):
        return False
    rest = pair.numeric - factor_between(pair.numeric, pair.x) * pair.x
    known = np.isfinite(rest)
    return bool(np.linalg.norm(rest[known]) < 1e-3 * np.linalg.norm(pair.numeric[known]))


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
