"""exp, log, tanh, erfc and their kin as straight-line scalar code, which LLVM turns into vector instructions.

A rule compiled for a dtype calls these in place of NumPy's functions of the same name. There are no branches (`where`
computes both sides), no tables and no library calls, so a loop around them becomes a loop over vectors. NaN, infinity
and subnormal numbers pass as they do in NumPy; the sign of a zero may be lost. Largest error, in units of the last
place (ulp), held by a test:

               exp    expm1  log    log1p  tanh   erfc
    float64    1.2    2.1    1.0    1.0    2.8    6.0
    float32    1.2    2.1    1.0    1.0    2.8    5.5

A formula below is ordinary Python over a `Value`, whose operators write LLVM instructions of the value's own type: a
constant cannot widen float32, and a formula costs no compilation of its own. A product and a sum may fuse; nothing
else is reordered, since the order of operations is part of these algorithms.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types
from numba.extending import intrinsic

Operand: TypeAlias = Union["Value", float]
Formula: TypeAlias = Callable[..., Any]

# fmt: off
# log(1 + f) = s (2 + z P(z)) with s = f/(2 + f), z = s²: fdlibm's e_log.c (Sun Microsystems 1993), FreeBSD's e_logf.c;
# the error of 2 + z P(z) is below 2^-58 and 2^-34
LOG_64 = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)
LOG_32 = (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841)

# (a + 2) exp(a²) erfc(a) = P(q) with q = (a - 2)/(a + 2): interpolated at Chebyshev's points, 0 <= a <= 28 and 10.5,
# in 60 digits; within 3e-17 and 7e-9. The form, with a factor 1 + 2a, is Shepherd & Laframboise's (1981).
ERFC_64 = (
    1.021582705242023, -0.6871606844138107, 0.2794720925560472, -0.03644223150686055, -0.02151066188904168,
    0.006479185067043882, 0.0030906120488752506, -0.0008372960505667296, -0.0006630733806812135,
    3.437132347499336e-05, 0.00014446984782779868, 3.414954242910816e-05, -2.1691996160279536e-05,
    -1.6123253296994566e-05, -1.1390657822713735e-06, 3.649115551163877e-06, 2.032058152968992e-06,
    -5.151313592947865e-09, -6.180966770248528e-07, -3.2001443278588945e-07, 4.624002786859279e-08,
    1.120824619736229e-07, 2.4107696115186398e-08, -1.4966772746772726e-08, -5.898400779613349e-09,
)
ERFC_32 = (
    1.02158271, -0.687160716, 0.279471742, -0.0364413365, -0.0215053667, 0.00647308239, 0.00306063498,
    -0.000825577036, -0.000587744589, 4.19188341e-05, 6.54004679e-05,
)
# fmt: on
LN2_HIGH, LN2_LOW = 0.69313812255859375, 9.058001351559417232e-06  # the first has 17 bits: k times it is exact
NOTHING = -0.0  # the one number whose sum with any other, 0.0 too, is that other: LLVM leaves the sum out
FUSE = ["contract"]  # a product and a sum may become one; Numba adds the caller's flags only where there are none


@dataclass(frozen=True)
class Format:
    """IEEE 754's double or single precision, and what reaches it; polynomials begin with the constant."""

    real: ir.Type
    integer: ir.Type
    digits: int  # of the fraction, as stored
    bias: int  # of the exponent
    exp_range: tuple[float, float]  # beyond, exp is 0 or infinite
    exp_series: tuple[float, ...]
    log_series: tuple[float, ...]
    erfc_series: tuple[float, ...]

    @property
    def round_off(self) -> float:
        """Added and subtracted, it rounds to a whole number, which stands in the low bits of the sum."""
        return 1.5 * 2.0**self.digits


def _taylor(terms: int) -> tuple[float, ...]:
    """(eʳ - 1 - r) / r² = 1/2! + r/3! + r²/4! + ..."""
    return tuple(1 / math.factorial(k) for k in range(2, 2 + terms))


