"""The NumPy file: it predicts what the network predicts, reads raw rows, and needs nothing but NumPy."""

import runpy
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.activations import Formula
from handgrad.interchange.checking import onnx_inputs
from handgrad.interchange.onnx_file import onnx_bytes
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn
from travelling import (
    CASES,
    answer_of,
    case_name,
    distance,
    every_function,
    network_of,
    own_rounding,
    patients,
    raw_rows,
    rows_of,
)

TOLERANCE = 1e-6


@pytest.fixture
def written(tmp_path):
    """Writes a network and gives the names in the file."""

    def write(net):
        hg.to_numpy(net, tmp_path / "net.py")
        return runpy.run_path(str(tmp_path / "net.py"))

    return write


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_every_activation_loss_and_layer_in_both_precisions(case, written):
    net = network_of(case)
    X, answer = rows_of(net), answer_of(net)
    module = written(net)
    with np.errstate(all="raise", under="ignore"):
        found = module[answer](X)
    assert found.dtype == net.dtype
    expected = getattr(net, answer)(X, engine="numpy")
    assert distance(found, expected) <= TOLERANCE + 4 * own_rounding(net, X, answer)
    if case["dtype"] == "float64":
        assert distance(found, expected) <= 1e-12
        if answer == "predict_proba":
            np.testing.assert_array_equal(module["predict"](X), net.predict(X))


def test_every_number_comes_back_exactly(written):
    for dtype in ("float64", "float32"):
        net = network_of(CASES[0] | {"norm": "batch", "bias": True}).astype(dtype)
        module = written(net)
        for name in [*net.parameter_names, "batchnorm1.mean", "batchnorm1.variance"]:
            assert module[name.replace(".", "_")].dtype == dtype
            np.testing.assert_array_equal(module[name.replace(".", "_")], net[name])


def test_a_formula_over_all_functions_is_written_from_itself(written):
    net = hg.Network([hg.Dense(1, 1), hg.Activation(every_function(p=0.5))], loss="mse")
    net["dense1.W"] = [[1.0]]
    X = np.concatenate([np.linspace(-12, 12, 97), [-60.0, 60.0, 1e-9]])[:, None]
    assert distance(written(net)["predict"](X), every_function(p=0.5).value(X)) <= 1e-14


def test_the_same_formula_with_other_parameters_is_another_function(written):
    rules = ["leaky_relu(0.1)", "leaky_relu(0.2)", "leaky_relu(0.1)"]
    net = hg.Network.mlp([2, 4, 4, 4, 2], activation=rules, seed=1)
    module, X = written(net), rows_of(net)
    assert [name for name in module if name.startswith("apply_")] == ["apply_leaky_relu", "apply_leaky_relu_2"]
    assert distance(module["predict_proba"](X), net.predict_proba(X, engine="numpy")) <= 1e-12


def test_a_name_that_python_keeps_for_itself_does_no_harm(written):
    net = hg.Network.mlp([2, 3, 2], activation=Formula("lambda", f=lambda z: -z * -2, df=lambda z, a: 2 + 0 * z))
    X = rows_of(net)
    assert distance(written(net)["predict_proba"](X), net.predict_proba(X, engine="numpy")) <= 1e-12


# --- raw rows ---


@pytest.mark.parametrize(
    "as_rows", [lambda rows: rows, lambda rows: rows.to_dict("list"), lambda r: r.to_dict("records")]
)
def test_raw_rows_in_any_form(written, as_rows):
    net, rows = patients(), raw_rows()
    module, X = written(net), net.preprocessing.transform(rows)
    np.testing.assert_array_equal(module["inputs"](as_rows(rows)), X)
    assert list(module["predict"](as_rows(rows))) == [net.preprocessing.class_names[i] for i in net.predict(X)]
    assert distance(module["predict_proba"](as_rows(rows)), net.predict_proba(X)) <= 1e-12
    assert list(module["predict"](as_rows(rows[:1]))) == list(module["predict"](rows))[:1]


def test_an_array_where_all_columns_are_numbers(written):
    train, test = hg.datasets.iris().split()
    net = hg.Network.mlp([4, 5, 3], seed=0)
    net.preprocessing = train.preprocessing
    module = written(net)
    np.testing.assert_array_equal(module["inputs"](np.asarray(test.rows)), test.X)
    with pytest.raises(ValueError, match=r"rows has shape \(2, 5\); expected \(B, 4\)"):
        module["predict"](np.ones((2, 5)))


