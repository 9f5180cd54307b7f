"""Theory against closed forms, published numbers, and our own networks.

What is measured over S networks of width n agrees with theory within five standard errors of the mean and a term for
the finite width, 3 · layers / n of the value: theory is exact for infinite width, and each layer adds order 1 / n.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

import handgrad as hg
from handgrad import theory
from handgrad.activations import Formula, activations, elu
from handgrad.elementary import erfc, step
from handgrad.initializers import Initializer

ALL = [*activations]
CRITICAL_WITHOUT_BIASES = [each for each in ALL if each.name not in ("gelu", "silu", "mish", "softplus")]

erf = Formula("erf", f=lambda z: 1 - erfc(z), df=lambda z, a: 2 / np.pi**0.5 * np.exp(-z * z))
shifted = Formula("shifted", f=lambda z: np.maximum(z - 0.3, 0), df=lambda z, a: step(z - 0.3))  # an untold kink
steep = Formula("steep", f=lambda z: np.tanh(1e4 * z), df=lambda z, a: 1e4 * (1 - a * a))
exponential = Formula("exponential", f=lambda z: np.exp(z), df=lambda z, a: a)
nothing = Formula("nothing", f=lambda z: 0 * z, df=lambda z, a: 0 * z)
spread = Initializer(
    "spread",
    lambda generator, shape, fan_in, fan_out, gain, sigma_w: sigma_w * generator.standard_normal(shape) / fan_in**0.5,
    sigma_w=1.0,
)


def network(activation, sigma_w, sigma_b, widths, seeds, outputs=1):
    """A stack of random networks without a task: W ~ N(0, sigma_w² / fan_in), b ~ N(0, sigma_b²)."""
    return hg.Network.mlp(
        [*widths, outputs],
        activation=activation,
        init=spread(sigma_w=sigma_w),
        bias_init=f"normal(std={sigma_b})",
        loss="mse",
        seed=range(seeds),
    )


def pairs_of_inputs(D, c, pairs=8):
    """Rows of squared length D, (2 pairs, D): row i and row pairs + i have correlation c, others none."""
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((D, 2 * pairs)))
    first, other = np.sqrt(D) * Q[:, :pairs].T, np.sqrt(D) * Q[:, pairs:].T
    return np.concatenate([first, c * first + np.sqrt(1 - c * c) * other])


def hidden_signals(net, X):
    """Mean squared length q and mean correlation c of the pairs in each layer: (S, layers) both."""
    Z = np.stack([*net.dense_outputs(X).values()], axis=1)  # (S, layers, 2 pairs, n)
    first, other = np.split(Z, 2, axis=-2)
    lengths = np.square(Z).mean(axis=-1)
    cosines = (first * other).sum(-1) / np.sqrt(np.square(first).sum(-1) * np.square(other).sum(-1))
    return lengths.mean(axis=-1), cosines.mean(axis=-1)


def assert_agrees(measured, predicted, allowance):
    """Mean over the first axis within five standard errors and the allowance (a part of the value)."""
    error = measured.std(axis=0, ddof=1) / np.sqrt(len(measured))
    band = 5 * error + allowance * np.abs(predicted)
    assert (np.abs(measured.mean(axis=0) - predicted) <= band).all(), (measured.mean(axis=0), predicted, band)
    assert (band <= 0.3 * np.abs(predicted).max()).all()  # a band that says something


# --- moments ----------------------------------------------------------------------------------------------------------


def quad(g, formula, variance):
    """E[g(h)] by SciPy's adaptive quadrature between the kinks."""
    root = np.sqrt(variance)
    kinks = [kink / root for kink in formula.kinks if abs(kink) < 12 * root]
    edges = sorted({-12.0, -1.0, *kinks, 1.0, 12.0})

    def integrand(z):
        return g(np.array([root * z]))[0] * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    rule = {"epsabs": 1e-14, "epsrel": 1e-12}
    return sum(integrate.quad(integrand, *ends, **rule)[0] for ends in itertools.pairwise(edges))


