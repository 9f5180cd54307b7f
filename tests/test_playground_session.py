"""A session answers every message it is sent, right or wrong, and its frames hold the library's own numbers."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.playground.frames import pack, to_json, unpack
from handgrad.playground.jobs import Job
from handgrad.playground.limits import Limits
from handgrad.playground.session import Session
from handgrad.playground.units import MAPS, PICTURE
from test_playground_document import JSON, paths, with_value

CSV = "a,b,t\n1,2,p\n3,4,q\n5,6,p\n7,8,q\n"


def session(document=None, *messages):
    """A session that was asked all this."""
    opened = Session(Limits())
    opened.handle({"do": "open", "document": document or {}})
    for message in messages:
        opened.handle(message)
    return opened


def done(answers):
    """The only answer; a job's is worked for."""
    (answer,) = answers
    return answer.work(lambda told: None) if isinstance(answer, Job) else answer


def step(times=1, unit="epoch"):
    return [{"do": "step", "unit": unit}] * times


# --- frames -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {"network": {"hidden_sizes": [8, 8, 8], "residual": True}},
        {"network": {"hidden_sizes": [5, 20], "norm": "batch", "dropout": 0.3}, "inputs": ["x1", "sin_x2"]},
        {"data": {"name": "digits"}, "network": {"hidden_sizes": [12], "activation": "relu"}},
        {"data": {"name": "regression_curve"}},
        {"data": {"name": "wine", "columns": ["alcohol", "hue"]}},
        {"data": {"name": "iris"}, "network": {"loss": "mse", "hidden_sizes": [3] * 10}},
        {"network": {"hidden_sizes": []}, "mistake": "bias forgotten in one layer"},
    ],
    ids=str,
)
def test_a_frame_holds_the_librarys_numbers(document):
    if "mistake" in document:
        document["mistake"] = next(iter(hg.gradcheck.mistakes.MISTAKES))
    tab = session(document, *step(3))
    header, arrays = unpack(tab.frame())
    net, scene = tab.run.net, tab.run.scene
    np.testing.assert_array_equal(arrays["params"], net.params)
    assert header["metrics"]["train_loss"] == net.loss(*scene.train)
    assert header["metrics"]["test_loss"] == net.loss(*scene.test)
    assert header["curves"]["columns"]["epoch"] == [0, 1, 2, 3]
    assert header["curves"]["columns"]["test_loss"][-1] == header["metrics"]["test_loss"]
    outputs = net.loss_rule.output(net.forward(scene.grid(PICTURE), engine="numpy"))
    np.testing.assert_allclose(arrays["output"].reshape(scene.outputs, -1), outputs.T, rtol=1e-5, atol=1e-6)
    layers = tab.state()["layers"]
    assert len(arrays["maps"]) == sum(each["shown"] for each in layers[:-1])
    if layers[:-1] and layers[0]["activation"] == "tanh" and "norm" not in document.get("network", {}):
        Z = scene.grid(MAPS) @ net["dense1.W"] + net["dense1.b"]
        np.testing.assert_allclose(arrays["maps"][: layers[0]["shown"]].reshape(-1, MAPS**2), np.tanh(Z).T, atol=1e-6)
    assert json.dumps(tab.state(), allow_nan=False)


def test_rows_lie_on_the_maps_where_they_are_drawn():
    """The network's output at a row is that of the picture's pixel under its point, up to the pixel's size."""
    for name in ("moons", "wine", "iris"):
        columns = {"wine": ["alcohol", "hue"]}.get(name)
        tab = session({"data": {"name": name, "columns": columns}}, *step(20))
        scene, net = tab.run.scene, tab.run.net
        left, right, bottom, top = scene.plane.window
        pixels = net.predict_proba(scene.grid(PICTURE))[:, 0].reshape(PICTURE, PICTURE)
        x, y = scene.points[0].T
        column = ((x - left) / (right - left) * PICTURE).astype(int)
        row = ((top - y) / (top - bottom) * PICTURE).astype(int)
        assert column.min() >= 0
        assert row.max() < PICTURE
        expected = net.predict_proba(scene.train.X)[:, 0]
        error = np.abs(pixels[row, column] - expected)
        assert np.median(error) < (0.05 if name != "iris" else 0.2)  # iris is seen along two of four directions