def test_one_sigmoid_output_tells_two_names_apart(written):
    net, rows = patients("sigmoid_cross_entropy", 1), raw_rows()
    module, X = written(net), net.preprocessing.transform(rows)
    p = net.predict_proba(X)
    assert distance(module["predict_proba"](rows), np.hstack([1 - p, p])) <= 1e-12
    assert list(module["predict"](rows)) == [net.preprocessing.class_names[i] for i in net.predict(X)[:, 0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:0], "no rows"),
        (lambda rows: rows.drop(columns="owner"), "no column 'owner'"),
        (lambda rows: rows.assign(ward="B"), "column 'ward' has the category 'B'"),
        (lambda rows: rows.assign(owner=np.nan), "column 'owner' has a value that is not a finite number"),
        (lambda rows: rows.drop(columns="owner").to_dict("records"), "a row has no column 'owner'"),
        (lambda rows: [], "no rows"),
        (lambda rows: rows.assign(owner=None), "column 'owner' has None; expected a finite number"),
        (lambda rows: rows.assign(owner=pd.NA), "column 'owner' has <NA>; expected a finite number"),
        (lambda rows: rows.assign(owner=10**400), "column 'owner' has 10+; expected a finite number"),
        (lambda rows: rows.assign(owner="much"), "column 'owner' has 'much'"),
        (lambda rows: rows.to_dict("list") | {"owner": None}, "column 'owner' is None; expected a list"),
        (lambda rows: rows.to_dict("list") | {"ward": "A"}, "column 'ward' is 'A'; expected a list"),
        (lambda rows: None, "rows is None; expected a dict"),
        (lambda rows: "age", "rows is 'age'; expected a dict"),
        (lambda rows: [1, 2], "a row has no column"),
        (lambda rows: rows.drop(columns="unused").to_numpy(), "rows is an array but column 'ward' is text"),
    ],
)
def test_bad_rows_are_refused(written, change, words):
    module = written(patients())
    with pytest.raises(ValueError, match=words):
        module["predict"](change(raw_rows()))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_no_value_is_no_category_even_if_one_is_spelled_so(written, missing):
    texts = ("None", "nan", "NaT", "<NA>")
    net = hg.Network.mlp([5, 2], seed=0)
    net.preprocessing = Preprocessing((NumericColumn("n"), TextColumn("t", texts)), "y", ("a", "b"))
    module, rows = written(net), pd.DataFrame({"n": 0.0, "t": pd.Series(texts, dtype=object)})
    np.testing.assert_array_equal(module["inputs"](rows), net.preprocessing.transform(rows))
    rows["t"] = pd.Series([*texts[:3], missing], dtype=object)
    for form in (rows, rows.to_dict("list"), rows.to_dict("records")):
        with pytest.raises(ValueError, match="column 't' has no value in a row"):
            module["predict"](form)
    with pytest.raises(ValueError, match="column 't' has no value at row 3"):
        net.preprocessing.transform(rows)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.ones((0, 2)), "at least one row"),
        (np.ones((2, 3)), r"X has shape \(2, 3\)"),
        (np.ones(2), r"X has shape \(2,\)"),
        ([[1.0, np.nan]], "finite"),
        ([[1.0, pd.NA]], "not a number"),
        ([[1.0, None]], "finite"),
    ],
)
def test_a_bad_x_is_refused(written, X, words):
    module = written(hg.Network.mlp([2, 2]))
    with pytest.raises(ValueError, match=words):
        module["predict_proba"](X)


