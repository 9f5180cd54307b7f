"""The door: what passes comes back as it should be; what does not is named, with what came and what was expected."""

from fractions import Fraction

import numpy as np
import pytest

from handgrad.arrays import require_finite, require_integer, require_number, require_numeric, require_rows

nan, inf = np.nan, np.inf


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_come_back_as_int(value):
    assert type(require_integer("epochs", value)) is int


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(4, 2)])
def test_numbers_come_back_as_float(value):
    number = require_number("rate", value)
    assert (number, type(number)) == (2.0, float)


def test_bounds_are_open_or_closed_as_they_say():
    assert require_number("momentum", 0, at_least=0, below=1) == 0
    assert require_number("q", 1, above=0, at_most=1) == 1
    assert require_integer("patience", 0, at_least=0) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: require_integer("epochs", 0), ValueError, "epochs is 0; expected a whole number of at least 1"),
        (lambda: require_integer("epochs", 2.0), TypeError, "epochs is 2.0; expected a whole number of at least 1"),
        (lambda: require_integer("epochs", True), TypeError, "epochs is True; expected a whole"),
        (lambda: require_integer("step", -1, at_least=0), ValueError, "step is -1; expected a whole number of at le"),
        (lambda: require_number("rate", "fast"), TypeError, "rate is 'fast'; expected a finite number"),
        (lambda: require_number("rate", True), TypeError, "rate is True; expected a finite number"),
        (lambda: require_number("rate", None), TypeError, "rate is None; expected a finite number"),
        (lambda: require_number("rate", 0, above=0), ValueError, "rate is 0; expected a finite number above 0"),
        (lambda: require_number("rate", nan), ValueError, "rate is nan; expected a finite number"),
        (lambda: require_number("rate", inf), ValueError, "rate is inf; expected a finite number"),
        (
            lambda: require_number("x", 10**400),
            ValueError,
            "x is too large for a float; expected a finite number",
        ),
        (lambda: require_number("q", 2, at_most=1), ValueError, "q is 2; expected a finite number at most 1"),
        (
            lambda: require_number("momentum", 1.0, at_least=0, below=1),
            ValueError,
            "momentum is 1.0; expected a finite number at least 0 and below 1",
        ),
    ],
)
def test_numbers_are_refused_with_name_and_expectation(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize("values", [[[1, 2]], [True, False], np.float32([1]), 3.5, np.uint8([1]), np.ma.array([1.0])])
def test_numbers_of_any_kind_are_numeric(values):
    np.testing.assert_array_equal(require_numeric("X", values), values)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([["a", "b"]], TypeError, "X holds <U1, not numbers; encode text columns first"),
        ([None, 1.0], TypeError, "X holds object, not numbers"),
        ([1j], TypeError, "X holds complex128, not numbers"),
        ([[1, 2], [3]], ValueError, "X is ragged"),
        (np.ma.masked_array([1.0, -999.0], [False, True]), TypeError, "X has masked values, which would be taken"),
    ],
)
def test_what_is_not_numeric_is_refused(values, error, message):
    with pytest.raises(error, match=message):
        require_numeric("X", values)


def test_finite_arrays_come_back_themselves():
    array = np.arange(6.0).reshape(2, 3)
    assert require_finite("X", array) is array


@pytest.mark.parametrize(
    ("array", "names", "message"),
    [
        ([1.0, nan], None, r"X has nan at row 1 \(1 value is not finite\)"),
        ([[1.0, 2.0], [inf, nan]], None, r"X has inf at row 1, column 0 \(2 values are not finite\)"),
        ([[1.0, nan]], ["age", "size"], r"X has nan at row 0, column 1 \('size'\)"),
        ([[[0.0]], [[-inf]]], None, r"X has -inf at network 1, row 0, column 0"),
    ],
)
def test_the_first_value_that_is_not_finite_is_located(array, names, message):
    with pytest.raises(ValueError, match=message):
        require_finite("X", np.array(array), names)


def test_rows_are_counted_along_the_first_axis():
    array = np.zeros((4, 2))
    assert require_rows("y", array, 4) is array
    for rows in (3, 5):
        with pytest.raises(ValueError, match=f"y has 4 rows but X has {rows}; each row of X needs one"):
            require_rows("y", array, rows)
