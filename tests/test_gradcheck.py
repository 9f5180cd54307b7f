"""The checker proves every combination of our formulas, finds planted mistakes, and does not cry wolf."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad import layers
from handgrad.activations import Formula, activations
from handgrad.gradcheck import GradientError, check_gradient, check_network
from handgrad.losses import losses
from proofs import FACTORS, data, network, pairwise

CASES = pairwise(FACTORS)


def label(case: dict[str, Any]) -> str:
    return "-".join(str(value) for value in case.values())


def test_the_cases_cover_every_pair() -> None:
    covered = {(a, x, b, y) for case in CASES for a, x in case.items() for b, y in case.items()}
    wanted = {(a, x, b, y) for a in FACTORS for b in FACTORS if a != b for x in FACTORS[a] for y in FACTORS[b]}
    assert wanted <= covered


@pytest.mark.parametrize("case", CASES, ids=label)
def test_every_combination_is_proved(case: dict[str, Any]) -> None:
    report = check_network(network(case), **data(case))
    assert report.max_relative_error <= 1e-7, str(report)
    batch_norm_of_one_row = case["norm"] == "batch" and case["rows"] == 1 and case["training"]
    if not batch_norm_of_one_row:  # every pre-activation is then the shift, whatever the weights: nothing to judge by
        assert all(check.unjudged <= 0.05 * check.entries + 1 for check in report.checks), str(report)


# --- planted mistakes: each backward, once spoilt, is found -------------------------------------------------------

PLAIN = {name: values[0] for name, values in FACTORS.items()} | {"activation": "tanh", "rows": 9}


def spoilt(formula: Formula) -> Formula:
    return Formula(formula.name, formula.f, lambda *z, **p: 1.001 * formula.df(*z, **p), **formula.parameters)


@pytest.mark.parametrize("formula", list(activations), ids=repr)
def test_a_wrong_activation_derivative_is_found(formula: Formula) -> None:
    case = PLAIN | {"activation": spoilt(formula)}
    report = check_network(network(case), **data(case))
    assert [check.name for check in report.checks if check.verdict == "WRONG"] == ["dense1.W", "dense1.b", "inputs"]


@pytest.mark.parametrize("loss", list(losses), ids=repr)
def test_a_wrong_loss_derivative_is_found(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = type(loss).evaluate

    def wrong(self: Any, Z: Any, T: Any) -> Any:
        value, dZ = right(self, Z, T)
        return value, 1.001 * dZ

    case = PLAIN | {"loss": loss.name}
    net, examples = network(case), data(case)
    monkeypatch.setattr(type(loss), "evaluate", wrong)
    assert all(check.verdict == "WRONG" for check in check_network(net, **examples).checks)


LAYERS = {
    layers.Dense: PLAIN,
    layers.Activation: PLAIN,
    layers.Dropout: PLAIN | {"dropout": 0.3},
    layers.BatchNorm: PLAIN | {"norm": "batch"},
    layers.LayerNorm: PLAIN | {"norm": "layer"},
    layers.Residual: PLAIN | {"residual": True},
}


def test_every_layer_has_its_planted_mistake() -> None:
    kinds = {each for each in vars(layers).values() if isinstance(each, type) and issubclass(each, layers.Layer)}
    assert set(LAYERS) == kinds - {layers.Layer}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_a_wrong_input_gradient_of_a_layer_is_found(
    kind: type[layers.Layer], training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = kind.backward

    def wrong(self: Any, params: Any, dY: Any, cache: Any) -> Any:
        dA, grads = right(self, params, dY, cache)
        return 1.001 * dA, grads

    case = LAYERS[kind] | {"training": training}
    net, examples = network(case), data(case)
    assert check_network(net, **examples).passed
    monkeypatch.setattr(kind, "backward", wrong)
    assert not check_network(net, **examples).passed


@pytest.mark.parametrize(
    ("kind", "key"),
    [(kind, key) for kind in (layers.BatchNorm, layers.LayerNorm) for key in ("gain", "shift")],
)
def test_a_wrong_norm_parameter_gradient_is_found(kind: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = kind.backward

    def wrong(self: Any, params: Any, dY: Any, cache: Any) -> Any:
        dA, grads = right(self, params, dY, cache)
        return dA, grads | {key: 1.001 * grads[key]}

    case = LAYERS[kind]
    net, examples = network(case), data(case)
    monkeypatch.setattr(kind, "backward", wrong)
    report = check_network(net, **examples)
    assert [check.name for check in report.checks if check.verdict == "WRONG"] == [f"{kind.__name__.lower()}1.{key}"]


@pytest.mark.parametrize("key", ["W", "b"])
def test_a_wrong_dense_parameter_gradient_is_found(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = layers.Dense.parameter_gradients

    def wrong(self: Any, dZ: Any, A: Any) -> Any:
        grads = right(self, dZ, A)
        return grads | {key: grads[key] * 1.001}

    net, examples = network(PLAIN), data(PLAIN)
    monkeypatch.setattr(layers.Dense, "parameter_gradients", wrong)
    report = check_network(net, **examples)
    assert {check.name for check in report.checks if check.verdict == "WRONG"} == {f"dense1.{key}", f"dense2.{key}"}


def test_batch_norm_that_takes_its_statistics_for_constants_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = PLAIN | {"norm": "batch"}
    net, examples = network(case), data(case)
    monkeypatch.setattr(layers, "_standardised_backward", lambda dN, normed, deviation, mean: dN / deviation)
    report = check_network(net, **examples)
    assert {finding.parameter for finding in report.findings} == {"dense1.W", "dense1.b", "inputs"}


def test_a_missing_penalty_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = PLAIN | {"l2": 0.1}
    net, examples = network(case), data(case)
    loss, gradient = net.gradient(examples["X"], examples["y"])
    weights = net.layout.weights
    gradient[:weights] -= 0.1 * net.params[:weights]
    monkeypatch.setattr(hg.Network, "gradient", lambda self, X, y, **mode: (loss, gradient))
    report = check_network(net, **examples)
    assert {finding.parameter for finding in report.findings} == {"dense1.W", "dense2.W"}


def test_one_wrong_entry_among_thousands_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    net = hg.Network.mlp([20, 40, 3], activation="tanh", seed=1)
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((16, 20)), generator.integers(0, 3, 16)
    loss, gradient = net.gradient(X, y)
    net.layout.views(gradient)["dense1.W"][7, 11] += 1e-5
    monkeypatch.setattr(hg.Network, "gradient", lambda self, X, y, **mode: (loss, gradient))
    (finding,) = check_network(net, X, y).findings
    assert finding.parameter == "dense1.W"
    assert "dense1.W[7, 11]" in finding.evidence


# --- kinks --------------------------------------------------------------------------------------------------------


def test_a_network_on_its_kinks_is_inconclusive_not_wrong() -> None:
    net = hg.Network.mlp([2, 6, 2], activation="relu", seed=0)
    report = check_network(net, np.zeros((4, 2)), [0, 1, 0, 1])  # zero inputs and biases: every Z is 0, the kink itself
    assert report.inconclusive
    assert not report.passed
    assert report.findings[0].cause == "on-kinks"
    assert all(check.verdict != "WRONG" for check in report.checks)


def test_relu_networks_are_never_accused() -> None:
    for seed in range(40):
        net = hg.Network.mlp([3, 7, 7, 2], activation="relu", seed=seed, bias_init="normal(0.1)")
        generator = np.random.default_rng(seed)
        report = check_network(net, generator.standard_normal((12, 3)), generator.integers(0, 2, 12))
        assert report.max_relative_error <= 1e-7, str(report)


def test_a_float32_network_is_checked_as_its_float64_twin() -> None:
    net = hg.Network.mlp([2, 4, 2], activation="tanh", dtype="float32", l2=0.1)
    before = net.params.copy()
    assert check_network(net, [[0.1, 0.2], [1.0, -1.0]], [0, 1]).passed
    assert net.params.dtype == np.float32
    np.testing.assert_array_equal(net.params, before)


# --- anybody's function -------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), st.floats(0.5, 2))
def test_polynomials_are_judged_right(point: list[float], scale: float) -> None:
    x = np.array(point)
    assert check_gradient(lambda x: scale * (x**3 + x).sum(), lambda x: scale * (3 * x**2 + 1), x).passed
    wrong = check_gradient(lambda x: scale * (x**3 + x).sum(), lambda x: scale * (3 * x**2 + 1.001), x)
    assert not wrong.passed


def test_named_arrays_and_lists() -> None:
    point = {"W": np.ones((2, 3)), "b": np.array([0.5, -2.0])}
    right = {"W": np.full((2, 3), 2.0), "b": np.cos(point["b"])}
    assert check_gradient(lambda p: (p["W"] ** 2).sum() + np.sin(p["b"]).sum(), right, point).passed
    report = check_gradient(lambda p: (p["W"] ** 2).sum() + np.sin(p["b"]).sum(), right | {"b": -right["b"]}, point)
    assert [finding.parameter for finding in report.findings] == ["b"]
    assert check_gradient(lambda p: (p[0] * p[1]).sum(), lambda p: [p[1], p[0]], [np.ones(3), np.arange(3.0)]).passed


def test_kinks_of_any_function_are_counted_not_judged() -> None:
    x = np.concatenate([[0.0], np.linspace(0.5, 3, 30)])
    report = check_gradient(lambda x: np.abs(x).sum(), np.sign, x)
    assert report.passed
    assert report.checks[0].unjudged == 1
    assert check_gradient(lambda x: np.abs(x).sum(), np.sign, np.array([0.0, 1.0])).inconclusive


def test_a_report_tells_all() -> None:
    report = check_gradient(lambda x: (x**2).sum(), lambda x: x, np.array([1.0, 3.0]))
    with pytest.raises(GradientError, match=r"x: the gradient is wrong by .* x\[1\] it is 3, .* 6"):
        report.raise_if_failed()
    assert report.to_pandas().loc["x", "verdict"] == "WRONG"
    assert report.to_dict()["findings"][0]["cause"] == report.findings[0].cause
    assert report.max_relative_error == pytest.approx(0.5)
    check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1.0])).raise_if_failed()


@pytest.mark.parametrize(
    ("function", "gradient", "x", "error", "words"),
    [
        (lambda x: x, lambda x: x, np.ones(2), TypeError, "function gave an array of shape"),
        (lambda x: np.nan, lambda x: x, np.ones(2), ValueError, "function is nan"),
        (lambda x: x.sum(), lambda x: np.ones(3), np.ones(2), ValueError, "expected .2,."),
        (lambda x: x.sum(), lambda x: {"a": x}, np.ones(2), ValueError, "expected arrays for"),
        (lambda x: x.sum(), lambda x: x, np.array([1, 2]), TypeError, "expected floats"),
        (lambda x: x.sum(), lambda x: x, np.array([1.0, np.nan]), ValueError, "nan at row 1"),
        (lambda x: x.sum(), lambda x: x, np.array([]), ValueError, "x is empty"),
    ],
)
def test_bad_input(function: Any, gradient: Any, x: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_gradient(function, gradient, x)


def test_a_tolerance_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance is 0"):
        check_gradient(lambda x: x.sum(), lambda x: x, np.ones(2), tolerance=0)
