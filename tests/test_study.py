"""Studies: fields with clear errors, settings in stacks, paired seeds, the same bits however the work is cut."""

import functools
import json
import math

import numpy as np
import pytest

import handgrad as hg
from handgrad.experiments import maths
from handgrad.experiments.digests import digest_of_rule
from handgrad.experiments.plan import Plan
from handgrad.experiments.recipe import Recipe, full_name, known_fields
from handgrad.experiments.study import Study
from handgrad.experiments.work import SOURCES, Chunk, Job, run_chunk, stack_of

QUICK = {"epochs": 20, "learning_rate": 0.5, "batch_size": None}
SMALL = Study("moons", training=QUICK, vary={"init": ["small", "he"], "activation": ["relu", "tanh"]}, seeds=4)


def same(one, other):
    """Whether two results hold the same bits."""
    metrics = [each.to_pandas().drop(columns="seconds") for each in (one, other)]
    pairs = zip(one.curves().values(), other.curves().values(), strict=True)
    return metrics[0].equals(metrics[1]) and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


# --- what a study is --------------------------------------------------------------------------------------------------


def test_every_combination_is_a_setting_with_every_seed():
    assert list(SMALL.settings) == [("small", "relu"), ("small", "tanh"), ("he", "relu"), ("he", "tanh")]
    assert len(SMALL.jobs) == 16
    frame = SMALL.run().to_pandas()
    assert list(frame.columns[:3]) == ["init", "activation", "seed"]
    assert {"train_loss", "train_accuracy", "test_loss", "test_accuracy", "diverged", "seconds"} == set(
        frame.columns[3:]
    )
    assert not frame.duplicated(["init", "activation", "seed"]).any()


def test_a_run_is_what_training_by_hand_gives():
    X, y = hg.datasets.moons(n=200, noise=0.1, seed=3)
    train, test = hg.datasets.moons(n=200, noise=0.1, seed=3).split(test=0.4, seed=3, standardise=False)
    assert len(train.y) + len(test.y) == len(y)
    assert X.shape == (200, 2)
    net = hg.Network.mlp([2, 7, 2], activation="tanh", init="xavier", l2=0.01, dropout=0.2, seed=3)
    settings = {"epochs": 15, "batch_size": 16, "schedule": "cosine", "clip_norm": 1.0}
    history = hg.train(net, train.X, train.y, optimizer=hg.Adam(0.02), **settings)
    network = {"hidden_sizes": [7], "activation": "tanh", "init": "xavier", "l2": 0.01, "dropout": 0.2}
    training = settings | {"optimizer": "adam", "learning_rate": 0.02}
    data = {"name": "moons", "n": 200, "noise": 0.1, "test": 0.4}
    result = Study(data, network, training, seeds=[3]).run()
    (run,) = result.to_pandas().to_dict("records")
    assert run["test_accuracy"] == np.mean(net.predict(test.X) == test.y)
    assert run["train_loss"] == net.data_loss(train.X, train.y)
    np.testing.assert_array_equal(result.curves()[()][:, 0], history.loss)


def test_settings_are_paired():
    """Networks of one seed have the same rows and the same draws; only what varies differs."""
    jobs = tuple(Job(recipe, seed) for recipe in SMALL.settings.values() for seed in (0, 1))
    chunk = Chunk(tuple(job for job in jobs if job.recipe.network.activation.name == "relu"), SMALL.sources, "auto")
    net, draws = stack_of(chunk, None)
    assert draws[0] is draws[2]
    assert draws[0] is not draws[1]
    W = net["dense1.W"]
    np.testing.assert_allclose(W[0] / 0.01, W[2], rtol=1e-12)  # he over 2 inputs: a standard deviation of 1


@pytest.mark.parametrize("source", ["data", "split", "init", "training"])
def test_only_the_chosen_sources_follow_the_seed(source):
    study = Study("moons", training=QUICK | {"batch_size": 50}, seeds=2, sources=[source])
    net, draws = stack_of(Chunk(tuple(study.jobs), study.sources, "auto"), None)
    shared = len(np.intersect1d(draws[0].test.X[:, 0], draws[1].test.X[:, 0]))
    moved = {
        "data": not shared,
        "split": 0 < shared < len(draws[0].test.X),
        "init": not np.array_equal(net.params[0], net.params[1]),
        "training": net.seed[0] != net.seed[1],
    }
    assert [name for name, differs in moved.items() if differs] == [source]
    assert len({tuple(curve) for curve in study.run().curves()[()].T}) == 2


