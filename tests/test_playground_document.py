"""The document: what goes out comes back the same, and whatever else comes in is refused by an error that names it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.activations import activations
from handgrad.experiments.draws import SYNTHETIC
from handgrad.initializers import initializers
from handgrad.optimizers import LBFGS
from handgrad.playground.catalogue import catalogue
from handgrad.playground.document import TABLES, Document
from handgrad.playground.limits import Limits
from handgrad.playground.reading import LARGEST_SEED
from handgrad.schedules import schedules

CSV = "a,b,t\n1,2,p\n3,4,q\n5,6,p\n7,8,q\n"

DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.fixed_dictionaries(
            {"name": st.sampled_from([*SYNTHETIC, *TABLES])}, optional={"seed": st.integers(0, LARGEST_SEED)}
        ),
        "inputs": st.lists(st.sampled_from(["x1", "x2", "product", "sin_x1"]), min_size=1, unique=True),
        "network": st.fixed_dictionaries(
            {},
            optional={
                "hidden_sizes": st.lists(st.integers(1, 16), max_size=4),
                "activation": st.sampled_from([*map(repr, activations), {"f": "z*z", "df": "2*z"}]),
                "init": st.sampled_from([repr(each) for each in initializers if each.name != "critical"]),
                "l2": st.floats(0, 1),
                "dropout": st.floats(0, 0.9),
                "norm": st.sampled_from([None, "batch", "layer"]),
                "residual": st.booleans(),
            },
        ),
        "training": st.fixed_dictionaries(
            {"optimizer": st.sampled_from(["sgd", "adam", "rmsprop", "adagrad", "adamw"])},
            optional={
                "learning_rate": st.floats(1e-6, 10),
                "batch_size": st.none() | st.integers(1, 100),
                "schedule": st.sampled_from([repr(each) for each in schedules]),
                "clip_norm": st.none() | st.floats(0.1, 10),
            },
        ),
        "seed": st.integers(0, LARGEST_SEED),
        "frozen": st.lists(st.sampled_from(["dense1", "dense1.W"]), unique=True),
        "view": st.fixed_dictionaries({}, optional={"speed": st.floats(0, 1000), "log": st.booleans()}),
    },
)


@given(DOCUMENTS)
def test_what_goes_out_comes_back(given_document):
    document = Document.from_json(given_document)
    again = Document.from_json(json.loads(json.dumps(document.to_json())))
    assert again == document
    assert again.to_json() == document.to_json()


def test_the_default_document_is_complete():
    assert Document.from_json({}) == Document()
    assert Document.from_json(Document().to_json()) == Document()


def test_every_choice_of_the_catalogue_is_taken():
    offered = catalogue()
    for each in offered["datasets"]:
        assert Document.from_json({"data": {"name": each["name"]}}).data.recipe.name == each["name"]
    for kind, field in (("activations", "activation"), ("initializers", "init")):
        for each in offered[kind]:
            Document.from_json({"network": {field: each["name"]}})
    for each in offered["optimizers"]:
        training = {"optimizer": each["name"], **each["parameters"]}
        assert type(Document.from_json({"training": training}).training.optimizer).__name__ == each["title"]
    assert LBFGS.__name__ in [each["title"] for each in offered["optimizers"]]
    for each in offered["mistakes"]:
        assert Document.from_json({"mistake": each["name"]}).mistake == each["name"]
    assert all(each["doc"] for kind in ("activations", "initializers", "losses", "schedules") for each in offered[kind])


def test_only_training_frozen_and_view_leave_the_network_as_it_is():
    document = Document()
    assert document.same_network(Document.from_json({"training": {"optimizer": "adam"}, "view": {"log": True}}))
    for changed in ({"seed": 1}, {"data": {"seed": 1}}, {"network": {"l2": 0.1}}, {"inputs": ["x1"]}):
        assert not document.same_network(Document.from_json(changed))


WRONG = [
    ([], "the document is '[]'; expected an object"),
    ({"dta": {}}, "unknown field of the document 'dta'; did you mean 'data'"),
    ({"handgrad": 2}, "of version 2; expected 1"),
    ({"data": {"name": "mons"}}, "unknown data 'mons'; did you mean 'moons'"),
    ({"data": {"name": ["moons"]}}, "data"),
    ({"data": {"n": 10**9}}, "this playground allows 20,000"),
    ({"data": {"n": "many"}}, "data.n"),
    ({"data": {"standardise": "perhaps"}}, "data.standardise: value is 'perhaps'; expected True or False"),
    ({"data": {"name": "spirals", "arms": 200}}, "data.arms is 200; expected at most 10"),
    ({"data": {"name": "gaussians", "classes": 11}}, "data.classes is 11"),
    ({"data": {"test": 2.5}}, "data.test"),
    ({"data": {"split": "in order"}}, "unknown field of data 'split'"),
    ({"data": {"name": "table"}}, "data.csv"),
    ({"data": {"csv": CSV}}, "data.csv"),
    ({"data": {"name": "table", "csv": CSV}}, "data.target: name the column"),
    ({"data": {"name": "table", "csv": 3, "target": "t"}}, "data.csv is 3; expected a text"),
    ({"data": {"columns": ["a"]}}, "expected two different columns"),
    ({"data": {"seed": -1}}, "data.seed"),
    ({"data": {"seed": 2**40}}, "data.seed is 1099511627776; expected at most 4294967295"),
    ({"inputs": ["x3"]}, "unknown input 'x3'"),
    ({"inputs": []}, "expected at least one"),
    ({"inputs": ["x1", "x1"]}, "each once"),
    ({"inputs": "x1"}, "inputs is x1; expected a list"),
    ({"network": {"hidden_sizes": [3] * 40}}, "40 layers; this playground allows 32"),
    ({"network": {"hidden_sizes": [10_000]}}, "10,000 units; this playground allows 512"),
    ({"network": {"hidden_sizes": [0]}}, "network.hidden_sizes"),
    ({"network": {"hidden_sizes": 3}}, "network.hidden_sizes"),
    ({"network": {"activation": ["relu"]}}, "1 entries for 2 hidden layers"),
    ({"network": {"activation": "rleu"}}, "did you mean 'relu'"),
    ({"network": {"activation": {"f": "z"}}}, "needs both texts"),
    ({"network": {"activation": {"f": "__import__('os')", "df": "1"}}}, "formula"),
    ({"network": {"activation": {"f": "z", "df": "1", "name": "x"}}}, "unknown field of network.activation 'name'"),
    ({"network": {"init": "he(nothing)"}}, "network.init"),
    ({"network": {"l2": -1}}, "l2"),
    ({"network": {"dtype": "float16"}}, "dtype"),
    ({"network": {"dtype": 5}}, "dtype is 5"),
    ({"network": {"activation": "x" * 10**6}}, "x…'; Known"),
    ({"network": {"activation": "f(" * 10**5}}, "cannot be read"),
    ({"network": {"activation": {"f": "z" + ".a" * 240, "df": "1"}}}, "holds 'z.a.a"),
    ({"network": {"activation": {"f": "z" + "+z" * 200, "df": "1"}}}, "operations more than 60 deep"),
    ({"training": {"optimizer": "sgdd"}}, "did you mean 'sgd'"),
    ({"training": {"optimizer": "adam", "momentum": 0.9}}, "momentum"),
    ({"training": {"learning_rate": -1}}, "learning_rate"),
    ({"training": {"patience": 3}}, "training.patience: a playground does not have it"),
    ({"training": {"epochs": 10**12}}, "this playground allows 1,000,000"),
    ({"training": 3}, "training is 3; expected an object"),
    ({"seed": 1.5}, "seed"),
    ({"frozen": [1]}, "frozen[0] is 1; expected a text"),
    ({"mistake": "none"}, "unknown mistake 'none'"),
    ({"start": {"params": "!"}}, "start.params is not base64"),
    ({"start": {"params": "", "code": "x"}}, "start is no object"),
    ({"start": {"params": "", "legs": [{"training": {"optimizer": "x"}}]}}, "unknown optimizer 'x'"),
    (
        {"start": {"params": "", "legs": [{"edits": [{"parameter": "a", "index": [0], "value": 1}]}]}},
        "edit.index is [0]",
    ),
    ({"start": {"params": "", "legs": [{"epochs": 10**9}]}}, "leg.epochs"),
    ({"view": {"speed": -1}}, "view.speed"),
    ({"view": {"show_test": "yes"}}, "view.show_test is 'yes'"),
    ({"view": {"hide": ["x"] * 500}}, "at most 200"),
]


@pytest.mark.parametrize(("document", "words"), WRONG, ids=[str(each)[:60] for each, _ in WRONG])
def test_what_is_wrong_is_refused_by_its_name(document, words):
    with pytest.raises((ValueError, TypeError)) as refused:
        Document.from_json(document)
    assert words in str(refused.value)


def test_limits_are_the_servers():
    small = Limits(hidden_layers=1, csv_bytes=10)
    with pytest.raises(ValueError, match="this playground allows 1"):
        Document.from_json({"network": {"hidden_sizes": [2, 2]}}, small)
    with pytest.raises(ValueError, match=r"data\.csv has 30 characters; this playground allows 10"):
        Document.from_json({"data": {"name": "table", "csv": CSV, "target": "t"}}, small)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def paths(value, place=()):
    """Every place in a JSON value."""
    yield place
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*place, key))


def with_value(value, place, new):
    """The JSON value with another one at that place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = with_value(copy[place[0]], place[1:], new)
    return copy


WHOLE = Document().to_json() | {
    "start": {"epoch": 3, "params": "AAAA", "state": "", "legs": [{"epochs": 3, "training": {"optimizer": "adam"}}]}
}


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(list(paths(WHOLE))), value=JSON)
def test_any_json_anywhere_is_taken_or_refused(place, value):
    try:
        document = Document.from_json(with_value(WHOLE, place, value))
    except (ValueError, TypeError):
        return
    assert Document.from_json(json.loads(json.dumps(document.to_json()))) == document
