"""Rules and registries: names, texts and records are one; parameters are data; wrong ones are refused by name."""

import copy
import inspect
import pickle
import pydoc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.activations import Formula, activations, leaky_relu, relu
from handgrad.initializers import initializers
from handgrad.losses import losses
from handgrad.rules import Registry, parse, unknown
from handgrad.schedules import schedules

REGISTRIES = [activations, initializers, losses, schedules]
RULES = [pytest.param(registry, rule, id=repr(rule)) for registry in REGISTRIES for rule in registry]
ALIASES = [pytest.param(registry, alias, id=alias) for registry in REGISTRIES for alias in registry.aliases]


def negated(z):
    return -z


def minus_one(z, a):
    return -np.ones_like(z)


@pytest.mark.parametrize(("registry", "rule"), RULES)
def test_every_rule_is_brought_back_by_its_name_its_text_and_pickle(registry, rule):
    changed = rule(**{key: value / 3 for key, value in rule.parameters.items()})
    for each in (rule, changed):
        assert registry.find(repr(each)) == each
        assert registry.find(each) is each
        assert pickle.loads(pickle.dumps(each)) == each
        assert copy.deepcopy(each) == each
    assert registry.find(rule.name) is rule


@pytest.mark.parametrize(("registry", "alias"), ALIASES)
def test_every_alias_leads_to_a_record(registry, alias):
    assert registry.find(alias) == registry.find(registry.aliases[alias])


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_parameters_survive_text_to_the_last_bit(slope):
    assert activations.find(repr(leaky_relu(slope))).parameters == {"slope": slope}


def test_parameters_go_in_order_or_by_name_and_leave_the_record_alone():
    assert leaky_relu(0.2) == leaky_relu(slope=0.2) == activations.find("leaky_relu( slope = 0.2 )")
    assert leaky_relu.parameters == {"slope": 0.01}
    assert leaky_relu(0.2) != leaky_relu
    assert schedules.find("cosine(5)")(floor=0.1) == schedules.find("cosine(5, 0.1)")  # what is not named stays
    assert len({leaky_relu(0.2), leaky_relu(slope=0.2), leaky_relu}) == 2


def test_a_rule_of_your_own_travels_with_its_functions():
    own = Formula("negated", f=negated, df=minus_one)
    assert pickle.loads(pickle.dumps(own)) == own
    namesake = Formula("relu", f=negated, df=minus_one)
    assert pickle.loads(pickle.dumps(namesake)) == namesake != relu


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("relu", ("relu", [], {})),
        (" relu() ", ("relu", [], {})),
        ("f(1, -2.5, key=1e-3)", ("f", [1, -2.5], {"key": 1e-3})),
        ("f(True)", ("f", [True], {})),
        ("two words", ("two words", [], {})),
        ("", ("", [], {})),
    ],
)
def test_text_is_a_name_with_numbers_or_just_text(text, parts):
    assert parse(text) == parts


@pytest.mark.parametrize(
    "text", ["f('0.2')", "f(x)", "f(*[1])", "f(**{'a': 1})", "f(0.1", "f(1)(2)", "__import__('os')"]
)
def test_brackets_hold_numbers_and_nothing_else(text):
    with pytest.raises(ValueError, match="cannot be read; expected a name, or a name with numbers") as raised:
        parse(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: activations.find("rleu"), ValueError, "unknown activation 'rleu'; did you mean 'relu'. Known: ident"),
        (lambda: activations.find("zzz"), ValueError, r"unknown activation 'zzz'; Known: identity, relu"),
        (lambda: activations.find("leaky_relu(x)"), ValueError, r"'leaky_relu\(x\)' cannot be read"),
        (lambda: activations.find(np.tanh), TypeError, "activation is .*tanh.*; expected a name such as 'identity'"),
        (lambda: losses.find(relu), TypeError, "loss is relu; expected a name .* or a Loss record"),
        (lambda: activations.find("relu(0.1)"), TypeError, "relu got 1 parameters; it takes no parameters"),
        (lambda: leaky_relu(0.1, 0.2), TypeError, "leaky_relu got 2 parameters; it takes slope"),
        (lambda: leaky_relu(0.1, slope=0.2), TypeError, "leaky_relu got its parameter slope twice"),
        (lambda: leaky_relu(slop=0.1), ValueError, "unknown parameter of leaky_relu 'slop'; did you mean 'slope'"),
        (lambda: leaky_relu("steep"), TypeError, "leaky_relu: parameter slope is 'steep'; expected a finite number"),
        (lambda: leaky_relu(np.nan), ValueError, "leaky_relu: parameter slope is nan; expected a finite number"),
    ],
)
def test_what_is_not_a_rule_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