def test_rows_in_order_train_first_and_test_last():
    dataset = hg.datasets.moons(n=50, seed=3)
    study = Study({"name": dataset, "test": 20, "split": "in order", "standardise": False}, training=QUICK, seeds=3)
    net, draws = stack_of(Chunk(tuple(study.jobs), study.sources, "auto"), study.tables["table"])
    assert draws[0] is draws[2]  # nothing is drawn, so nothing is held thrice
    np.testing.assert_array_equal(draws[0].train.X, dataset.X[:30])
    np.testing.assert_array_equal(draws[0].test.y, dataset.y[30:])
    assert net.params.shape[0] == 3
    assert Study({"name": dataset, "test": 20}, seeds=1).plan().networks == 1
    shuffled = Study({"name": dataset, "test": 20}, training=QUICK, seeds=2)
    assert {len(draw.test.y) for draw in stack_of(Chunk(tuple(shuffled.jobs), study.sources, "auto"), dataset)[1]} == {
        20
    }


@pytest.mark.parametrize("loss", ["mse", "sigmoid_cross_entropy"])
def test_classes_as_one_target_each(loss):
    iris = hg.datasets.iris()
    network = {"loss": loss, "hidden_sizes": [8], "output_activation": "sigmoid" if loss == "mse" else None}
    data = {"name": iris, "one_hot": True, "standardise": True}
    result = Study(data, network, {"epochs": 60, "learning_rate": 2.0}, seeds=[5]).run()
    net, draw = result.network((), 5)
    assert net.fan_out == 3
    by_hand = np.mean(net.forward(draw.test.X).argmax(axis=1) == draw.test.y)
    assert result.values()[()][0] == by_hand > 0.8
    expected = net.data_loss(draw.test.X, np.eye(3)[draw.test.y])
    assert result.values("test_loss")[()][0] == pytest.approx(expected, rel=1e-12)


def test_the_networks_of_a_setting_are_each_seeds_own():
    result = Study("moons", training=QUICK, vary={"init": ["small", "he"]}, seeds=[3, 8], sources=["init"]).run()
    stack = result.networks(("he",))
    for number, seed in enumerate(result.seeds):
        np.testing.assert_array_equal(stack.params[number], result.network(("he",), seed)[0].params)


def test_the_test_rows_are_followed_without_deciding_anything():
    plain = Study("moons", training=QUICK, vary={"init": ["small", "he"]}, seeds=3)
    followed = Study("moons", training=QUICK | {"follow_test": True}, vary={"init": ["small", "he"]}, seeds=3).run()
    assert followed.to_pandas().drop(columns="seconds").equals(plain.run().to_pandas().drop(columns="seconds"))
    for setting, curve in followed.curves("test_accuracy").items():
        assert curve.shape == (QUICK["epochs"], 3)
        np.testing.assert_array_equal(curve[-1], followed.values()[setting])
    long = Study("moons", training=QUICK | {"epochs": 150, "follow_test": True}, seeds=2).run()
    assert long.curves("test_loss")[()].shape == (75, 2)
    np.testing.assert_array_equal(long.curves("test_loss")[()][-1], long.values("test_loss")[()])


def test_tables_and_regression():
    wine = hg.datasets.wine()
    result = Study(wine, training={"epochs": 5}, seeds=2).run()
    assert result.main_metric == "test_accuracy"
    assert same(result, Study("wine", training={"epochs": 5}, seeds=2).run())
    diabetes = Study("diabetes", training={"epochs": 30, "patience": 3}, seeds=3).run()
    assert diabetes.main_metric == "test_r2"
    assert diabetes.values()[()].mean() > 0.3
    assert "validation_loss" in diabetes.store.curves(diabetes.study.keys())[0]


def test_a_file_with_its_target(tmp_path):
    X, y = hg.datasets.iris()
    np.savetxt(tmp_path / "flowers.csv", np.column_stack([X, y]), delimiter=",", header="a,b,c,d,kind", comments="")
    with pytest.raises(ValueError, match="name the column"):
        Study(tmp_path / "flowers.csv")
    study = Study({"name": str(tmp_path / "flowers.csv"), "target": "kind"}, training={"epochs": 20}, seeds=2)
    assert study.run().values()[()].min() > 0.5


