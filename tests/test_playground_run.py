"""A run is `hg.train`, leg by leg: the same bits, told by its code, taken back to any kept epoch."""

import contextlib
import io
import itertools
import re
import runpy

import numpy as np
import pytest

import handgrad as hg
from handgrad.playground import run as run_module
from handgrad.playground.code import code_of
from handgrad.playground.curves import COLUMNS, POINTS, Curves
from handgrad.playground.document import Document
from handgrad.playground.exporting import with_weights
from handgrad.playground.legs import Edit
from handgrad.playground.limits import Limits
from handgrad.playground.run import KEPT, Run
from handgrad.playground.scene import scene_of
from handgrad.training.walking import walk

CSV = "a,b,colour,t\n" + "".join(f"{i},{i * i % 7},{'red' if i % 3 else 'blue'},{'pq'[i % 2]}\n" for i in range(40))
MANY_TEXTS = "a,b,t\n" + "".join(f"w{i % 1000},1,{'pq'[i % 2]}\n" for i in range(2400))
GAPS = "id,a,b,empty,t\n" + "".join(
    f"plant {i},{i if i % 11 else ''},{i * i % 7},{'' if i % 5 else 3},{'pq'[i % 2]}\n" for i in range(60)
)
LONG = {"f": "z" + " + tanh(z)" * 30, "df": "1" + " + exp(-z * z)" * 20}
MANY_CLASSES = "a,t\n" + "".join(f"{i},k{i % 60}\n" for i in range(300))


def run_of(given=None, epochs=0):
    document = Document.from_json(given or {})
    run = Run(document, scene_of(document, Limits()), Limits())
    for _ in range(epochs):
        run.advance()
    return run


def executed(run, tmp_path, monkeypatch):
    """The network that the run's code makes."""
    path = tmp_path / "playground_run.py"
    path.write_text(code_of(run))
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        return runpy.run_path(str(path))["net"]


