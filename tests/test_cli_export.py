"""`handgrad export`: files that are checked before they are there, one-line errors, exit codes."""

import json
import runpy
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app
from handgrad.interchange import checking
from handgrad.interchange.checking import Comparison, compare
from handgrad.interchange.writing import SUFFIXES
from travelling import patients, raw_rows, skip_without_poisson_in_scikit_learn

NEEDS = {"onnx": "onnxruntime", "torch": "torch", "sklearn": "joblib", "numpy": "numpy"}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "sigmoid_cross_entropy", "mse", "poisson"])
@pytest.mark.parametrize("to", SUFFIXES)
def test_a_network_with_raw_columns_is_exported_to_everything(to, loss, dtype, tmp_path):
    pytest.importorskip(NEEDS[to])
    if to == "sklearn":
        skip_without_poisson_in_scikit_learn(loss)
    hg.save(patients(loss, 1 if loss == "sigmoid_cross_entropy" else 3, dtype), "net.safetensors")
    done = run("net.safetensors", "--to", to, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["out"] == f"net{SUFFIXES[to]}"
    assert told["largest_difference"] <= (1e-12 if dtype == "float64" else 1e-5)
    assert (told["rows"], told["labels_that_differ"]) == (64, 0)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["net.safetensors", told["out"]])


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "sigmoid_cross_entropy", "mse"])
@pytest.mark.parametrize("to", SUFFIXES)
def test_a_network_without_preprocessing_is_too(to, loss):
    pytest.importorskip(NEEDS[to])
    for outputs in (3, 2, 1) if loss != "softmax_cross_entropy" else (3, 2):
        hg.save(hg.Network.mlp([3, 4, outputs], loss=loss, seed=outputs), "net.safetensors")
        done = run("net.safetensors", "--to", to, "--out", "out", "--force")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("Wrote out: its predictions on 64 rows equal the network's")


def test_a_trained_network_leaves_beside_itself():
    trained = CliRunner().invoke(app, ["train", "iris", "--epochs", "2", "--hidden", "4", "--out", "my-net"])
    assert trained.exit_code == 0
    assert run("my-net/model.safetensors", "--to", "numpy").exit_code == 0
    _, test = hg.datasets.iris().split()
    net = hg.load("my-net/model.safetensors")
    rows = dict(zip([c.name for c in net.preprocessing.columns], np.asarray(test.rows).T, strict=True))
    X = net.preprocessing.transform(np.asarray(test.rows))
    assert list(runpy.run_path("my-net/model.py")["predict"](rows)) == [
        net.preprocessing.class_names[i] for i in net.predict(X)
    ]


def test_a_module_gets_a_name_that_python_can_import(tmp_path):
    hg.save(hg.Network.mlp([2, 2]), "my-net.v1.safetensors")
    assert run("my-net.v1.safetensors", "--to", "numpy").exit_code == 0
    assert (tmp_path / "my_net_v1.py").exists()


@pytest.mark.parametrize("to", SUFFIXES)
def test_a_file_that_predicts_otherwise_is_not_written(to, tmp_path, monkeypatch):
    """The written file is of another network, whose weights are 1e-3 away."""
    pytest.importorskip(NEEDS[to])
    net = patients()
    hg.save(net, "net.safetensors")

    def compare_other(other, path, kind):
        other.params += 1e-3 * np.sin(np.arange(other.params.size))
        return compare(other, path, kind)

    monkeypatch.setattr(checking, "compare", compare_other)
    done = run("net.safetensors", "--to", to)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "predicts otherwise than the network: the largest difference is" in done.stderr
    assert "nothing was written" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["net.safetensors"]


def test_labels_that_differ_and_numbers_that_are_not_numbers_fail():
    assert Comparison(64, 0.0, 1e-6, 0).passed
    assert not Comparison(64, 0.0, 1e-6, 1).passed
    assert not Comparison(64, float("nan"), 1e-6, 0).passed
    assert not Comparison(64, 2e-6, 1e-6, 0).passed


