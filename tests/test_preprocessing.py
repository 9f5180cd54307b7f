"""Raw columns become X, learned from the training rows only, and come back exactly from JSON."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn, read_column

finite = st.floats(allow_nan=False, allow_infinity=False)


def table(rows=40):
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": random.normal(40, 10, rows),
            "colour": random.choice(["red", "green", "blue"], rows),
            "owner": random.random(rows) < 0.5,
            "rooms": random.integers(1, 6, rows),
        }
    )


def fit(rows, **settings):
    return Preprocessing.fit(rows, **({"target_name": "price", "class_names": None} | settings))


def test_it_agrees_with_scikit_learns_scaler_and_encoder():
    rows = table()
    X = fit(rows).transform(rows)
    scaled = StandardScaler().fit_transform(rows[["age", "owner", "rooms"]].astype(float))
    np.testing.assert_allclose(X[:, [0, 4, 5]], scaled, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(X[:, 1:4], OneHotEncoder(sparse_output=False).fit_transform(rows[["colour"]]))
    assert X.dtype == np.float64


def test_names_follow_the_columns_of_x():
    fitted = fit(table(), class_names=["no", "yes"])
    assert fitted.feature_names == ("age", "colour=blue", "colour=green", "colour=red", "owner", "rooms")
    assert (fitted.target_name, fitted.class_names) == ("price", ("no", "yes"))


def test_statistics_come_from_the_fitted_rows_alone():
    rows = table()
    fitted = fit(rows[:10])
    X = fitted.transform(rows)
    np.testing.assert_allclose(X[:10, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(X[:10, 0].std(), 1)
    np.testing.assert_array_equal(X[7:8], fitted.transform(rows[7:8]))  # a row does not depend on its neighbours


def test_unstandardised_numbers_are_unchanged():
    rows = table()
    plain = fit(rows, standardise=False)
    np.testing.assert_array_equal(plain.transform(rows)[:, 0], rows["age"])
    assert plain.refit(rows).refit(rows, standardise=False) == plain


@settings(deadline=None)
@given(finite, st.integers(1, 50))
def test_a_constant_column_has_its_value_as_mean_and_scale_one(value, rows):
    assert NumericColumn("v").fit(np.full(rows, value)) == NumericColumn("v", value, 1.0)


def test_a_spread_too_small_for_a_variance_has_scale_one():
    assert NumericColumn("v").fit(np.array([0.0, 1e-200])).scale == 1.0


def test_order_of_columns_extra_columns_and_the_index_do_not_matter():
    rows = table()
    fitted = fit(rows)
    shuffled = rows.iloc[:, ::-1].assign(price=1.0)
    shuffled.index = range(100, 140)
    np.testing.assert_array_equal(fitted.transform(shuffled), fitted.transform(rows))


def test_the_target_is_no_feature():
    assert fit(table().assign(price=1.0)) == fit(table())


def test_an_array_serves_where_all_columns_are_numeric():
    rows = table()[["age", "rooms"]]
    fitted = fit(rows)
    np.testing.assert_array_equal(fitted.transform(rows.to_numpy()), fitted.transform(rows))
    assert fitted.refit(rows.to_numpy()[:9]) == fit(rows[:9])


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series([1, 2, 3], dtype="Float64"),
        pd.Series([1, 2, 3], dtype="int64[pyarrow]"),
        pd.Series([1, 2, 3], dtype=object),
        pd.Series([1, 2, 3], dtype="category"),
        pd.Series([1, 2, 3], dtype=np.uint8),
    ],
    ids=lambda column: str(column.dtype),
)
def test_every_kind_of_number_is_a_number(column):
    rows = pd.DataFrame({"v": column})
    assert fit(rows) == fit(pd.DataFrame({"v": [1.0, 2.0, 3.0]}))
    np.testing.assert_array_equal(fit(rows, standardise=False).transform(rows), [[1.0], [2.0], [3.0]])


@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
def test_every_kind_of_text_is_text(dtype):
    rows = pd.DataFrame({"v": pd.Series(["b", "a", "b"], dtype=dtype)})
    assert fit(rows).columns == (TextColumn("v", ("a", "b")),)
    np.testing.assert_array_equal(fit(rows).transform(rows), [[0, 1], [1, 0], [0, 1]])


def test_what_was_read_as_another_type_still_matches():
    fitted = fit(pd.DataFrame({"size": ["1", "2", "3+"], "age": [1, 2, 3]}), standardise=False)
    read_again = pd.DataFrame({"size": [2], "age": ["7"]})
    np.testing.assert_array_equal(fitted.transform(read_again), [[0, 1, 0, 7]])


numeric_columns = st.builds(NumericColumn, st.text(), finite, st.floats(0, exclude_min=True, allow_infinity=False))
text_columns = st.builds(TextColumn, st.text(), st.lists(st.text(), min_size=1, unique=True).map(tuple))
class_names = st.none() | st.lists(st.text()).map(tuple)


@settings(deadline=None)
@given(
    st.builds(Preprocessing, st.lists(numeric_columns | text_columns, min_size=1).map(tuple), st.text(), class_names)
)
def test_json_brings_it_back_exactly(preprocessing):
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing


@pytest.mark.parametrize(
    "d",
    [
        {},
        {"columns": [{"name": "a"}], "target_name": "y"},
        {"columns": [{"name": "a", "mean": 0, "scale": 0}], "target_name": "y", "class_names": None},
        {"columns": [{"name": "a", "mean": "x", "scale": 1}], "target_name": "y", "class_names": None},
        {"columns": [{"name": "a", "categories": []}], "target_name": "y", "class_names": None},
        {"columns": [{"name": "a", "categories": ["b", "b"]}], "target_name": "y", "class_names": None},
        {"columns": 3, "target_name": "y", "class_names": None},
        {"columns": [3], "target_name": "y", "class_names": None},
        {"columns": [{"name": "a"}], "target_name": "y", "class_names": None},
        {"columns": [{"name": 1, "mean": 0, "scale": 1}], "target_name": "y", "class_names": None},
        {"columns": [{"name": "a", "categories": ["b", 1]}], "target_name": "y", "class_names": None},
        {"columns": [], "target_name": None, "class_names": None},
        {"columns": [], "target_name": "y", "class_names": [0, 1]},
    ],
)
def test_a_changed_description_is_refused(d):
    with pytest.raises(ValueError, match=r"d is not what Preprocessing\.to_dict writes"):
        Preprocessing.from_dict(d)


def rows_of(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (rows_of(Age=[1], colour=["red"]), ["'age'", "did you mean 'Age'"]),
        (rows_of(age=["1", "old"], colour=["red", "red"]), ["'age'", "row 1", "'old'", "expected a number"]),
        (rows_of(age=[1, 2], colour=["red", "rad"]), ["'colour'", "row 1", "'rad'", "did you mean 'red'"]),
        (rows_of(age=[1.0, np.nan], colour=["red", "red"]), ["'age'", "row 1", "no value", "fill or drop"]),
        (rows_of(age=[1, 2], colour=["red", None]), ["'colour'", "row 1", "no value"]),
        (rows_of(age=[1.0, np.inf], colour=["red", "red"]), ["'age'", "row 1", "inf"]),
        (rows_of(age=["1", "nan"], colour=["red", "red"]), ["'age'", "row 1", "nan"]),
        (rows_of(age=pd.to_datetime(["2020-01-01"]), colour=["red"]), ["'age'", "row 0", "expected a number"]),
        (rows_of(age=[1j], colour=["red"]), ["'age'", "row 0", "expected a number"]),
        (rows_of(age=[], colour=[]), ["no rows"]),
        (pd.DataFrame([[1, 2, "red"]], columns=["age", "age", "colour"]), ["2 columns named 'age'"]),
        (np.ones((2, 2)), ["array", "'colour' is text", "DataFrame"]),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows, words):
    fitted = fit(rows_of(age=[1, 2], colour=["red", "blue"]))
    refused(words, fitted.transform, rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones((2, 3)), ["(2, 3)", "(B, 2)", "a, b", "target"]),
        (np.ones(2), ["(2,)", "(B, 2)"]),
        (np.ones((0, 2)), ["no rows"]),
        (np.array([[1, 2], [3, np.nan]]), ["'b'", "row 1", "nan"]),
        (np.array([[1, 2], [1e308, 3]]), ["'a'", "row 1", "inf"]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(rows, words):
    fitted = Preprocessing((NumericColumn("a", 0.0, 1e-9), NumericColumn("b")), "y")
    refused(words, fitted.transform, rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (rows_of(price=[1, 2]), ["no columns besides the target 'price'"]),
        (rows_of(a=[]), ["no rows"]),
        (pd.DataFrame([[1, 2]]), ["named 0", "expected text"]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ["2 columns named 'a'"]),
        (rows_of(a=["x", 3]), ["'a'", "row 1", "3", "text in every row"]),
        (rows_of(a=[3, "x"]), ["'a'", "row 1", "'x'", "a number in every row"]),
        (rows_of(a=pd.to_datetime(["2020-01-01"])), ["'a'", "Timestamp", "row 0"]),
        (rows_of(a=[1e308, -1e308, 1e308]), ["'a'", "too large", "rescale"]),
        (rows_of(a=[str(i) for i in range(30)] + ["12a"]), ["'a'", "31 different texts", "row 30", "'12a'"]),
    ],
)
def test_columns_that_cannot_be_described_are_refused(rows, words):
    refused(words, fit, rows)


def refused(words, function, *arguments):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the words are checked below)
        function(*arguments)
    assert [word for word in words if word not in str(caught.value)] == []


def test_importing_it_and_the_datasets_loads_numpy_only():
    heavy = "pandas sklearn scipy pyarrow numba matplotlib"
    script = f"import sys, handgrad.datasets; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", [object, "str", "string", "string[pyarrow]"])
def test_names_of_columns_may_be_of_any_type_of_text(dtype):
    frame = pd.DataFrame([[1.0, "p"], [2.0, "q"]], columns=pd.Index(["a", "t"], dtype=dtype))
    np.testing.assert_array_equal(read_column(frame, "a"), [1, 2])
    with pytest.raises(ValueError, match="did you mean 'a'"):
        read_column(frame, "aa")
    with pytest.raises(ValueError, match="2 columns named 't'"):
        read_column(frame.set_axis(pd.Index(["t", "t"], dtype=dtype), axis=1), "t")