def test_the_page_is_told_how_the_network_takes_the_planes_columns():
    tab = session({"data": {"name": "wine", "columns": ["alcohol", "hue"]}})
    scale = np.array(tab.state()["scene"]["input_scale"])
    raw, X = tab.run.scene.points[0], tab.run.scene.train.X
    np.testing.assert_allclose((raw - scale[:, 0]) / scale[:, 1], X, rtol=1e-12, atol=1e-12)
    assert session({}).state()["scene"]["input_scale"] == [[0.0, 1.0], [0.0, 1.0]]
    assert session({"data": {"name": "wine"}}).state()["scene"]["input_scale"] is None


def test_frames_send_each_point_of_the_curves_once():
    tab = session({}, *step(2))
    first, _ = unpack(tab.frame())
    assert (first["curves"]["from"], len(first["curves"]["columns"]["epoch"])) == (0, 3)
    tab.handle(step()[0])
    second, _ = unpack(tab.frame())
    assert (second["curves"]["from"], second["curves"]["columns"]["epoch"]) == (3, [3])
    tab.handle({"do": "rewind", "epoch": 1})
    third, _ = unpack(tab.frame())
    assert (third["epoch"], third["curves"]["from"], third["curves"]["columns"]["epoch"]) == (1, 4, [])
    tab.handle(step()[0])
    fourth, _ = unpack(tab.frame())
    assert (fourth["curves"]["from"], fourth["curves"]["columns"]["epoch"]) == (0, [0, 1, 2])


def test_frames_tell_the_legs_when_there_are_others():
    tab = session({}, *step(2))
    told = [unpack(tab.frame())[0]["legs"]]
    for message in (*step(), {"do": "edit", "parameter": "dense1.W", "index": [0, 0], "value": 1.0}, *step(2)):
        tab.handle(message)
        told.append(unpack(tab.frame())[0]["legs"])
    tab.handle({"do": "rewind", "epoch": 2})
    told.append(unpack(tab.frame())[0]["legs"])
    assert [each and len(each) for each in told] == [1, None, 2, None, None, 1]
    assert [leg["epochs"] for leg in told[2]] == [3, 0]
    assert told[2][1]["edits"] == [{"parameter": "dense1.W", "index": [0, 0], "value": 1.0}]


def test_batches_end_in_the_epoch():
    tab = session({}, *step(2))
    whole = session({}, *step(3))
    batches = unpack(tab.frame())[0]["batches"]
    seen = [tab.run.net.params.copy()]
    for number in range(1, batches + 1):
        tab.handle(step(unit="batch")[0])
        header, arrays = unpack(tab.frame())
        assert (header["epoch"], header["batch"]) == ((2, number) if number < batches else (3, 0))
        assert not np.array_equal(arrays["params"], seen[-1])
        seen.append(arrays["params"])
    assert seen[-1].tobytes() == whole.run.net.params.tobytes()
    tab.handle(step(unit="batch")[0])
    tab.handle({"do": "run"})
    assert unpack(tab.frame())[0]["batch"] == 0


@given(
    st.dictionaries(st.text(max_size=5), st.floats() | st.lists(st.floats(), max_size=3), max_size=4),
    st.lists(st.sampled_from([(0,), (3,), (2, 5), (1, 1, 1)]), max_size=4),
)
def test_frames_come_apart_as_they_were_put_together(header, shapes):
    arrays = {f"a{number}": np.random.default_rng(number).normal(size=shape) for number, shape in enumerate(shapes)}
    arrays |= {"single": np.ones((2, 3), np.float32)}
    found, again = unpack(pack(header, arrays))
    assert found.pop("arrays")[-1]["name"] == "single"
    assert found == json.loads(to_json(header))
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        np.testing.assert_array_equal(again[name], array)


# --- messages -----------------------------------------------------------------------------------------------------


def test_running_goes_on_to_the_planned_epochs_and_then_further():
    tab = session({"training": {"epochs": 5}, "view": {"speed": 0}}, {"do": "run"})
    tab.train(10)
    assert (tab.run.epoch, tab.running) == (5, False)
    tab.handle({"do": "run"})
    tab.train(0.01)
    assert tab.run.epoch > 5
    assert tab.running
    tab.handle({"do": "pause"})
    assert not tab.wants(float("inf"))


