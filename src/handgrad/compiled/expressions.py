"""A formula as an expression: what it does to a number, written down by calling it with a symbol.

A rule's formulas are written over NumPy's functions and the arithmetic operators, and NumPy lets any object answer
those. So a formula is called once with symbols in place of arrays, and what comes back is its expression, whatever the
formula was made of: closures, globals, other functions. The expression is printed as scalar code, each common
part once. A formula that asks what only an array can answer (a branch on a value, a sum) is not elementwise, and is
refused with the reason.
"""

import numbers
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "logical_and": "&",
    "logical_or": "|",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}
_BOOLEAN = {*list(_INFIX)[4:], "logical_not", "invert"}
_CALLS = {"exp", "expm1", "log", "log1p", "sqrt", "square", "tanh", "absolute", "sign", "maximum", "minimum", "erfc"}
_LARGEST_POWER = 16  # whole powers up to here are products


class NotCompilable(Exception):
    """A rule or layer that the compiled engine does not know; the message says why."""


class Expression(NDArrayOperatorsMixin):
    """A symbol, or a function of expressions and constants."""

    def __init__(self, function: str, *operands: Any) -> None:
        self.function = function
        self.operands = operands

    @property
    def boolean(self) -> bool:
        """Whether it is a condition, not a number."""
        return self.function in _BOOLEAN

    @property
    def dtype(self) -> str:
        """Stands for the dtype of whatever the formula will run on."""
        return "dtype"

    def astype(self, dtype: Any) -> "Expression":
        """A condition as 1 or 0; a number as it is."""
        return Expression("where", self, 1, 0) if self.boolean else self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> "Expression":
        if method != "__call__" or options:
            raise NotCompilable(f"it calls {ufunc.__name__} in a way that is not elementwise")
        return Expression(ufunc.__name__, *operands)

    def __array_function__(self, function: Any, _: Any, operands: Any, options: Any) -> Any:
        if function is np.where and len(operands) == 3 and not options:
            return Expression("where", *operands)
        if function in (np.ones_like, np.zeros_like) and not options:
            return 1 if function is np.ones_like else 0
        raise NotCompilable(f"it uses {function.__name__}, which is not on the list of elementary functions")

    def __bool__(self) -> bool:
        raise NotCompilable("it branches on a value; write np.where")

    def __float__(self) -> float:
        raise NotCompilable("it turns an array into a number")

    def __iter__(self) -> Any:
        raise NotCompilable("it looks at single entries")


def trace(formula: Callable[..., Any], symbols: Iterable[str], parameters: Iterable[str]) -> list[Expression]:
    """What the formula computes from those symbols: one expression, or several where it returns a tuple.

    Parameters become symbols with `p_` before their name, so that none is taken for another.

    >>> printed(trace(lambda z, slope: slope * z, ["z"], ["slope"]))
    (['t0 = p_slope * z'], ['t0'])

    Raises
    ------
    NotCompilable
        It does what is not elementwise, or uses a function that is not on the list.
    """
    try:
        result = formula(
            *(Expression(name) for name in symbols), **{name: Expression(f"p_{name}") for name in parameters}
        )
    except NotCompilable:
        raise
    except Exception as error:  # a formula may do anything with what is not an array
        raise NotCompilable(f"it does what is not elementwise ({type(error).__name__}: {error})") from error
    several = result if isinstance(result, tuple) else (result,)
    return [each if isinstance(each, Expression) else Expression("constant", each) for each in several]


def printed(expressions: Iterable[Expression]) -> tuple[list[str], list[str]]:
    """Lines of scalar code, one operation each, and the names under which the expressions' values are then known."""
    printer = _Printer()
    names = [printer.name(expression) for expression in expressions]
    return list(printer.lines), names


def symbols_of(expressions: Iterable[Expression]) -> set[str]:
    """The symbols that the expressions depend on."""
    found: set[str] = set()
    for expression in expressions:
        if not expression.operands:
            found.add(expression.function)
        found |= symbols_of(each for each in expression.operands if isinstance(each, Expression))
    return found


class _Printer:
    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # by the text that computes it
        self.seen: dict[int, str] = {}  # by the expression's identity: shared parts are walked once

    @property
    def lines(self) -> Iterable[str]:
        return (f"{name} = {text}" for text, name in self.names.items())

    def name(self, operand: Any) -> str:
        if not isinstance(operand, Expression):
            return _constant(operand)
        if id(operand) not in self.seen:
            self.seen[id(operand)] = self._printed(operand)
        return self.seen[id(operand)]

    def _printed(self, expression: Expression) -> str:
        if not expression.operands:
            return expression.function
        if expression.function == "constant":
            return _constant(expression.operands[0])
        text = self._text(expression.function, expression.operands)
        return self.names.setdefault(text, f"t{len(self.names)}")

    def _text(self, function: str, operands: tuple[Any, ...]) -> str:
        if function in ("power", "float_power"):
            return self._power(*operands)
        names = [self.name(each) for each in operands]
        if function in _INFIX:
            return f" {_INFIX[function]} ".join(names)
        if function == "negative":
            return f"-{names[0]}"
        if function == "positive":
            return names[0]
        if function == "reciprocal":
            return f"{_constant(1)} / {names[0]}"
        if function in ("logical_not", "invert"):
            return f"not {names[0]}"
        if function in _CALLS or function == "where":
            return f"{function}({', '.join(names)})"
        raise NotCompilable(f"it uses {function}, which is not on the list of elementary functions")

    def _power(self, base: Any, exponent: Any) -> str:
        whole = isinstance(exponent, numbers.Real) and float(exponent).is_integer()
        if whole and abs(exponent) <= _LARGEST_POWER:
            return f"{self.name(base)} ** {int(exponent)}"
        return f"{self.name(base)} ** {self.name(exponent)}"


def _constant(value: Any) -> str:
    """A number in the dtype that the code is compiled for."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real | np.bool_):
        raise NotCompilable(f"it uses a constant that is not a number: {value!r}")
    return f"T({float(value)!r})"
