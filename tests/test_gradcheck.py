"""The checker proves every combination of our formulas, finds planted mistakes, and does not cry wolf."""

import functools
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad import layers
from handgrad.activations import Formula, activations
from handgrad.gradcheck import GradientError, Report, check_gradient, check_network
from handgrad.losses import Loss, losses
from proofs import FACTORS, data, network, pairwise

CASES = pairwise(FACTORS)


@functools.cache
def report_on(number: int) -> Report:
    """The check of one of the cases, made once."""
    case = CASES[number]
    return check_network(network(case), **data(case))


def label(case: dict[str, Any]) -> str:
    return "-".join(str(value) for value in case.values())


def test_the_cases_cover_every_pair() -> None:
    covered = {(a, x, b, y) for case in CASES for a, x in case.items() for b, y in case.items()}
    wanted = {(a, x, b, y) for a in FACTORS for b in FACTORS if a != b for x in FACTORS[a] for y in FACTORS[b]}
    assert wanted <= covered


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: label(CASES[number]))
def test_every_combination_is_proved(number: int) -> None:
    case, report = CASES[number], report_on(number)
    small = {check.name for check in report.checks if check.verdict == "below noise"}
    assert len(small) <= 1, str(report)  # beyond batch norm over two rows hardly anything moves the loss
    assert all(check.verdict != "WRONG" for check in report.checks), str(report)
    assert all(finding.cause == "on-kinks" for finding in report.findings if finding.parameter not in small), str(
        report
    )
    batch_norm_of_one_row = case["norm"] == "batch" and case["rows"] == 1 and case["training"]
    if not batch_norm_of_one_row:  # every pre-activation is then the shift, whatever the weights: nothing to judge by
        assert all(check.unjudged <= 0.05 * check.entries + 1 for check in report.checks), str(report)


def test_hardly_any_of_them_is_proved_only_to_be_zero() -> None:
    """A bias before batch norm, or a row that is its own batch: fewer than one check in twenty."""
    checks = [check for number in range(len(CASES)) for check in report_on(number).checks]
    zeros = [check for check in checks if check.verdict == "zero"]
    assert 0 < len(zeros) < len(checks) / 20
    assert max(check.relative_error for check in checks) <= 1e-6


# --- planted mistakes: each backward, once spoilt, is found -------------------------------------------------------

PLAIN = {name: values[0] for name, values in FACTORS.items()} | {"activation": "tanh", "rows": 9}


def spoilt(rule: Any, **more: Any) -> Any:
    """The same record with its derivative 0.1 % too large."""
    return type(rule)(rule.name, rule.f, lambda *z, **p: 1.001 * rule.df(*z, **p), **more, **rule.parameters)


@pytest.mark.parametrize("formula", [*activations, activations.find("leaky_relu(slope=0.3)")], ids=repr)
def test_a_wrong_activation_derivative_is_found(formula: Formula) -> None:
    case = PLAIN | {"activation": spoilt(formula, kinks=formula.kinks)}
    report = check_network(network(case), **data(case))
    assert [check.name for check in report.checks if check.verdict == "WRONG"] == ["dense1.W", "dense1.b", "inputs"]


RECORDS = [loss for loss in losses if type(loss) is Loss]


@pytest.mark.parametrize("loss", [*RECORDS, *map(losses.find, ("huber(delta=0.3)", "quantile(q=0.9)"))], ids=repr)
def test_a_wrong_loss_derivative_is_found(loss: Loss) -> None:
    wrong = spoilt(loss, kinks=loss.kinks, output=loss.output, target=loss.target)
    examples = data(PLAIN | {"loss": loss})
    assert check_network(network(PLAIN | {"loss": loss}), **examples).passed
    report = check_network(network(PLAIN | {"loss": wrong}), **examples)
    assert all(check.verdict == "WRONG" for check in report.checks), str(report)


