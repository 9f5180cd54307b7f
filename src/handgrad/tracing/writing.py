"""Arithmetic that is written down as it is done: in symbols, A[0,0] · W[0,1], and in numbers, 0.5 · (-0.23).

A `Working` stands where a formula expects a number, and NumPy lets any object answer its functions. So what is written
of an activation or a loss is what its own formula computes; of a `np.where` the branch that is taken, with the reason.
"""

import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

DIGITS = 6  # significant ones of a number that is written
SUMMANDS = 16  # of a sum that are written
_NEGATED, _SUM, _PRODUCT, _ATOM = range(4)  # how tightly the parts hold together


class NotWritten(Exception):
    """A formula does what is not elementary, or not of one entry at a time."""


@dataclass(frozen=True, eq=False)
class Working(NDArrayOperatorsMixin):
    """A computation in symbols and in numbers, its value, and which branches it took (`when`)."""

    symbols: str
    numbers: str
    value: Any
    level: int = _ATOM
    when: tuple[str, ...] = ()
    left_out: int = 0  # summands that are not written
    opposite: "Working | None" = None  # what it is the negative of
    level_of_numbers: int | None = None  # where it is not that of the symbols: z may be -0.5

    @property
    def dtype(self) -> str:
        """Stands for the dtype that a formula asks for."""
        return "dtype"

    def astype(self, dtype: Any) -> "Working":
        """A condition as 1 or 0; a number as it is."""
        return _where(self, 1, 0) if isinstance(self.value, bool | np.bool_) else self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> "Working":
        how = _HOW.get(ufunc.__name__)
        if method != "__call__" or options or how is None:
            raise NotWritten(f"it uses {ufunc.__name__}")
        written = [as_working(each) for each in operands]
        with np.errstate(all="ignore"):
            value = ufunc(*(each.value for each in written))
        return how(value, *written)

    def __array_function__(self, function: Any, _: Any, operands: Any, options: Any) -> Any:
        if function is np.where and len(operands) == 3 and not options:
            return _where(*operands)
        if function in (np.ones_like, np.zeros_like) and not options:
            return as_working(1 if function is np.ones_like else 0)
        raise NotWritten(f"it uses {function.__name__}")

    def __bool__(self) -> bool:
        raise NotWritten("it branches on a value; write np.where")


def figure(value: Any) -> str:
    """A number as it is written, to six significant digits.

    >>> figure(2 / 3), figure(-0.0)
    ('0.666667', '0')
    """
    return f"{value + 0.0:.{DIGITS}g}"


def named(symbol: str, value: Any) -> Working:
    """A number that has a symbol."""
    text = figure(value)
    return Working(symbol, text, value, level_of_numbers=_NEGATED if text.startswith("-") else _ATOM)


def as_working(value: Any) -> Working:
    """A constant, written in full among symbols; what is written already stays.

    >>> (as_working(-0.125) * named("z", 1 / 3)).numbers
    '(-0.125) · 0.333333'
    """
    if isinstance(value, Working):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real | np.bool_):
        raise NotWritten(f"it uses {value!r}, which is not a number")
    exact = float(value)
    number = int(exact) if exact.is_integer() else exact
    return Working(repr(number), figure(number), number, _ATOM if number >= 0 else _NEGATED)


def total(summands: Iterable[Working], count: int) -> Working:
    """The sum of so many, of which the first few are written.

    >>> total((named(f"z[{i}]", i) for i in range(3)), 3).symbols
    'z[0] + z[1] + z[2]'
    """
    shown = list(islice(summands, SUMMANDS))
    result = shown[0]
    for each in shown[1:]:
        result = result + each
    if count == len(shown):
        return result
    left_out = count - len(shown)
    rest = f" + … ({left_out} more)"
    return replace(result, symbols=result.symbols + rest, numbers=result.numbers + rest, left_out=left_out)


def mean(summands: Iterable[Working], count: int) -> Working:
    """The sum of so many, divided by their number; one alone is its own mean."""
    return total(summands, count) / count if count > 1 else total(summands, count)


# --- how each function is written -------------------------------------------------------------------------------------


def _joined(value: Any, level: int, form: str, *operands: tuple[Working, int]) -> Working:
    """The form with the operands set in, each in brackets where it holds less tightly than it must."""
    symbols = [_bracketed(each.symbols, each.level, least) for each, least in operands]
    numbers = [_bracketed(each.numbers, _level_of_numbers(each), least) for each, least in operands]
    when = tuple(dict.fromkeys(reason for each, _ in operands for reason in each.when))
    left_out = sum(each.left_out for each, _ in operands)
    return Working(form.format(*symbols), form.format(*numbers), value, level, when, left_out)


