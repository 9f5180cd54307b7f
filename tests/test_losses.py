"""Every registered loss: the derivative of its own value, finite and silent anywhere, equal to independent peers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn import metrics

from handgrad.losses import Loss, huber, losses, quantile

RULES = [*losses, huber(0.3), quantile(0.9)]
DTYPES = [np.float32, np.float64]
every_rule = pytest.mark.parametrize("rule", RULES, ids=repr)
softmax_cross_entropy, sigmoid_cross_entropy = losses.find("cross_entropy"), losses.find("binary_cross_entropy")
mse, mae, poisson = losses.find("mse"), losses.find("mae"), losses.find("poisson")


def draw_targets(rule, random, shape):
    return {
        "values": lambda: random.normal(size=shape),
        "counts": lambda: random.poisson(2.0, shape).astype(float),
        "labels": lambda: random.choice([0, 0.3, 1], shape),
        "classes": lambda: random.dirichlet(np.ones(shape[-1]), shape[:-1]),
    }[rule.target]()


def numeric_derivative(rule, Z, T, h=1e-6):
    """∂l/∂Z by central differences, (..., B, C); each row's loss depends on its own logits only."""
    columns = []
    for column in np.eye(Z.shape[-1]):
        ahead, behind = (rule.evaluate(Z + sign * h * column, T)[0] for sign in (1, -1))
        columns.append((ahead - behind) / (2 * h))
    return np.stack(columns, axis=-1)


