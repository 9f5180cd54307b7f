"""A rule's formula as an expression, to be computed by another library or written down in another language.

The formula is called once with symbols, as the compiled engine does, so nothing here knows one activation from the
next: what is exported is what the rule says. The list of elementary functions is that of `handgrad.elementary`.
"""

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array
from handgrad.compiled.expressions import Expression, NotCompilable, trace
from handgrad.losses import Loss

Value = TypeVar("Value")
Number = int | float
FUNCTIONS = frozenset(
    "add subtract multiply divide power float_power negative positive reciprocal square sqrt exp expm1 log log1p tanh "  # noqa: SIM905
    "absolute sign maximum minimum erfc where greater greater_equal less less_equal equal not_equal "
    "bitwise_and bitwise_or logical_and logical_or logical_not invert".split()
)


def activation_expression(rule: Formula) -> Expression:
    """What an activation computes from `z`, its parameters filled in."""
    return _expression(f"activation {rule}", rule.f, rule.parameters)


def output_expression(loss: Loss) -> Expression:
    """What a loss's output function computes from `z`."""
    return _expression(f"the output function of loss {loss}", loss.output, {})


def elementary_expression(formula: Callable[[Any], Any]) -> Expression:
    """What a function of one number computes from `z`."""
    return _expression("it", formula, {})


def _expression(what: str, formula: Callable[..., Any], parameters: Mapping[str, float]) -> Expression:
    z = Expression("z")
    try:
        traced = trace(lambda z: formula(z, **parameters), ["z"], [])
        if len(traced) > 1:
            raise NotCompilable(f"it returns {len(traced)} values")
        expression = traced[0].astype(None)  # a condition counts as 1 or 0
        require_known(expression)
    except NotCompilable as reason:
        raise ValueError(
            f"{what} cannot be exported: {reason}; write it over the functions that handgrad.elementary lists"
        ) from reason
    if expression.function == "constant":
        return Expression("add", Expression("multiply", z, 0), expression)  # in the shape of z
    return expression


def require_known(expression: Expression) -> None:
    """Refuse an expression with a function that is not on the list, or a constant that is not a number."""
    evaluated(expression, lambda name: None, lambda value: None, lambda function, operands: None)


def evaluated(
    expression: Expression,
    symbol: Callable[[str], Value],
    constant: Callable[[Number], Value],
    apply: Callable[[str, Sequence[Value]], Value],
) -> Value:
    """The expression's value in somebody's terms, each shared part computed once.

    >>> square = elementary_expression(lambda z: z * z)
    >>> evaluated(square, {"z": 3.0}.__getitem__, float, lambda function, values: values[0] * values[1])
    9.0
    """
    seen: dict[int, Value] = {}

    def value(operand: Any) -> Value:
        if not isinstance(operand, Expression):
            return constant(_number(operand))
        if id(operand) not in seen:
            seen[id(operand)] = computed(operand)
        return seen[id(operand)]

    def computed(operand: Expression) -> Value:
        if operand.function == "constant":
            return constant(_number(operand.operands[0]))
        if not operand.operands:
            return symbol(operand.function)
        if operand.function not in FUNCTIONS:
            raise NotCompilable(f"it uses {operand.function}, which is not on the list of elementary functions")
        return apply(operand.function, [value(each) for each in operand.operands])

    return value(expression)


def _number(value: Any) -> Number:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real | np.bool_):
        raise NotCompilable(f"it uses a constant that is not a number: {value!r}")
    return int(value) if isinstance(value, numbers.Integral | np.bool_) else float(value)


# --- for a language that lacks them: the same functions over the others -----------------------------------------------


def expm1(z: Array) -> Array:
    """eᶻ - 1 = 2t / (1 - t) with t = tanh(z / 2), which loses nothing near 0.

    >>> float(expm1(np.array(1e-18)))
    1e-18
    """
    t = np.tanh(np.minimum(np.maximum(z, -1), 1) / 2)
    return np.where(np.abs(z) < 1, 2 * t / (1 - t), np.exp(z) - 1)


def log1p(z: Array) -> Array:
    """log(1 + z) = log(u) + r / u, u = 1 + z rounded and r = z - (u - 1) what rounding took, but for terms in r².

    >>> float(log1p(np.array(1e-12)))
    9.999999999995e-13
    """
    x = np.maximum(np.minimum(z, 1), -0.5)  # beyond 1 r does not matter, below -1/2 it is 0: no inf - inf, no 0 / 0
    u = 1 + x
    return np.log(1 + z) + (x - (u - 1)) / u


def erfc(z: Array) -> Array:
    """1 - erf(z) = t exp(P(t) - z²) with t = 2 / (2 + z), z ≥ 0, and P a Chebyshev series; 2 - erfc(-z) for z < 0.

    >>> abs(float(erfc(np.array(-0.5))) - 1.5204998778130465) < 1e-15
    True
    """
    x = np.minimum(np.abs(z), 30)  # beyond, the value is below any float, and z² might overflow
    t = 2 / (2 + x)
    right = t * np.exp(_clenshaw(_erfc_series(), 2 * t - 1) - x * x)
    return np.where(np.less(z, 0), 2 - right, right)


def _clenshaw(coefficients: Sequence[float], s: Array) -> Any:
    """Σ cₖ Tₖ(s) for s in [-1, 1], from the last term to the first."""
    above: Any = 0.0
    here: Any = coefficients[-1]
    for c in coefficients[-2:0:-1]:
        above, here = here, 2 * s * here - above + c
    return s * here - above + coefficients[0]


def _erfc_series() -> list[float]:
    """P(t) = log(eˣ² erfc(x) / t), x = 2 / t - 2, interpolated where 0 < t < 1; smooth, so that 30 terms suffice."""
    from numpy.polynomial import chebyshev
    from scipy.special import erfcx

    def P(s: Any) -> Any:
        t = (s + 1) / 2
        return np.log(erfcx(2 / t - 2) / t)

    return [float(each) for each in chebyshev.chebinterpolate(P, 30)]