@pytest.mark.parametrize("variance", [0.01, 1.0, 50.0])
@pytest.mark.parametrize("formula", ALL, ids=repr)
def test_moments_agree_with_scipys_quadrature(formula, variance):
    expected = [quad(lambda h, g=g: g(h) ** 2, formula, variance) for g in (formula.value, formula.derivative)]
    np.testing.assert_allclose(theory.gaussian_moments(formula, variance), expected, rtol=1e-10)


@given(st.floats(-20, 20), st.floats(-2, 2))
@settings(max_examples=30)
def test_moments_of_leaky_relu_and_hard_tanh_in_closed_form(log_variance, slope):
    q = 2.0**log_variance
    half = (1 + slope**2) / 2
    np.testing.assert_allclose(theory.gaussian_moments(f"leaky_relu({slope!r})", q), [q * half, half], rtol=1e-12)
    edge = 1 / np.sqrt(q)
    inside = special.erf(edge / np.sqrt(2))
    second = q * (inside - 2 * edge * stats.norm.pdf(edge)) + 1 - inside
    if q > 1e-3:  # the closed form cancels at smaller ones
        np.testing.assert_allclose(theory.gaussian_moments("hard_tanh", q), [second, inside], rtol=1e-10)


@given(st.floats(-20, 20))
@settings(max_examples=30)
def test_moments_of_erf_in_closed_form(log_variance):
    q = 2.0**log_variance
    expected = 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)), 4 / np.pi / np.sqrt(1 + 4 * q)
    np.testing.assert_allclose(theory.gaussian_moments(erf, q), expected, rtol=1e-9)


def test_moments_of_kinks_untold_and_of_a_wall():
    tail = stats.norm.sf(0.3)
    expected = 1.09 * tail - 0.3 * stats.norm.pdf(0.3), tail
    np.testing.assert_allclose(theory.gaussian_moments(shifted), expected, rtol=1e-10)
    slope = 1e4 * 4 / 3 / np.sqrt(2 * np.pi)  # ∫ tanh'² = 4 / 3, where the density is φ(0)
    np.testing.assert_allclose(theory.gaussian_moments(steep)[1], slope, rtol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("rleu",), ValueError, "did you mean 'relu'"),
        ((3,), TypeError, "activation is 3"),
        (("relu", 0), ValueError, "variance is 0; expected a finite number above 0"),
        (
            (Formula("power", f=lambda z: z**0.5, df=lambda z, a: 0.5 / a),),
            ValueError,
            "power is too steep or too rough",
        ),
    ],
)
def test_moments_refuse(arguments, error, message):
    with pytest.raises(error, match=message):
        theory.gaussian_moments(*arguments)


# --- maps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ALL, ids=repr)
def test_lengths_and_correlations_in_networks_follow_the_maps(formula):
    n, depth, S = 200, 4, 16
    sigma_w, sigma_b, c = min(formula.gain, 1.4), 0.3, 0.4
    net = network(formula, sigma_w, sigma_b, [n] * (depth + 1), S, outputs=n)
    lengths, cosines = hidden_signals(net, pairs_of_inputs(n, c))
    q0 = sigma_w**2 + sigma_b**2
    c0 = (sigma_w**2 * c + sigma_b**2) / q0

    allowance = 3 * np.arange(depth + 1) / n
    assert_agrees(lengths, theory.length_map(formula, sigma_w, sigma_b, q0, depth), allowance)
    assert_agrees(cosines, theory.correlation_map(formula, sigma_w, sigma_b, c0, depth, q=q0), allowance + 3 / n)


def arc_cosine(c):
    """The correlation map of relu at sigma_w² = 2 (Cho & Saul 2009, degree 1)."""
    return (np.sqrt(1 - c * c) + (np.pi - np.arccos(c)) * c) / np.pi


