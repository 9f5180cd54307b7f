"""The functions that formulas are made of: equal to SciPy's, in the dtype that came, silent however far out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special

from handgrad import elementary

PEERS = {
    "step": lambda z: np.heaviside(z, 0),
    "sigmoid": special.expit,
    "softplus": lambda z: np.logaddexp(0, z),
    "erfc": special.erfc,
}
DTYPES = [np.float32, np.float64]
logits = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.floats(-1e4, 1e4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PEERS)
def test_elementwise_functions_equal_scipys_and_are_silent(name, dtype):
    z = np.concatenate([np.linspace(-1000, 1000, 2001), np.linspace(-9, 9, 1001)]).astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        value = getattr(elementary, name)(z)
    assert value.dtype == dtype
    expected = PEERS[name](z.astype(np.float64))
    np.testing.assert_allclose(value, expected, rtol=32 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@settings(deadline=None)
@given(logits)
def test_softmax_equals_scipys_in_any_shape(Z):
    np.testing.assert_allclose(elementary.softmax(Z), special.softmax(Z, axis=-1), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_is_silent_keeps_dtype_and_ignores_a_shift(dtype):
    Z = np.array([[1e4, -1e4, 0], [3, 3, 3], [-1e4, -1e4, -1e4]], dtype)
    with np.errstate(all="raise", under="ignore"):
        P, shifted = elementary.softmax(Z), elementary.softmax(Z + dtype(64))
    assert P.dtype == dtype
    np.testing.assert_allclose(P, [[1, 0, 0], [1 / 3] * 3, [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_array_equal(P, shifted)


@pytest.mark.parametrize("columns", [elementary._SHORT_ROW, elementary._SHORT_ROW + 1, 1000])
def test_the_largest_of_long_rows_is_the_same_alone_and_in_a_stack(columns):
    Z = np.random.default_rng(0).standard_normal((3, 7, columns))
    np.testing.assert_array_equal(elementary.row_max(Z), Z.max(axis=-1, keepdims=True))
    for each, alone in zip(elementary.row_max(Z), Z, strict=True):
        np.testing.assert_array_equal(each, elementary.row_max(alone))


def test_only_short_rows_are_copied(monkeypatch):
    copied = []
    monkeypatch.setattr(np, "ascontiguousarray", lambda Z: copied.append(Z.shape) or Z.copy())
    for columns in (2, 10, 100, 1000):
        elementary.row_max(np.zeros((210, columns)))
    assert copied == [(2, 210), (10, 210)]


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None)
@given(Z=logits)
def test_rows_and_columns_are_reduced_as_numpy_does(Z, dtype):
    Z = Z.astype(dtype)
    tolerance = {"rtol": 0, "atol": 64 * np.finfo(dtype).eps * 1e4}
    np.testing.assert_array_equal(elementary.row_max(Z), Z.max(axis=-1, keepdims=True))
    np.testing.assert_allclose(elementary.row_sum(Z), Z.sum(axis=-1), **tolerance)
    np.testing.assert_allclose(elementary.column_sum(Z), Z.sum(axis=-2, keepdims=True), **tolerance)
    assert elementary.row_sum(Z).dtype == elementary.column_sum(Z).dtype == elementary.row_max(Z).dtype == dtype
