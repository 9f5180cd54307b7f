"""What changes while a Training lives: the penalty, the process it is in; and copies of it."""

import copy
import pickle

import numpy as np
import pytest

import handgrad as hg

X, Y = hg.datasets.moons(n=60, seed=0)


def training(engine="compiled", **settings):
    net = hg.Network.mlp([2, 8, 2], activation="tanh", seed=1)
    return hg.Training(net, X, Y, **({"epochs": 12, "optimizer": hg.Adam(0.02), "engine": engine} | settings))


@pytest.mark.parametrize("optimizer", [hg.SGD(0.1), hg.Adam(0.02)], ids=["plain", "adam"])
def test_a_penalty_that_is_changed_on_the_way_counts_from_there(optimizer):
    trained = []
    for engine in ("compiled", "numpy"):
        running = training(engine, optimizer=optimizer)
        running.run(epochs=3)
        running.net.l2 = 0.5
        trained.append((running.run(), running.net.params))
    np.testing.assert_allclose(trained[0][1], trained[1][1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trained[0][0].loss, trained[1][0].loss, rtol=1e-9)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_a_copy_goes_on_by_itself(again):
    first = training()
    first.run(epochs=5)
    second = again(first)
    before = first.net.params.copy()
    second.run()
    np.testing.assert_array_equal(first.net.params, before)
    first.run()
    np.testing.assert_array_equal(first.net.params, second.net.params)


def test_predictions_follow_parameters_and_copies_have_their_own():
    net, row = hg.Network.mlp([2, 8, 3], seed=0), X[:1]
    for _ in range(30):  # often enough that the quick way is taken
        net.predict(row)
    for one in (net, copy.deepcopy(net), net.copy(), pickle.loads(pickle.dumps(net))):
        one.params = np.random.default_rng(3).standard_normal(net.params.shape)
        np.testing.assert_allclose(one.forward(row), one.forward(row, engine="numpy"), rtol=1e-12)
        assert one.predict(row) == one.predict(row, engine="numpy")
    with pytest.raises(ValueError, match="X has 3 columns"):
        net.predict(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="X has nan at row 0"):
        net.predict(np.array([[np.nan, 1.0]]))
    frozen = row.copy()
    frozen.flags.writeable = False
    assert net.predict(frozen) == net.predict(row) == net.predict(row.astype(np.float32)) == net.predict(row.tolist())