@given(st.floats(-1, 1), st.floats(-10, 10))
@settings(max_examples=10)
def test_the_correlation_map_of_relu_is_the_arc_cosine_kernel(c, log_variance):
    found = theory.correlation_map("relu", 2**0.5, 0.0, c, depth=2, q=2.0**log_variance)
    np.testing.assert_allclose(found, [c, arc_cosine(c), arc_cosine(arc_cosine(c))], rtol=1e-10, atol=1e-12)


@given(st.floats(-1, 1), st.floats(-6, 6))
@settings(max_examples=10)
def test_the_correlation_map_of_erf_is_an_arc_sine(c, log_variance):
    q = 2.0**log_variance
    second = 1.7**2 * 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)) + 0.2**2
    covariance = 1.7**2 * 2 / np.pi * np.arcsin(2 * q * c / (1 + 2 * q)) + 0.2**2
    found = theory.correlation_map(erf, 1.7, 0.2, c, depth=1, q=q)[1]
    assert found == pytest.approx(covariance / second, rel=1e-8, abs=1e-10)


def test_lengths_that_underflow_are_0_and_biases_bring_them_back():
    lengths = theory.length_map("relu", 1e-8, 0.0, 1.0, depth=40)
    assert lengths[1] == pytest.approx(0.5e-16)
    assert (lengths[-5:] == 0).all()
    np.testing.assert_allclose(theory.length_map("sigmoid", 1e-8, 0.1, 1.0, depth=2)[1:], 0.01, rtol=1e-10)


