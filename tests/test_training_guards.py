"""What training must not do in silence: move what it should not, learn from nothing, stand still, forget."""

import numpy as np
import pytest

import handgrad as hg
from handgrad.initializers import lsuv
from handgrad.metrics import Metric

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(33, 3))
Y = np.arange(33) % 3


def mlp(**settings):
    return hg.Network.mlp([3, 6, 3], **({"activation": "tanh", "seed": 1} | settings))


# --- LSUV rescales what it drew, and nothing else -------------------------------------------------------------------


def scale_of_first_outputs(net, rows=X):
    return float((rows @ net["dense1.W"]).std())


@pytest.mark.parametrize("offered", [lambda net: setattr(net, "params", mlp().params), lambda net: lsuv(net, 100 * X)])
def test_weights_that_were_offered_are_not_rescaled(offered):
    net = mlp(init="lsuv")
    offered(net)
    before = net.params.copy()
    hg.train(net, X, Y, epochs=1, batch_size=None, optimizer=hg.SGD(1e-9))
    np.testing.assert_allclose(net.params, before, atol=1e-8)


def test_frozen_weights_are_not_rescaled_but_refused():
    with pytest.raises(ValueError, match=r"frozen.*lsuv"):
        hg.train(mlp(init="lsuv"), X, Y, frozen=("dense1",))


def test_lsuv_sees_rows_from_the_whole_set():
    rows = np.concatenate([np.full((1000, 3), 1e-6), RANDOM.normal(size=(1000, 3))])  # in order, the first show nothing
    net = mlp(init="lsuv")
    hg.train(net, rows, np.arange(2000) % 3, epochs=1, batch_size=None, optimizer=hg.SGD(1e-9))
    assert scale_of_first_outputs(net, rows) == pytest.approx(1, abs=0.1)


# --- early stopping -------------------------------------------------------------------------------------------------


def test_a_metric_of_your_own_can_be_monitored():
    share = Metric("share", lambda y, predicted: (y == predicted).mean(axis=-1), higher_is_better=True)
    stop = hg.EarlyStopping(patience=3, monitor="share")
    history = hg.train(mlp(), X, Y, epochs=200, metrics=(share,), stop=stop)
    assert history.best_epoch == int(np.argmax(history.share)) + 1


def test_a_callback_that_stops_brings_the_best_weights_back():
    net = mlp()
    validation = (X[:9], (Y[:9] + 1) % 3)  # wrong labels: training soon makes the loss on them worse
    history = hg.train(
        net,
        X,
        Y,
        epochs=100,
        optimizer=hg.Adam(0.05),
        validation=validation,
        stop=hg.EarlyStopping(patience=90),
        callbacks=[lambda training: training.epoch == 30],
    )
    assert len(history) == 30
    assert net.loss(*validation) == pytest.approx(history.validation_loss.min())
    assert history.validation_loss.min() < history.validation_loss[-1]


# --- overflow anywhere is divergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [hg.Adam(), hg.RMSprop(), hg.Adagrad()])
def test_a_moment_that_overflows_stops_training(optimizer):
    net = hg.Network.mlp([1, 1], loss="mse", dtype="float32", init="normal(1)")
    before = net.params.copy()
    with pytest.raises(hg.DivergenceError, match="overflowed"):
        hg.train(net, np.full((4, 1), 1e12), np.zeros(4), optimizer=optimizer)
    np.testing.assert_array_equal(net.params, before)


def test_running_statistics_that_overflow_stop_training():
    net = hg.Network([hg.BatchNorm(1), hg.Dense(1, 1)], loss="mse", dtype="float32")
    with pytest.raises(hg.DivergenceError):
        hg.train(net, np.array([[1e25], [-1e25], [2e25]]), np.zeros(3))
    assert np.isfinite(net.state).all()


def test_clipping_a_huge_gradient_still_moves():
    net = hg.Network.mlp([1, 1], loss="mse", dtype="float32", init="normal(1)")
    before = net.params.copy()
    hg.train(net, np.full((4, 1), 1e12), np.zeros(4), epochs=1, clip_norm=1.0, optimizer=hg.SGD(0.1))
    assert np.linalg.norm(net.params - before) == pytest.approx(0.1, rel=1e-5)


# --- weights and classes --------------------------------------------------------------------------------------------


