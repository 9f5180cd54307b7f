"""What takes longer: proofs, traces, comparisons, exports and tables, as a session gives them out."""

import base64
import contextlib
import io
import json
import runpy

import numpy as np
import pytest

import handgrad as hg
from handgrad.playground.jobs import Stopped
from handgrad.playground.units import PICTURE
from test_playground_session import CSV, done, session, step

MORE = "a,b,t\n" + "".join(f"{i % 9},{i * i % 7},{'pq'[i % 2]}\n" for i in range(40))


def test_proof_and_planted_mistake():
    assert done(session({}, *step(2)).handle({"do": "prove"}))["verdict"] == "PASSED"
    planted = session({"mistake": "derivative missing"}, *step(2))
    proof = done(planted.handle({"do": "prove"}))
    assert proof["verdict"] == "FAILED"
    assert "missing-activation-derivative" in [each["cause"] for each in proof["findings"]]


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_trace_is_the_librarys(part):
    tab = session({"network": {"l2": 0.1}}, *step(2))
    told = done(tab.handle({"do": "trace", "row": 4, "part": part}))
    X, y = getattr(tab.run.scene, part)
    assert told["trace"] == json.loads(json.dumps(hg.trace(tab.run.net, X[4:5], y[4:5]).to_dict()))


def test_a_large_network_is_not_traced():
    tab = session({"network": {"hidden_sizes": [150, 150]}, "data": {"n": 60}})
    with pytest.raises(ValueError, match="trace: this network has 23,402 parameters; this playground allows 20,000"):
        tab.handle({"do": "trace"})


def test_a_comparison_is_a_study_of_the_same_rows():
    tab = session({"data": {"n": 100}}, *step(5))
    told = done(tab.handle({"do": "compare", "seeds": 4, "with": {"network.init": "zeros"}}))
    assert [each["name"] for each in told["settings"]] == ["glorot_normal", "zeros"]
    assert told["metric"] == "test_accuracy"
    assert "best" in told["verdict"].lower()
    assert len(told["settings"][0]["agreement"]["class"]) == PICTURE**2
    assert told["settings"][0]["epochs"][-1] == 5
    again = session({"data": {"n": 100}, "seed": 2}, *step(5))  # one of its seeds alone
    assert told["settings"][0]["values"][2] == again.run.now["test_metric"]
    alone = done(tab.handle({"do": "compare", "seeds": 3}))
    assert alone["verdict"].startswith("The test accuracy is")
    assert alone["settings"][0]["values"] == told["settings"][0]["values"][:3]
    numbers = session({"data": {"name": "regression_plane", "n": 60}}, *step(3))
    told = done(numbers.handle({"do": "compare", "seeds": 3, "with": {"training.optimizer": "adam"}}))
    assert [each["name"] for each in told["settings"]] == ["SGD(learning_rate=0.1)", "Adam()"]
    assert "sd" in told["settings"][0]["agreement"]


@pytest.mark.parametrize(
    ("document", "other"),
    [
        ({"data": {"name": "gaussians", "n": 60}, "network": {"loss": "mse"}}, {"training.optimizer": "adam"}),
        ({"data": {"name": "diabetes"}, "network": {"l2": 0.1}}, {"network.activation": {"f": "z", "df": "1"}}),
        ({"data": {"name": "table", "csv": MORE, "target": "t"}, "inputs": ["x1", "product"]}, None),
    ],
    ids=str,
)
def test_the_code_of_a_comparison_finds_the_same(document, other, tmp_path):
    told = done(session(document, *step(3)).handle({"do": "compare", "seeds": 3, "with": other}))
    path = tmp_path / "study.py"
    path.write_text(told["code"])
    with contextlib.redirect_stdout(io.StringIO()):
        result = runpy.run_path(str(path))["result"]
    for setting, values in zip(told["settings"], result.values().values(), strict=True):
        np.testing.assert_allclose(setting["values"], values, rtol=1e-9)


def test_what_a_study_does_not_know_is_not_compared():
    for document in ({"frozen": ["dense1"]}, {"mistake": "derivative missing"}):
        with pytest.raises(ValueError, match="unfreeze them, and take the mistake out"):
            session(document).handle({"do": "compare", "seeds": 3})


def test_a_job_ends_when_nobody_waits():
    (job,) = session({"data": {"n": 100}}).handle({"do": "compare", "seeds": 2})

    def stop(told):
        raise Stopped

    with pytest.raises(Stopped):
        job.work(stop)


def test_exports(tmp_path):
    tab = session({"data": {"name": "iris"}}, *step(5))
    X, _ = tab.run.scene.train
    for to, name in (
        ("python", "playground.py"),
        ("document", "playground.json"),
        ("safetensors", "network.safetensors"),
        ("onnx", "network.onnx"),
        ("sklearn", "network.joblib"),
        ("numpy", "network.py"),
    ):
        told = done(tab.handle({"do": "export", "to": to}))
        assert (told["kind"], told["name"]) == ("file", name)
        content = base64.b64decode(told["base64"])
        assert content
        if to == "safetensors":
            (tmp_path / name).write_bytes(content)
            net = hg.load(tmp_path / name)
            np.testing.assert_array_equal(net.params, tab.run.net.params)
            np.testing.assert_allclose(net.preprocessing.transform(tab.run.scene.raw_train.rows), X)
        if to == "document":
            opened = session(json.loads(content))
            assert opened.run.epoch == 5
            assert opened.run.net.params.tobytes() == tab.run.net.params.tobytes()
    with pytest.raises(ValueError, match="take it out"):
        session({"mistake": "derivative missing"}).handle({"do": "export", "to": "onnx"})


def test_the_columns_of_a_table():
    told = done(session({}).handle({"do": "columns", "csv": CSV}))
    assert told["rows"] == 4
    assert [each["name"] for each in told["columns"] if each["numeric"]] == ["a", "b"]
    with pytest.raises(ValueError, match="this playground allows"):
        session({}).handle({"do": "columns", "csv": "a," * 1_500_000})
    with pytest.raises(ValueError, match="a first line that cannot be read"):
        session({}).handle({"do": "columns", "csv": "a" * 1_500_000})