def test_equal_inputs_stay_equal():
    for formula in ALL:
        np.testing.assert_allclose(theory.correlation_map(formula, 1.1, 0.1, 1.0, depth=3, q=2.0), 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.length_map("tanh", 0, 0, 1, 3), "sigma_w is 0; expected a finite number above 0"),
        (lambda: theory.length_map("tanh", 1, -1, 1, 3), "sigma_b is -1; expected a finite number at least 0"),
        (lambda: theory.length_map("tanh", 1, 0, 0, 3), "q0 is 0"),
        (lambda: theory.length_map("tanh", 1, 0, 1, -1), "depth is -1"),
        (lambda: theory.length_map("relu", 1e10, 0, 1, 40), "lengths grow without end for relu"),
        (lambda: theory.correlation_map("relu", 1e-8, 0, 0.5, 40, q=1.0), "signals die out"),
        (lambda: theory.correlation_map("tanh", 1.5, 0, 1.1, 3), "c0 is 1.1"),
        (lambda: theory.correlation_map("tanh", 0.9, 0, 0.5, 3), r"signals die out \(q\* = 0\) for tanh"),
        (lambda: theory.fixed_point("relu", 2, 0), "lengths grow without end for relu with sigma_w = 2"),
        (lambda: theory.fixed_point("gelu", 2, 0), "lengths grow without end for gelu"),
        (lambda: theory.fixed_point("relu", 2**0.5, 0.1), "lengths grow without end"),
        (lambda: theory.correlation_fixed_point("tanh", 0.9, 0), "signals die out"),
        (lambda: theory.fixed_point(exponential, 1.2, 0), "lengths grow without end for exponential"),
        (lambda: theory.critical_point(nothing, 0.0), "nothing has no critical point at sigma_b = 0"),
        (lambda: theory.gaussian_moments(exponential, 50.0), "exponential is too steep"),
        (lambda: theory.critical_point(exponential, 0.3), "exponential has no critical point"),
        (lambda: theory.correlation_map(exponential, 1, 0, 0.2, 9, q=1), "exponential is too steep"),
        (lambda: theory.chi("tanh", 1.5, 0, q=0), "q is 0"),
        (lambda: theory.critical_point("tanh", -1), "sigma_b is -1"),
        (lambda: theory.critical_point("relu", 0.1), "relu has no critical point at sigma_b = 0.1: at its critical"),
        (lambda: theory.critical_point("softplus", 0), "softplus has no critical point at sigma_b = 0: no length"),
        (lambda: theory.critical_point("gelu", 0), "expected sigma_b of at least 0.4159"),
        (lambda: theory.critical_line("tanh", [[0.1]]), r"sigma_b has shape \(1, 1\)"),
        (lambda: theory.critical_line("tanh", [0.1, -2]), r"sigma_b\[1\] is -2"),
        (lambda: theory.length_fluctuation([]), "widths is empty"),
        (lambda: theory.length_fluctuation([3, 0]), r"widths\[1\] is 0"),
        (lambda: theory.dead_input_probability(0, 1), "width is 0"),
        (lambda: theory.born_dead_probability(3, 0), "depth is 0"),
        (lambda: theory.selu_moments(0, -1), "variance is -1"),
        (lambda: theory.linear_learning_curve([1, -1], 0.1, [0]), "singular_values holds -1"),
        (lambda: theory.linear_learning_curve([1, 2], 0.0, [0]), "u0 is 0 at the lowest"),
        (lambda: theory.linear_learning_curve([1, 2], [0.1] * 3, [0]), r"u0 has shape \(3,\)"),
        (lambda: theory.linear_learning_curve([1, 2], 0.1, 0.0), r"time has shape \(\)"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- fixed points -----------------------------------------------------------------------------------------------------

PLACES = [
    ("tanh", 1.5, 0.0),
    ("tanh", 2.0, 0.5),
    ("tanh", 1.1, 0.3),
    ("relu", 1.0, 1.0),
    ("elu", 1.2, 0.3),
    ("gelu", 1.2, 0.3),
    ("sigmoid", 4.0, 0.1),
    ("softplus", 0.8, 0.2),
    ("hard_tanh", 2.0, 0.3),
    ("selu", 1.0, 0.0),
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_maps_settle_at_the_fixed_points_as_fast_as_the_depth_scales_say(place):
    q = theory.fixed_point(*place)
    lengths = theory.length_map(*place, q0=1.0, depth=150)
    assert lengths[-1] == pytest.approx(q, rel=1e-9)
    near = theory.length_map(*place, q0=1.001 * q, depth=1) - q
    assert near[1] / near[0] == pytest.approx(np.exp(-1 / theory.length_depth_scale(*place)), rel=5e-3)

    c = theory.correlation_fixed_point(*place)
    assert theory.correlation_map(*place, c0=c, depth=1)[1] == pytest.approx(c, abs=1e-9)
    close = theory.correlation_map(*place, c0=c - 1e-4, depth=1) - c
    assert close[1] / close[0] == pytest.approx(np.exp(-1 / theory.depth_scale(*place)), rel=0.02)
    assert (c < 1) == (theory.chi(*place) > 1)


def test_signals_that_die_out_have_the_depth_scale_of_small_signals():
    assert theory.fixed_point("tanh", 0.9, 0.0) == 0
    for scale in (theory.depth_scale, theory.length_depth_scale):
        assert scale("tanh", 0.9, 0.0) == pytest.approx(-1 / np.log(0.81))


@pytest.mark.parametrize("formula", [each for each in ALL if each.name != "softplus"], ids=repr)
def test_squared_gradients_grow_by_chi_in_networks(formula):
    """∂loss/∂Z, from layer to layer back: theory takes the weights on the way back for others than on the way up."""
    n, depth, S = 150, 3, 30
    sigma_w, sigma_b = (0.8 if formula.name in ("identity", "selu", "elu") else 1.2), 0.5
    q = theory.fixed_point(formula, sigma_w, sigma_b)
    net = network(formula, sigma_w, sigma_b, [n] * (depth + 1), S, outputs=n)
    X = np.sqrt((q - sigma_b**2) / sigma_w**2) * pairs_of_inputs(n, 0.0)  # lengths start where they rest
    Z = net.forward(X)
    y = Z + np.random.default_rng(1).standard_normal(Z.shape)  # the gradient by the outputs is white noise
    gradients = hg.record(net, np.broadcast_to(X, (S, *X.shape)), y).gradients
    squares = np.stack([np.square(gradients[f"dense{i}"]).mean(axis=(-2, -1)) for i in range(1, depth + 2)], axis=1)
    layers = np.arange(depth, -1, -1)
    predicted = theory.chi(formula, sigma_w, sigma_b) ** layers
    assert_agrees(squares / squares[:, -1:], predicted, 3 * (layers + 1) / n)


# --- the edge of chaos ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "sigma_w_squared"),
    [("tanh", 1), ("identity", 1), ("softsign", 1), ("hard_tanh", 1), ("elu", 1), ("relu", 2), (erf, np.pi / 4)],
)
def test_critical_weights_without_biases_as_published(formula, sigma_w_squared):
    sigma_w, q = theory.critical_point(formula, 0.0)
    assert sigma_w**2 == pytest.approx(sigma_w_squared, rel=1e-12)
    assert q == (1.0 if formula in ("identity", "relu") else 0.0)


def test_the_critical_point_of_tanh_at_the_biases_of_schoenholz():
    """Their figures take sigma_b² = 0.05 and show the edge of chaos at sigma_w² = 1.76."""
    sigma_w, q = theory.critical_point("tanh", 0.05**0.5)
    assert round(sigma_w**2, 2) == 1.76
    assert theory.depth_scale("tanh", sigma_w, 0.05**0.5) > 1e4
    assert theory.fixed_point("tanh", sigma_w, 0.05**0.5) == pytest.approx(q, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "sigma_b_squared", "sigma_w_squared"), [("gelu", 0.17292, 1.98305), ("silu", 0.55514, 1.98800)]
)
def test_the_end_of_the_critical_line_of_gelu_and_silu_as_published(name, sigma_b_squared, sigma_w_squared):
    """Where both susceptibilities are 1 (Roberts, Yaida & Hanin 2022, chapter 5): our line begins there."""
    smallest = np.sqrt(sigma_b_squared)
    assert np.isnan(theory.critical_line(name, [0.9999 * smallest])).all()
    sigma_w, _ = theory.critical_point(name, 1.0001 * smallest)
    assert sigma_w**2 == pytest.approx(sigma_w_squared, rel=1e-3)