FORMATS = {
    types.float64: Format(ir.DoubleType(), ir.IntType(64), 52, 1023, (-746.0, 710.0), _taylor(12), LOG_64, ERFC_64),
    types.float32: Format(ir.FloatType(), ir.IntType(32), 23, 127, (-104.0, 89.0), _taylor(6), LOG_32, ERFC_32),
}


@dataclass(frozen=True)
class Value:
    """A number in the code that is being written: an operator writes one instruction."""

    builder: ir.IRBuilder
    format: Format
    number: ir.Value

    def __add__(self, other: Operand) -> "Value":
        return self._write("fadd", self, other)

    def __sub__(self, other: Operand) -> "Value":
        return self._write("fsub", self, other)

    def __rsub__(self, other: Operand) -> "Value":
        return self._write("fsub", other, self)

    def __mul__(self, other: Operand) -> "Value":
        return self._write("fmul", self, other)

    def __truediv__(self, other: Operand) -> "Value":
        return self._write("fdiv", self, other)

    def __rtruediv__(self, other: Operand) -> "Value":
        return self._write("fdiv", other, self)

    def __neg__(self) -> "Value":
        return self.like(self.builder.fneg(self.number))

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Operand) -> ir.Value:
        return self.builder.fcmp_ordered("<", self.number, self.operand(other), flags=FUSE)

    def __gt__(self, other: Operand) -> ir.Value:
        return self.builder.fcmp_ordered(">", self.number, self.operand(other), flags=FUSE)

    def __le__(self, other: Operand) -> ir.Value:
        return self.builder.fcmp_ordered("<=", self.number, self.operand(other), flags=FUSE)

    def __ge__(self, other: Operand) -> ir.Value:
        return self.builder.fcmp_ordered(">=", self.number, self.operand(other), flags=FUSE)

    def equals(self, other: Operand) -> ir.Value:
        """Whether they are equal, which NaN never is."""
        return self.builder.fcmp_ordered("==", self.number, self.operand(other), flags=FUSE)

    def differs(self, other: Operand) -> ir.Value:
        """Whether they are not equal, which NaN always is."""
        return self.builder.fcmp_unordered("!=", self.number, self.operand(other), flags=FUSE)

    def instruction(self, name: str) -> "Value":
        """LLVM's own function of that name, one instruction on most processors."""
        function = self.builder.module.declare_intrinsic(name, [self.format.real])
        return self.like(self.builder.call(function, [self.number]))

    def constant(self, number: float) -> "Value":
        """A constant of this format."""
        return self.like(self.format.real(number))

    def operand(self, other: Operand) -> ir.Value:
        """As LLVM knows it; a Python number becomes a constant of this format."""
        return other.number if isinstance(other, Value) else self.format.real(float(other))

    def like(self, number: ir.Value) -> "Value":
        """Another number of this format."""
        return Value(self.builder, self.format, number)

    def bits(self) -> ir.Value:
        """The integer that the number is stored as."""
        return self.builder.bitcast(self.number, self.format.integer)

    def integer(self, number: int) -> ir.Value:
        """A constant to reckon with bits."""
        return self.format.integer(number)

    def from_bits(self, bits: ir.Value) -> "Value":
        """The number that is stored as this integer."""
        return self.like(self.builder.bitcast(bits, self.format.real))

    def _write(self, operation: str, a: Operand, b: Operand) -> "Value":
        return self.like(getattr(self.builder, operation)(self.operand(a), self.operand(b), flags=FUSE))


def where(condition: ir.Value, a: Operand, b: Operand) -> Value:
    """One of two numbers, both computed: LLVM's select."""
    value = a if isinstance(a, Value) else b
    assert isinstance(value, Value), "one of the two must tell the format"
    return value.like(value.builder.select(condition, value.operand(a), value.operand(b)))