def test_a_wrong_derivative_of_softmax_cross_entropy_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {loss.name for loss in losses} - {loss.name for loss in RECORDS} == {"softmax_cross_entropy"}
    kind = type(losses.find("softmax_cross_entropy"))
    right = kind.evaluate

    def wrong(self: Any, Z: Any, T: Any) -> Any:
        value, dZ = right(self, Z, T)
        return value, 1.001 * dZ

    net, examples = network(PLAIN), data(PLAIN)
    monkeypatch.setattr(kind, "evaluate", wrong)
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
    right = hg.Network.gradient

    def wrong(self: Any, *args: Any, **mode: Any) -> Any:
        loss, gradient = right(self, *args, **mode)
        weights = self.layout.weights
        gradient[:weights] -= self.l2 * self.params[:weights]
        return loss, gradient

    monkeypatch.setattr(hg.Network, "gradient", wrong)
    report = check_network(net, **examples)
    assert {finding.parameter: finding.cause for finding in report.findings} == dict.fromkeys(
        ("dense1.W", "dense2.W"), "missing-penalty"
    )
    assert all("lacks 0.1 times the parameter" in finding.evidence for finding in report.findings)


def test_one_wrong_entry_among_thousands_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    net = hg.Network.mlp([20, 40, 3], activation="tanh", seed=1)
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((16, 20)), generator.integers(0, 3, 16)
    right = hg.Network.gradient

    def wrong(self: Any, *args: Any, **mode: Any) -> Any:
        loss, gradient = right(self, *args, **mode)
        self.layout.views(gradient)["dense1.W"][7, 11] += 1e-5
        return loss, gradient

    monkeypatch.setattr(hg.Network, "gradient", wrong)
    (finding,) = check_network(net, X, y).findings
    assert finding.parameter == "dense1.W"
    assert "dense1.W[7, 11]" in finding.evidence


# --- kinks --------------------------------------------------------------------------------------------------------


def test_a_network_on_its_kinks_is_judged_between_the_one_sided_slopes() -> None:
    net = hg.Network.mlp([2, 6, 2], activation="relu", seed=0)
    X, y = np.zeros((5, 2)), [0, 1, 0, 1, 1]  # zero inputs and biases: every Z is 0, the kink itself
    report = check_network(net, X, y)
    assert report.passed, str(report)
    kinks = {check.name: check.kinks for check in report.checks}
    assert kinks["dense1.b"] == 6
    assert kinks["inputs"] == 10
    assert kinks["dense1.W"] == kinks["dense2.W"] == kinks["dense2.b"] == 0  # X and A are 0: nothing moves with W


@pytest.mark.parametrize(("too_much", "verdict"), [(0.5, "inconclusive"), (50.0, "WRONG")])
def test_a_gradient_outside_the_one_sided_slopes_is_accused_only_far_outside(
    monkeypatch: pytest.MonkeyPatch, too_much: float, verdict: str
) -> None:
    net = hg.Network.mlp([2, 6, 2], activation="relu", seed=0)
    right = hg.Network.gradient

    def beyond(self: Any, *args: Any, **mode: Any) -> Any:
        loss, gradient = right(self, *args, **mode)
        self.layout.views(gradient)["dense1.b"][...] += too_much * (self["dense1.b"] == 0)
        return loss, gradient

    monkeypatch.setattr(hg.Network, "gradient", beyond)
    report = check_network(net, np.zeros((5, 2)), [0, 1, 0, 1, 1])
    verdicts = {check.name: check.verdict for check in report.checks if check.point == "as given"}
    assert verdicts.pop("dense1.b") == verdict, str(report)
    assert "WRONG" not in verdicts.values()
    assert report.passed is False


def test_relu_networks_are_never_accused() -> None:
    for seed in range(40):
        net = hg.Network.mlp([3, 7, 7, 2], activation="relu", seed=seed, bias_init="normal(0.1)")
        generator = np.random.default_rng(seed)
        report = check_network(net, generator.standard_normal((12, 3)), generator.integers(0, 2, 12))
        assert all(check.verdict != "WRONG" for check in report.checks), str(report)
        assert report.max_relative_error <= 1e-7, str(report)


# --- gradients too small to measure ------------------------------------------------------------------------------


