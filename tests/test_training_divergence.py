"""When training blows up: a single network raises and keeps its last finite parameters, a stack loses only that one."""

import pickle

import numpy as np
import pytest

import handgrad as hg

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20, 3))
Y = X @ [[1.0], [2.0], [-1.0]]


def regression(**settings):
    return hg.Network.mlp([3, 5, 1], loss="mse", **({"seed": 1} | settings))


def diverge(optimizer, **settings):
    """The error, and the parameters after each step, which are all finite."""
    net, seen = regression(), []
    training = hg.Training(
        net, X, Y, optimizer=optimizer, callbacks=[lambda t: seen.append(t.net.params.copy())], **settings
    )
    with pytest.raises(hg.DivergenceError) as raised:
        training.run()
    return raised.value, net, seen, training


def test_a_single_network_that_diverges_raises_and_says_where_and_what_to_try():
    error, net, seen, training = diverge(hg.SGD(50.0), epochs=500, batch_size=None)
    assert error.epoch == error.step == len(seen) + 1 == len(training.history) + 1
    assert error.layer in ("dense1", "activation1", "dense2")
    assert not error.size < 1e100
    place = [f"at epoch {error.epoch}, step {error.step}", f"of layer {error.layer}", "The update was not applied"]
    for words in (
        *place,
        "the loss became",
        "lower learning rate (it was 50)",
        "clip_norm",
        "standardised",
        "he_normal",
    ):
        assert words in str(error)
    np.testing.assert_array_equal(net.params, seen[-1])
    assert np.isfinite(net.params).all()


def test_steps_are_counted_through_the_epochs():
    error, *_ = diverge(hg.SGD(50.0), epochs=500, batch_size=7)
    assert (error.step - 1) // 3 + 1 == error.epoch


def test_an_update_that_overflows_is_not_applied_though_the_loss_is_finite():
    start = regression().params.copy()
    error, net, *_ = diverge(hg.SGD(1e308), epochs=3, batch_size=None)
    assert (error.epoch, error.step) == (1, 1)
    assert "the update overflowed" in str(error)
    np.testing.assert_array_equal(net.params, start)


def test_the_layer_where_values_blew_up_first_is_named():
    net = hg.Network([hg.Dense(3, 4), hg.Dense(4, 4), hg.Dense(4, 1)], loss="mse", seed=0)
    net["dense2.W"][...] = 1e308
    start = net.params.copy()
    with pytest.raises(hg.DivergenceError, match="outputs of layer dense2 blew up first") as raised:
        hg.train(net, X, Y, epochs=2)
    assert (raised.value.layer, raised.value.epoch, raised.value.step) == ("dense2", 1, 1)
    np.testing.assert_array_equal(net.params, start)


def test_lbfgs_refuses_to_start_from_a_loss_that_is_not_finite():
    net = regression()
    net["dense2.W"][...] = 1e200
    with pytest.raises(hg.DivergenceError, match="epoch 1, step 1"):
        hg.train(net, X, Y, optimizer="lbfgs")


def test_the_error_travels_between_processes():
    error, *_ = diverge(hg.SGD(50.0), epochs=500)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize("optimizer", [hg.SGD, hg.Adam], ids=lambda record: record.__name__)
@pytest.mark.parametrize("stop", [None, hg.EarlyStopping(patience=3)], ids=["", "early stopping"])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_of_a_stack_only_that_network_freezes(optimizer, stop, batch_size):
    rates, settings = (
        [0.01, 1e308, 0.05, 50.0 if optimizer is hg.SGD else 1e308],
        {"epochs": 200 if batch_size is None else 40},
    )
    settings |= {"batch_size": batch_size, "stop": stop, "validation": (X[:5], Y[:5]), "metrics": ("r2",)}
    stack = regression(seed=range(4))
    training = hg.Training(stack, X, Y, optimizer=optimizer(rates), **settings)
    with pytest.warns(RuntimeWarning, match="of 4 networks diverged, the first at epoch"):
        history = training.run()
    assert 1 in training.diverged
    for s, rate in enumerate(rates):
        alone = hg.Training(regression(seed=s), X, Y, optimizer=optimizer(rate), **settings)
        if s in training.diverged:
            with pytest.raises(hg.DivergenceError) as raised:
                alone.run()
            assert training.diverged[s] == (raised.value.epoch, raised.value.step)
        else:
            alone.run()
        np.testing.assert_array_equal(alone.net.params, stack.params[s])
        for name, values in alone.history.columns.items():
            column = getattr(history, name)[:, s]
            np.testing.assert_array_equal(column[: len(values)], values)
            assert np.isnan(column[len(values) :]).all()
    assert np.isfinite(stack.params).all()


def test_training_ends_when_every_network_has_diverged():
    settings = {"optimizer": hg.SGD(1e308), "validation": (X, Y), "progress": True}
    training = hg.Training(regression(seed=range(2)), X, Y, epochs=50, **settings)
    with pytest.warns(RuntimeWarning, match="2 of 2 networks diverged"):
        assert len(training.run()) == 1
    assert np.isnan(training.history.loss).all()