def polynomial(coefficients: tuple[float, ...], x: Value) -> Value:
    """c₀ + c₁x + c₂x² + ..., neighbours paired, and the pairs paired in x² (Estrin 1960), for short chains."""
    terms = [x.constant(c) for c in coefficients]
    while len(terms) > 1:
        pairs = [a + b * x for a, b in zip(terms[0::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
        x = x * x
    return terms[0]


def power_of_two(lifted: Value) -> Value:
    """2ᵏ from k + round_off, whose low bits are k's."""
    exponent = lifted.builder.add(lifted.bits(), lifted.integer(lifted.format.bias))
    return lifted.from_bits(lifted.builder.shl(exponent, lifted.integer(lifted.format.digits)))


def exp_parts(x: Value, low: Operand = NOTHING) -> tuple[Value, Value, Value, Value]:
    """p, a, b, 1/b with exp(x + low) = (1 + p) a b:  p = eʳ - 1,  r = x - k ln 2,  a b = 2ᵏ  (Cody & Waite 1980).

    Two factors, since 2ᵏ alone may overflow where the result does not; the last product rounds a subnormal result.
    """
    round_off, (smallest, largest) = x.format.round_off, x.format.exp_range
    x = where(x > largest, largest, where(x < smallest, smallest, x))
    k = (x * (1 / math.log(2)) + round_off) - round_off
    r = (x - k * LN2_HIGH) - k * LN2_LOW + low
    p = r * r * polynomial(x.format.exp_series, r) + r
    half = k * 0.5 + round_off
    rest = k - (half - round_off)
    return p, power_of_two(half), power_of_two(rest + round_off), power_of_two(round_off - rest)


def exp(x: Value) -> Value:
    """eˣ."""
    p, a, b, _ = exp_parts(x)
    return (1 + p) * a * b


def expm1(x: Value) -> Value:
    """eˣ - 1 = (a p + (a - 1/b)) b: near zero a = b = 1, and p is the result."""
    p, a, b, one_over_b = exp_parts(x)
    return (a * p + (a - one_over_b)) * b


def tanh(x: Value) -> Value:
    """m / (m + 2) with m = exp(2x) - 1; from x = 22 on it is 1, and m would overflow."""
    m = expm1(2 * where(x > 22, 22, x))
    return m / (m + 2)


def log_parts(x: Value) -> tuple[Value, Value]:
    """k and m with x = 2ᵏ m and m from √½ to √2, for a normal number."""
    builder, digits = x.builder, x.integer(x.format.digits)
    k = builder.ashr(builder.sub(x.bits(), x.constant(math.sqrt(0.5)).bits()), digits)
    m = builder.sub(x.bits(), builder.shl(k, digits))
    round_off = x.constant(x.format.round_off)
    return x.from_bits(builder.add(round_off.bits(), k)) - round_off, x.from_bits(m)


def log_sum(x: Value, k: Value, f: Value, low: Operand) -> Value:
    """log(x) = k ln 2 + log(1 + f) + low, in fdlibm's order; at the edges as log's: x = 0, x < 0, infinity and NaN."""
    s = f / (2 + f)
    z = s * s
    h = 0.5 * f * f
    tail = s * (h + z * polynomial(x.format.log_series, z)) + (k * LN2_LOW + low)
    inside = k * LN2_HIGH - ((h - tail) - f)
    return where(x > 0, where(x < math.inf, inside, x), where(x.equals(0), x.constant(-math.inf), math.nan))


def log(x: Value) -> Value:
    """Natural logarithm; a subnormal number is lifted first."""
    digits = x.format.digits + 1
    subnormal = x < 2.0 ** (1 - x.format.bias)
    k, m = log_parts(where(subnormal, x * 2.0**digits, x))
    return log_sum(x, where(subnormal, k - digits, k), m - 1, NOTHING)


def log1p(x: Value) -> Value:
    """log(u) + (x - (u - 1))/u with u = 1 + x as rounded; where k = 0, f = x itself and nothing was lost."""
    u = 1 + x
    k, m = log_parts(u)
    near = k.equals(0)
    return log_sum(u, k, where(near, x, m - 1), where(near, 0, (x - (u - 1)) / u))


def erfc(x: Value) -> Value:
    """exp(-a²) P(q)/(a + 2) with a = |x|, and 2 minus that where x < 0; from a = 28 on it is 0.

    -a² = -h² + (h - a)(h + a), where h is a with the lower half of its digits cleared: h² is exact.
    """
    a = where(absolute(x) > 28, 28, absolute(x))
    r = 1 / (a + 2)
    h = a.from_bits(a.builder.and_(a.bits(), a.integer(-1 << (a.format.digits + 2) // 2)))
    p, b, c, _ = exp_parts(-h * h, (h - a) * (h + a))
    tail = (1 + p) * (polynomial(x.format.erfc_series, (a - 2) * r) * r) * b * c
    return where(x < 0, 2 - tail, tail)


def absolute(x: Value) -> Value:
    """|x|."""
    return x.instruction("llvm.fabs")


def sqrt(x: Value) -> Value:
    """√x, correctly rounded."""
    return x.instruction("llvm.sqrt")


def square(x: Value) -> Value:
    """x²."""
    return x * x


def sign(x: Value) -> Value:
    """1, 0 or -1; NaN of NaN."""
    return where(x > 0, 1, where(x < 0, -1, x))


def maximum(a: Value, b: Value) -> Value:
    """The larger; NaN if either is."""
    return where(b.equals(b), where(a < b, b, a), b)


def minimum(a: Value, b: Value) -> Value:
    """The smaller; NaN if either is."""
    return where(b.equals(b), where(a > b, b, a), b)


OF_ONE: tuple[Formula, ...] = (exp, expm1, log, log1p, tanh, erfc, sqrt, square, absolute, sign)
OF_TWO: tuple[Formula, ...] = (maximum, minimum)
COMPARISONS: dict[str, Formula] = {
    "greater": Value.__gt__,
    "greater_equal": Value.__ge__,
    "less": Value.__lt__,
    "less_equal": Value.__le__,
    "equal": Value.equals,
    "not_equal": Value.differs,
}


def functions(dtype: npt.DTypeLike) -> dict[str, Any]:
    """The functions of this module for code that Numba compiles, under NumPy's names: of float64, or of float32.

    Arguments are numbers of that dtype, or integers, which become such numbers. Those of another float type are a
    typing error, since they would widen the code unseen. Comparisons give booleans; `where` takes one and two numbers.

    >>> from numba import njit
    >>> tanh = functions(np.float64)["tanh"]
    >>> round(njit(lambda x: tanh(x))(0.5), 12)
    0.46211715726

    Raises
    ------
    ValueError
        The dtype is neither.
    """
    return _functions(np.dtype(dtype).name)


@cache
def _functions(dtype: str) -> dict[str, Any]:
    real: Any = {"float64": types.float64, "float32": types.float32}.get(dtype)
    if real is None:
        raise ValueError(f"dtype is {dtype}, but compiled functions are of float64 or float32")
    return {
        **{formula.__name__: _compilable(formula, real(real)) for formula in OF_ONE},
        **{formula.__name__: _compilable(formula, real(real, real)) for formula in OF_TWO},
        **{name: _compilable(formula, types.boolean(real, real)) for name, formula in COMPARISONS.items()},
        "where": _compilable(where, real(types.boolean, real, real)),
    }


def _compilable(formula: Formula, signature: Any) -> Any:
    """The formula as a function that Numba writes into the code that calls it."""
    precision = FORMATS[signature.args[-1]]

    def typed(*given: Any) -> Any:
        fits = (
            a == b or (b in FORMATS and isinstance(a, types.Integer))
            for a, b in zip(given, signature.args, strict=True)
        )
        return (signature, write) if all(fits) else None

    def write(_: Any, builder: ir.IRBuilder, __: Any, numbers: list[ir.Value]) -> ir.Value:
        values = (
            Value(builder, precision, n) if t in FORMATS else n for n, t in zip(numbers, signature.args, strict=True)
        )
        result = formula(*values)
        return result.number if isinstance(result, Value) else result

    by_arguments: dict[int, Any] = {
        1: lambda _, a: typed(a),
        2: lambda _, a, b: typed(a, b),
        3: lambda _, condition, a, b: typed(condition, a, b),
    }
    return intrinsic(by_arguments[len(signature.args)])