def test_a_study_in_a_file(tmp_path):
    (tmp_path / "study.toml").write_text(
        'data = "moons"\nseeds = 4\n[training]\nepochs = 20\nlearning_rate = 0.5\n[vary]\ninit = ["small", "he"]\n'
    )
    (tmp_path / "study.yaml").write_text(
        "data: moons\nseeds: 4\ntraining: {epochs: 20, learning_rate: 0.5}\nvary: {init: [small, he]}\n"
    )
    studies = [Study.from_file(tmp_path / f"study.{kind}") for kind in ("toml", "yaml")]
    assert studies[0].keys() == studies[1].keys()
    assert len(studies[0].keys()) == 8


# --- the same bits ----------------------------------------------------------------------------------------------------


def test_results_do_not_depend_on_how_the_work_is_cut():
    whole = SMALL.run()
    alone = [run_chunk(Chunk((job,), SMALL.sources, "auto"), threads=1)[0] for job in SMALL.jobs]
    assert [run.metrics["test_loss"] for run in alone] == whole.to_pandas()["test_loss"].tolist()
    curves = np.concatenate(list(whole.curves().values()), axis=1)
    np.testing.assert_array_equal(np.stack([run.curves["loss"] for run in alone], axis=1), curves)


def test_settings_of_one_shape_are_one_stack():
    vary = {"l2": [0.0, 0.01], "learning_rate": [0.1, 0.5], "momentum": [0.0, 0.9], "init": ["he", "xavier"]}
    study = Study("moons", training=QUICK, vary=vary, seeds=3)
    plan = study.plan()
    assert plan.stacks == 2  # with and without momentum
    assert plan.networks == sum(len(chunk.jobs) for chunk in plan.chunks) == 48
    values = study.run().to_pandas().groupby(["l2", "learning_rate", "momentum", "init"])["train_loss"].mean()
    assert values.nunique() == 16


def test_the_maths_has_not_moved():
    """If this fails, numbers have moved on purpose or not: raise maths.VERSION, so that no store mixes the two."""
    assert maths.VERSION == 1
    study = Study(
        {"name": "spirals", "n": 90},
        {"hidden_sizes": [6, 5], "norm": "batch", "dropout": 0.1, "l2": 0.001},
        {"epochs": 12, "optimizer": "adamw", "learning_rate": 0.01, "schedule": "cosine"},
        vary={"activation": ["gelu", "selu"]},
        seeds=2,
    )
    losses = study.run().to_pandas()["test_loss"]
    np.testing.assert_allclose(losses, GOLDEN, rtol=1e-9)


GOLDEN = [0.669428222684, 0.61639047248, 0.698013243403, 0.57781406701]


# --- costs ------------------------------------------------------------------------------------------------------------


def test_a_plan_tells_what_it_costs():
    plan = SMALL.plan()
    assert isinstance(plan, Plan)
    assert str(plan).startswith("16 networks of 2 shapes in 2 chunks: about 1 s on one idle core, 1 MB at a time")
    longer = Study("moons", training=QUICK | {"epochs": 2000}, seeds=4).plan()
    assert longer.seconds == pytest.approx(100 * Study("moons", training=QUICK, seeds=4).plan().seconds)


def test_large_studies_are_cut_into_chunks_of_seconds():
    plan = Study("moons", training=QUICK | {"epochs": 1000}, seeds=5000).plan()
    assert all(len(chunk.jobs) >= 1 for chunk in plan.chunks)
    assert plan.seconds / len(plan.chunks) == pytest.approx(2, rel=0.5)
    assert len(Study("moons", training=QUICK, seeds=100).plan(workers=8).chunks) == 8


