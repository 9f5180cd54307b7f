"""A formula as it is written: text such as "z * sigmoid(z)", read into a function without running it as Python.

Only numbers, the formula's own variables, arithmetic, comparisons and the functions of `handgrad.elementary`'s list are
known; whatever else the text holds is refused when it is read. So a formula may come from a web page or a file.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad import elementary
from handgrad.arrays import Array
from handgrad.rules import unknown

LONGEST = 500  # characters
_DEEPEST = 60  # of operations within operations: brackets, or a long sum
_SHOWN = 80  # characters of what is refused

_NUMPY = ["exp", "expm1", "log", "log1p", "sqrt", "square", "tanh", "abs", "sign", "maximum", "minimum", "where"]
_OWN = ["erfc", "sigmoid", "softplus", "step"]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _NUMPY},
    **{name: getattr(elementary, name) for name in _OWN},
}
_ARGUMENTS = {"maximum": 2, "minimum": 2, "where": 3}  # of the others: one
_OPERATION = ast.UnaryOp | ast.BinOp | ast.Compare | ast.Call
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


@dataclass(frozen=True)
class Written:
    """A formula of some variables, by its text: called with arrays, in the order of `variables`, it gives an array.

    >>> Written("x1 * x2", ("x1", "x2"))(np.array([2.0]), np.array([3.0]))
    array([6.])

    Raises
    ------
    ValueError
        The text holds something that is not in the list, is too long, or is no formula at all.
    """

    text: str
    variables: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", _read(self.text, self.variables))
        is_constant = not any(getattr(node, "id", None) in self.variables for node in ast.walk(self.__dict__["_tree"]))
        object.__setattr__(self, "_is_constant", is_constant)
        with np.errstate(all="ignore"):
            try:
                found = self(*(np.array([0.5]) for _ in self.variables))
                if np.asarray(found).dtype.kind not in "fb":
                    raise ValueError(
                        f"formula {self.text!r} gives complex numbers; expected a root of what is positive"
                    )
            except (ArithmeticError, TypeError) as wrong:
                raise ValueError(f"formula {self.text!r} cannot be calculated ({wrong})") from wrong

    @property
    def operations(self) -> int:
        """How many operations one value takes.

        >>> Written("z * sigmoid(z)", ("z",)).operations
        2
        """
        return sum(isinstance(node, _OPERATION) for node in ast.walk(self.__dict__["_tree"]))

    def __call__(self, *values: Array) -> Array:
        """The formula's value, elementwise."""
        found: Array = _value(self.__dict__["_tree"], dict(zip(self.variables, values, strict=True)))
        return found + 0.0 * values[0] if self.__dict__["_is_constant"] else found


def _read(text: object, variables: tuple[str, ...]) -> ast.expr:
    """The formula's tree, if all in it is known."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"formula is {text!r}; expected a text such as 'z * sigmoid(z)'")
    if len(text) > LONGEST:
        raise ValueError(f"formula has {len(text)} characters; expected at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        raise ValueError(f"formula {text!r} cannot be read; expected one such as 'z * sigmoid(z)'") from wrong
    _require_known(tree, text, variables, 0)
    return tree


def _require_known(tree: ast.AST, text: str, variables: tuple[str, ...], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"formula {text!r} has operations more than {_DEEPEST} deep; write it flatter")
    for child in _children(tree, text, variables):
        _require_known(child, text, variables, depth + 1)


def _children(tree: ast.AST, text: str, variables: tuple[str, ...]) -> list[ast.expr]:
    """What a known kind of expression is made of; refuses every other kind."""
    match tree:
        case ast.Constant(value=float() | int() as number) if not isinstance(number, bool) and abs(number) < 1e300:
            return []
        case ast.Name(id=name):
            if name not in variables:
                raise unknown(f"name in the formula {text!r}:", name, [*variables, *FUNCTIONS])
            return []
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return [operand]
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return [left, right]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return [left, right]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _arguments(name, arguments, text)
    raise ValueError(
        f"formula {text!r} holds {_part(tree, text)!r}; expected numbers, {', '.join(variables)}, + - * / **, "
        f"comparisons, and {', '.join(FUNCTIONS)}"
    )


def _part(tree: ast.AST, text: str) -> str:
    """The text of a part: as it stands there, for to write a tree anew may go too deep."""
    return (ast.get_source_segment(text.strip(), tree) or text)[:_SHOWN]


def _arguments(name: str, arguments: list[ast.expr], text: str) -> list[ast.expr]:
    if name not in FUNCTIONS:
        raise unknown(f"function in the formula {text!r}:", name, FUNCTIONS)
    expected = _ARGUMENTS.get(name, 1)
    if len(arguments) != expected:
        raise ValueError(f"formula {text!r} calls {name} with {len(arguments)} arguments; it takes {expected}")
    return arguments


def _value(tree: ast.AST, named: Mapping[str, Any]) -> Any:
    match tree:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # a number, as was seen to
        case ast.Name(id=name):
            return named[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATORS[type(op)](_value(operand, named))
        case ast.BinOp(op=op, left=left, right=right):
            return _OPERATORS[type(op)](_value(left, named), _value(right, named))
        case ast.Compare():
            return _number(_condition(tree, named), next(iter(named.values())))
        case ast.Call(func=ast.Name(id="where"), args=[condition, left, right]):
            holds = _condition(condition, named)
            if isinstance(holds, bool | np.bool_):
                return _value(left if holds else right, named)
            return np.where(holds, _value(left, named), _value(right, named))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _plain(FUNCTIONS[name](*(_value(each, named) for each in arguments)))
    raise AssertionError(f"{ast.dump(tree)} was let through")


def _condition(tree: ast.AST, named: Mapping[str, Any]) -> Any:
    """What is true or false; a number is true where it is not 0."""
    match tree:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _OPERATORS[type(op)](_value(left, named), _value(right, named))
    return np.not_equal(_value(tree, named), 0.0)


def _number(condition: Any, like: Any) -> Any:
    """1 where it holds, else 0, so that one may add and subtract it; in the dtype of the variable."""
    if isinstance(condition, bool | np.bool_):
        return float(condition)
    return condition.astype(like.dtype) if isinstance(like, np.ndarray) else np.where(condition, 1.0, 0.0)


def _plain(value: Any) -> Any:
    """A constant as a plain number, which leaves float32 as it is."""
    is_real = isinstance(value, np.generic | np.ndarray) and value.ndim == 0 and value.dtype.kind in "fbiu"
    return float(value) if is_real else value
