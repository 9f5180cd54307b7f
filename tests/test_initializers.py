"""Every registered initialiser has the mean, variance and distribution that its paper gives it."""

import re

import numpy as np
import pytest
from scipy import stats

import handgrad as hg
from handgrad.activations import leaky_relu
from handgrad.initializers import Initializer, initializers, lsuv

SHAPES = [(120, 180), (180, 120), (150, 150)]

# The variance of each weight, by the paper.
VARIANCES = {
    "zeros": lambda fan_in, fan_out, gain: 0.0,
    "normal": lambda fan_in, fan_out, gain: 0.01**2,
    "uniform": lambda fan_in, fan_out, gain: 0.05**2 / 3,
    "glorot_normal": lambda fan_in, fan_out, gain: 2 / (fan_in + fan_out),
    "glorot_uniform": lambda fan_in, fan_out, gain: 2 / (fan_in + fan_out),
    "he_normal": lambda fan_in, fan_out, gain: 2 / fan_in,
    "he_uniform": lambda fan_in, fan_out, gain: 2 / fan_in,
    "lecun_normal": lambda fan_in, fan_out, gain: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out, gain: 1 / fan_in,
    "orthogonal": lambda fan_in, fan_out, gain: gain**2 / max(fan_in, fan_out),
    "lsuv": lambda fan_in, fan_out, gain: 1 / max(fan_in, fan_out),
    "critical": lambda fan_in, fan_out, gain: gain**2 / fan_in,
}


def draw(rule, shape=(120, 180), gain=1.0, seed=0):
    return initializers.find(rule).draw(np.random.default_rng(seed), shape, *shape, gain)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", [*initializers], ids=repr)
def test_mean_and_variance_are_as_documented(rule, shape):
    W, variance = draw(rule, shape, gain=1.5), VARIANCES[rule.name](*shape, 1.5)
    assert W.shape == shape
    assert W.dtype == np.float64
    assert abs(W.mean()) <= 5 * np.sqrt(variance / W.size)
    assert abs(W.var() - variance) <= 5 * variance * np.sqrt(2 / W.size)  # at most this for a normal variable


@pytest.mark.parametrize("rule", [*initializers], ids=repr)
def test_help_tells_the_variance_and_the_paper(rule):
    formula = re.search(r"Var\[w\] = ([^;]+);", rule.__doc__)[1]
    sizes = {"fan_in": 120, "fan_out": 180, "gain": 1.5}
    told = eval(formula, {"max": max}, sizes | rule.parameters)
    assert told == pytest.approx(VARIANCES[rule.name](120, 180, 1.5))
    assert re.search(r"; [A-Z].* (19|20)\d\d[,.]", rule.__doc__) or rule.name in ("zeros", "normal", "uniform")
    if "slope" in rule.parameters:
        assert "for\nleaky_relu(0.2) pass it, slope=0.2" in rule.__doc__


@pytest.mark.parametrize("rule", [rule for rule in initializers if rule.name.endswith("normal")], ids=repr)
def test_the_normal_ones_are_normal(rule):
    W = draw(rule)
    assert stats.kstest(W.ravel() / np.sqrt(VARIANCES[rule.name](120, 180, 1)), "norm").pvalue > 0.01


@pytest.mark.parametrize("rule", [rule for rule in initializers if rule.name.endswith("uniform")], ids=repr)
def test_the_uniform_ones_are_uniform(rule):
    W, limit = draw(rule), np.sqrt(3 * VARIANCES[rule.name](120, 180, 1))
    assert np.abs(W).max() <= limit
    assert stats.kstest(W.ravel(), "uniform", args=(-limit, 2 * limit)).pvalue > 0.01


@pytest.mark.parametrize(
    ("text", "variance"),
    [
        ("normal(0.5)", 0.25),
        ("uniform(limit=0.3)", 0.03),
        ("he_normal(slope=0.5)", 2 / 1.25 / 120),
        ("he_uniform(slope=1)", 1 / 120),
        ("small", 1e-4),
        ("xavier", 2 / 300),
        ("xavier_uniform", 2 / 300),
        ("he", 2 / 120),
        ("kaiming_uniform", 2 / 120),
    ],
)
def test_parameters_and_aliases(text, variance):
    W = draw(text)
    assert abs(W.var() - variance) <= 5 * variance * np.sqrt(2 / W.size)


def test_the_slope_of_he_is_that_of_leaky_relu():
    assert draw("he_normal(slope=0.3)").std() / draw("lecun_normal").std() == pytest.approx(leaky_relu(0.3).gain)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 7), (7, 1), (1, 1)])
def test_orthogonal_weights_are_orthogonal_the_way_that_fits(shape):
    W = draw("orthogonal", shape, gain=1.5)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, 1.5**2 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_weights_prefer_no_direction():
    rotations = [draw("orthogonal", (2, 2), seed=seed) for seed in range(1000)]
    angles = [np.arctan2(W[1, 0], W[0, 0]) for W in rotations]
    assert stats.kstest(angles, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 0.01
    assert abs(np.mean([np.linalg.det(W) for W in rotations])) < 5 / np.sqrt(1000)  # as many reflections as rotations


def test_a_draw_is_a_function_of_its_generator():
    for rule in initializers:
        np.testing.assert_array_equal(draw(rule, seed=3), draw(rule, seed=3))
    assert (draw("he_normal", seed=3) != draw("he_normal", seed=4)).all()


def test_a_network_gives_each_layer_the_gain_of_the_activation_after_it():
    net = hg.Network.mlp([6, 6, 6, 3], activation=["relu", leaky_relu(0.5)], init="orthogonal")
    largest = [np.linalg.norm(net[f"dense{layer}.W"], ord=2) for layer in (1, 2, 3)]
    np.testing.assert_allclose(largest, [2**0.5, (2 / 1.25) ** 0.5, 1.0], rtol=1e-8)


def test_an_initializer_of_your_own():
    ones = Initializer("ones", lambda generator, shape, fan_in, fan_out, gain, scale: np.full(shape, scale), scale=2.0)
    assert (hg.Network.mlp([2, 3, 2], init=ones).params[:12] == 2).all()
    with pytest.raises(TypeError, match="ones: draw is 1; expected a function"):
        Initializer("ones", draw=1)


X = np.random.default_rng(0).standard_normal((200, 8)) * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stacked"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_lsuv_gives_every_layer_outputs_of_variance_1(activation, seed, dtype):
    net = hg.Network.mlp(
        [8, 16, 16, 3], activation=activation, init="lsuv", bias_init="normal(0.5)", seed=seed, dtype=dtype
    )
    biases = net.params[..., net.layout.weights :].copy()
    lsuv(net, X)
    for Z in net.dense_outputs(X).values():
        assert np.abs(Z.var(axis=(-2, -1)) - 1).max() <= 0.02
    np.testing.assert_array_equal(net.params[..., net.layout.weights :], biases)
    assert net.params.dtype == dtype


def test_lsuv_scales_networks_of_a_stack_as_it_does_alone():
    stack = hg.Network.mlp([8, 16, 3], init="lsuv", seed=range(4))
    lsuv(stack, X)
    for s in range(4):
        alone = hg.Network.mlp([8, 16, 3], init="lsuv", seed=s)
        lsuv(alone, X)
        np.testing.assert_array_equal(stack.params[s], alone.params)


def test_lsuv_leaves_a_dead_layer_alone():
    net = hg.Network.mlp([8, 16, 3], init="zeros")
    lsuv(net, X)
    assert not net.params.any()