def test_speed_is_epochs_a_second():
    tab = session({"view": {"speed": 2}}, {"do": "run"})
    tab.train(1)
    assert tab.run.epoch == 1
    assert not tab.wants(tab._due - 0.01)
    assert tab.wants(tab._due + 0.01)


def test_a_change_of_training_goes_on_and_one_of_the_network_begins_anew():
    tab = session({}, *step(4))
    document = tab.state()["document"]
    params = tab.run.net.params.copy()
    tab.handle({"do": "change", "document": document | {"view": document["view"] | {"log": True}}})
    assert len(tab.run.legs) == 1
    tab.handle({"do": "change", "document": document | {"training": {"optimizer": "adam"}}})
    assert (tab.run.epoch, len(tab.run.walked())) == (4, 2)
    assert tab.run.net.params.tobytes() == params.tobytes()
    tab.handle({"do": "change", "document": document | {"seed": 1}})
    assert tab.run.epoch == 0
    tab.handle({"do": "reset", "seed": None})
    assert tab.run.document.seed == 1
    tab.handle({"do": "reset", "seed": 9})
    assert tab.run.document.seed == 9


def test_a_refused_message_changes_nothing():
    tab = session({}, *step(3))
    run, params = tab.run, tab.run.net.params.copy()
    for message in (
        {"do": "open", "document": {"data": {"name": "nothing"}}},
        {"do": "open", "document": {"data": {"columns": ["x2", "x1"]}}},
        {"do": "change", "document": {"network": {"hidden_sizes": [500, 500]}}},
        {"do": "change", "document": {"frozen": ["dense7"]}},
        {"do": "change", "document": {"training": {"optimizer": "lbfgs", "epochs": 1000}}},
        {"do": "reset", "seed": -1},
        {"do": "rewind", "epoch": 77},
        {"do": "edit", "parameter": "dense1.W", "index": [9, 9], "value": 1},
        {"do": "edit", "parameter": "dense1.W", "index": [0, 0], "value": float("nan")},
        {"do": "trace", "row": 10**6},
        {"do": "step", "unit": "week"},
        {"do": "export", "to": "pdf"},
        {"do": "compare", "seeds": 1},
        {"do": "compare", "seeds": 10**6},
        {"do": "compare", "seeds": 3, "with": {"data.n": 3}},
        {"do": "compare", "seeds": 3, "with": {"network.hidden_sizes": [512] * 32}},
        {"do": "columns", "csv": 3},
        {"do": "fly"},
        {"do": "run", "fast": True},
        {"do": None},
        [],
        "run",
    ):
        with pytest.raises((ValueError, TypeError)):
            tab.handle(message)
        assert tab.run is run, message
        assert tab.run.net.params.tobytes() == params.tobytes()
        assert len(tab.run.legs) == 1


@pytest.mark.parametrize("f", ["sqrt(z)", "1/z", "log(z)", "z*z*exp(z*z)", "0*z", "where(z>0, 1e200, z)", "z/0"])
def test_a_formula_beyond_its_domain_is_shown_or_refused_as_a_whole(f):
    tab = session({}, *step(2))
    before = tab.run
    network = {"hidden_sizes": [3], "activation": {"f": f, "df": "1 + 0*z"}}
    try:
        (state,) = tab.handle({"do": "change", "document": {"network": network}})
    except ValueError:
        assert tab.run is before
    else:
        assert state["document"]["network"]["activation"]["f"] == f
    for message in ({"do": "step", "unit": "batch"}, {"do": "step", "unit": "epoch"}, {"do": "change", "document": {}}):
        tab.handle(message)
        header, _ = unpack(tab.frame())
    assert header["diverged"] is None


