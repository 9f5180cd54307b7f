"""What is not finite stops the compiled engine where it stops NumPy, with the same words, and is not applied."""

from typing import Any

import numpy as np
import pytest

import handgrad as hg

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20, 3))
Y = X @ [[1.0], [2.0], [-1.0]]
ENGINES = ("numpy", "compiled")


def regression(**settings):
    return hg.Network.mlp([3, 5, 1], loss="mse", **({"seed": 1} | settings))


def narrow(*layers):
    return lambda: hg.Network([*layers, hg.Dense(1, 1)], loss="mse", dtype="float32", init="normal(1)", seed=1)


def blown_up():
    net = hg.Network([hg.Dense(3, 4), hg.Dense(4, 4), hg.Dense(4, 1)], loss="mse", seed=0)
    net["dense2.W"][...] = 1e308
    return net


HUGE, FLAT = np.full((4, 1), 1e12), np.zeros((4, 1))
CAUSES: dict[str, Any] = {  # the network, its data, settings
    "a huge rate": (regression, X, Y, {"optimizer": hg.SGD(50.0)}),
    "a huge rate, in batches": (regression, X, Y, {"optimizer": hg.SGD(50.0), "batch_size": 7}),
    "a rate that grows": (regression, X, Y, {"optimizer": hg.SGD(1.0), "batch_size": 3}),
    "a huge rate with momentum": (regression, X, Y, {"optimizer": hg.SGD(20.0, momentum=0.9), "batch_size": 7}),
    "a huge rate with a penalty": (lambda: regression(l2=0.5), X, Y, {"optimizer": hg.SGD(50.0)}),
    "a penalty alone": (lambda: regression(l2=10.0), X, Y, {"optimizer": hg.SGD(1.0), "batch_size": 7}),
    "an update that overflows": (regression, X, Y, {"optimizer": hg.SGD(1e308)}),
    "an update that overflows in a large layer": (
        lambda: hg.Network.mlp([3, 256, 256, 1], loss="mse"),
        X,
        Y,
        {"optimizer": hg.SGD(1e308)},
    ),
    "Adam's second moment": (narrow(), HUGE, FLAT, {"optimizer": hg.Adam()}),
    "RMSprop's": (narrow(), HUGE, FLAT, {"optimizer": hg.RMSprop()}),
    "Adagrad's": (narrow(), HUGE, FLAT, {"optimizer": hg.Adagrad()}),
    "a shared running mean": (narrow(hg.BatchNorm(1)), np.array([[1e25], [-1e25], [2e25]]), np.zeros((3, 1)), {}),
    "huge inputs": (regression, 1e200 * X, Y, {}),
    "huge weights": (blown_up, X, Y, {}),
    "weights that shrink beyond bounds": (
        regression,
        X,
        Y,
        {"optimizer": hg.AdamW(10.0, weight_decay=1e300), "batch_size": 7},
    ),
}


def diverge(engine, net, X, Y, **settings):
    training = hg.Training(net, X, Y, engine=engine, **({"epochs": 500, "batch_size": None} | settings))
    with pytest.raises(hg.DivergenceError) as raised:
        training.run()
    return raised.value, training


@pytest.mark.parametrize("cause", CAUSES)
def test_a_single_network_raises_what_numpy_raises(cause):
    make, inputs, targets, settings = CAUSES[cause]
    (plain, expected), (error, training) = (diverge(engine, make(), inputs, targets, **settings) for engine in ENGINES)
    assert (error.epoch, error.step, error.layer) == (plain.epoch, plain.step, plain.layer)
    assert str(error) == str(plain)
    assert (training.epoch, training.step) == (expected.epoch, expected.step)
    assert len(training.history) == len(expected.history) == error.epoch - 1
    assert np.isfinite(training.net.params).all()
    assert np.isfinite(training.net.state).all()


@pytest.mark.parametrize("cause", CAUSES)
def test_the_network_keeps_its_last_finite_parameters_to_the_bit(cause):
    """Those of the steps before, taken one epoch at a time: one step each where the whole set is a batch."""
    make, inputs, targets, settings = CAUSES[cause]
    error, training = diverge("compiled", make(), inputs, targets, **settings)
    seen = [make()]
    again = hg.Training(
        seen[0].copy(),
        inputs,
        targets,
        **({"epochs": 500, "batch_size": None} | settings),
        engine="compiled",
        callbacks=[lambda t: seen.append(t.net.copy())],
    )
    with pytest.raises(hg.DivergenceError, match=f"epoch {error.epoch}, step {error.step}"):
        again.run()
    np.testing.assert_array_equal(again.net.params, training.net.params)
    np.testing.assert_array_equal(again.net.state, training.net.state)
    np.testing.assert_array_equal(again.engine.slots, training.engine.slots)
    if "batch_size" not in settings:
        np.testing.assert_array_equal(training.net.params, seen[-1].params)
        np.testing.assert_array_equal(training.net.state, seen[-1].state)


def test_in_the_middle_of_many_epochs_history_keeps_what_was_finished():
    error, training = diverge("compiled", regression(), X, Y, optimizer=hg.SGD(50.0))
    assert 2 < error.epoch < 500
    shorter = hg.Training(regression(), X, Y, epochs=500, batch_size=None, optimizer=hg.SGD(50.0), engine="compiled")
    shorter.run(epochs=error.epoch - 1)
    np.testing.assert_array_equal(training.net.params, shorter.net.params)
    np.testing.assert_array_equal(training.history.loss, shorter.history.loss)
    assert np.isfinite(training.history.loss).all()