def test_a_gradient_below_the_noise_is_neither_right_nor_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    net = hg.Network.mlp([4, *[8] * 8, 3], activation="sigmoid", init="normal(0.01)")  # it vanishes: 1e-18 at dense1
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    right = hg.Network.gradient

    def wrong(self: Any, *args: Any, **mode: Any) -> Any:
        loss, gradient = right(self, *args, **mode)
        self.layout.views(gradient)["dense1.W"][:] *= -5
        return loss, gradient

    monkeypatch.setattr(hg.Network, "gradient", wrong)
    report = check_network(net, X, y)
    verdicts = {check.name: check.verdict for check in report.checks}
    assert report.inconclusive
    assert verdicts["dense1.W"] == verdicts["inputs"] == "below noise"
    assert verdicts["dense9.W"] == verdicts["dense9.b"] == "ok"
    assert {finding.cause for finding in report.findings} == {"below-noise"}
    assert "a wrong gradient would look the same" in str(report)


@pytest.mark.parametrize("rows", [2, 3, 20, 300])
def test_a_bias_before_batch_norm_is_zero(rows: int) -> None:
    X, y = np.random.default_rng(rows).normal(size=(rows, 4)), np.arange(rows) % 3
    for seed in range(5):
        layers = [hg.Dense(4, 8), hg.BatchNorm(8), hg.Activation("tanh"), hg.Dense(8, 3)]
        report = check_network(hg.Network(layers, seed=seed), X, y)
        assert [check.name for check in report.checks if check.verdict == "zero"] == ["dense1.b"], str(report)
        assert report.passed


def test_dead_units_do_not_matter_and_a_dead_layer_is_zero() -> None:
    net = hg.Network.mlp([4, 8, 3], activation="relu")
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    net["dense1.b"][0, :3] = -100
    assert {check.verdict for check in check_network(net, X, y).checks} == {"ok"}
    net["dense1.b"][0] = -100
    report = check_network(net, X, y)
    zeros = {check.name for check in report.checks if check.verdict == "zero"}
    assert zeros == {"dense1.W", "dense1.b", "dense2.W", "inputs"}
    assert report.passed


def test_a_gradient_that_forgets_what_moves_the_loss_is_no_zero() -> None:
    forgotten = check_gradient(lambda x: 1e-7 * (x**2).sum(), lambda x: 0 * x, np.ones(3))
    assert [finding.cause for finding in forgotten.findings] == ["zero-gradient"]
    small = check_gradient(lambda x: 1 + 1e-12 * (x**2).sum(), lambda x: 1e-11 * x, np.ones(3))
    assert [finding.cause for finding in small.findings] == ["constant-factor"]  # values near 1 tell 1e-12 apart
    smaller = check_gradient(lambda x: 1 + 1e-16 * (x**2).sum(), lambda x: 1e-15 * x, np.ones(3))
    assert smaller.inconclusive
    assert smaller.findings[0].cause == "below-noise"


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


class Line(NamedTuple):
    slope: Any
    start: Any


@pytest.mark.parametrize(
    "x",
    [
        [1.0, 2.0],
        (1.0, 2.0),
        [np.array(1.0), np.array(2.0)],
        [np.ones(2), np.array(3.0)],
        (np.ones((2, 3)), np.zeros(1)),
        [np.ones(4)],
        {1: np.ones(2), "b": 2.0},
        Line(np.ones(2), 0.5),
    ],
    ids=repr,
)
def test_the_function_gets_what_was_given(x: Any) -> None:
    def parts(x: Any) -> list[Any]:
        return list(x.values() if isinstance(x, dict) else x)

    def function(point: Any) -> float:
        assert type(point) is type(x)
        assert not isinstance(x, dict) or list(point) == list(x)
        assert [np.shape(part) for part in parts(point)] == [np.shape(part) for part in parts(x)]
        return sum(float((part**2).sum()) for part in parts(point))

    def gradient(point: Any, factor: float = 2.0) -> Any:
        doubled = [factor * part for part in parts(point)]
        return dict(zip(point, doubled, strict=True)) if isinstance(x, dict) else doubled

    report = check_gradient(function, gradient, x)
    assert report.passed
    assert [check.name for check in report.checks] == (
        list(map(str, x)) if isinstance(x, dict) else [f"x[{i}]" for i in range(len(x))]
    )
    assert not check_gradient(function, lambda point: gradient(point, 2.1), x).passed


