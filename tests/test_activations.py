"""Every registered activation: silent, equal to independent peers, and with the derivative of its own value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from handgrad.activations import Formula, activations, elu, gelu, identity, leaky_relu, relu, selu
from handgrad.elementary import sigmoid

RULES = [*activations, leaky_relu(0.2), leaky_relu(-0.5), elu(0.5)]
DTYPES = [np.float32, np.float64]
every_rule = pytest.mark.parametrize("rule", RULES, ids=repr)

# The same mathematics by other means; z in float64.
PEERS = {
    identity: lambda z: z,
    relu: lambda z: (z + np.abs(z)) / 2,
    leaky_relu(0.2): lambda z: 0.6 * z + 0.4 * np.abs(z),
    elu(0.5): lambda z: np.where(z > 0, z, 0.5 * special.expm1(np.minimum(z, 0))),
    gelu: lambda z: z * special.ndtr(z),
    activations.find("silu"): lambda z: z * special.expit(z),
    activations.find("mish"): lambda z: z * np.tanh(np.logaddexp(0, z)),
    activations.find("softplus"): lambda z: -special.log_expit(-z),
    activations.find("softsign"): lambda z: np.sign(z) * (1 - 1 / (1 + np.abs(z))),
    activations.find("tanh"): lambda z: special.expit(2 * z) - special.expit(-2 * z),
    activations.find("sigmoid"): special.expit,
    activations.find("hard_tanh"): lambda z: np.clip(z, -1, 1),
}


def numeric_derivative(f, z, h=0.01):
    """Central differences of order 8; their error is about h⁸ f⁽⁹⁾ / 630."""
    shares = [4 / 5, -1 / 5, 4 / 105, -1 / 280]
    return sum(share * (f(z + k * h) - f(z - k * h)) for k, share in enumerate(shares, start=1)) / h


def away_from_kinks(rule, z, distance):
    return z[np.all([np.abs(z - kink) > distance for kink in rule.kinks], axis=0)] if rule.kinks else z


@pytest.mark.parametrize("dtype", DTYPES)
@every_rule
def test_silent_finite_and_in_its_dtype_however_far_out(rule, dtype):
    z = np.concatenate([np.linspace(-1000, 1000, 4001), [-1e-30, 0.0, 1e-30]]).astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        a, derivative = rule.value(z), rule.derivative(z)
    assert a.dtype == derivative.dtype == dtype
    assert a.shape == derivative.shape == z.shape
    assert np.isfinite(a).all()
    assert np.isfinite(derivative).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", PEERS, ids=repr)
def test_the_value_equals_its_peer_far_into_the_tails(rule, dtype):
    z = np.linspace(-30, 30, 2001).astype(dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(rule.value(z), PEERS[rule](z.astype(float)), rtol=100 * eps, atol=4 * eps**2)


def test_the_scale_of_selu_makes_mean_0_and_variance_1_a_fixed_point():
    def moment(power):
        density = lambda z: selu.value(np.float64(z)) ** power * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
        return integrate.quad(density, -20, 20, points=[0], epsabs=1e-13)[0]

    assert moment(1) == pytest.approx(0, abs=1e-12)
    assert moment(2) == pytest.approx(1, abs=1e-12)


@every_rule
def test_the_derivative_is_that_of_the_value(rule):
    random = np.random.default_rng(0)
    z = np.concatenate([random.uniform(-12, 12, 4000), random.uniform(-1000, 1000, 400)])
    z = away_from_kinks(rule, z[np.abs(z) > 0.05], distance=0.05)  # at 0 the curvature of softsign jumps
    derivative = rule.derivative(z)
    off = np.abs(derivative - numeric_derivative(rule.value, z)) / np.maximum(1, np.abs(z))
    assert off.max() < 2e-12
    np.testing.assert_array_equal(derivative, rule.derivative(z, rule.value(z)))


@every_rule
def test_the_derivative_is_right_around_0(rule):
    z = away_from_kinks(rule, np.linspace(-0.06, 0.06, 1201), distance=1e-5)
    np.testing.assert_allclose(rule.derivative(z), numeric_derivative(rule.value, z, h=1e-6), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != elu], ids=repr)  # elu is smooth at alpha = 1 only
def test_kinks_are_where_the_derivative_jumps_and_nowhere_else(rule):
    z = np.arange(-5000, 5000) / 1000 + 0.0005
    jumps = np.abs(np.diff(rule.derivative(z))) > 0.05
    np.testing.assert_allclose(z[:-1][jumps] + 0.0005, rule.kinks, atol=1e-9)


@every_rule
def test_the_gain_keeps_the_second_moment(rule):
    def density(z):
        return rule.value(np.float64(z)) ** 2 * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    second_moment = integrate.quad(density, -20, 20, points=[*rule.kinks, 0], epsabs=1e-12, limit=200)[0]
    assert rule.gain == pytest.approx(second_moment**-0.5, rel=1e-8)


@settings(deadline=None)
@given(st.floats(-0.99, 0.99))
def test_the_gains_of_the_papers(slope):
    assert identity.gain == pytest.approx(1)
    assert selu.gain == pytest.approx(1)
    assert relu.gain == pytest.approx(2**0.5)
    assert leaky_relu(slope).gain == pytest.approx((2 / (1 + slope**2)) ** 0.5)


def test_a_formula_of_your_own_is_a_rule_like_any_other():
    swish = Formula(
        "swish",
        f=lambda z, beta: z * sigmoid(beta * z),
        df=lambda z, a, beta: sigmoid(beta * z) * (1 + beta * (z - a)),
        beta=2.0,
    )
    z = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(swish(beta=1).value(z), activations.find("swish").value(z))
    np.testing.assert_allclose(swish.derivative(z), numeric_derivative(swish.value, z), atol=1e-11)
    assert repr(swish) == "swish(beta=2.0)"
    assert activations.find(swish) is swish


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Formula("my rule", np.tanh, np.tanh), ValueError, "name is 'my rule'; expected a word"),
        (lambda: Formula(3, np.tanh, np.tanh), ValueError, "name is 3; expected a word"),
        (lambda: Formula("f", 3, np.tanh), TypeError, "f: f is 3; expected a function"),
        (lambda: Formula("f", np.tanh, None), TypeError, "f: df is None; expected a function"),
        (
            lambda: Formula("f", lambda z: z, lambda z, a, k: k, k=1.0),
            TypeError,
            "f: f is defined as f.z.; expected f.z, k.",
        ),
        (
            lambda: Formula("f", lambda z, k: k * z, lambda z, a: z, k=1),
            TypeError,
            "f: df is defined as df.z, a.; expected df.z, a, k.",
        ),
        (lambda: leaky_relu(slope=None), TypeError, "leaky_relu: parameter slope is None; expected a finite number"),
    ],
)
def test_bad_records_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


TORCH_NAMES = {"hard_tanh": "hardtanh"}  # where torch.nn.functional has another name than we


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != identity], ids=repr)
def test_value_and_derivative_equal_pytorchs(rule):
    torch = pytest.importorskip("torch")
    function = getattr(torch.nn.functional, TORCH_NAMES.get(rule.name, rule.name))
    z = away_from_kinks(rule, np.linspace(-15, 15, 3001), distance=1e-9)  # torch's softplus is linear beyond 20
    leaf = torch.tensor(z, requires_grad=True)
    a = function(leaf, *rule.parameters.values())
    a.sum().backward()
    np.testing.assert_allclose(rule.value(z), a.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(rule.derivative(z), leaf.grad.numpy(), rtol=1e-10, atol=1e-13)