DOCUMENTS = {
    "default": {},
    "features": {"inputs": ["x1", "product", "sin_x2", "radius"], "data": {"name": "xor", "n": 80, "noise": 0.3}},
    "one hot": {"data": {"name": "gaussians", "classes": 4}, "network": {"loss": "mse"}},
    "labels": {"data": {"name": "circles"}, "network": {"loss": "sigmoid_cross_entropy"}},
    "plane": {"data": {"name": "regression_plane"}, "network": {"loss": "huber", "l2": 0.01}},
    "curve": {"data": {"name": "regression_curve"}, "training": {"optimizer": "adam", "learning_rate": 0.01}},
    "iris": {"data": {"name": "iris", "seed": 3, "test": 0.2}, "seed": 5, "network": {"norm": "batch"}},
    "columns": {"data": {"name": "wine", "columns": ["alcohol", "hue"]}, "inputs": ["x1", "x2", "x1_squared"]},
    "table": {"data": {"name": "table", "csv": CSV, "target": "t"}, "training": {"batch_size": None}},
    "table's columns": {"data": {"name": "table", "csv": CSV, "target": "t", "columns": ["b", "a"]}},
    "table with gaps": {"data": {"name": "table", "csv": GAPS, "target": "t"}},
    "own formula": {"network": {"activation": [{"f": "z*sigmoid(z)", "df": "sigmoid(z)+a*sigmoid(-z)"}, "selu"]}},
    "all of it": {
        "data": {"name": "spirals", "arms": 3, "n": 90},
        "network": {"hidden_sizes": [6, 6, 6], "residual": True, "norm": "layer", "dropout": 0.2, "init": "lsuv"},
        "training": {"optimizer": "adamw", "schedule": "cosine(warmup=2)", "clip_norm": 0.5, "epochs": 30},
        "frozen": ["dense2.b"],
    },
    "float32": {"network": {"dtype": "float32", "init": "normal(std=0.5)", "bias_init": "normal(std=0.1)"}},
    "lbfgs": {"training": {"optimizer": "lbfgs", "epochs": 50}},
    "mistake": {"mistake": "derivative missing"},
    "linear": {"network": {"hidden_sizes": []}, "data": {"name": "diabetes"}},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_code_gives_the_same_bits(name, tmp_path, monkeypatch):
    run = run_of(DOCUMENTS[name], epochs=4)
    net = executed(run, tmp_path, monkeypatch)
    assert net.params.tobytes() == run.net.params.tobytes()
    assert net.state.tobytes() == run.net.state.tobytes()


def test_legs_edits_and_rewinding_are_in_its_code(tmp_path, monkeypatch):
    run = run_of(epochs=5)
    run.edit(Edit("dense1.W", (0, 1), 0.5))
    run.edit(Edit("dense2.b", (0, 2), -1.0))
    for _ in range(3):
        run.advance()
    other = Document.from_json(run.document.to_json() | {"training": {"optimizer": "adam"}, "frozen": ["dense1"]})
    run.change(other)
    run.advance(6)
    run.advance(2)
    run.rewind(14)
    run.advance()
    assert run.epoch == 15
    assert [leg.epochs for leg in run.walked()] == [5, 3, 7]
    assert [len(leg.edits) for leg in run.walked()] == [0, 2, 0]
    assert executed(run, tmp_path, monkeypatch).params.tobytes() == run.net.params.tobytes()


def test_it_is_hg_train():
    run = run_of({"training": {"epochs": 7}}, epochs=7)
    X, y = run.scene.train
    net = hg.Network.mlp([2, 4, 3, 2], activation="tanh", init="glorot_normal")
    history = hg.train(net, X, y, epochs=7, batch_size=10, optimizer=hg.SGD(0.1), validation=run.scene.test)
    assert net.params.tobytes() == run.net.params.tobytes()
    np.testing.assert_allclose(run.curves.columns["test_loss"][1:], history.validation_loss, rtol=1e-14)
    assert run.now["train_loss"] == net.loss(X, y)
    assert run.now["train_metric"] == np.mean(net.predict(X) == y)
    assert run.ended


def test_a_kept_epoch_comes_back_with_its_bits_and_goes_on_the_same():
    run = run_of({"training": {"optimizer": "adam", "learning_rate": 0.01}}, epochs=20)
    params = run.net.params.copy()
    for _ in range(10):
        run.advance()
    later, curve = run.net.params.copy(), list(run.curves.columns["train_loss"])
    run.rewind(20)
    assert run.net.params.tobytes() == params.tobytes()
    assert run.curves.columns["train_loss"] == curve
    run.advance()
    assert run.curves.columns["train_loss"] == curve[:22]
    run.advance(9)
    assert run.net.params.tobytes() == later.tobytes()
    assert run.curves.columns["train_loss"] == curve


def test_going_back_loses_nothing_until_it_goes_on():
    run = run_of(epochs=100)
    run.advance()
    params, kept = run.net.params.copy(), list(run.kept)
    assert 101 not in kept  # at every second epoch only
    run.rewind(kept[3])
    assert run.now["train_loss"] == run.curves.columns["train_loss"][kept[3]]
    run.rewind(101)
    assert run.net.params.tobytes() == params.tobytes()
    run.rewind(kept[3])
    run.edit(Edit("dense1.W", (0, 0), 1.0))
    assert max(run.kept) == run.epoch == kept[3]
    assert run.curves.columns["epoch"][-1] == run.epoch


def test_rewinding_goes_back_through_legs():
    run = run_of(epochs=3)
    run.edit(Edit("dense1.W", (0, 0), 9.0))
    run.advance()
    run.rewind(2)
    assert (run.epoch, len(run.walked())) == (2, 1)
    with pytest.raises(ValueError, match="epoch 5 is not kept; those that are: 0, 1, 2, 3, 4"):
        run.rewind(5)


def test_kept_epochs_and_curves_stay_within_bounds():
    run = run_of({"data": {"n": 20}, "network": {"hidden_sizes": [1]}, "training": {"batch_size": None}})
    for _ in range(POINTS + 500):
        run.advance()
    assert len(run.kept) <= KEPT + 1
    assert min(run.kept) == 0
    assert len(run.curves) <= POINTS
    assert run.curves.columns["epoch"][0] == 0
    assert run.curves.columns["epoch"][-1] == run.epoch
    assert run.training.history.columns == {}


def test_kept_epochs_of_a_large_network_are_fewer(monkeypatch):
    monkeypatch.setattr(run_module, "KEPT_BYTES", 20_000)
    run = run_of({"training": {"optimizer": "adam", "learning_rate": 0.01}}, epochs=100)
    held = sum(
        moment.start.nbytes + sum(each.nbytes for each in arrays_in(moment.state)) for moment in run.kept.values()
    )
    assert held <= 20_000
    assert len(run.kept) >= 4


def arrays_in(state):
    """All arrays of a training's state."""
    if isinstance(state, np.ndarray):
        return [state]
    return [array for each in state.values() for array in arrays_in(each)] if isinstance(state, dict) else []


def test_a_thinned_curve_says_so():
    curves = Curves()
    for epoch in range(POINTS + 1):
        curves.add(dict.fromkeys(COLUMNS, float(epoch)))
    assert curves.age == 1
    assert len(curves) == POINTS // 2 + 1
    assert curves.since(len(curves) - 1)["epoch"] == [POINTS]


def test_a_start_with_weights_goes_on_from_there(tmp_path, monkeypatch):
    run = run_of({"network": {"norm": "batch"}}, epochs=6)
    document = Document.from_json(with_weights(run).to_json())
    opened = Run(document, scene_of(document, Limits()), Limits())
    assert opened.epoch == 6
    assert opened.net.params.tobytes() == run.net.params.tobytes()
    assert opened.net.state.tobytes() == run.net.state.tobytes()
    opened.advance()
    assert executed(opened, tmp_path, monkeypatch).params.tobytes() == opened.net.params.tobytes()
    unknown = Document.from_json(document.to_json() | {"start": document.to_json()["start"] | {"legs": []}})
    untold = Run(unknown, scene_of(unknown, Limits()), Limits())
    assert executed(untold, tmp_path, monkeypatch).params.tobytes() == run.net.params.tobytes()


def test_a_start_stays_in_the_code_when_settings_change(tmp_path, monkeypatch):
    document = with_weights(run_of(epochs=4)).to_json()
    opened = run_of(document | {"start": document["start"] | {"legs": []}})
    opened.change(Document.from_json(opened.document.to_json() | {"start": None, "training": {"optimizer": "adam"}}))
    opened.advance(2)
    assert executed(opened, tmp_path, monkeypatch).params.tobytes() == opened.net.params.tobytes()


def test_weights_whose_way_is_told_in_part_only_travel_as_weights(tmp_path, monkeypatch):
    document = with_weights(run_of(epochs=4)).to_json()
    opened = run_of(document | {"start": document["start"] | {"legs": []}}, epochs=2)
    shared = with_weights(opened)
    assert shared.start.legs == ()
    assert executed(run_of(shared.to_json()), tmp_path, monkeypatch).params.tobytes() == opened.net.params.tobytes()


@pytest.mark.parametrize(
    ("leg", "words"),
    [
        ({"epochs": 3}, "start.legs tell of 3 epochs, but start.epoch is 2"),
        ({"epochs": 2, "frozen": ["dense9"]}, "unknown frozen parameter 'dense9'"),
        ({"epochs": 2, "edits": [{"parameter": "import os", "index": [0, 0], "value": 1}]}, "import os"),
        ({"epochs": 2, "edits": [{"parameter": "dense1.W", "index": [2, 0], "value": 1}]}, "edit.index is [2, 0]"),
    ],
)
def test_legs_that_cannot_have_led_there_are_refused(leg, words):
    document = with_weights(run_of(epochs=2)).to_json()
    with pytest.raises(ValueError, match=re.escape(words)):
        run_of(document | {"start": document["start"] | {"legs": [leg]}})


def test_legs_in_which_nothing_happened_do_not_gather():
    document = with_weights(run_of(epochs=2)).to_json()
    for _ in range(5):
        document = with_weights(run_of(document)).to_json()
    assert [leg["epochs"] for leg in document["start"]["legs"]] == [2, 0]


def test_a_weight_that_is_set_again_and_again_is_one_edit(tmp_path, monkeypatch):
    run = run_of()
    for value in range(1500):
        run.edit(Edit("dense1.W", (0, value % 2), float(value)))
    (leg,) = run.walked()
    assert [each.value for each in leg.edits] == [1498.0, 1499.0]
    assert executed(run, tmp_path, monkeypatch).params.tobytes() == run.net.params.tobytes()


def test_more_legs_than_a_document_tells_are_refused(monkeypatch):
    monkeypatch.setattr(run_module, "MOST_LEGS", 3)
    run = run_of(epochs=1)
    for value in (1.0, 2.0):
        run.edit(Edit("dense1.W", (0, 0), value))
        run.advance()
    before = run.net.params.copy()
    with pytest.raises(ValueError, match="this run has 3 legs"):
        run.edit(Edit("dense1.W", (0, 0), 3.0))
    assert run.net.params.tobytes() == before.tobytes()
    run.rewind(1)
    run.edit(Edit("dense1.W", (0, 0), 3.0))


@pytest.mark.parametrize("params", ["", "AAAAAAAA8D8=", "AAAAAAAA+H8A" * 31])
def test_a_start_of_another_network_is_refused(params):
    with pytest.raises(ValueError, match=r"start\.params has"):
        run_of({"start": {"epoch": 1, "params": params}})


def test_divergence_is_kept_and_can_be_taken_back(tmp_path, monkeypatch):
    run = run_of({"data": {"name": "regression_plane"}, "training": {"learning_rate": 1e6}})
    for _ in range(20):
        run.advance()
    assert "the loss became inf at epoch 2" in run.diverged
    assert run.ended
    epoch = run.epoch
    assert executed(run, tmp_path, monkeypatch).params.tobytes() == run.net.params.tobytes()
    run.advance()
    assert run.epoch == epoch
    run.rewind(0)
    assert run.diverged is None
    calm = Document.from_json(run.document.to_json() | {"training": {"learning_rate": 0.01, "optimizer": "sgd"}})
    run.change(calm)
    run.advance(5)
    assert run.now["train_metric"] > 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network": {"hidden_sizes": [512, 512]}}, "makes 264,192 weights; this playground allows 100,000"),
        ({"network": {"loss": "poisson"}}, "loss"),
        ({"frozen": ["dense9"]}, "unknown frozen parameter 'dense9'"),
        ({"data": {"n": 20_000}, "network": {"hidden_sizes": [200, 200, 200]}}, "an epoch of this network"),
        ({"data": {"n": 20_000}, "mistake": "derivative missing", "training": {"batch_size": 1}}, "an epoch of this"),
        ({"data": {"n": 5000}, "training": {"optimizer": "lbfgs", "epochs": 500}}, "(500 of them, for L-BFGS"),
        ({"data": {"n": 8000}, "network": {"hidden_sizes": [512], "activation": LONG}}, "an epoch of this network"),
        ({"network": {"hidden_sizes": [512, 1] * 8}}, "an epoch of this network"),
        ({"training": {"optimizer": "lbfgs", "epochs": 501}}, "L-BFGS takes at most 500"),
        ({"data": {"name": "table", "csv": MANY_TEXTS, "target": "t"}}, "makes 1,001 inputs; this playground allows"),
        ({"data": {"name": "table", "csv": MANY_CLASSES, "target": "t"}}, "has 60 classes; this playground allows 50"),
        ({"mistake": "identical halves of a batch"}, "mistake"),
        ({"data": {"name": "table", "csv": "a\n", "target": "a"}}, "no rows"),
        ({"data": {"name": "table", "csv": CSV, "target": "z"}}, "z"),
        ({"data": {"name": "table", "csv": CSV, "target": "t", "columns": ["a", "colour"]}}, "not both numbers"),
        ({"data": {"name": "table", "csv": CSV, "target": "t", "columns": ["a", "t"]}}, "holds the target"),
        ({"data": {"name": "iris", "columns": ["a", "b"]}}, "unknown feature 'a'"),
    ],
)
def test_what_does_not_go_together_is_refused(given, words):
    with pytest.raises((ValueError, TypeError)) as refused:
        run_of(given)
    assert words in str(refused.value)