@pytest.mark.parametrize("formula", [each for each in ALL if not theory.moments.is_scale_invariant(each)], ids=repr)
def test_at_a_critical_point_the_equations_hold(formula):
    for sigma_b in (0.4, 0.9):
        try:
            sigma_w, q = theory.critical_point(formula, sigma_b)
        except ValueError:
            assert formula.name in ("gelu", "silu", "softplus")
            continue
        assert theory.chi(formula, sigma_w, sigma_b, q) == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(theory.length_map(formula, sigma_w, sigma_b, q, 3), q, rtol=1e-9)
        shorter = theory.length_map(formula, sigma_w, sigma_b, 0.99 * q, 20)
        assert 0.99 * q < shorter[-1] <= q * (1 + 1e-12)  # it attracts
        assert theory.critical_line(formula, [sigma_b])[0] == sigma_w


# --- the initialiser --------------------------------------------------------------------------------------------------


def test_critical_is_he_normal_for_relu():
    he, critical = (hg.Network.mlp([5, 7, 7, 3], init=init, seed=range(3)) for init in ("he_normal", "critical"))
    np.testing.assert_allclose(critical.params, he.params, rtol=1e-14)


@pytest.mark.parametrize("formula", [*CRITICAL_WITHOUT_BIASES, erf], ids=repr)
def test_critical_weights_have_the_critical_spread_and_keep_signals_apart(formula):
    n, S, c = 150, 24, 0.6
    net = hg.Network.mlp([n] * 6, activation=formula, init="critical", seed=range(S))
    sigma_w = theory.critical_point(formula, 0.0)[0]
    for layer in range(1, 6):
        W = net[f"dense{layer}.W"]
        assert W.std() * np.sqrt(n) == pytest.approx(sigma_w, abs=5 * sigma_w / np.sqrt(2 * W.size))
    cosines = hidden_signals(net, pairs_of_inputs(n, c))[1]
    assert_agrees(cosines, theory.correlation_map(formula, sigma_w, 0.0, c, 4, q=sigma_w**2), 15 / n)


