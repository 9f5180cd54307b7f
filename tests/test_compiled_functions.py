"""The functions that compiled formulas are made of: as accurate as they say, NumPy's at the edges, and vectorised."""

import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit
from numba.core.errors import TypingError
from scipy import special

from handgrad.compiled import functions as module
from handgrad.compiled.functions import functions

DTYPES = [np.float32, np.float64]
SMOOTH = {name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh")}
SMOOTH["erfc"] = np.vectorize(math.erfc, otypes=[np.float64])  # SciPy's is 0 where the result is subnormal
EXACT = ["sqrt", "square", "absolute", "sign"]
OF_TWO = ["maximum", "minimum", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal"]
CALLER = {"contract", "nsz", "arcp", "reassoc"}  # a caller may reorder its own sums, never these functions'


@cache
def compiled(name, dtype):
    """The function over arrays: of one, two or three arguments, as its name asks."""
    f = functions(dtype)[name]

    def of_one(out, a):
        for i in range(a.size):
            out[i] = f(a[i])

    def of_two(out, a, b):
        for i in range(a.size):
            out[i] = f(a[i], b[i])

    def of_three(out, a, b, c):
        for i in range(a.size):
            out[i] = f(a[i], b[i], c[i])

    loop = of_three if name == "where" else of_two if name in OF_TWO else of_one
    return njit(fastmath=CALLER, error_model="numpy")(loop)


def value_of(name, *arguments):
    dtype = arguments[-1].dtype
    out = np.empty(arguments[0].shape, bool if name in OF_TWO[2:] else dtype)
    compiled(name, dtype.type)(out, *arguments)
    return out


def reference(name, x):
    """More exact than x's dtype: float64 for float32, long double for float64 (erfc: the C library, within 1 ulp)."""
    wide = np.float64 if x.dtype == np.float32 or name == "erfc" else np.longdouble
    if np.finfo(wide).precision == np.finfo(x.dtype).precision and name != "erfc":
        pytest.skip("long double is float64 here")
    with np.errstate(all="ignore"):
        return SMOOTH[name](x.astype(wide))


def error_in_ulp(value, expected):
    with np.errstate(all="ignore"):
        rounded = expected.astype(value.dtype)
        distance = np.abs(value.astype(expected.dtype) - expected) / np.spacing(np.abs(rounded)).astype(expected.dtype)
    same = (value == rounded) | (np.isnan(value) & np.isnan(rounded))
    return np.where(np.isfinite(value) & np.isfinite(rounded), distance, np.where(same, 0, np.inf))


def neighbours(points, dtype, count=20):
    """Each point, with so many of the dtype's numbers on either side."""
    points = np.asarray(points, dtype)
    integer = {np.float32: np.int32, np.float64: np.int64}[dtype]
    return (points.view(integer)[:, None] + np.arange(-count, count + 1, dtype=integer)).view(dtype).ravel()


def switches(name, dtype):
    """Where a formula goes over to other numbers: k to the next, a range to its end."""
    limits, k = np.finfo(dtype), np.arange(-30, 31)
    range_ends = [np.log(limits.max), np.log(limits.tiny), np.log(limits.smallest_subnormal)]
    of_exp = [*((k + 0.5) * math.log(2)), *range_ends, *module.FORMATS[_numba(dtype)].exp_range]
    of_log = [*(math.sqrt(0.5) * 2.0**k), *(2.0**k), limits.tiny, limits.max]
    return {
        "exp": of_exp,
        "expm1": of_exp,
        "tanh": [*(np.array(of_exp[: len(k)]) / 2), 22, -22],
        "log": of_log,
        "log1p": [x - 1 for x in of_log],
        "erfc": [*np.sqrt((np.arange(60) + 0.5) * math.log(2)), 2, 28, -28, -np.sqrt(0.5 * math.log(2))],
    }[name]


def _numba(dtype):
    return next(each for each in module.FORMATS if each.name == np.dtype(dtype).name)


def whole_range(name, dtype, rng):
    """Any bit pattern at all, then where the function does most, then about each switch."""
    integer = {np.float32: np.uint32, np.float64: np.uint64}[dtype]
    anything = rng.integers(0, np.iinfo(integer).max, 20_000, dtype=integer, endpoint=True).view(dtype)
    small = rng.choice([-1, 1], 10_000) * np.exp(rng.uniform(-25, 1, 10_000))
    spread = [rng.uniform(-width, width, 20_000) for width in (1, 4, 30, 750)]
    usual = np.concatenate([small, *spread]).astype(dtype)
    x = np.concatenate([anything, usual, np.abs(usual), neighbours(switches(name, dtype), dtype)])
    return x[~np.isnan(x)]


def stated_bound(name, dtype):
    """From the table in the module's docstring."""
    names = re.search(r"^ +(exp .*)$", module.__doc__, re.M)[1].split()
    bounds = re.search(rf"^ +{np.dtype(dtype).name} (.*)$", module.__doc__, re.M)[1].split()
    return dict(zip(names, map(float, bounds), strict=True))[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SMOOTH)
def test_errors_are_within_the_stated_bounds(name, dtype):
    x = whole_range(name, dtype, np.random.default_rng(0))
    error = error_in_ulp(value_of(name, x), reference(name, x))
    worst = error.argmax()
    library = 1 if name == "erfc" and dtype is np.float64 else 0
    bound = stated_bound(name, dtype)
    assert error[worst] <= bound + library, f"{error[worst]:.2f} ulp at {x[worst]!r}"
    assert error[worst] > bound / 2, f"the bound could be stricter: {error[worst]:.2f} ulp"


def test_single_precision_series_are_as_close_as_their_comments_say():
    """Closer than float32 can show: in float64."""
    log_series, erfc_series = np.polynomial.Polynomial(module.LOG_32), np.polynomial.Polynomial(module.ERFC_32)
    s = np.linspace(1e-3, (math.sqrt(2) - 1) / (math.sqrt(2) + 1), 1000)
    exact = (np.log1p(s) - np.log1p(-s)) / s
    assert np.abs(2 + s**2 * log_series(s**2) - exact).max() < 2.0**-34
    a = np.linspace(0, 10.5, 1000)
    exact = (a + 2) * special.erfcx(a)
    assert np.abs(erfc_series((a - 2) / (a + 2)) / exact - 1).max() < 7e-9


def special_values(dtype):
    limits = np.finfo(dtype)
    least = limits.smallest_subnormal
    sizes = [0, least, 3 * least, limits.tiny - least, limits.tiny, 1e-30, 0.5, 1, 2, 22, 28, 1000, 1e30, limits.max]
    return np.array([*sizes, *(-each for each in sizes), np.inf, -np.inf, np.nan], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SMOOTH)
def test_special_values_are_numpys(name, dtype):
    x = special_values(dtype)
    value = value_of(name, x)
    with np.errstate(all="ignore"):
        expected = np.array([SMOOTH[name](each) for each in x]).astype(dtype)
    # equal where the value is exact: at infinity and NaN, a limit, or a subnormal number, where f(x) = x to first order
    limits = [0, 2] if name == "erfc" else [0, 1]
    exact = ~np.isfinite(expected) | (np.abs(expected) < np.finfo(dtype).tiny) | np.isin(np.abs(expected), limits)
    np.testing.assert_array_equal(value[exact], expected[exact])
    np.testing.assert_allclose(value, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).smallest_subnormal)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SMOOTH)