def test_threads_that_share_a_network_all_stop():
    net = hg.Network.mlp([40, 256, 256, 5], loss="mse", activation="tanh")
    wide, targets = RANDOM.normal(size=(256, 40)), RANDOM.normal(size=(256, 5))
    settings: dict[str, Any] = {"optimizer": hg.SGD(30.0), "batch_size": 128, "epochs": 60}
    found = [diverge("compiled", net.copy(), wide, targets, threads=threads, **settings) for threads in (1, 2)]
    (one, alone), (two, shared) = found
    assert shared.engine.runner.together
    assert str(one) == str(two)
    np.testing.assert_array_equal(alone.net.params, shared.net.params)


def test_lbfgs_refuses_to_start():
    messages = []
    for engine in ENGINES:
        net = regression()
        net["dense2.W"][...] = 1e200
        with pytest.raises(hg.DivergenceError) as raised:
            hg.train(net, X, Y, optimizer="lbfgs", engine=engine)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


# --- of a stack only that network freezes ---------------------------------------------------------------------------

RATES = [0.01, 1e308, 0.05, 50.0, 0.02]


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("watched", [False, True], ids=["", "watched"])
def test_of_a_stack_only_those_freeze(batch_size, threads, watched):
    stacks, histories = [], []
    settings: dict[str, Any] = {"epochs": 60, "batch_size": batch_size, "optimizer": hg.SGD(RATES)}
    if watched:
        settings |= {"validation": (X[:5], Y[:5]), "metrics": ("r2",)}
    for engine in ENGINES:
        stacks.append(regression(seed=range(5)))
        with pytest.warns(RuntimeWarning, match=r"of 5 networks diverged, the first at epoch 1, step 1 \(network 1\)"):
            histories.append(hg.train(stacks[-1], X, Y, engine=engine, threads=threads, **settings))
    expected, history = histories
    assert history.diverged == expected.diverged
    assert {1, 3} <= set(history.diverged)
    assert len(history) == len(expected)
    for name in expected.columns:
        column = getattr(history, name)
        np.testing.assert_array_equal(np.isnan(column), np.isnan(getattr(expected, name)))
        for network, (epoch, _) in history.diverged.items():
            assert np.isnan(column[epoch - 1 :, network]).all()
            assert not np.isnan(column[: epoch - 1, network]).any()  # a metric may be infinite
    for s, rate in enumerate(RATES):
        alone = regression(seed=s)
        training = hg.Training(alone, X, Y, engine="compiled", **(settings | {"optimizer": hg.SGD(rate)}))
        if s in history.diverged:
            with pytest.raises(hg.DivergenceError) as raised:
                training.run()
            assert history.diverged[s] == (raised.value.epoch, raised.value.step)
        else:
            training.run()
        np.testing.assert_array_equal(alone.params, stacks[1].params[s])


def test_training_ends_when_every_network_has_diverged():
    lengths = []
    for engine in ENGINES:
        training = hg.Training(
            regression(seed=range(3)), X, Y, epochs=500, optimizer=hg.SGD([60.0, 50.0, 1e308]), engine=engine
        )
        with pytest.warns(RuntimeWarning, match="3 of 3 networks diverged"):
            training.run()
        lengths.append((len(training.history), training.epoch, training.step, training.diverged))
        assert np.isnan(training.history.loss[-1]).all()
    assert lengths[0] == lengths[1]


def test_who_froze_stays_frozen_when_training_goes_on():
    stack = regression(seed=range(2))
    training = hg.Training(stack, X, Y, epochs=4, optimizer=hg.SGD([0.01, 1e308]), engine="compiled")
    with pytest.warns(RuntimeWarning, match="1 of 2"):
        training.run(epochs=2)
    kept, moving = stack.params.copy()
    history = training.run(epochs=2)
    np.testing.assert_array_equal(stack.params[1], moving)
    assert (stack.params[0] != kept).any()
    assert np.isnan(history.loss[:, 1]).all()
    assert np.isfinite(history.loss[:, 0]).all()


# --- inputs that are not finite are refused -------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [1, range(3)], ids=["single", "stack"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("rows", "at"), [(1, 0), (10, 9), (65, 64), (5000, 4321)])
def test_inputs_that_are_not_finite_are_refused_in_the_same_words(rows, at, bad, seeds):
    net, inputs, messages = regression(seed=seeds), RANDOM.normal(size=(rows, 3)), []
    net.predict(inputs, engine="compiled")
    inputs[at, 1] = bad
    for engine in ENGINES:
        for call in (net.forward, net.predict):
            with pytest.raises(ValueError, match="X") as raised:
                call(inputs, engine=engine)
            messages.append(str(raised.value))
    assert len(set(messages)) == 1
    inputs[at, 1] = 0
    np.testing.assert_allclose(net.forward(inputs, engine="compiled"), net.forward(inputs, engine="numpy"), rtol=1e-9)


def test_inputs_that_are_not_finite_are_refused_by_every_thread(monkeypatch):
    monkeypatch.setenv("HANDGRAD_NUM_THREADS", "2")
    net, inputs = hg.Network.mlp([40, 300, 3]), RANDOM.normal(size=(15_000, 40))
    for at in (0, 7_000, 14_999):
        spoiled = inputs.copy()
        spoiled[at, 39] = np.nan
        with pytest.raises(ValueError, match=f"row {at}|{at}"):
            net.predict(spoiled, engine="compiled")


def test_huge_inputs_that_are_finite_are_not_refused():
    net = regression()
    for engine in ENGINES:
        with np.errstate(all="ignore"):
            assert net.forward(np.full((2, 3), 1e308), engine=engine).shape == (2, 1)


def test_inputs_that_overflow_in_the_networks_dtype_are_refused():
    net, messages = regression(dtype="float32"), []
    for engine in ENGINES:
        with np.errstate(over="ignore"), pytest.raises(ValueError, match="X") as raised:
            net.predict(np.full((2, 3), 1e300), engine=engine)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
