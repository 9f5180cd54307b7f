"""What goes wrong quietly: layouts of targets, neighbours with penalties, rules not quite elementwise, interrupts."""

import math
import signal
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import handgrad as hg
from handgrad.compiled import threads

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 3))


@pytest.mark.parametrize("loss", ["mse", "softmax_cross_entropy"])
@pytest.mark.parametrize("batch_size", [20, None])
def test_targets_in_any_layout(loss, batch_size):
    y = np.array([X[:, 0] * 2, X[:, 1] - 1]).T  # Fortran order
    if loss != "mse":
        y = np.asfortranarray(np.eye(2)[(X[:, 0] > 0).astype(int)])
    trained = []
    for targets in (y, np.ascontiguousarray(y)):
        net = hg.Network.mlp([3, 8, 2], loss=loss, seed=0)
        hg.train(net, X, targets, epochs=5, batch_size=batch_size, engine="compiled")
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)


def test_the_inputs_of_the_user_are_only_read():
    inputs = np.linspace(-1, 1, 50)[:, None]
    inputs[25] = -0.0
    inputs.flags.writeable = False
    net = hg.Network([hg.Activation("gelu"), hg.Dense(1, 4), hg.Activation("tanh"), hg.Dense(4, 2)], seed=0)
    hg.train(net, inputs, np.arange(50) % 2, epochs=3, batch_size=None, engine="compiled")
    assert np.signbit(inputs[25])


@pytest.mark.parametrize(
    ("dtype", "sizes", "batch_size"), [("float64", [64, 40, 10], 1024), ("float32", [64, 200, 10], 768)]
)
def test_a_neighbours_penalty_changes_no_bits(dtype, sizes, batch_size):
    rows, y = RANDOM.normal(size=(1024, 64)), np.arange(1024) % 10
    stack = hg.Network.mlp(sizes, seed=range(2), l2=[0.0, 0.01], dtype=dtype)
    alone = hg.Network.mlp(sizes, seed=0, dtype=dtype)
    for net in (stack, alone):
        hg.train(net, rows, y, epochs=3, batch_size=batch_size, engine="compiled")
    np.testing.assert_array_equal(stack.params[0], alone.params)


@pytest.mark.parametrize(
    "f",
    [lambda z: np.where(z, z, 0.0), lambda z: np.where((z > 0) & True, z, 0.0), lambda z: np.maximum(z > 0, z)],
    ids=["number as condition", "constant condition", "condition as number"],
)
@pytest.mark.filterwarnings("ignore:this network runs on NumPy")
def test_what_numba_refuses_trains_all_the_same(f):
    rule = hg.activations.Formula("odd", f=f, df=lambda z, a: np.ones_like(z))
    net, plain = (hg.Network.mlp([3, 4, 2], activation=rule, seed=0) for _ in range(2))
    hg.train(net, X, np.arange(200) % 2, epochs=2)
    hg.train(plain, X, np.arange(200) % 2, epochs=2, engine="numpy")
    np.testing.assert_allclose(net.params, plain.params, rtol=1e-10)


@dataclass(frozen=True)
class Decaying(hg.SGD):
    """Gradient descent whose rate falls with the square root of the step; it knows single steps only."""

    def coefficients(self, step, rate):
        return {"learning_rate": rate / math.sqrt(step)}


@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
def test_an_optimizer_of_ones_own_may_know_single_steps_only(seed):
    trained = []
    for engine in ("compiled", "numpy"):
        net = hg.Network.mlp([3, 4, 2], seed=seed, activation="tanh")
        hg.train(net, X, np.arange(200) % 2, epochs=4, optimizer=Decaying(0.1), engine=engine)
        trained.append(net.params)
    np.testing.assert_allclose(*trained, rtol=1e-10)


def test_an_unknown_engine_is_refused_however_often_one_predicts():
    net = hg.Network.mlp([3, 4, 2], seed=0)
    for _ in range(30):
        net.predict(X[:1])
    with pytest.raises(ValueError, match="unknown engine 'bogus'"):
        net.predict(X[:1], engine="bogus")


def test_workers_end_before_an_interrupt_goes_on():
    done, started = [], threading.Event()

    def job(worker):
        if worker == 0:
            started.set()
            signal.raise_signal(signal.SIGINT)
        started.wait()
        threading.Event().wait(0.2)
        done.append(worker)

    with pytest.raises(KeyboardInterrupt):
        threads.work(job, 2)
    assert sorted(done) == [0, 1]


def test_an_interrupt_leaves_parameters_and_history_together():
    net = hg.Network.mlp([3, 8, 2], seed=0)
    training = hg.Training(net, X, np.arange(200) % 2, epochs=2_000_000, batch_size=None, engine="compiled")
    timer = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert 0 < training.epoch == len(training.history) < 2_000_000
    again = hg.Network.mlp([3, 8, 2], seed=0)
    hg.train(again, X, np.arange(200) % 2, epochs=training.epoch, batch_size=None, engine="compiled")
    np.testing.assert_array_equal(net.params, again.params)
