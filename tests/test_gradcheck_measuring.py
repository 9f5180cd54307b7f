"""Numeric derivatives: the noise is measured, error bars hold what they promise, and kinks are told from slopes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import Report, check_gradient, check_network
from handgrad.gradcheck.differences import (
    DIRECTION_STEPS,
    QUICK_STEPS,
    Slopes,
    climb,
    extrapolate,
    quick_slopes,
)
from handgrad.gradcheck.measuring import measure
from handgrad.gradcheck.noise import noise_of, rounding
from handgrad.gradcheck.subjects import typical_size
from handgrad.gradcheck.variables import CLEAR, Directions, Entries, Values, Variable

EPSILON = 2.0**-52
THOROUGH = settings(max_examples=60, deadline=None, derandomize=True)


def variable(function: Callable[[Array], Any], x: Any, scale: Any = None) -> Variable:
    """A function of points (k, n), giving (k,), around x."""
    x = np.atleast_1d(np.asarray(x, np.float64))
    scale = typical_size(x) if scale is None else np.broadcast_to(np.asarray(scale, np.float64), x.shape)

    def around(points: Array, watch: bool) -> Values:
        with np.errstate(all="ignore"):
            values = np.asarray(function(points), np.float64)
        return Values(np.where(np.isfinite(values), values, np.nan), np.full(len(points), CLEAR))

    return Variable("x", x.shape, x, scale, float(around(x[None], False).values[0]), around, 64)


def every(chosen: Variable) -> Entries:
    return Entries(chosen, np.arange(chosen.x.size))


def noise(chosen: Variable, seed: int = 17) -> float:
    return noise_of(chosen, np.random.default_rng(seed))


# --- noise --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [1e-12, 1e-8, 1e-3, 1e5])
@pytest.mark.parametrize("smooth", [lambda x: 0 * x, lambda x: x, np.sin, lambda x: 1e3 * np.exp(x)], ids=range(4))
def test_noise_of_known_size_is_measured(sigma: float, smooth: Callable[[Array], Array]) -> None:
    generator = np.random.default_rng(71)
    noisy = variable(lambda X: smooth(X).sum(axis=1) + sigma * generator.standard_normal(len(X)), [0.3, -1.2, 2.0])
    measured = [noise_of(noisy, generator) for _ in range(300)]
    assert np.sqrt(np.mean(np.square(measured))) == pytest.approx(sigma, rel=0.15)
    assert 0.03 * sigma < min(measured) < max(measured) < 4 * sigma


def test_noise_grows_with_the_function() -> None:
    x = np.random.default_rng(72).standard_normal(40)
    for size in (1e-30, 1.0, 1e30):
        found = noise(variable(lambda X: size * np.exp(np.sin(X)).sum(axis=1), x))  # noqa: B023
        assert 1e-17 * size < found / 40 < 4e-16 * size


def test_a_sum_of_float32_is_as_noisy_as_that() -> None:
    x = np.random.default_rng(73).standard_normal(50)
    single = variable(lambda X: np.sin(X.astype(np.float32)).sum(axis=1, dtype=np.float32).astype(np.float64), x)
    double = variable(lambda X: np.sin(X).sum(axis=1), x)
    assert 1e-8 < noise(single) < 1e-5
    assert noise(double) < 1e-14


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, EPSILON), (1e-9, EPSILON), (5.0, 5 * EPSILON), (-1e6, 1e6 * EPSILON)]
)
def test_where_nothing_changes_noise_is_that_of_such_numbers(value: float, expected: float) -> None:
    assert noise(variable(lambda X: np.full(len(X), value), [1.0, 2.0])) == pytest.approx(expected)


def test_noise_that_cannot_be_seen_is_that_of_numbers_of_size_one() -> None:
    """The logarithm of 1 + exp(x - 50) is 0 in float64 throughout, but its argument was rounded."""
    assert noise(variable(lambda X: np.log(1 + np.exp(X - 50)).sum(axis=1), [0.5, 1.5])) == EPSILON


def test_noise_where_the_function_has_no_value_nearby_is_a_guess() -> None:
    generator = np.random.default_rng(74)
    edge = variable(lambda X: np.where((X == 2.0).all(axis=1), 3.0, np.nan), [2.0, 2.0])
    assert noise_of(edge, generator) == 3 * EPSILON


def test_rounding_is_at_least_some_units_in_the_last_place() -> None:
    np.testing.assert_array_equal(
        rounding(np.array([0.0, 1.0, -8.0]), 0.0, made_of=0.0), [0, 4 * EPSILON, 32 * EPSILON]
    )
    np.testing.assert_array_equal(rounding(np.array([0.0, 1.0]), 0.5, made_of=0.0), [1.0, 1.0])


# --- error bars ---------------------------------------------------------------------------------------------------


def covers(found: Slopes, true: Any, reached: float) -> None:
    """The bars hold the true slopes, and are not so wide that they say nothing."""
    true = np.broadcast_to(np.asarray(true, np.float64), found.values.shape)
    assert np.isfinite(found.bars).all(), found
    exact = np.abs(true) * 8 * EPSILON  # what the closed form itself may be off by
    assert (np.abs(found.values - true) <= found.bars + exact).all(), (found, true)
    assert (found.bars <= reached * np.abs(true).max()).all(), (found, true)


COEFFICIENTS = st.lists(st.floats(-3, 3), min_size=2, max_size=5).filter(lambda c: max(map(abs, c)) > 0.1)


@THOROUGH
@given(COEFFICIENTS, st.floats(-2, 2), st.integers(-200, 200))
def test_quick_bars_hold_polynomials_of_degree_four(coefficients: list[float], at: float, exponent: int) -> None:
    """Fourth order: no error but rounding. At any scale of the argument."""
    p = np.polynomial.Polynomial(coefficients)
    unit = 2.0**exponent
    chosen = variable(lambda X: p(X[:, 0] / unit), at * unit, unit)
    size = max(abs(p.deriv()(at)), np.abs(p(np.linspace(-3, 3, 99))).max())
    for step in (*QUICK_STEPS, *DIRECTION_STEPS):
        found = quick_slopes(every(chosen), step, noise(chosen))
        if np.isfinite(found.bars).all():  # a parabola's very bottom looks like no kink, but may like nothing at all
            assert abs(found.values[0] - p.deriv()(at) / unit) <= found.bars[0]
            assert found.bars[0] <= 1e-13 / step * size / unit


SMOOTH: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "cubic": (lambda z: z**3 + z, lambda z: 3 * z**2 + 1),
    "exp": (np.exp, np.exp),
    "sin": (np.sin, np.cos),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z))),
    "quotient": (lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
    "log": (lambda z: np.log(2.5 + z), lambda z: 1 / (2.5 + z)),
}


@pytest.mark.parametrize("name", SMOOTH)
@THOROUGH
@given(st.floats(-2, 2), st.integers(-30, 30), st.integers(-30, 30), st.integers(0, 2**32))
def test_the_ladder_holds_smooth_functions(name: str, at: float, exponent: int, height: int, seed: int) -> None:
    """At any scale of argument and value."""
    function, derivative = SMOOTH[name]
    unit, size = 2.0**exponent, 10.0**height
    chosen = variable(lambda X: size * function(X[:, 0] / unit), at * unit, unit)
    found = climb(every(chosen), noise(chosen, seed)).central
    true = size * derivative(np.array([at])) / unit
    exact = np.abs(true) * 8 * EPSILON
    assert np.isfinite(found.bars).all()
    assert (np.abs(found.values - true) <= found.bars + exact).all(), (found, true)
    assert found.bars[0] <= 1e-5 * size / unit


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_the_ladder_beside_the_edge_of_a_domain(distance: float) -> None:
    """log x, where steps longer than x leave the domain: NaN there is no obstacle."""
    chosen = variable(lambda X: np.log(X).sum(axis=1), [distance, 1.0])
    found = climb(every(chosen), noise(chosen)).central
    covers(found, [1 / distance, 1.0], 1e-5)
    assert abs(found.values[0] * distance - 1) < 1e-6


@pytest.mark.parametrize("steepness", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("within", [-0.7, 0.0, 0.4])
def test_the_ladder_on_a_cliff(steepness: float, within: float) -> None:
    """A step that jumps over the cliff sees a slope of nearly 0; finer ones must contradict it."""
    chosen = variable(lambda X: np.tanh(steepness * X[:, 0]), within / steepness, 1.0)
    covers(climb(every(chosen), noise(chosen)).central, steepness / np.cosh(within) ** 2, 1e-3)


@pytest.mark.parametrize("size", [1e-150, 1e-60, 1e-8, 1e8, 1e60, 1e150])
def test_huge_and_tiny_arguments(size: float) -> None:
    x = size * np.array([0.5, -2.0, 1.25])
    chosen = variable(lambda X: np.sin(X / size).sum(axis=1), x)
    true = np.cos(x / size) / size
    covers(quick_slopes(every(chosen), QUICK_STEPS[0], noise(chosen)), true, 1e-10)
    if 1e-100 < size < 1e100:
        covers(climb(every(chosen), noise(chosen)).central, true, 1e-6)


def test_directions_are_slopes_too() -> None:
    generator = np.random.default_rng(75)
    x, moves = generator.standard_normal(30), generator.standard_normal((7, 30))
    chosen = variable(lambda X: np.sin(X).sum(axis=1), x)
    for step in DIRECTION_STEPS[1:]:
        covers(quick_slopes(Directions(chosen, moves), step, noise(chosen)), moves @ np.cos(x), 1e-6)
    covers(climb(Directions(chosen, moves), noise(chosen)).central, moves @ np.cos(x), 1e-6)


@pytest.mark.parametrize("loud", [1e-9, 1e-6])
def test_bars_are_as_wide_as_the_noise_asks(loud: float) -> None:
    """Among many noisy measurements hardly one errs by more than its bar, and bars grow with the noise."""
    generator = np.random.default_rng(76)
    x = generator.standard_normal(200)
    noisy = variable(lambda X: np.sin(X).sum(axis=1) + loud * generator.standard_normal(len(X)), x)
    found = quick_slopes(every(noisy), QUICK_STEPS[0], noise(noisy))
    fine = np.isfinite(found.bars)
    assert fine.mean() > 0.9
    assert (np.abs(found.values - np.cos(x)) <= found.bars)[fine].mean() > 0.99
    assert 1e2 * loud < np.median(found.bars[fine]) < 1e5 * loud


def test_far_points_without_a_value_are_left_out() -> None:
    def function(X: Array) -> Array:
        z = X[:, 0]
        return np.where(np.abs(z - 1) < 1e-3, np.exp(z), np.where(z > 1, np.inf, np.nan))

    chosen = variable(function, 1.0)
    covers(climb(every(chosen), noise(chosen)).central, np.e, 1e-7)
    nowhere = variable(lambda X: np.where(X[:, 0] == 1, 2.0, np.nan), 1.0)
    assert np.isinf(climb(every(nowhere), EPSILON).central.bars).all()
    assert np.isinf(quick_slopes(every(nowhere), 1e-3, EPSILON).bars).all()


# --- extrapolation ------------------------------------------------------------------------------------------------


def test_extrapolation_removes_the_terms_it_should() -> None:
    """Central slopes err by a h² + b h⁴ + c h⁶: three orders leave nothing."""
    h = 0.25 * 4.0 ** -np.arange(6)[:, None]
    terms = np.random.default_rng(77).standard_normal((3, 5))
    true = np.arange(5.0)
    slopes = true + terms[0] * h**2 + terms[1] * h**4 + terms[2] * h**6
    found = extrapolate(slopes, np.full_like(slopes, 1e-17), 16)
    assert (np.abs(found.values - true) <= found.bars).all()
    np.testing.assert_allclose(found.values, true, atol=1e-14)
    one_sided = true + terms[0] * h + terms[1] * h**2 + terms[2] * h**3
    found = extrapolate(one_sided, np.full_like(slopes, 1e-17), 4)
    np.testing.assert_allclose(found.values, true, atol=1e-14)
    assert (np.abs(found.values - true) <= found.bars).all()


def test_extrapolation_stops_where_rounding_takes_over() -> None:
    generator = np.random.default_rng(78)
    h = 0.25 * 4.0 ** -np.arange(14)[:, None] * np.ones(300)
    errors = 1e-16 / h
    slopes = 2.0 + 0.7 * h**2 + 0.3 * h**4 + errors * generator.uniform(-1, 1, h.shape)
    found = extrapolate(slopes, errors, 16)
    assert (np.abs(found.values - 2.0) <= found.bars).all()
    assert np.median(np.abs(found.values - 2.0)) < 1e-12
    assert found.bars.max() < 1e-9


def test_extrapolation_of_too_little() -> None:
    empty = extrapolate(np.full((1, 2), 3.0), np.zeros((1, 2)), 16)
    assert np.isinf(empty.bars).all()
    missing = extrapolate(np.array([[np.nan], [np.nan], [5.0]]), np.zeros((3, 1)), 16)
    assert np.isinf(missing.bars).all()
    late = extrapolate(np.array([[np.nan], [5.0], [5.0]]), np.full((3, 1), 1e-9), 16)
    assert late.values[0] == 5.0
    assert 1e-9 < late.bars[0] < 1e-7


def test_what_finer_steps_contradict_has_a_wide_bar() -> None:
    """Two long steps agree by chance; the finer ones say something else."""
    slopes = np.array([[1.0], [1.0], [3.0], [3.0], [3.0]])
    found = extrapolate(slopes, np.full((5, 1), 1e-6), 16)
    assert abs(found.values[0] - 3.0) <= found.bars[0] < 1e-3


NARROW: dict[str, tuple[Callable[[Array], Any], Callable[[Array], Array]]] = {
    "bell": (lambda z: np.exp(-(z**2)).sum(), lambda z: -2 * z * np.exp(-(z**2))),
    "peak": (lambda z: (1 / (1 + z**2)).sum(), lambda z: -2 * z / (1 + z**2) ** 2),
    "step": (lambda z: np.tanh(z).sum(), lambda z: 1 / np.cosh(z) ** 2),
}


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("width", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("others", [(), (1.0, -0.5)], ids=["alone", "among others"])
def test_steps_that_jump_over_a_narrow_place_decide_nothing(name: str, width: float, others: tuple[float, ...]) -> None:
    """Left and right of it the function is flat: a gradient of 0 there is wrong, and the right one is right."""
    function, derivative = NARROW[name]
    x = np.array([0.7 * width, 1.1 * width, *others])

    def whole(x: Array) -> Any:
        return function(x[:2] / width) + (x[2:] ** 2).sum()

    def gradient(x: Array) -> Array:
        return np.append(derivative(x[:2] / width) / width, 2 * x[2:])

    right = check_gradient(whole, gradient, x)
    assert right.checks[0].verdict == "ok", str(right)
    wrong = check_gradient(whole, lambda x: np.append([0.0, 0.0], 2 * x[2:]), x)
    assert wrong.checks[0].verdict == "WRONG", str(wrong)
    known = np.isfinite(wrong.numeric["x"])
    assert known[2:].all()
    assert known[:2].any()
    np.testing.assert_allclose(wrong.numeric["x"][known], gradient(x)[known], rtol=1e-4)


# --- kinks --------------------------------------------------------------------------------------------------------


def pinball(x: Array) -> Any:
    return np.maximum(0.8 * x, -0.2 * x).sum()


KINKED: dict[str, tuple[Callable[[Array], Any], Callable[[Array], Array], float, float]] = {
    "abs": (lambda x: np.abs(x).sum(), np.sign, -1.0, 1.0),
    "relu": (lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * 1.0, 0.0, 1.0),
    "pinball": (pinball, lambda x: np.where(x > 0, 0.8, -0.2), -0.2, 0.8),
    "bent sine": (lambda x: (np.sin(x) + 3 * np.abs(x)).sum(), lambda x: np.cos(x) + 3 * np.sign(x), -2.0, 4.0),
    "steep": (lambda x: (1e6 * np.abs(x)).sum(), lambda x: 1e6 * np.sign(x), -1e6, 1e6),
}
OTHERS = np.random.default_rng(79).uniform(0.5, 2.0, 30)  # far from kinks


def judged_at(name: str, at: float, slope: float) -> Report:
    """The check at 0 and elsewhere, where the gradient at the first entry is `slope`."""
    function, derivative, _, _ = KINKED[name]

    def gradient(x: Array) -> Array:
        found = derivative(x)
        if x[0] == at:
            found[0] = slope
        return found

    return check_gradient(function, gradient, np.append(at, OTHERS))


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_gradient_between_the_one_sided_slopes_is_judged(name: str, share: float) -> None:
    *_, left, right = KINKED[name]
    report = judged_at(name, 0.0, (1 - share) * left + share * right)
    check = report.checks[0]
    assert report.passed, str(report)
    assert (check.judged, check.kinks) == (31, 1)


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("share", [-2.0, -0.1, 1.1])
def test_a_gradient_outside_the_one_sided_slopes_is_not_judged(name: str, share: float) -> None:
    *_, left, right = KINKED[name]
    report = judged_at(name, 0.0, (1 - share) * left + share * right)
    check = report.checks[0]
    assert check.verdict != "WRONG", str(report)
    assert (check.judged, check.kinks) == (30, 1)


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
def test_just_beside_a_kink_only_the_slope_there_is_right(name: str, side: int, distance: float) -> None:
    """The steps shrink until they miss the kink; what is wrong there is accused, or at least not passed for judged."""
    _, derivative, left, right = KINKED[name]
    at = side * distance
    true = float(derivative(np.array([at]))[0])
    report = judged_at(name, at, true)
    assert report.checks[0].verdict == "ok", str(report)
    wrong = judged_at(name, at, true + 0.5 * side * (left - right))
    if distance > 1e-6:
        assert wrong.checks[0].verdict == "WRONG", str(wrong)
    if distance >= 1e-6:
        assert report.checks[0].judged == 31


@pytest.mark.parametrize("distance", [1e-8, 1e-9, 1e-12])
def test_nobody_is_accused_too_near_to_a_kink_to_measure(distance: float) -> None:
    for name, (_, derivative, _, _) in KINKED.items():
        for side in (-1, 1):
            at = side * distance
            assert judged_at(name, at, float(derivative(np.array([at]))[0])).checks[0].verdict != "WRONG"


@pytest.mark.parametrize("gap", [1e-1, 1e-2, 1e-3, 1e-4])
def test_between_two_kinks(gap: float) -> None:
    def function(x: Array) -> Any:
        return (np.abs(x - gap) + 2 * np.maximum(x + gap, 0) + np.sin(x)).sum()

    def gradient(x: Array) -> Array:
        return np.sign(x - gap) + 2 * (x > -gap) + np.cos(x)

    x = np.append([0.0, gap / 3, -gap / 2], OTHERS)
    report = check_gradient(function, gradient, x)
    assert report.passed, str(report)
    assert (report.checks[0].judged, report.checks[0].kinks) == (33, 0)
    assert check_gradient(function, lambda x: gradient(x) - 0.5 * (np.abs(x) < gap / 4), x).checks[0].verdict == "WRONG"
    on_both = check_gradient(function, gradient, np.append([gap, -gap], OTHERS))
    assert on_both.passed, str(on_both)
    assert on_both.checks[0].kinks == 2


def test_a_maximum_over_entries_has_a_kink_where_they_are_equal() -> None:
    def gradient(x: Array) -> Array:
        return np.eye(len(x))[np.argmax(x)]

    generator = np.random.default_rng(80)
    for _ in range(5):
        x = generator.standard_normal(9)
        assert check_gradient(np.max, gradient, x).passed
        order = np.argsort(x)
        x[order[-2]] = x[order[-1]]
        report = check_gradient(np.max, gradient, x)
        assert report.checks[0].verdict == "ok", str(report)
        assert report.checks[0].kinks == 2


@THOROUGH
@given(st.integers(0, 2**32))
def test_a_wrong_gradient_of_a_piecewise_function_is_wrong(seed: int) -> None:
    """Entries at random distances from kinks: right gradients pass, the same 0.1 % off does not."""
    generator = np.random.default_rng(seed)
    kinks = generator.choice([-1.0, 1.0], 12) * 10.0 ** generator.uniform(-5, 0, 12)
    x = generator.standard_normal(12) * 10.0 ** generator.uniform(-1, 1)
    weights = generator.standard_normal(12)

    def function(z: Array) -> Any:
        return (weights * np.abs(z - x - kinks)).sum() + np.sin(z).sum()

    def gradient(z: Array) -> Array:
        return weights * np.sign(z - x - kinks) + np.cos(z)

    right = check_gradient(function, gradient, x)
    assert right.checks[0].verdict == "ok", str(right)
    wrong = check_gradient(function, lambda z: 1.001 * gradient(z), x)
    assert wrong.checks[0].verdict == "WRONG", str(wrong)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_networks_are_not_accused_on_rows_of_zeros(activation: str) -> None:
    """Biases are 0 at first, so that on an empty row every pre-activation is the kink of relu."""
    for seed in range(4):
        generator = np.random.default_rng([81, seed])
        net = hg.Network.mlp([4, 6, 5, 3], activation=activation, seed=seed)
        X = generator.standard_normal((10, 4))
        X[: 1 + 3 * seed] = 0
        report = check_network(net, X, generator.integers(0, 3, 10))
        assert all(check.verdict != "WRONG" for check in report.checks), str(report)
        assert all(finding.cause == "on-kinks" for finding in report.findings), str(report)
        assert sum(check.kinks for check in report.checks) > 0


# --- measuring ----------------------------------------------------------------------------------------------------


def test_every_entry_is_measured_finely_if_all_are() -> None:
    x = np.random.default_rng(82).standard_normal(25)
    chosen = variable(lambda X: np.sin(X).sum(axis=1), x)
    found = measure(chosen, np.cos(x), noise(chosen), 25, 4, np.random.default_rng(83))
    assert found.complete
    assert found.judged.all()
    assert not found.kinked.any()
    assert len(found.along) == 0
    assert found.bars.max() < 1e-7
    np.testing.assert_allclose(found.numeric, np.cos(x), atol=1e-9)


def test_some_entries_come_with_directions() -> None:
    x = np.random.default_rng(84).standard_normal(900)
    chosen = variable(lambda X: np.sin(X).sum(axis=1), x)
    found = measure(chosen, np.cos(x), noise(chosen), 10, 3, np.random.default_rng(85))
    assert not found.complete
    assert len(found.which) == len(found.numeric) == 10
    assert found.along.shape == found.along_numeric.values.shape == (3,)
    assert (
        np.abs(found.along - found.along_numeric.values) <= found.along_numeric.bars + 1e-8 * np.abs(found.along)
    ).all()


@pytest.mark.parametrize("wrong", [1, 60, 400])
def test_the_numeric_side_does_not_follow_a_wrong_gradient(wrong: int) -> None:
    """However many entries are doubted, what is measured stays the derivative."""
    generator = np.random.default_rng(86)
    x = generator.standard_normal(400)
    given_gradient = np.cos(x)
    given_gradient[generator.permutation(400)[:wrong]] += generator.standard_normal(wrong)
    chosen = variable(lambda X: np.sin(X).sum(axis=1), x)
    found = measure(chosen, given_gradient, noise(chosen), 400, 4, generator)
    assert found.judged.all()
    np.testing.assert_allclose(found.numeric, np.cos(x), atol=1e-8)


def test_a_gradient_far_outside_the_one_sided_slopes_is_wrong() -> None:
    x = np.append(0.0, np.linspace(0.5, 2.0, 99))
    assert check_gradient(lambda x: np.abs(x).sum(), np.sign, x).passed
    assert not check_gradient(lambda x: np.abs(x).sum(), lambda x: np.where(x == 0, 1e6, np.sign(x)), x).passed


def test_a_coarsely_measured_entry_that_is_wrong_stays_wrong() -> None:
    x = np.append(1e-7, np.linspace(0.5, 2.0, 99))
    wrong = 2 * x
    wrong[0] = -40.0  # it is 3, beside a kink
    assert not check_gradient(lambda x: (x[1:] ** 2).sum() + 3 * np.maximum(x[0], 0), wrong, x).passed


def test_what_repeats_with_a_power_of_two_is_seen() -> None:
    x = np.array([0.3, 0.7, 1.1])
    report = check_gradient(lambda x: x.sum() + np.sin(2 * np.pi * 1024 * x).sum(), lambda x: np.ones(3), x)
    assert not report.passed


@pytest.mark.parametrize("steepness", [1e8, 3e8, 1e9])
def test_a_function_too_steep_for_any_step_is_not_accused(steepness: float) -> None:
    for seed in range(10):
        x = np.random.default_rng([seed, 7]).standard_normal(3)
        right = check_gradient(lambda x: np.sin(steepness * x).sum(), lambda x: steepness * np.cos(steepness * x), x)
        assert right.passed or right.inconclusive