def test_names_and_rows_with_empty_cells_are_left_out_and_told():
    scene = run_of({"data": {"name": "table", "csv": GAPS, "target": "t"}}).scene
    assert scene.left_out == (("id", "empty"), 6)
    assert scene.inputs == ("x1", "x2")
    assert len(scene.train.X) + len(scene.test.X) == 54
    with pytest.raises(ValueError, match="no row without an empty cell"):
        run_of({"data": {"name": "table", "csv": "a,t\n,1\n2,\n", "target": "t"}})


@pytest.mark.parametrize("edit", [("dense9.W", (0, 0)), ("dense1.W", (2, 0)), ("dense1.W", (0, 4))])
def test_a_wrong_edit_changes_nothing(edit):
    run = run_of(epochs=2)
    before, legs = run.net.params.copy(), run.legs
    with pytest.raises(ValueError, match=r"dense9|edit\.index"):
        run.edit(Edit(*edit, 1.0))
    assert run.net.params.tobytes() == before.tobytes()
    assert run.legs is legs


# --- batch by batch -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd(0.1, momentum=0.9)", "adam", "adamw"])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_walk_ends_where_the_epoch_does(optimizer, engine):
    X, y = hg.datasets.moons(n=50)
    net = hg.Network.mlp([2, 5, 2], norm="batch", dropout=0.2, seed=1)
    training = hg.Training(net, X, y, batch_size=8, optimizer=optimizer, schedule="cosine(warmup=2)", engine=engine)
    training.run(epochs=3)
    before = net.params.copy()
    steps = [each.params.copy() for each in walk(training)]
    assert net.params.tobytes() == before.tobytes()
    assert len(steps) == 7
    assert all(not np.array_equal(*pair) for pair in itertools.pairwise(steps))
    training.run(epochs=1)
    np.testing.assert_allclose(steps[-1], net.params, rtol=0 if engine == "numpy" else 1e-9)


def test_a_walk_that_diverges_ends():
    X, y = hg.datasets.regression_plane(n=50)
    training = hg.Training(hg.Network.mlp([2, 5, 1], loss="mse"), X, y, batch_size=5, optimizer=hg.SGD(1e200))
    assert len(list(walk(training))) < 10
    with pytest.raises(TypeError, match="L-BFGS has no batches"):
        walk(hg.Training(hg.Network.mlp([2, 5, 1], loss="mse"), X, y, optimizer="lbfgs"))
    with pytest.raises(TypeError, match="single network"):
        walk(hg.Training(hg.Network.mlp([2, 5, 1], loss="mse", seed=range(2)), X, y))