def test_kinks_of_any_function_are_judged_between_the_one_sided_slopes() -> None:
    x = np.concatenate([[0.0], np.linspace(0.5, 3, 30)])
    for at_the_kink, judged in ((0.0, 31), (-1.0, 31), (0.3, 31), (1.5, 30)):
        report = check_gradient(lambda x: np.abs(x).sum(), lambda x: np.where(x == 0, at_the_kink, np.sign(x)), x)  # noqa: B023
        assert report.passed
        assert (report.checks[0].judged, report.checks[0].kinks) == (judged, 1)
    far = check_gradient(lambda x: np.abs(x).sum(), lambda x: np.where(x == 0, -40.0, np.sign(x)), x)
    assert far.checks[0].verdict == "WRONG"
    few = check_gradient(lambda x: np.abs(x).sum(), lambda x: np.where(x == 0, 2.0, np.sign(x)), np.array([0.0, 1.0]))
    assert few.inconclusive
    assert few.findings[0].cause == "on-kinks"


def test_a_report_tells_all() -> None:
    report = check_gradient(lambda x: (x**2).sum(), lambda x: x, np.array([1.0, 3.0]))
    with pytest.raises(GradientError, match=r"x: constant-factor: the gradient is 0\.5 times the derivative"):
        report.raise_if_failed()
    assert report.to_pandas().loc["x", "verdict"] == "WRONG"
    assert report.to_dict()["findings"][0]["cause"] == report.findings[0].cause
    assert report.max_relative_error == pytest.approx(0.5)
    assert (report.checks[0].index, report.checks[0].analytic) == ((1,), 3.0)
    assert report.checks[0].numeric == pytest.approx(6.0)
    np.testing.assert_array_equal(report.analytic["x"], [1.0, 3.0])
    np.testing.assert_allclose(report.numeric["x"], [2.0, 6.0], rtol=1e-8)
    check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1.0])).raise_if_failed()


