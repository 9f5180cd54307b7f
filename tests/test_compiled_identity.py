"""On one machine the compiled engine gives the same bits: run to run, alone or in a stack, on any number of threads."""

from typing import Any

import numpy as np
import pytest

import handgrad as hg

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(33, 4)), np.arange(33) % 3
WIDE_X, WIDE_Y = RANDOM.normal(size=(300, 40)), np.arange(300) % 5
MANY: dict[str, Any] = {
    "batches": {"batch_size": 8},
    "whole set": {"batch_size": None},
    "clipped": {"batch_size": 8, "clip_norm": 0.2, "optimizer": hg.Adam(0.01)},
    "frozen": {"batch_size": 7, "frozen": ("dense1",), "optimizer": hg.AdamW(0.01)},
    "weighted": {"batch_size": 8, "sample_weight": np.arange(33.0), "schedule": "cosine"},
}
LARGE: dict[str, Any] = {  # for a network that threads share
    "sgd": {},
    "whole set": {"batch_size": None},
    "momentum, clipped": {"optimizer": hg.SGD(0.05, momentum=0.9), "clip_norm": 0.5},
    "adam, frozen": {"optimizer": hg.Adam(0.001), "frozen": ("dense2.W",)},
    "adamw": {"optimizer": hg.AdamW(0.001), "schedule": "cosine"},
    "sgd, weighted": {"sample_weight": np.arange(300.0)},
}


def small(seed, l2=0.01):
    layers = [hg.Dense(4, 6), hg.BatchNorm(6), hg.Activation("gelu"), hg.Dropout(0.3)]
    return hg.Network(
        [*layers, hg.Residual([hg.LayerNorm(6), hg.Activation("tanh")]), hg.Dense(6, 3)], seed=seed, l2=l2
    )


def large(dtype="float64", l2=0.0):
    """Layers of 256 and 300 units, with what threads may have to wait for in between."""
    block = [hg.Dense(256, 256), hg.LayerNorm(256), hg.Activation("tanh")]
    layers = [hg.Dense(40, 256), hg.BatchNorm(256), hg.Activation("gelu"), hg.Residual(block), hg.Dropout(0.2)]
    layers += [hg.Dense(256, 300), hg.Activation("relu"), hg.Dense(300, 5)]
    return hg.Network(layers, seed=1, dtype=dtype, l2=l2)


def assert_same(one, other):
    """The same bits in parameters, state and history of two networks, each with its history."""
    (net, history), (same, record) = one, other
    np.testing.assert_array_equal(net.params, same.params)
    np.testing.assert_array_equal(net.state, same.state)
    for name in history.columns:
        np.testing.assert_array_equal(getattr(history, name), getattr(record, name))


def trained(net, X=X, y=Y, **settings):
    return net, hg.train(net, X, y, engine="compiled", **({"epochs": 6} | settings))


@pytest.mark.parametrize("seeds", [1, range(4)], ids=["single", "stack"])
@pytest.mark.parametrize("settings", MANY.values(), ids=MANY)
def test_run_to_run_and_on_any_number_of_threads(settings, seeds):
    first = trained(small(seeds), threads=1, **settings)
    for threads in (1, 2, 3):
        assert_same(trained(small(seeds), threads=threads, **settings), first)


@pytest.mark.parametrize("settings", MANY.values(), ids=MANY)
def test_alone_or_in_a_stack_of_a_thousand(settings):
    l2 = 0.01 * (np.arange(1000) % 3)
    stack, history = trained(small(range(1000), list(l2)), threads=2, **(settings | {"epochs": 2}))
    for s in (0, 1, 499, 500, 999):
        net, alone = trained(small(s, float(l2[s])), threads=1, **(settings | {"epochs": 2}))
        np.testing.assert_array_equal(net.params, stack.params[s])
        np.testing.assert_array_equal(net.state, stack.state[s])
        np.testing.assert_array_equal(alone.loss, history.loss[:, s])
        np.testing.assert_array_equal(net.forward(X, engine="compiled"), stack.forward(X, engine="compiled")[s])


@pytest.mark.parametrize("seeds", [1, range(4)], ids=["single", "stack"])
@pytest.mark.parametrize("settings", MANY.values(), ids=MANY)
def test_in_pieces_or_watched(settings, seeds):
    whole, watched, looked = trained(small(seeds), **settings), small(seeds), []
    pieces = hg.Training(small(seeds), X, Y, epochs=6, engine="compiled", **settings)
    for _ in range(3):
        pieces.run(epochs=2)
    assert_same((pieces.net, pieces.history), whole)
    history = hg.train(
        watched, X, Y, epochs=6, engine="compiled", callbacks=[lambda t: looked.append(t.epoch)], **settings
    )
    assert looked == [1, 2, 3, 4, 5, 6]
    assert_same((watched, history), whole)


def test_resumed_from_what_was_saved():
    whole = trained(small(range(4)), optimizer="adam", batch_size=8)
    begun = hg.Training(small(range(4)), X, Y, epochs=6, optimizer="adam", batch_size=8, engine="compiled")
    begun.run(epochs=3)
    net = begun.net.copy()
    rest = hg.Training(net, X, Y, epochs=6, optimizer="adam", batch_size=8, engine="compiled")
    rest.load_state_dict(begun.state_dict())
    assert_same((net, rest.run()), whole)


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("settings", LARGE.values(), ids=LARGE)
def test_a_network_that_threads_share(settings, dtype, l2):
    settings = {"epochs": 2, "batch_size": 128, "optimizer": hg.SGD(0.05)} | settings
    training = hg.Training(large(dtype, l2), WIDE_X, WIDE_Y, threads=1, engine="compiled", **settings)
    assert training.engine.runner.together, "it is meant to be shared"
    first = training.net, training.run()
    for threads in (2, 3):
        assert_same(trained(large(dtype, l2), WIDE_X, WIDE_Y, threads=threads, **settings), first)


def test_a_large_network_alone_or_in_a_stack():
    wide: dict[str, Any] = {"epochs": 1, "batch_size": 128}
    stack, _ = trained(hg.Network.mlp([40, 256, 256, 5], seed=range(2)), WIDE_X, WIDE_Y, threads=2, **wide)
    for s in range(2):
        for threads in (1, 2):
            net, _ = trained(hg.Network.mlp([40, 256, 256, 5], seed=s), WIDE_X, WIDE_Y, threads=threads, **wide)
            np.testing.assert_array_equal(net.params, stack.params[s])


@pytest.mark.parametrize("seeds", [1, range(3)], ids=["single", "stack"])
def test_large_batches_are_predicted_alike_by_any_number_of_threads(monkeypatch, seeds):
    from handgrad.compiled import predictor

    net, X = hg.Network.mlp([40, 200, 100, 5], norm="batch", seed=seeds), RANDOM.normal(size=(15_001, 40))
    assert predictor.WORTH_SHARING < 15_001 * 300
    results = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("HANDGRAD_NUM_THREADS", threads)
        results.append((net.forward(X, engine="compiled"), net.predict(X, engine="compiled")))
    for other in results[1:]:
        for value, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("rows", [3, 200])
def test_a_stack_predicts_what_its_networks_do(rows):
    stack, X = hg.Network.mlp([40, 30, 5], norm="layer", seed=range(6)), RANDOM.normal(size=(6, rows, 40))
    for s in range(6):
        np.testing.assert_array_equal(stack.forward(X, engine="compiled")[s], stack[s].forward(X[s], engine="compiled"))