def test_only_the_shares_of_sample_weights_count_even_where_their_sum_overflows():
    net = mlp()
    assert net.loss(X, Y, sample_weight=np.full(33, 1e308)) == pytest.approx(net.loss(X, Y))


@pytest.mark.parametrize(
    ("net", "y", "settings", "words"),
    [
        (hg.Network.mlp([3, 1], loss="sigmoid_cross_entropy"), np.zeros(33), {}, "one class only"),
        (mlp(), Y, {"class_weight": {0: 0, 1: 0, 2: 0}}, "leaves every row a weight of 0"),
        (mlp(), Y, {"class_weight": {1.5: 2}}, "class_weight's class is 1.5"),
        (mlp(), Y, {"sample_weight": (Y == 0).astype(float), "class_weight": {0: 0}}, "leaves every row"),
    ],
)
def test_nothing_to_learn_from_is_refused(net, y, settings, words):
    with pytest.raises((ValueError, TypeError), match=words):
        hg.train(net, X, y, **settings)


def test_one_network_of_a_stack_with_one_class_is_refused():
    with pytest.raises(ValueError, match="one class only"):
        hg.train(mlp(seed=range(2)), np.stack([X, X]), np.stack([Y, np.zeros(33, dtype=int)]))


def test_class_weights_of_a_binary_network_are_duplicated_rows():
    y = (Y == 0).astype(int)
    twice = np.concatenate([X, X[y == 1]]), np.concatenate([y, y[y == 1]])
    one, other = (hg.Network.mlp([3, 4, 1], loss="sigmoid_cross_entropy") for _ in range(2))
    hg.train(one, X, y, epochs=20, batch_size=None, class_weight={1: 2})
    hg.train(other, *twice, epochs=20, batch_size=None)
    np.testing.assert_allclose(one.params, other.params, rtol=1e-9)


def test_a_last_batch_of_one_row_leaves_the_running_variance_alone():
    net = mlp(norm="batch")
    hg.train(net, X, Y, epochs=100, batch_size=32, optimizer=hg.SGD(1e-9))
    measured = (X @ net["dense1.W"]).var(axis=0, ddof=1)
    np.testing.assert_allclose(net["batchnorm1.variance"][0], measured, rtol=0.1)


# --- settings -------------------------------------------------------------------------------------------------------


def test_the_penalty_can_be_changed_later():
    net, fresh = mlp(), mlp(l2=0.5)
    net.l2 = 0.5
    assert net.loss(X, Y) == fresh.loss(X, Y)
    np.testing.assert_array_equal(net.gradient(X, Y)[1], fresh.gradient(X, Y)[1])
    with pytest.raises(ValueError, match="l2 is -1"):
        net.l2 = -1


def test_parameters_that_overflow_in_the_dtype_are_refused():
    net = mlp(dtype="float32")
    with pytest.raises(ValueError, match="params has inf"):
        net.params = np.full(net.params.shape, 1e300)


def test_a_formula_with_a_float64_constant_keeps_float32():
    scaled = hg.activations.Formula("scaled", f=lambda z: z * np.sqrt(2), df=lambda z, a: np.sqrt(2) + 0 * z)
    net = mlp(activation=scaled, dtype="float32")
    assert net.forward(X).dtype == net.gradient(X, Y)[1].dtype == np.float32


@pytest.mark.parametrize("metric", ["mean_squared_error", "mean_absolute_error", "r2"])
def test_class_indices_are_not_compared_as_values(metric):
    with pytest.raises(ValueError, match="is for regression"):
        hg.train(mlp(), X, Y, metrics=(metric,))


def test_parameters_that_are_not_finite_are_refused_before_the_first_step():
    net = mlp()
    net["dense1.W"][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"net\.params has nan"):
        hg.train(net, X, Y)


def test_a_setting_nobody_knows_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'batch_size'"):
        hg.train(mlp(), X, Y, batchsize=3)
    with pytest.raises(TypeError, match="belongs to the optimizer"):
        hg.train(mlp(), X, Y, learning_rate=0.1)


def test_what_happened_to_each_network_is_in_the_history():
    stack = mlp(seed=range(3))
    with pytest.warns(RuntimeWarning, match=r"1 of 3 networks diverged.*\(network 1\)"):
        history = hg.train(stack, X, Y, epochs=20, optimizer=hg.SGD([0.1, 1e308, 0.1]))
    assert set(history.diverged) == {1}
    assert np.isnan(history.loss[-1, 1])