OUT_OF_RANGE = [
    (losses, "quantile(q=2)", "quantile: parameter q is 2; expected a finite number above 0 and below 1"),
    (losses, "quantile(0)", "above 0 and below 1"),
    (losses, "huber(delta=-1)", "huber: parameter delta is -1; expected a finite number above 0"),
    (initializers, "normal(-1)", "normal: parameter std is -1; expected a finite number at least 0"),
    (initializers, "uniform(limit=-1)", "uniform: parameter limit is -1"),
    (activations, "elu(alpha=-1)", "elu: parameter alpha is -1"),
    (schedules, "exponential(decay=-1)", "exponential: parameter decay is -1; .* above 0 and at most 1"),
    (schedules, "inverse_scaling(power=-3)", "inverse_scaling: parameter power is -3"),
    (schedules, "cosine(floor=2)", "cosine: parameter floor is 2; .* at least 0 and at most 1"),
    (schedules, "cosine(warmup=-1)", "cosine: parameter warmup is -1"),
    (schedules, "step(every=0)", "step: parameter every is 0; expected a finite number above 0"),
    (schedules, "step(factor=0)", "step: parameter factor is 0"),
    (schedules, "reduce_on_plateau(factor=5)", "reduce_on_plateau: parameter factor is 5; .* above 0 and below 1"),
    (schedules, "reduce_on_plateau(patience=0)", "reduce_on_plateau: parameter patience is 0; .* at least 1"),
    (schedules, "reduce_on_plateau(min_delta=-1)", "parameter min_delta is -1"),
    (schedules, "reduce_on_plateau(least=2)", "parameter least is 2"),
]


@pytest.mark.parametrize(("registry", "text", "message"), OUT_OF_RANGE, ids=[text for _, text, _ in OUT_OF_RANGE])
def test_a_parameter_out_of_its_range_is_refused_when_it_is_set(registry, text, message):
    with pytest.raises(ValueError, match=message):
        registry.find(text)


def test_a_rule_of_your_own_may_have_ranges_too():
    own = Formula("power", lambda z, k: z**k, lambda z, a, k: k * z ** (k - 1), bounds={"k": {"at_least": 1}}, k=2)
    with pytest.raises(ValueError, match=r"power: parameter k is 0\.5; expected a finite number at least 1"):
        own(k=0.5)
    with pytest.raises(ValueError, match="power: parameter k is 2"):
        Formula("power", own.f, own.df, bounds={"k": {"below": 1}}, k=2)
    with pytest.raises(ValueError, match="unknown parameter of power 'm'"):
        Formula("power", own.f, own.df, bounds={"m": {"below": 1}}, k=2)


@pytest.mark.parametrize(("registry", "rule"), RULES)
def test_help_tells_what_each_rule_is(registry, rule):
    told = inspect.getdoc(rule)
    variant = rule(**rule.parameters)
    assert told == inspect.getdoc(variant)
    assert told != inspect.getdoc(registry.record)
    assert told.splitlines()[0] in pydoc.render_doc(rule, renderer=pydoc.plaintext)


def test_the_nearest_name_is_suggested_only_if_near():
    assert str(unknown("norm", "btch", ["batch", "layer"])) == (
        "unknown norm 'btch'; did you mean 'batch'? Known: batch, layer"
    )
    assert str(unknown("norm", "q", [])) == "unknown norm 'q'; Known: none"
    assert "did you mean 'dense1.W'?" in str(unknown("parameter", "dense1.w", ["dense1.W", "dense1.b"]))
    assert "did you mean 'Adam'?" in str(unknown("optimizer", "ADAM", ["Adam", "AdamW"]))


def test_another_registry_does_not_take_records_from_the_first():
    Registry("shape", Formula, [Formula("negated", f=negated, df=minus_one)])
    assert pickle.loads(pickle.dumps(relu)) is relu