def test_each_layer_takes_the_critical_spread_of_the_signals_it_receives():
    net = hg.Network.mlp([300, 300, 300, 300], activation=["tanh", "relu"], init="critical")
    spreads = [net[f"dense{layer}.W"].std() * np.sqrt(300) for layer in (1, 2, 3)]
    np.testing.assert_allclose(spreads, [1, 1, 2**0.5], rtol=0.02)
    linear = hg.Network([hg.Dense(300, 300)], init="critical", loss="mse")
    np.testing.assert_allclose(linear["dense1.W"].std() * np.sqrt(300), 1, rtol=0.02)


def test_critical_with_biases_is_a_parameter():
    net = hg.Network.mlp([400, 400, 400], activation="gelu", init="critical(sigma_b=0.5)", bias_init="normal(std=0.5)")
    sigma_w, _ = theory.critical_point("gelu", 0.5)
    assert net["dense2.W"].std() * 20 == pytest.approx(sigma_w, rel=0.02)
    assert repr(net.init[0]) == "critical(sigma_b=0.5)"


def test_critical_comes_back_from_a_file(tmp_path):
    net = hg.Network.mlp([4, 5, 2], activation=erf, init=["critical", "he_normal"], seed=range(2))
    hg.save(net, tmp_path / "net.safetensors")
    loaded = hg.load(tmp_path / "net.safetensors", activations=[erf])
    np.testing.assert_array_equal(loaded.params, net.params)
    assert loaded.init == net.init


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "softplus", "init": "critical"}, "init is 'critical' but softplus has no critical point"),
        ({"activation": "mish", "init": "critical"}, r"at least 0.3075 \(sigma_b is given as init='critical\(sigma_b="),
        ({"activation": "relu", "init": "critical(0.1)"}, "expected sigma_b = 0"),
        ({"init": "critical(-1)"}, "critical: parameter sigma_b is -1"),
        ({"bias_init": "critical"}, "bias_init is 'critical', which draws weights; expected 'normal"),
    ],
)
def test_critical_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        hg.Network.mlp([2, 3, 2], **settings)


# --- relu at finite width ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [[30], [20, 20, 20]], ids=str)
def test_lengths_of_relu_networks_fluctuate_as_predicted(widths):
    D, S = 6, 2000
    net = hg.Network.mlp([D, *widths, 1], init="he_normal", loss="mse", seed=range(S))
    x = pairs_of_inputs(D, 0.0, pairs=1)[:1]
    hidden = np.maximum(net.dense_outputs(x)[f"dense{len(widths)}.W"], 0)
    M = np.square(hidden).mean(axis=(-2, -1))  # E[M] = |x|² / D = 1
    assert_agrees(M, 1.0, 0.0)
    assert_agrees(M**2, 1 + theory.length_fluctuation(widths), 0.0)


@pytest.mark.parametrize(("width", "depth"), [(1, 2), (2, 3), (3, 6)])
def test_relu_networks_die_as_often_as_predicted(width, depth):
    S = 1500
    net = hg.Network.mlp([1] + [width] * depth + [1], init="he_normal", loss="mse", seed=range(S))
    last = net.dense_outputs([[1.0], [-1.0]])[f"dense{depth}.W"]
    dead = (last <= 0).all(axis=-1)  # (S, 2): each ray
    p = theory.dead_input_probability(width, depth)
    assert abs(dead[:, 0].mean() - p) <= 5 * np.sqrt(p * (1 - p) / S)
    low, high = theory.born_dead_probability(width, depth)
    error = 5 * np.sqrt(high * (1 - high) / S)
    assert low - error <= dead.all(axis=-1).mean() <= high + error
    assert low < high or width == 1


def test_probabilities_of_death_at_the_ends():
    assert theory.dead_input_probability(60, 10) == pytest.approx(10 * 2.0**-60)
    assert theory.born_dead_probability(3, 1) == (0.0, 0.0)
    assert theory.born_dead_probability(2, 1000) == pytest.approx((1, 1))


# --- selu -------------------------------------------------------------------------------------------------------------