def test_a_network_larger_than_the_machine_is_refused():
    study = Study("moons", {"hidden_sizes": [200_000, 200_000]}, seeds=1)
    with pytest.raises(ValueError, match=r"needs about .* GB with its data"):
        study.run()


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"vary": {"network.init": ["small", "hee"]}}, r"network\.init: unknown initializer 'hee'; did you mean 'he'"),
        ({"vary": {"inti": ["he"]}}, r"unknown field 'inti'; did you mean 'init'"),
        ({"vary": {"init": []}}, r"vary\.init is empty"),
        ({"vary": {"init": "he"}}, r"vary\.init is 'he'; expected a list of values"),
        ({"vary": {"init": ["he", "he_normal"]}}, "vary: he_normal and he are the same"),
        ({"vary": {"init": ["he"], "network.init": ["small"]}}, r"vary holds network\.init twice"),
        ({"vary": ["init"]}, r"vary is \['init'\]; expected fields"),
        ({"network": {"l2": -1}}, "network: l2"),
        ({"network": {"norm": "bath"}}, "network: unknown norm 'bath'; did you mean 'batch'"),
        ({"network": {"dropout": 1.5}}, "network: .*rate is 1.5"),
        ({"network": {"activation": ["relu", "tanh"]}}, "network: activation has 2 entries for 1 hidden layers"),
        ({"training": {"optimizer": "adam(0.1)", "learning_rate": 0.5}}, "give the rate in one of the two"),
        ({"data": hg.datasets.iris(), "vary": {"data.n": [5, 9]}}, r"data\.n: 'table' is a table"),
        ({"vary": {"init": ["he", "he"]}}, r"vary\.init holds he twice"),
        ({"network": {"hidden": [3]}}, r"unknown field of network 'hidden'; did you mean 'hidden_sizes'"),
        ({"network": {"hidden_sizes": 3}}, r"network\.hidden_sizes: 3 is not a list of sizes"),
        ({"data": (1, 2)}, r"data is \(1, 2\); expected fields .* hg\.datasets"),
        ({"network": "relu"}, "network is 'relu'; expected fields"),
        ({"training": {"epochs": 0}}, r"training\.epochs: number is 0; expected"),
        ({"training": {"rate": 0.1}}, r"unknown field of training \(with SGD\) 'rate'"),
        ({"training": {"learning_rate": -1}}, r"training\.learning_rate: SGD\.learning_rate is -1"),
        ({"training": {"optimizer": "lbfgs"}}, "lbfgs trains networks one by one"),
        ({"data": "mons"}, "unknown dataset 'mons'; did you mean 'moons'"),
        ({"data": {"name": "moons", "arms": 3}}, r"unknown field of data \(of moons\) 'arms'"),
        ({"data": {"name": "iris", "n": 30}}, r"data\.n: 'iris' is a table"),
        ({"data": {"test": 1.5}}, r"data\.test: share is 1\.5"),
        ({"data": {"split": "orderly"}}, r"data\.split: unknown split 'orderly'"),
        ({"data": {"name": "diabetes", "one_hot": True}}, r"data\.one_hot: the target .* is a number"),
        (
            {"data": {"one_hot": True}, "network": {"loss": "softmax_cross_entropy"}},
            r"data\.one_hot: softmax_cross_entropy takes classes; expected a loss of values or labels",
        ),
        ({"network": {"loss": "mse"}}, r"network\.loss: mse does not suit the target 'class', which has 2 classes"),
        ({"seeds": 0}, "seeds is 0; expected"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, 1]}, "seeds holds 1 twice"),
        ({"seeds": [2**40]}, "expected at most 4294967295"),
        ({"sources": ["inti"]}, "unknown source of randomness 'inti'; did you mean 'init'"),
        ({"engine": "fast"}, "unknown engine 'fast'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields, says):
    with pytest.raises((ValueError, TypeError), match=says):
        Study(**fields)


def test_a_file_that_is_no_study(tmp_path):
    (tmp_path / "study.toml").write_text("date = 3\n")
    with pytest.raises(ValueError, match=r"unknown field of .*study\.toml 'date'; did you mean 'data'"):
        Study.from_file(tmp_path / "study.toml")
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(ValueError, match=r"expected a file ending in \.toml"):
        Study.from_file(tmp_path / "study.json")


# --- keys -------------------------------------------------------------------------------------------------------------


def test_every_field_is_known_and_decides_the_key():
    assert full_name("learning_rate") == "training.learning_rate"
    assert full_name("data.name") == "data.name"
    others = {
        "data.test": 0.2,
        "network.l2": 0.1,
        "network.dtype": "float32",
        "training.epochs": 3,
        "training.learning_rate": 0.3,
        "training.nesterov": False,
    }
    assert set(others) <= set(known_fields())
    keys = {json.dumps(Recipe.of({name: value}).describe(), sort_keys=True) for name, value in others.items()}
    assert len(keys) == len(others)  # nesterov=False is the default: it gives the key of the plain recipe
    assert json.dumps(Recipe().describe(), sort_keys=True) in keys
    plain = Study(seeds=1)
    for other in (Study(seeds=1, engine="numpy"), Study(seeds=[1]), Study(seeds=1, sources=["init"])):
        assert plain.keys() != other.keys()


def test_a_rule_of_ones_own_is_known_by_its_code():
    def formula(slope):
        return hg.activations.Formula("bent", lambda z: slope * z, lambda z, a: slope + 0 * z)

    assert digest_of_rule(hg.activations.relu) is None
    assert digest_of_rule(formula(2.0)) == digest_of_rule(formula(2.0)) != digest_of_rule(formula(3.0))
    one, other = (Study(network={"activation": formula(slope)}, seeds=1) for slope in (2.0, 3.0))
    assert one.keys() != other.keys()
    assert math.isfinite(one.run().values()[()][0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lambda z, k=np.ones(2000): k[1000] * z", "lambda z, k=np.arange(2000): k[1000] * z"),
        ("lambda z, *, k=1: k * z", "lambda z, *, k=2: k * z"),
        ("functools.partial(np.multiply, 2)", "functools.partial(np.multiply, 3)"),
        ("lambda z: inner(z, 1)", "lambda z: inner(z, 2)"),
    ],
)
def test_rules_that_differ_have_digests_that_differ(one, other):
    space = {"np": np, "functools": functools, "inner": lambda z, k: k * z}
    rules = [hg.activations.Formula("own", eval(text, dict(space)), lambda z, a: z) for text in (one, other, one)]
    digests = [digest_of_rule(rule) for rule in rules]
    assert digests[0] == digests[2] != digests[1]


def test_what_a_global_holds_is_part_of_a_rule():
    digests = []
    for slope in (2.0, 3.0):
        f = eval("lambda z: SLOPE * z", {"SLOPE": slope})
        digests.append(digest_of_rule(hg.activations.Formula("own", f, lambda z, a: z)))
    assert digests[0] != digests[1]
    hidden = eval("lambda z: thing.scale(z)", {"thing": object()})
    with pytest.raises(ValueError, match="whose content cannot be told"):
        digest_of_rule(hg.activations.Formula("own", hidden, lambda z, a: z))


def test_seeds_that_differ_in_nothing_conclude_nothing():
    result = Study("moons", training=QUICK, vary={"init": ["small", "he"]}, seeds=5, sources=["training"]).run()
    assert "the seeds differ in nothing (sources are training)" in result.conclusion()
    with pytest.raises(ValueError, match="let another source follow the seed"):
        result.compare()


@pytest.mark.parametrize(
    ("network", "training", "sources"),
    [
        ({}, {"epochs": 400, "patience": 3, "batch_size": None, "learning_rate": 3.0}, SOURCES),
        ({"init": "lsuv"}, {"epochs": 3}, ["init"]),
        ({"dtype": "float32"}, {"epochs": 3}, SOURCES),
    ],
)
def test_a_network_comes_out_the_same_whoever_is_beside_it(network, training, sources):
    study = Study("moons", network, training, seeds=6, sources=sources)
    whole = study.run()
    for job, key in zip(study.jobs, study.keys(), strict=True):
        (alone,) = run_chunk(Chunk((job,), study.sources, "auto"))
        stored = whole.store.curves([key])[0]
        np.testing.assert_array_equal(stored["loss"], alone.curves["loss"])
        np.testing.assert_array_equal(stored["epochs"], alone.epochs)
        assert whole.store.metrics([key])[0]["test_loss"] == alone.metrics["test_loss"]


def test_curves_of_settings_of_different_length_have_epochs_of_their_own():
    result = Study("moons", training=QUICK, vary={"epochs": [10, 250]}, seeds=2).run()
    epochs = result.epochs()
    assert {setting: int(each[-1]) for setting, each in epochs.items()} == {("10",): 10, ("250",): 250}
    assert all(len(epochs[setting]) == len(curve) for setting, curve in result.curves().items())


def test_a_network_whose_outputs_overflow_counts():
    training = {"epochs": 60, "learning_rate": 50.0, "batch_size": None}
    result = Study("diabetes", {"activation": "identity"}, training, vary={"l2": [0, 0.1]}, seeds=3).run()
    assert all(np.isfinite(values).all() for values in result.values().values())
    assert result.summary()["diverged"].sum() > 0


def test_counts_stay_counts():
    counts = hg.datasets.Dataset(np.linspace(0, 1, 40)[:, None], np.arange(40.0) % 5, ("x",))
    result = Study(counts, {"loss": "poisson"}, {"epochs": 20}, seeds=2).run()
    assert np.isfinite(result.values()[()]).all()


def test_tables_are_known_by_what_they_hold():
    iris = hg.datasets.iris()
    part, rest = iris.split(test=0.5, seed=0)
    assert Study(part, seeds=1).keys() == Study(part, seeds=1).keys() != Study(rest, seeds=1).keys()