@pytest.mark.parametrize(
    ("function", "gradient", "x", "error", "words"),
    [
        (lambda x: x, lambda x: x, np.ones(2), TypeError, "function gave an array of shape"),
        (lambda x: np.nan, lambda x: x, np.ones(2), ValueError, "function is nan"),
        (lambda x: x.sum(), lambda x: {"a": x}, np.ones(2), ValueError, "expected arrays for"),
        (lambda x: x.sum(), lambda x: x, np.array([1, 2]), TypeError, "expected floats"),
        (lambda x: x.sum(), lambda x: x, np.array([1.0, np.nan]), ValueError, "nan at row 1"),
        (lambda x: x.sum(), lambda x: x, np.array([]), ValueError, "x is empty"),
        (lambda x: 0.0, lambda x: x, [], ValueError, "x is empty"),
        (lambda x: 0.0, lambda x: x, {}, ValueError, "x is empty"),
        (
            lambda x: 0.0,
            lambda x: x,
            {"W": np.ones(2), "b": np.ones((0, 3))},
            ValueError,
            r"b is empty, of shape \(0, 3\)",
        ),
        (lambda x: 0.0, lambda x: x, [np.ones(2), []], ValueError, r"x\[1\] is empty"),
        (lambda x: 0.0, lambda x: x, [1.0, np.nan], ValueError, r"x\[1\]"),
        (lambda x: x[0] + x[1], [1.0], [1.0, 2.0], ValueError, r"expected arrays for x\[0\], x\[1\]"),
        (lambda x: x.sum(), lambda x: ["a", "b"], np.ones(2), TypeError, "gradient of x holds"),
        (lambda x: x.sum() + 1j, lambda x: x, np.ones(2), TypeError, "complex128; expected one number"),
        (lambda x: None, lambda x: x, np.ones(2), TypeError, "expected one number"),
        (lambda x: x.sum(), lambda x: x + 0j, np.ones(2), TypeError, "gradient of x holds complex128"),
        (lambda x: x.sum(), lambda x: [[1.0], [1.0, 2.0]], np.ones(2), TypeError, "gradient of x is ragged"),
        (lambda x: x.sum(), None, np.ones(2), TypeError, "gradient of x holds object"),
        (lambda x: 1 / 0, lambda x: x, np.ones(2), ValueError, "function raised ZeroDivisionError at x: division"),
        (lambda x: x.sum(), lambda x: 1 / 0, np.ones(2), ValueError, "gradient raised ZeroDivisionError at x"),
        (lambda x: x["W"].sum(), lambda x: x["W"], {"W": np.ones(2)}, ValueError, "expected arrays for W"),
        (lambda x: x["W"].sum(), lambda x: {"V": x["W"]}, {"W": np.ones(2)}, ValueError, "expected arrays for W"),
    ],
)
def test_bad_input(function: Any, gradient: Any, x: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_gradient(function, gradient, x)


@pytest.mark.parametrize("option", ["tolerance", "entries"])
def test_options_of_zero_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} is 0"):
        check_gradient(lambda x: x.sum(), lambda x: x, np.ones(2), **{option: 0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{option} is 0"):
        check_network(hg.Network.mlp([2, 3, 2]), np.ones((4, 2)), [0, 1, 0, 1], **{option: 0})  # type: ignore[arg-type]


def test_what_raised_at_x_is_the_cause() -> None:
    with pytest.raises(ValueError, match="function raised KeyError") as caught:
        check_gradient(lambda x: x["V"].sum(), lambda x: x, {"W": np.ones(2)})
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_gradient_of_another_shape_is_a_finding() -> None:
    for gradient, shape in ((lambda x: np.append(x, 1.0), r"(4,)"), (lambda x: np.outer(x, x), r"(3, 3)")):
        report = check_gradient(lambda x: (x**2).sum() / 2, gradient, np.array([1.5, 2.5, -0.5]))
        (finding,) = report.findings
        assert not report.passed
        assert not report.inconclusive
        assert shape in finding.evidence
        assert "none" in str(report)


def test_a_gradient_of_integers_and_a_list_will_do() -> None:
    assert check_gradient(lambda x: x.sum(), lambda x: np.ones(2, dtype=int), np.array([0.5, 7.0])).passed
    assert check_gradient(lambda x: (x**2).sum(), lambda x: list(2 * x), np.array([0.5, 7.0])).passed
    assert check_gradient(lambda x: np.array([[x.sum()]]), lambda x: np.ones(2), np.array([0.5, 7.0])).passed


def test_a_function_that_raises_for_some_steps_is_measured_by_others() -> None:
    def function(x: Any) -> float:
        if x.max() > 3.0:
            raise RuntimeError("too far")
        return float((x**3).sum())

    x = np.array([3.0 - 1e-6, 1.25, -2.0])
    report = check_gradient(function, lambda x: 3 * x**2, x)
    assert report.passed, str(report)
    assert any("away from x the function raised RuntimeError: too far" in note for note in report.notes)
    assert not check_gradient(function, lambda x: 3.001 * x**2, x).passed
    quiet = check_gradient(lambda x: float((x**3).sum()), lambda x: 3 * x**2, x)
    assert not any("raised" in note for note in quiet.notes)


def test_a_loss_that_stands_still_is_told() -> None:
    x = np.array([1.0, -2.0, 0.5])
    report = check_gradient(lambda _: float((x**2).sum()), lambda x: 2 * x, x)  # its own x, not the argument
    assert [finding.cause for finding in report.findings] == ["loss-stands-still"]


@pytest.mark.parametrize("digits", [2, 3])
def test_a_rounded_loss_accuses_nobody(digits: int) -> None:
    x = np.random.default_rng(0).normal(size=5)
    report = check_gradient(lambda x: round(float((x**2).sum()), digits), lambda x: 2 * x, x)
    assert report.inconclusive, str(report)
    assert {finding.cause for finding in report.findings} == {"below-noise"}


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_derivatives_out_of_reach_are_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=r"function has derivatives of 6e.*; scale it by 2e"):
        check_gradient(lambda x: scale * (x**2).sum(), lambda x: 2 * scale * x, np.array([1.0, 2, 3]))


def test_half_precision_is_refused() -> None:
    with pytest.raises(TypeError, match=r"x holds float16, too coarse .* write x\.astype\(np\.float32\)"):
        check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, np.ones(3, np.float16))
