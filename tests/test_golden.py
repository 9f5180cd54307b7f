"""The course notebook's numbers at seed 42, and a two-layer loop written independently of the package."""

from pathlib import Path

import numpy as np
import pytest

import handgrad as hg


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parent / "data" / "week07_seed42.npz") as recorded:
        return dict(recorded)


def flat(golden, prefix, suffix):
    """The recording's W1, b1, W2, b2 in the order of our vector: weights, then biases."""
    return np.concatenate([golden[f"{prefix}{name}{suffix}"].ravel() for name in ("W1", "W2", "b1", "b2")])


@pytest.fixture(scope="module")
def trained(golden):
    net = hg.Network.mlp([2, 10, 2])
    net.params = flat(golden, "", "_0")
    sgd = hg.SGD(float(golden["learning_rate"]))
    history = hg.train(net, golden["X_train"], golden["y_train"], epochs=1000, batch_size=None, optimizer=sgd)
    return net, history


def test_the_first_gradient(golden):
    net = hg.Network.mlp([2, 10, 2])
    net.params = flat(golden, "", "_0")
    loss, gradient = net.gradient(golden["X_train"], golden["y_train"])
    recorded = flat(golden, "d", "_0")
    assert np.linalg.norm(gradient - recorded) <= 1e-12 * np.linalg.norm(recorded)
    assert loss == pytest.approx(float(golden["loss_0"]), abs=2e-6)  # the notebook adds 1e-8 inside its logarithm


def test_a_thousand_epochs(golden, trained):
    net, history = trained
    np.testing.assert_allclose(history.loss, golden["losses"], rtol=0, atol=2e-6)
    np.testing.assert_allclose(net.params, flat(golden, "", "_end"), rtol=0, atol=1e-9)


def test_the_printed_results(golden, trained):
    net, history = trained
    assert [round(float(loss), 4) for loss in history.loss[199::200]] == [0.2782, 0.1790, 0.1101, 0.0989, 0.0958]
    for part, printed in (("train", 96.19), ("test", 98.89)):
        accuracy = (net.predict(golden[f"X_{part}"]) == golden[f"y_{part}"]).mean()
        assert accuracy == golden[f"{part}_accuracy"]
        assert round(100 * accuracy, 2) == printed


def plain_descent(W, b, V, c, X, y, rate, steps):
    """Two layers, relu and softmax, row by row, in index notation."""
    rows, target = len(X), np.eye(V.shape[1])[y]
    for _ in range(steps):
        hidden = np.einsum("ni,ih->nh", X, W) + b
        alive = hidden > 0
        scores = np.exp(np.einsum("nh,hc->nc", hidden * alive, V) + c)
        error = (scores / scores.sum(axis=1)[:, None] - target) / rows
        back = np.einsum("nc,hc->nh", error, V) * alive
        W, V = W - rate * np.einsum("ni,nh->ih", X, back), V - rate * np.einsum("nh,nc->hc", hidden * alive, error)
        b, c = b - rate * back.sum(axis=0), c - rate * error.sum(axis=0)
    return W, b, V, c


@pytest.mark.parametrize(
    ("seed", "sizes", "rows", "rate"), [(0, [2, 10, 2], 60, 0.5), (1, [5, 7, 3], 40, 0.2), (2, [1, 25, 4], 33, 0.05)]
)
def test_an_independent_loop_from_other_seeds_sizes_and_rates(seed, sizes, rows, rate):
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(rows, sizes[0])), np.arange(rows) % sizes[-1]
    net = hg.Network.mlp(sizes, seed=seed, bias_init="normal(0.1)")
    start = [net[name].copy() for name in ("dense1.W", "dense1.b", "dense2.W", "dense2.b")]
    hg.train(net, X, y, epochs=300, batch_size=None, optimizer=hg.SGD(rate))
    W, b, V, c = plain_descent(*start, X, y, rate, steps=300)
    np.testing.assert_allclose(net.params, np.concatenate([W.ravel(), V.ravel(), b.ravel(), c.ravel()]), atol=1e-9)