MESSAGES = [
    {"do": "open", "document": {"data": {"name": "xor", "n": 30}, "network": {"hidden_sizes": [2]}}},
    {"do": "change", "document": {"training": {"optimizer": "adam"}}},
    {"do": "edit", "parameter": "dense1.W", "index": [0, 0], "value": 0.5},
    {"do": "rewind", "epoch": 0},
    {"do": "reset", "seed": 3},
    {"do": "step", "unit": "batch"},
    {"do": "step", "unit": "epoch"},
    {"do": "run"},
    {"do": "pause"},
    {"do": "trace", "row": 0, "part": "test"},
    {"do": "columns", "csv": CSV},
    {"do": "compare", "seeds": 2, "with": {"network.init": "he"}},
    {"do": "export", "to": "python"},
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_message_in_any_order_is_answered_or_refused(data):
    tab = session({"data": {"n": 30}, "network": {"hidden_sizes": [2]}})
    for _ in range(data.draw(st.integers(1, 5))):
        message = data.draw(st.sampled_from(MESSAGES))
        if data.draw(st.booleans()):
            place = data.draw(st.sampled_from(list(paths(message))))
            message = with_value(message, place, data.draw(JSON))
        try:
            answers = tab.handle(message)
        except (ValueError, TypeError):
            answers = []
        for answer in answers:
            assert isinstance(answer, Job) or to_json(answer)
        tab.train(0)
        header, arrays = unpack(tab.frame())
        assert header["epoch"] == tab.run.epoch
        assert np.isfinite(arrays["params"]).all()


# --- what is told -------------------------------------------------------------------------------------------------


def test_the_doctor_speaks_when_units_are_dead():
    tab = session({"network": {"activation": "relu", "init": "zeros"}}, *step(3))
    header, _ = unpack(tab.frame())
    slugs = [each["slug"] for each in header["doctor"]["findings"]]
    assert "zero-weights" in slugs
    assert "all weights are zero" in header["doctor"]["findings"][0]["sentence"]
    assert header["signals"]["epoch"] == 3
    assert unpack(tab.frame())[0]["doctor"] is None


def test_the_doctor_does_not_take_a_way_back_for_standing_still():
    tab = session({}, *step(30))
    assert tab.watch.diagnose(tab.run)["healthy"]
    tab.handle({"do": "rewind", "epoch": 20})
    header, _ = unpack(tab.frame())
    assert header["signals"]["epoch"] == 20
    assert header["doctor"]["healthy"]
    tab.handle(step()[0])
    header, _ = unpack(tab.frame())
    assert (header["signals"]["epoch"], header["doctor"]["healthy"]) == (21, True)


def test_divergence_is_told_and_running_is_refused():
    tab = session({"data": {"name": "regression_plane"}, "training": {"learning_rate": 1e6}}, {"do": "run"})
    for _ in range(30):
        tab.train(1)
    header, _ = unpack(tab.frame())
    assert "Try a lower learning rate" in header["diverged"]
    assert not header["running"]
    assert any(each["slug"] == "diverged" for each in header["doctor"]["findings"])
    with pytest.raises(ValueError, match="rewind"):
        tab.handle({"do": "run"})
    tab.handle({"do": "rewind", "epoch": 0})
    assert unpack(tab.frame())[0]["diverged"] is None


def test_theory_is_told_where_it_has_something_to_say():
    assert len(session({}).theory) == 2
    for network in ({"norm": "batch"}, {"init": "zeros"}, {"hidden_sizes": []}, {"bias_init": "normal(std=1)"}):
        assert session({"network": network}).theory is None
    deep = {"hidden_sizes": [120] * 6, "activation": "relu", "init": "he_normal"}
    tab = session({"network": deep, "data": {"n": 100}})
    X, _ = tab.run.scene.train
    measured = [np.mean(each**2) for name, each in tab.run.net.dense_outputs(X).items()][:-1]
    np.testing.assert_allclose(tab.theory, measured, rtol=0.5)


def test_what_fits_is_told():
    state = session({}).state()
    assert "derivative missing" in state["mistakes"]
    assert len(state["mistakes"]) < len(hg.gradcheck.mistakes.MISTAKES)
    planted = session({"mistake": "derivative missing"}).state()
    assert planted["mistakes"] == state["mistakes"]
    for name in ("moons", "regression_plane", "iris"):
        unfitting = session({"data": {"name": name}}).state()["unfitting"]
        assert 0 < len(unfitting) < len(hg.losses.losses.rules)
        for loss in hg.losses.losses.rules:
            document = {"data": {"name": name}, "network": {"loss": loss}}
            if loss not in unfitting:
                session(document, *step())
            else:
                with pytest.raises(ValueError, match=r"loss|poisson expects"):
                    session(document)
