"""Formulas as text: the same numbers as Python's, the same training as a rule of code, and nothing else gets in."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad.activations import activations, written
from handgrad.written import FUNCTIONS, LONGEST, Written

Z = np.linspace(-3, 3, 61)
AS_TEXT = {
    "relu": ("maximum(z, 0)", "step(z)"),
    "leaky_relu": ("where(z > 0, z, 0.01 * z)", "0.01 + (1 - 0.01) * step(z)"),
    "tanh": ("tanh(z)", "1 - a * a"),
    "silu": ("z * sigmoid(z)", "sigmoid(z) * (1 + z * sigmoid(-z))"),
    "gelu": ("z * 0.5 * erfc(z * -(0.5**0.5))", "0.5 * erfc(z * -(0.5**0.5)) + z * exp(-0.5*z*z) * 0.3989422804014327"),
    "softsign": ("z / (1 + abs(z))", "1 / (1 + abs(z)) ** 2"),
    "identity": ("z", "1"),
}


@pytest.mark.parametrize("name", AS_TEXT)
def test_the_built_in_rules_written_as_text(name):
    rule, built_in = written(*AS_TEXT[name]), activations.find(name)
    np.testing.assert_allclose(rule.value(Z), built_in.value(Z), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(rule.derivative(Z), built_in.derivative(Z), rtol=1e-14, atol=1e-15)
    assert rule.value(Z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_it_trains_as_the_rule_of_code_does(engine):
    X, y = hg.datasets.moons(n=60)
    ends = []
    for activation in ("silu", written(*AS_TEXT["silu"])):
        net = hg.Network.mlp([2, 5, 2], activation=activation, init="glorot_normal")
        hg.train(net, X, y, epochs=5, engine=engine)
        ends.append(net.params)
    np.testing.assert_allclose(*ends, rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-(z > 0)", -np.where(Z > 0, 1.0, 0.0)),
        ("(z > 0) + (z > 1)", np.where(Z > 0, 1.0, 0.0) + np.where(Z > 1, 1.0, 0.0)),
        ("1 - (z <= 0) * 2", 1 - 2 * np.where(Z <= 0, 1.0, 0.0)),
        ("where(z, 2, 3)", np.where(Z != 0, 2.0, 3.0)),
        ("where((z > 0) - 1, z, 0)", np.where(Z > 0, 0, Z)),
        ("where(1 > 0, z, 2)", Z),
        ("where(0, z, 2 * z)", 2 * Z),
        ("z * (2 > 1) + (1 > 2)", Z),
    ],
)
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_comparisons_are_numbers(text, expected, engine):
    net = hg.Network.mlp([1, 1, 1], activation=written(text, "1"), loss="mse")
    net["dense1.W"] = net["dense2.W"] = np.ones((1, 1))
    np.testing.assert_array_equal(net.forward(Z[:, None], engine=engine)[:, 0], expected)


@pytest.mark.parametrize(
    "text",
    [
        "z * sqrt(2)",
        "z * where(1 > 0, 2, 3)",
        "maximum(z, exp(1))",
        "z + abs(-3)",
        "z * (2 > 1)",
        "z * (z > 0)",
        "-(z > 1)",
    ],
)
def test_constants_leave_float32_as_it_is(text):
    assert Written(text, ("z",))(Z.astype(np.float32)).dtype == np.float32


def test_a_wrong_derivative_is_found():
    X, y = hg.datasets.moons(n=20)
    good, bad = (hg.Network.mlp([2, 4, 2], activation=written("z**3", df), seed=1) for df in ("3 * z**2", "2 * z**2"))
    assert hg.check_network(good, X, y).passed
    assert not hg.check_network(bad, X, y).passed


def test_it_travels_and_is_equal_by_its_text():
    formula = Written("z * a", ("z", "a"))
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula
    np.testing.assert_array_equal(again(Z, Z), Z * Z)
    assert written("z", "1") != written("2 * z", "2")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_list(name):
    arguments = {"where": "z > 0, z, 1", "maximum": "z, 0.5", "minimum": "z, 0.5"}.get(name, "z")
    positive = np.linspace(0.1, 3, 30)
    expected = eval(f"{name}({arguments})", {**FUNCTIONS, "z": positive})
    np.testing.assert_array_equal(Written(f"{name}({arguments})", ("z",))(positive), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__import__('os')", "function in the formula"),
        ("z.__class__", "holds 'z.__class__'"),
        ("exp(z)(z)", "holds"),
        ("[z for z in z]", "holds"),
        ("lambda: z", "holds"),
        ("'text'", "holds"),
        ("True", "holds 'True'"),
        ("y", "unknown name in the formula 'y': 'y'"),
        ("sgmoid(z)", "did you mean 'sigmoid'"),
        ("exp(z, z)", "calls exp with 2 arguments; it takes 1"),
        ("exp(x=z)", "holds"),
        ("where(z > 0, *z)", "calls where with 2 arguments"),
        ("1 < z < 2", "holds"),
        ("z @ z", "holds"),
        ("z +", "cannot be read"),
        ("", "expected a text"),
        (None, "expected a text"),
        ("z\0", "cannot be read"),
        ("1e400 * z", "holds"),
        ("9**9**9**9 * z", "cannot be calculated"),
        ("1 / 0 * z", "cannot be calculated"),
        ("(-8)**0.5 * z", "complex"),
        ("z + sqrt((-8)**0.5)", "complex"),
        ("z * ((-8)**0.5 > 0)", "cannot be calculated"),
        ("-" * 300 + "z", "more than 60 deep"),
        ("(" * 240 + "z" + ")" * 240, "cannot be read"),
        ("z" * (LONGEST + 1), f"has {LONGEST + 1} characters"),
    ],
)
def test_everything_else_is_refused(text, words):
    with pytest.raises(ValueError, match=r"formula") as refused:
        Written(text, ("z",))
    assert words in str(refused.value)


@given(st.text(max_size=40) | st.text("z()+-*/.,<>=1e eaxp", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        formula = Written(text, ("z",))
    except ValueError:
        return
    with np.errstate(all="ignore"):
        assert np.shape(formula(Z)) == Z.shape