def test_the_constants_of_selu_are_those_that_make_0_and_1_a_fixed_point():
    def missing(constants):
        scale, alpha = constants
        formula = elu(alpha=alpha)
        first, second = theory.moments.expectation(
            formula, lambda h: np.stack([formula.value(h), formula.value(h) ** 2]), 1.0
        )
        return scale * first, scale**2 * second - 1

    np.testing.assert_allclose(optimize.fsolve(missing, [1.0, 1.0], xtol=1e-12), [1.05070098, 1.67326324], rtol=1e-8)


def test_selu_rests_at_mean_0_and_variance_1_and_attracts_as_published():
    found = theory.selu_fixed_point()
    np.testing.assert_allclose(found[:2], [0, 1], atol=1e-12)
    np.testing.assert_allclose(found.jacobian, [[0, 0.088834], [0, 0.782648]], atol=1e-6)  # their section on theorem 1
    slope = np.subtract(theory.selu_moments(0, 1.001), theory.selu_moments(0, 0.999)) / 0.002
    np.testing.assert_allclose(found.jacobian[:, 1], slope, rtol=1e-5)
    assert found.contraction < 1


def test_moments_in_selu_networks():
    n, S, depth = 300, 12, 4
    net = hg.Network.mlp([n] * (depth + 2), activation="selu", init="lecun_normal", seed=range(S))
    outputs = net.dense_outputs(1.5 * pairs_of_inputs(n, 0.0))
    A = np.stack([activations.find("selu").value(outputs[f"dense{i}.W"]) for i in range(1, depth + 1)], axis=1)
    second, predicted = 2.25, []
    for _ in range(depth):
        mean, variance = theory.selu_moments(0.0, second)  # a unit sees the mean square: random weights have no sum
        second = variance + mean**2
        predicted.append(second)
    assert_agrees(np.square(A).mean(axis=(-2, -1)), np.array(predicted), 3 * np.arange(1, depth + 1) / n)


# --- linear networks --------------------------------------------------------------------------------------------------


def test_a_linear_network_learns_its_modes_as_predicted():
    generator = np.random.default_rng(0)
    B, D, s, u0, rate = 40, 4, np.array([3.0, 1.5, 0.5, 0.0]), 0.01, 2e-3
    X = np.linalg.qr(generator.standard_normal((B, D)))[0] * np.sqrt(B)
    U, V = (np.linalg.qr(generator.standard_normal((D, D)))[0] for _ in range(2))
    y = X @ (U * s) @ V.T
    net = hg.Network([hg.Dense(D, D, bias=False), hg.Dense(D, D, bias=False)], loss="mse")
    net["dense1.W"][...], net["dense2.W"][...] = np.sqrt(u0) * U, np.sqrt(u0) * V.T
    training = hg.Training(net, X, y, batch_size=None, optimizer=hg.SGD(rate))
    measured = []
    for _ in range(10):
        training.run(epochs=500)
        measured.append(np.diag(U.T @ net["dense1.W"] @ net["dense2.W"] @ V))
    steps = 500 * np.arange(1, 11)
    predicted = theory.linear_learning_curve(s, u0, steps * rate * 2 / D)
    np.testing.assert_allclose(measured, predicted, atol=0.01)  # Euler steps of size rate · s
    assert (np.abs(predicted - s / 2) < 0.3 * s).any(axis=0)[:3].all()  # each mode was seen half learnt


@given(st.floats(0, 5), st.floats(1e-6, 1), st.floats(0, 10))
@settings(max_examples=50)
def test_learning_curves_solve_their_equation(s, u0, t):
    h = 1e-5
    before, at, after = theory.linear_learning_curve([s], u0, [t, t + h, t + 2 * h])[:, 0]
    assert (after - before) / (2 * h) == pytest.approx(2 * at * (s - at), rel=1e-4, abs=1e-6)


# --- the room ---------------------------------------------------------------------------------------------------------


def test_every_public_name_is_documented_and_there():
    for name in theory.__all__:
        assert getattr(theory, name).__doc__, name