def test_a_wrong_label_is_counted(tmp_path):
    net = patients()
    hg.to_numpy(net, "net.py")
    assert compare(net, "net.py", "numpy").labels == 0
    text = (tmp_path / "net.py").read_text(encoding="utf-8")
    (tmp_path / "net.py").write_text(text.replace("'well', 'ill'", "'ill', 'well'"), encoding="utf-8")
    found = compare(net, "net.py", "numpy")
    assert found.difference <= 1e-12
    assert found.labels > 0


def test_the_rows_hold_every_category_and_the_mean():
    rows = checking.probes(patients())
    assert list(rows.columns) == ["age in years", "owner", "ward", "value", "label"]
    assert set(rows["ward"]) == {"A", "ß", "1"}
    assert set(rows["label"]) == {"yes", "no"}
    assert rows["age in years"][0] == 40.0
    assert set(raw_rows().columns) > set(rows.columns)


def refused(*arguments):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_wrong_calls_are_told_in_one_line(tmp_path):
    hg.save(hg.Network.mlp([2, 3, 2], activation="gelu"), "net.safetensors")
    hg.save(hg.Network.mlp([2, 2], seed=range(3)), "stack.safetensors")
    (tmp_path / "net.onnx").write_text("old")
    assert "unknown --to 'onx'; did you mean 'onnx'?" in refused("net.safetensors", "--to", "onx")
    assert "'net.onnx' exists already" in refused("net.safetensors", "--to", "onnx")
    assert "there is no such file" in refused("missing.safetensors", "--to", "onnx")
    assert "stack of 3 networks" in refused("stack.safetensors", "--to", "numpy")
    assert "layers[1] is gelu; scikit-learn has" in refused("net.safetensors", "--to", "sklearn")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["net.onnx", "net.safetensors", "stack.safetensors"]
    assert (tmp_path / "net.onnx").read_text() == "old"


@pytest.mark.parametrize(("to", "module"), [("onnx", "onnx"), ("onnx", "onnxruntime"), ("torch", "torch")])
def test_a_missing_library_says_what_to_install(to, module, monkeypatch, tmp_path):
    if module == "onnxruntime":
        pytest.importorskip("onnx")
    hg.save(hg.Network.mlp([2, 2]), "net.safetensors")
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'handgrad[{to}]'" in refused("net.safetensors", "--to", to)
    assert [each.name for each in tmp_path.iterdir()] == ["net.safetensors"]


def test_force_replaces_what_is_there(tmp_path):
    hg.save(hg.Network.mlp([2, 2]), "net.safetensors")
    (tmp_path / "net.py").write_text("old")
    assert run("net.safetensors", "--to", "numpy", "--force").exit_code == 0
    assert "def predict" in (tmp_path / "net.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("out", ["net.safetensors", "./folder/../net.safetensors", "absolute", "link", "hard", None])
def test_the_network_itself_is_never_replaced(out, tmp_path):
    net = tmp_path / "net.safetensors"
    hg.save(hg.Network.mlp([2, 2]), net)
    before = net.read_bytes()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(net)
    (tmp_path / "hard").hardlink_to(net)
    (tmp_path / "net.py").symlink_to(net)  # the name without --out
    out = [] if out is None else ["--out", net if out == "absolute" else out]
    assert "the file of the network itself" in refused("net.safetensors", "--to", "numpy", "--force", *out)
    assert net.read_bytes() == before
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("out", ["folder", "."])
def test_a_folder_is_no_place_for_a_file(out, force, tmp_path):
    hg.save(hg.Network.mlp([2, 2]), "net.safetensors")
    (tmp_path / "folder").mkdir()
    said = refused("net.safetensors", "--to", "numpy", "--out", out, *force)
    assert f"--out is '{out}', a folder; expected a file; name one in it" in said


def test_what_could_not_be_written_is_called_an_export(tmp_path, monkeypatch):
    from handgrad.files import disk

    def full(file, content):
        raise OSError(28, "No space left on device")

    hg.save(hg.Network.mlp([2, 2]), "net.safetensors")
    monkeypatch.setattr(disk, "_write", full)
    with pytest.raises(OSError, match="the export was not saved: No space left"):
        hg.to_numpy(hg.Network.mlp([2, 2]), tmp_path / "net.py")