def test_functions_step_back_across_their_switches_by_no_more_than_their_error(name, dtype):
    direction, step = -1 if name == "erfc" else 1, 64 * np.finfo(dtype).eps
    for switch in np.asarray(switches(name, dtype), dtype):
        with np.errstate(over="ignore"):
            x = np.unique(switch * (1 + step * np.arange(-8, 9, dtype=dtype)))
        value = value_of(name, x)
        value = direction * value[np.isfinite(value)]
        back = value[:-1] - value[1:]
        assert (back <= stated_bound(name, dtype) * np.spacing(np.abs(value[1:]))).all(), f"near {switch!r}: {value}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranges_are_never_left(dtype):
    x = whole_range("exp", dtype, np.random.default_rng(1))
    for name, least, most in [("exp", 0, np.inf), ("expm1", -1, np.inf), ("tanh", -1, 1), ("erfc", 0, 2)]:
        value = value_of(name, x)
        assert least <= value.min() <= value.max() <= most


def any_numbers(dtype):
    return arrays(dtype, 8, elements=st.floats(width=np.finfo(dtype).bits))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_simple_functions_equal_numpys(name, dtype):
    @settings(deadline=None, max_examples=50)
    @given(any_numbers(dtype))
    def equal(x):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(value_of(name, x), getattr(np, name)(x))

    equal()
    x = special_values(dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(value_of(name, x), getattr(np, name)(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO)
def test_functions_of_two_equal_numpys_for_every_pair_of_special_values(name, dtype):
    a, b = (each.ravel() for each in np.meshgrid(special_values(dtype), special_values(dtype)))
    np.testing.assert_array_equal(value_of(name, a, b), getattr(np, name)(a, b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_takes_either_number_whatever_it_is(dtype):
    a, b = (each.ravel() for each in np.meshgrid(special_values(dtype), special_values(dtype)))
    condition = np.arange(a.size) % 3 == 0
    np.testing.assert_array_equal(value_of("where", condition, a, b), np.where(condition, a, b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SMOOTH, *EXACT])
def test_a_loop_becomes_a_loop_over_vectors(name, dtype):
    x = np.ones(4, dtype)
    value_of(name, x)
    loop = compiled(name, dtype)
    (code,) = loop.inspect_llvm().values()
    lanes = r"<\d+ x double>" if dtype is np.float64 else r"<\d+ x float>"
    assert re.search(rf"store {lanes}", code)


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_numbers_are_taken_and_other_floats_refused(dtype):
    larger = functions(dtype)["maximum"]
    other = np.float64 if dtype is np.float32 else np.float32
    at_least_zero = njit(lambda x: larger(x, 0))
    assert at_least_zero(dtype(-1.5)) == 0
    assert at_least_zero(dtype(1.5)) == 1.5
    assert [each.name for each in (code.signature.return_type for code in at_least_zero.overloads.values())] == [
        np.dtype(dtype).name
    ]
    with pytest.raises(TypingError):
        at_least_zero(other(1.5))


def test_functions_are_one_dictionary_for_each_dtype_under_numpys_names():
    assert functions(np.float32) is functions(np.dtype("float32")) is functions("float32")
    assert functions(np.float32) is not functions(np.float64)
    assert set(functions(np.float64)) == {*SMOOTH, *EXACT, *OF_TWO, "where"}


@pytest.mark.parametrize("dtype", [np.float16, np.int64])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=rf"dtype is {np.dtype(dtype).name}.*float64 or float32"):
        functions(dtype)