def test_it_runs_where_there_is_only_numpy_and_reads_a_csv_file(tmp_path):
    net, rows = patients(), raw_rows()
    hg.to_numpy(net, tmp_path / "net.py")
    rows.assign(owner=rows["owner"].astype(int)).to_csv(tmp_path / "rows.csv", index=False)
    others = "handgrad pandas scipy sklearn numba torch"
    block = f"import sys; sys.modules.update(dict.fromkeys({others!r}.split())); sys.argv = ['net.py', 'rows.csv']; "
    run = [sys.executable, "-X", "utf8", "-c", block + "import runpy; runpy.run_path('net.py', run_name='__main__')"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    X = net.preprocessing.transform(pd.read_csv(tmp_path / "rows.csv"))
    assert done.stdout.splitlines() == [net.preprocessing.class_names[i] for i in net.predict(X)]


def test_as_a_program_it_reads_numbers(tmp_path):
    net = hg.Network.mlp([2, 3, 2], loss="mse", seed=0)
    hg.to_numpy(net, tmp_path / "net.py")
    X = rows_of(net)
    np.savetxt(tmp_path / "X.csv", X, delimiter=",")
    run = [sys.executable, "net.py", "X.csv"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    printed = np.array([line.split(",") for line in done.stdout.splitlines()], dtype=float)
    assert distance(printed, net.predict(X)) <= 1e-12


@pytest.mark.parametrize(
    ("net", "error", "words"),
    [
        (hg.Network.mlp([2, 2], seed=range(2)), ValueError, "stack of 2 networks"),
        ("net", TypeError, "net is 'net'; expected a Network"),
        (hg.Network([hg.Activation("relu")], loss="mse"), ValueError, "rows of any width"),
    ],
)
def test_what_cannot_leave_is_refused(net, error, words, tmp_path):
    with pytest.raises(error, match=words):
        hg.to_numpy(net, tmp_path / "net.py")
    assert list(tmp_path.iterdir()) == []


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=2, max_size=2, unique=True), st.lists(texts, min_size=2, max_size=4, unique=True))
def test_names_may_be_any_text(written, columns, words):
    """In the NumPy file and, where it can be read here, in ONNX."""
    net = hg.Network.mlp([1 + len(words), len(words)], seed=0)
    number, text = columns
    net.preprocessing = Preprocessing((NumericColumn(number), TextColumn(text, tuple(words))), "y", tuple(words))
    rows = pd.DataFrame({number: np.linspace(-2, 2, len(words)), text: words})
    expected = [words[i] for i in net.predict(net.preprocessing.transform(rows))]
    assert list(written(net)["predict"](rows)) == expected
    if find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(onnx_bytes(net), providers=["CPUExecutionProvider"])
        assert list(session.run(None, onnx_inputs(net.preprocessing, rows))[0]) == expected


@pytest.mark.parametrize("name", ['a"""b.py', "a b.py", "class.txt", "net"])
def test_the_file_may_have_any_name(name, tmp_path):
    hg.to_numpy(hg.Network.mlp([2, 2]), tmp_path / name)
    assert runpy.run_path(str(tmp_path / name))["predict"]([[0.0, 0.0]]).shape == (1,)


@pytest.mark.parametrize("text", ["a\0", "a\0b", "\0", "\udc80", "a\ud83d"])
@pytest.mark.parametrize("what", ["class name", "column name", "category", "target name"])
@pytest.mark.parametrize("leave", [lambda net: hg.to_numpy(net, "net.py"), onnx_bytes, hg.to_sklearn])
def test_a_name_that_others_would_cut_off_stays_here(leave, what, text, tmp_path, monkeypatch):
    if leave is onnx_bytes:
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    names = {each: text if each == what else "a" for each in ("class name", "category", "target name")}
    number = NumericColumn(text if what == "column name" else "n")
    words = TextColumn("t", (names["category"], "b"))
    net = hg.Network.mlp([3, 4, 2], seed=0)
    net.preprocessing = Preprocessing((number, words), names["target name"], (names["class name"], "b"))
    with pytest.raises(ValueError, match=rf"net.preprocessing has the {what}.*expected text without NUL") as caught:
        leave(net)
    assert repr(text) in str(caught.value)
    str(caught.value).encode()  # it can be shown
    assert list(tmp_path.iterdir()) == []


def test_columns_that_the_network_does_not_take_are_refused_everywhere(tmp_path):
    net = hg.Network.mlp([3, 2], seed=0)
    net.preprocessing = Preprocessing((NumericColumn("n"),), "y", ("a", "b"))
    for leave in (lambda net: hg.to_numpy(net, tmp_path / "net.py"), onnx_bytes, hg.to_sklearn):
        if leave is onnx_bytes and not find_spec("onnx"):
            continue
        with pytest.raises(ValueError, match=r"net.preprocessing makes 1 columns but the network takes 3"):
            leave(net)