def _level_of_numbers(written: Working) -> int:
    return written.level if written.level_of_numbers is None else written.level_of_numbers


def _bracketed(text: str, level: int, least: int) -> str:
    return text if level >= least else f"({text})"


def _infix(sign: str, level: int, left: int, right: int) -> Callable[..., Working]:
    return lambda value, a, b: _joined(value, level, f"{{}} {sign} {{}}", (a, left), (b, right))


def _call(form: str) -> Callable[..., Working]:
    return lambda value, *operands: _joined(value, _ATOM, form, *((each, _NEGATED) for each in operands))


def _negative(value: Any, a: Working) -> Working:
    if a.opposite is not None:
        return a.opposite
    return replace(_joined(value, _NEGATED, "-{}", (a, _PRODUCT)), opposite=a)


def _absolute(value: Any, a: Working) -> Working:
    """The number or its negative, whichever is positive: so exp(-|z|) reads as a textbook's exp(-z)."""
    return a if a.value >= 0 else _negative(value, a)


def _power(value: Any, base: Working, exponent: Working) -> Working:
    return _joined(value, _ATOM, "{}²" if exponent.symbols == "2" else "{}^{}", (base, _ATOM), (exponent, _ATOM))


def _sign(value: Any, a: Working) -> Working:
    return _where(a > 0, 1, _where(a < 0, -1, 0))


_OTHERWISE = {" > ": " ≤ ", " ≥ ": " < ", " < ": " ≥ ", " ≤ ": " > ", " = ": " ≠ ", " ≠ ": " = "}


def _where(condition: Any, yes: Any, no: Any) -> Working:
    """The branch that is taken, and why."""
    if not isinstance(condition, Working):
        return as_working(yes if condition else no)
    asked, taken = condition, as_working(yes if condition.value else no)
    reason = asked.symbols if asked.value else _denied(asked.symbols)
    when = tuple(dict.fromkeys((*asked.when, reason, *taken.when)))
    return replace(taken, when=when)


def _denied(condition: str) -> str:
    signs = [sign for sign in _OTHERWISE if sign in condition]
    if len(signs) == 1 and condition.count(signs[0]) == 1:
        return condition.replace(signs[0], _OTHERWISE[signs[0]])
    return f"not ({condition})"


_HOW: dict[str, Callable[..., Working]] = {
    "add": _infix("+", _SUM, _NEGATED, _SUM),
    "subtract": _infix("-", _SUM, _NEGATED, _PRODUCT),
    "multiply": _infix("·", _PRODUCT, _PRODUCT, _PRODUCT),
    "divide": _infix("/", _PRODUCT, _PRODUCT, _ATOM),
    "negative": _negative,
    "positive": lambda value, a: a,
    "absolute": _absolute,
    "sign": _sign,
    "square": lambda value, a: _joined(value, _ATOM, "{}²", (a, _ATOM)),
    "power": _power,
    "float_power": _power,
    "reciprocal": lambda value, a: _joined(value, _PRODUCT, "1 / {}", (a, _ATOM)),
    "exp": _call("exp({})"),
    "expm1": lambda value, a: _joined(value, _SUM, "exp({}) - 1", (a, _NEGATED)),
    "log": _call("ln({})"),
    "log1p": lambda value, a: _joined(value, _ATOM, "ln(1 + {})", (a, _SUM)),
    "sqrt": _call("sqrt({})"),
    "tanh": _call("tanh({})"),
    "erfc": _call("erfc({})"),
    "maximum": _call("max({}, {})"),
    "minimum": _call("min({}, {})"),
    "greater": _infix(">", _NEGATED, _SUM, _SUM),
    "greater_equal": _infix("≥", _NEGATED, _SUM, _SUM),
    "less": _infix("<", _NEGATED, _SUM, _SUM),
    "less_equal": _infix("≤", _NEGATED, _SUM, _SUM),
    "equal": _infix("=", _NEGATED, _SUM, _SUM),
    "not_equal": _infix("≠", _NEGATED, _SUM, _SUM),
    "bitwise_and": _infix("and", _NEGATED, _SUM, _SUM),
    "logical_and": _infix("and", _NEGATED, _SUM, _SUM),
    "bitwise_or": _infix("or", _NEGATED, _SUM, _SUM),
    "logical_or": _infix("or", _NEGATED, _SUM, _SUM),
    "logical_not": _call("not ({})"),
    "invert": _call("not ({})"),
}
