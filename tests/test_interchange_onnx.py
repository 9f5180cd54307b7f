"""ONNX files: what onnxruntime and ONNX's own evaluator compute from them is what the network computes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

import handgrad as hg
from handgrad.activations import Formula
from handgrad.files.description import _KINDS as FILED
from handgrad.interchange import formulas, onnx_file
from handgrad.interchange.checking import onnx_inputs
from handgrad.interchange.door import KINDS
from handgrad.interchange.onnx_file import onnx_bytes
from handgrad.losses import Loss, losses
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

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TOLERANCE = 1e-6


def runtime(content):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda given: dict(zip([each.name for each in session.get_outputs()], session.run(None, given), strict=True))


def evaluator(content):
    from onnx.reference import ReferenceEvaluator

    reference = ReferenceEvaluator(onnx.load_from_string(content))
    return lambda given: dict(zip(reference.output_names, reference.run(None, given), strict=True))


every_runner = pytest.mark.parametrize("runner", [runtime, evaluator])


@pytest.mark.parametrize("case", CASES, ids=case_name)
@every_runner
def test_every_activation_loss_and_layer_in_both_precisions(case, runner):
    net = network_of(case)
    X, answer = rows_of(net), answer_of(net)
    found = runner(onnx_bytes(net))({"X": X})
    numbers = found["value" if answer == "predict" else "probabilities"]
    assert numbers.dtype == net.dtype
    expected = getattr(net, answer)(X, engine="numpy")
    assert distance(numbers, expected) <= TOLERANCE + 4 * own_rounding(net, X, answer)
    if case["dtype"] == "float64":
        assert distance(numbers, expected) <= 1e-12
        if answer == "predict_proba":
            np.testing.assert_array_equal(found["label"], net.predict(X))


def test_every_kind_of_layer_that_is_known_is_among_them():
    kinds = {type(leaf.layer) for case in CASES for leaf in network_of(case).leaves} | {hg.Residual}
    assert kinds == set(KINDS) == set(FILED.values())


@every_runner
def test_a_formula_over_all_functions_is_written_from_itself(runner):
    net = hg.Network([hg.Dense(1, 1), hg.Activation(every_function(p=0.5))], loss="mse")
    net["dense1.W"] = [[1.0]]
    X = np.concatenate([np.linspace(-12, 12, 97), [-60.0, 60.0, 1e-9]])[:, None]
    expected = every_function(p=0.5).value(X)
    assert distance(runner(onnx_bytes(net))({"X": X})["value"], expected) <= 1e-14


@pytest.mark.parametrize("constant", [np.ones_like, lambda z: z > 0, lambda z: np.where(z, 2, z)])
def test_a_formula_that_is_a_constant_or_a_condition_keeps_the_shape(constant):
    net = hg.Network([hg.Dense(2, 3), hg.Activation(Formula("own", f=constant, df=lambda z, a: 0 * z))], loss="mse")
    X = rows_of(net)
    assert distance(runtime(onnx_bytes(net))({"X": X})["value"], net.predict(X, engine="numpy")) == 0


@pytest.mark.parametrize(
    ("ours", "peer", "z"),
    [
        (formulas.expm1, np.expm1, np.concatenate([np.linspace(-40, 40, 4001), 10.0 ** np.arange(-20, 0)])),
        (formulas.log1p, np.log1p, np.concatenate([np.linspace(-0.999, 40, 4001), 10.0 ** np.arange(-20, 0)])),
        (formulas.erfc, special.erfc, np.linspace(-8, 8, 4001)),
    ],
)
def test_functions_that_onnx_lacks_are_right_to_the_last_digits(ours, peer, z):
    np.testing.assert_allclose(ours(z), peer(z), rtol=2e-14)


def test_they_are_silent_far_out():
    z = np.array([-1e3, -700.0, 0.0, 700.0])
    np.testing.assert_allclose(formulas.erfc(z), [2, 2, 1, 0], rtol=1e-15)
    np.testing.assert_allclose(formulas.expm1(z), np.expm1(z), rtol=1e-15)
    far = np.array([-0.75, -1 + 1e-16, 0.0, 1e16, 1e160, 1e308, np.inf])
    np.testing.assert_allclose(formulas.log1p(far), np.log1p(far), rtol=1e-15)
    assert np.isnan(formulas.log1p(np.array([np.nan]))).all()


@settings(max_examples=40)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.floats(-1e3, 1e3)))
def test_any_rows_however_many(X):
    expected = NET.predict_proba(X, engine="numpy")
    assert distance(ASK({"X": X})["probabilities"], expected) <= 1e-12


NET = hg.Network.mlp([2, 5, 4, 3], activation=["gelu", "mish"], norm="layer", seed=2)
ASK = runtime(onnx_bytes(NET))


@pytest.mark.parametrize("name", [rule.name for rule in losses])
def test_the_outputs_of_every_loss(name):
    net = hg.Network.mlp([2, 4, 3], loss=name, seed=1)
    session = onnxruntime.InferenceSession(onnx_bytes(net), providers=["CPUExecutionProvider"])
    outputs = {each.name: (each.type, each.shape) for each in session.get_outputs()}
    shape = ["B", 3]
    expected = {
        "values": {"value": ("tensor(double)", shape)},
        "counts": {"value": ("tensor(double)", shape)},
        "labels": {"label": ("tensor(int64)", shape), "probabilities": ("tensor(double)", shape)},
        "classes": {"label": ("tensor(int64)", ["B"]), "probabilities": ("tensor(double)", shape)},
    }
    assert outputs == expected[net.loss_rule.target]


# --- raw rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@every_runner
def test_raw_columns_go_in_and_class_names_come_out(runner, dtype):
    net, rows = patients(dtype=dtype), raw_rows()
    found = runner(onnx_bytes(net))(onnx_inputs(net.preprocessing, rows))
    X = net.preprocessing.transform(rows)
    assert set(found) == {"label_", "probabilities"}  # a column has the name `label`
    assert [str(each) for each in found["label_"]] == [net.preprocessing.class_names[i] for i in net.predict(X)]
    assert distance(found["probabilities"], net.predict_proba(X)) <= TOLERANCE


def test_one_row_and_values():
    net, rows = patients("poisson", 2), raw_rows(1)
    found = runtime(onnx_bytes(net))(onnx_inputs(net.preprocessing, rows))
    assert list(found) == ["value_"]
    assert distance(found["value_"], net.predict(net.preprocessing.transform(rows))) <= 1e-12


def test_one_sigmoid_output_tells_two_names_apart():
    net, rows = patients("sigmoid_cross_entropy", 1), raw_rows()
    found = runtime(onnx_bytes(net))(onnx_inputs(net.preprocessing, rows))
    X = net.preprocessing.transform(rows)
    p = net.predict_proba(X)
    assert distance(found["probabilities"], np.hstack([1 - p, p])) <= 1e-12
    assert list(found["label_"]) == [net.preprocessing.class_names[i] for i in net.predict(X)[:, 0]]
    assert len(set(found["label_"])) == 2


@every_runner
def test_a_category_that_is_not_known_is_an_error(runner):
    net, rows = patients(), raw_rows(3)
    ask = runner(onnx_bytes(net))
    rows.loc[1, "ward"] = "B"
    with pytest.raises(Exception, match=r"did not have any defined category|Unknown Category"):
        ask(onnx_inputs(net.preprocessing, rows))


def test_the_file_says_what_it_is():
    model = onnx.load_from_string(onnx_bytes(patients()))
    facts = {each.key: each.value for each in model.metadata_props}
    assert json.loads(facts.pop("class_names")) == ["well", "ill", "äußerst krank"]
    assert facts == {
        "handgrad": hg.__version__,
        "task": "classes",
        "loss": "softmax_cross_entropy",
        "target_name": "outcome",
    }
    assert (model.producer_name, model.producer_version) == ("handgrad", hg.__version__)


# --- what cannot leave ------------------------------------------------------------------------------------------------


class Doubled(hg.layers.Layer):
    def forward(self, params, A, context):
        return 2 * A, None


class OwnLoss(Loss):
    pass


def refusals():
    wave = Formula("wave", f=np.sin, df=lambda z, a: np.cos(z))
    branch = Formula("branch", f=lambda z: z if z.max() > 0 else 0 * z, df=lambda z, a: z)
    misnamed, empty = patients(), patients()
    misnamed.preprocessing = hg.datasets.iris().split()[0].preprocessing
    empty.preprocessing.columns[0].__dict__["name"] = ""
    return {
        "a stack": (hg.Network.mlp([2, 2], seed=range(3)), ValueError, "stack of 3 networks.*net\\[0\\]"),
        "no network": (3, TypeError, "net is 3; expected a Network"),
        "sin": (hg.Network.mlp([2, 3, 2], activation=wave), ValueError, "activation wave.*sin.*elementary"),
        "a branch": (hg.Network.mlp([2, 3, 2], activation=branch), ValueError, "activation branch cannot be exported"),
        "own layer": (hg.Network([hg.Dense(2, 2), Doubled()]), TypeError, r"layers\[1\] is .*a layer of your own"),
        "own loss": (
            hg.Network.mlp([2, 2], loss=OwnLoss("mine", f=lambda z, t: z - t, df=lambda z, t: z)),
            TypeError,
            "loss of your own class",
        ),
        "any width": (hg.Network([hg.Activation("relu")], loss="mse"), ValueError, "rows of any width"),
        "other columns": (misnamed, ValueError, "class names|makes 4 columns but the network takes 8"),
        "no name": (empty, ValueError, "a column named ''"),
    }


REFUSALS = refusals()


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_leave_is_refused_and_the_old_file_stays(name, tmp_path):
    net, error, words = REFUSALS[name]
    (tmp_path / "net.onnx").write_text("old")
    with pytest.raises(error, match=words):
        hg.to_onnx(net, tmp_path / "net.onnx")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    net = hg.Network.mlp([2, 2])
    net.params[0] = np.nan
    with pytest.raises(ValueError, match=r"dense1\.W has 1 value that is not finite"):
        hg.to_onnx(net, tmp_path / "net.onnx")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_more_than_protobuf_holds_is_refused_before_anything_is_written(dtype, tmp_path, monkeypatch):
    net = hg.Network.mlp([2, 3, 2], norm="batch", dtype=dtype)
    size = net.params.nbytes + net.state.nbytes
    monkeypatch.setattr(onnx_file, "_LARGEST", size)
    onnx_bytes(net)
    monkeypatch.setattr(onnx_file, "_LARGEST", size - 1)
    monkeypatch.setattr(onnx_file, "Graph", None)  # it would be 2 GB
    with pytest.raises(ValueError, match=rf"net has {size} bytes of parameters; an ONNX file holds 2 GB") as caught:
        hg.to_onnx(net, tmp_path / "net.onnx")
    assert ("float32" in str(caught.value)) == (dtype == "float64")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'handgrad\[onnx\]'"):
        hg.to_onnx(hg.Network.mlp([2, 2]), tmp_path / "net.onnx")


def test_the_room_imports_no_other_library():
    heavy = {"onnx", "onnxruntime", "torch", "sklearn", "pandas", "joblib", "numba"}
    program = f"import sys, handgrad.interchange; print(*({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