@every_rule
@settings(deadline=None, max_examples=50)
@given(
    shape=st.one_of(st.tuples(st.integers(1, 5), st.integers(1, 4)), st.tuples(*[st.integers(1, 4)] * 3)),
    scale=st.sampled_from([0.1, 1.0, 5.0, 100.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_derivative_is_that_of_the_value_single_and_stacked(rule, shape, scale, seed):
    random = np.random.default_rng(seed)
    Z, T = scale * random.normal(size=shape), draw_targets(rule, random, shape)
    loss, dZ = rule.evaluate(Z, T)
    assert loss.shape == shape[:-1]
    assert dZ.shape == shape
    smooth = np.all([np.ones(shape), *(np.abs(each) > 1e-5 for each in rule.kink_distances(Z, T))], axis=0)
    tolerance = 1e-6 * np.maximum(1, np.abs(loss))[..., None]  # huber's curvature jumps: off by h / 4 there
    assert (np.abs(dZ - numeric_derivative(rule, Z, T))[smooth] <= np.broadcast_to(tolerance, shape)[smooth]).all()


@every_rule
def test_kinks_are_where_the_derivative_jumps_and_nowhere_else(rule):
    T = np.ones((6000, 1))
    Z = T + np.arange(-3000, 3000)[:, None] / 1000 + 0.0005
    jumps = np.abs(np.diff(rule.evaluate(Z, T)[1][:, 0])) > 0.2
    np.testing.assert_allclose((Z - T)[:-1, 0][jumps] + 0.0005, rule.kinks, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@every_rule
def test_logits_of_ten_thousand_are_finite_silent_and_in_their_dtype(rule, dtype):
    Z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [0.0, 0.0, 0.0]], dtype)
    for T in (np.eye(4, 3, dtype=dtype), np.eye(4, 3, k=1, dtype=dtype)):
        with np.errstate(all="raise", under="ignore"):
            results = [*rule.evaluate(Z, T), rule.output(Z), *rule.kink_distances(Z, T)]
        for result in results:
            assert result.dtype == dtype
            assert np.isfinite(result).all()


LOGITS_OF = {"values": lambda T: T, "counts": np.log, "labels": special.logit, "classes": np.log}


@every_rule
def test_the_loss_is_least_where_the_output_is_the_target(rule):
    random = np.random.default_rng(0)
    T = draw_targets(rule, random, (50, 3))
    T = {"labels": 0.1 + 0.8 * T, "counts": T + 0.1}.get(rule.target, T)  # finite logits give any target inside
    Z = LOGITS_OF[rule.target](T)
    np.testing.assert_allclose(rule.output(Z), T, rtol=1e-12)
    if not rule.kinks:
        np.testing.assert_allclose(rule.evaluate(Z, T)[1], 0, atol=1e-12)
    for off in random.normal(size=(20, 50, 3)):
        assert (rule.evaluate(Z + off, T)[0] >= rule.evaluate(Z, T)[0]).all()


# The loss of each example by other means: Z (B, C), T (B, C) -> (B,).
PEERS = {
    softmax_cross_entropy: lambda Z, T: -(T * special.log_softmax(Z, axis=-1)).sum(axis=-1),
    sigmoid_cross_entropy: lambda Z, T: -(T * special.log_expit(Z) + (1 - T) * special.log_expit(-Z)).mean(axis=-1),
    mse: lambda Z, T: per_row(metrics.mean_squared_error, Z, T),
    mae: lambda Z, T: per_row(metrics.mean_absolute_error, Z, T),
    huber: lambda Z, T: special.huber(1.0, Z - T).mean(axis=-1),
    huber(0.3): lambda Z, T: special.huber(0.3, Z - T).mean(axis=-1),
    poisson: lambda Z, T: -(stats.poisson.logpmf(T, np.exp(Z)) + special.gammaln(T + 1)).mean(axis=-1),
    quantile: lambda Z, T: per_row(metrics.mean_pinball_loss, Z, T),
    quantile(0.9): lambda Z, T: per_row(metrics.mean_pinball_loss, Z, T, alpha=0.9),
}


def per_row(metric, Z, T, **settings):
    return metric(T.T, Z.T, multioutput="raw_values", **settings)


@pytest.mark.parametrize("rule", PEERS, ids=repr)
def test_the_value_equals_its_peer(rule):
    random = np.random.default_rng(1)
    Z, T = 3 * random.normal(size=(200, 4)), draw_targets(rule, random, (200, 4))
    np.testing.assert_allclose(rule.evaluate(Z, T)[0], PEERS[rule](Z, T), rtol=1e-12, atol=1e-12)


def test_cross_entropies_are_scikit_learns_log_loss():
    random = np.random.default_rng(2)
    Z, y = random.normal(size=(100, 3)), random.integers(0, 3, 100)
    T = softmax_cross_entropy.encode(y, 3, 100, None, np.dtype(float))
    expected = metrics.log_loss(y, softmax_cross_entropy.output(Z), labels=range(3))
    assert softmax_cross_entropy.evaluate(Z, T)[0].mean() == pytest.approx(expected, rel=1e-12)
    z, t = Z[:, :1], (y > 0).astype(float)[:, None]
    expected = metrics.log_loss(y > 0, sigmoid_cross_entropy.output(z)[:, 0])
    assert sigmoid_cross_entropy.evaluate(z, t)[0].mean() == pytest.approx(expected, rel=1e-12)


TORCH = {
    sigmoid_cross_entropy: lambda F, Z, T: F.binary_cross_entropy_with_logits(Z, T, reduction="none").mean(-1),
    mse: lambda F, Z, T: F.mse_loss(Z, T, reduction="none").mean(-1),
    mae: lambda F, Z, T: F.l1_loss(Z, T, reduction="none").mean(-1),
    huber(0.3): lambda F, Z, T: F.huber_loss(Z, T, reduction="none", delta=0.3).mean(-1),
    poisson: lambda F, Z, T: F.poisson_nll_loss(Z, T, log_input=True, full=False, reduction="none").mean(-1),
    softmax_cross_entropy: lambda F, Z, T: F.cross_entropy(Z, T, reduction="none"),
}


@pytest.mark.parametrize("rule", TORCH, ids=repr)
def test_value_and_derivative_equal_pytorchs(rule):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(3)
    Z, T = 3 * random.normal(size=(200, 4)), draw_targets(rule, random, (200, 4))
    leaf = torch.tensor(Z, requires_grad=True)
    expected = TORCH[rule](torch.nn.functional, leaf, torch.tensor(T))
    expected.sum().backward()
    loss, dZ = rule.evaluate(Z, T)
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dZ, leaf.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_class_indices_mean_what_they_mean_to_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(4)
    Z, y = 3 * random.normal(size=(50, 4)), random.integers(0, 4, 50)
    T = softmax_cross_entropy.encode(y, 4, 50, None, np.dtype(float))
    expected = torch.nn.functional.cross_entropy(torch.tensor(Z), torch.tensor(y), reduction="none")
    np.testing.assert_allclose(softmax_cross_entropy.evaluate(Z, T)[0], expected.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "t", "best"),
    [
        (mse, [1, 2, 6], 3.0),
        (mae, [1, 2, 6], 2.0),
        (huber, [1.0, 1.0, 1.0, 9.0], 4 / 3),  # three quadratic residuals balance one clipped at 1
        (poisson, [1, 2, 6], np.log(3.0)),
        (sigmoid_cross_entropy, [0, 1, 1], np.log(2.0)),
        (quantile(0.1), range(101), 10.0),
        (quantile(0.5), range(101), 50.0),
        (quantile(0.9), range(101), 90.0),
    ],
    ids=str,
)
def test_the_best_constant_is_the_one_of_the_textbook(rule, t, best):
    T = np.array(t, dtype=float)[:, None]
    below, above = (rule.evaluate(np.full_like(T, best + off), T)[1].mean() for off in (-1e-6, 1e-6))
    assert below < 0 < above


@pytest.mark.parametrize(
    ("rule", "predicted", "output"),
    [
        (softmax_cross_entropy, [0, 1, 0], lambda Z: special.softmax(Z, axis=-1)),  # the first of equals
        (sigmoid_cross_entropy, [[1, 0], [0, 1], [0, 0]], special.expit),  # 1 where more likely than not
        (mse, [[0.1, -1.0], [-1.0, 0.1], [0.0, 0.0]], lambda Z: Z),
        (quantile, [[0.1, -1.0], [-1.0, 0.1], [0.0, 0.0]], lambda Z: Z),
        (poisson, np.exp([[0.1, -1.0], [-1.0, 0.1], [0.0, 0.0]]), np.exp),  # the mean
    ],
    ids=["classes", "labels", "values", "quantiles", "counts"],
)
def test_predictions_and_outputs(rule, predicted, output):
    Z = np.array([[0.1, -1.0], [-1.0, 0.1], [0.0, 0.0]])
    for logits, expected in ((Z, np.array(predicted)), (np.stack([Z, Z]), np.array([predicted, predicted]))):
        np.testing.assert_allclose(rule.predict(logits), expected, rtol=1e-14)
        np.testing.assert_allclose(rule.output(logits), output(logits), rtol=1e-14)
    assert (rule.predict(Z).dtype.kind == "i") == (rule.target in ("classes", "labels"))


@pytest.mark.parametrize(
    ("rule", "y", "outputs", "networks", "expected"),
    [
        (softmax_cross_entropy, [0, 2], 3, None, [[1, 0, 0], [0, 0, 1]]),
        (softmax_cross_entropy, [0.0, 2.0], 3, None, [[1, 0, 0], [0, 0, 1]]),
        (softmax_cross_entropy, [True, False], 2, None, [[0, 1], [1, 0]]),
        (softmax_cross_entropy, [[1, 0], [0, 1]], 2, None, [[1, 0], [0, 1]]),
        (softmax_cross_entropy, [[0.25, 0.75], [0.5, 0.5]], 2, None, [[0.25, 0.75], [0.5, 0.5]]),
        (softmax_cross_entropy, [[0, 1], [1, 1], [0, 0]], 2, 3, [np.eye(2), [[0, 1], [0, 1]], [[1, 0], [1, 0]]]),
        (softmax_cross_entropy, [[[1, 0], [0, 1]]], 2, 1, [[[1, 0], [0, 1]]]),
        (sigmoid_cross_entropy, [0, 1], 1, None, [[0], [1]]),
        (sigmoid_cross_entropy, [[0, 1], [0.5, 1]], 2, None, [[0, 1], [0.5, 1]]),
        (mse, [1, -2], 1, None, [[1], [-2]]),
        (mse, [[1], [2]], 1, None, [[1], [2]]),
        (mse, [[1, 2], [3, 4], [5, 6]], 1, 3, [[[1], [2]], [[3], [4]], [[5], [6]]]),
        (poisson, [0, 7], 1, None, [[0], [7]]),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_targets_that_are_accepted(rule, y, outputs, networks, expected, dtype):
    T = rule.encode(y, outputs, 2, networks, np.dtype(dtype))
    assert T.dtype == dtype
    np.testing.assert_array_equal(T, expected)


@pytest.mark.parametrize(
    ("rule", "y", "outputs", "error", "message"),
    [
        (softmax_cross_entropy, [0, 3], 3, ValueError, "y has labels from 0 to 3 but the network has 3 outputs"),
        (softmax_cross_entropy, [-1, 1], 3, ValueError, "expected class indices from 0 to 2"),
        (softmax_cross_entropy, [1e300, 0], 3, ValueError, "y has labels from 0 to 1e.300"),
        (softmax_cross_entropy, [0.5, 1], 3, ValueError, "y has fractions; expected whole class indices"),
        (softmax_cross_entropy, [np.nan, 1], 3, ValueError, "y has nan at row 0"),
        (softmax_cross_entropy, ["cat", "dog"], 2, TypeError, "y holds <U3, not numbers"),
        (softmax_cross_entropy, [0, 1, 1], 3, ValueError, "y has 3 rows but X has 2"),
        (softmax_cross_entropy, [[0.5, 0.2], [0.5, 0.5]], 2, ValueError, "rows that are not probabilities"),
        (softmax_cross_entropy, [[1.5, -0.5], [0.5, 0.5]], 2, ValueError, "rows that are not probabilities"),
        (softmax_cross_entropy, [[1, 0], [0, 1]], 3, ValueError, r"shape \(2, 2\) but the network has 3 outputs"),
        (sigmoid_cross_entropy, [0, 2], 1, ValueError, "values from 0 to 2; sigmoid_cross_entropy expects labels"),
        (sigmoid_cross_entropy, [-1, 1], 1, ValueError, "expects labels from 0 to 1"),
        (poisson, [-1, 3], 1, ValueError, "y has the value -1; poisson expects counts of at least 0"),
        (mse, [1.0, np.inf], 1, ValueError, "y has inf at row 1"),
        (mse, [1.0, 2.0], 2, ValueError, r"y has shape \(2,\) but the network has 2 outputs; expected \(2, 2\)"),
        (mse, [[1, 2], [3, 4]], 1, ValueError, r"expected \(2, 1\) or \(2,\)"),
        (mse, 3.0, 1, ValueError, r"y has shape \(\)"),
    ],
    ids=str,
)
def test_targets_that_are_refused(rule, y, outputs, error, message):
    with pytest.raises(error, match=message):
        rule.encode(y, outputs, 2, None, np.dtype(float))


def test_probabilities_written_with_few_digits_are_made_to_sum_to_1():
    T = softmax_cross_entropy.encode([[0.333, 0.333, 0.333]], 3, 1, None, np.dtype(float))
    np.testing.assert_allclose(T, [[1 / 3] * 3], rtol=1e-15)
    Z = np.array([[0.5, -1.0, 2.0]])
    np.testing.assert_allclose(
        softmax_cross_entropy.evaluate(Z, T)[1], numeric_derivative(softmax_cross_entropy, Z, T), atol=1e-9
    )


def test_a_loss_of_your_own():
    log_cosh = Loss(
        "log_cosh",
        f=lambda z, t, k: np.log(np.cosh(k * (z - t))),
        df=lambda z, t, k: k * np.tanh(k * (z - t)),
        k=2,
    )
    Z, T = np.array([[3.0, 0.5]]), np.array([[1.0, 0.7]])
    assert losses.find(log_cosh) is log_cosh
    np.testing.assert_allclose(log_cosh.evaluate(Z, T)[1], numeric_derivative(log_cosh, Z, T), atol=1e-9)
