"""What a network computes does not depend on who is beside it: the same bits alone and in a stack."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import handgrad as hg
from handgrad.activations import activations
from handgrad.losses import losses

NORMS = {"none": None, "batch": hg.BatchNorm, "layer": hg.LayerNorm}
OPTIMIZERS = {  # one setting of each differs from network to network
    "sgd": lambda rate: hg.SGD(rate),
    "momentum": lambda rate: hg.SGD(rate, momentum=0.9),
    "nesterov": lambda rate: hg.SGD(0.05, momentum=rate, nesterov=True),
    "rmsprop": lambda rate: hg.RMSprop(0.01, rho=rate),
    "adagrad": lambda rate: hg.Adagrad(rate),
    "adam": lambda rate: hg.Adam(rate),
    "adamw": lambda rate: hg.AdamW(0.01, weight_decay=rate),
}


def assert_same_alone(networks, make, optimizer, X, y, own=False, validation=None, **training):
    """Train a stack, and its networks alone: `make(seed, l2)` is a network, `optimizer(rate)` its optimiser.

    With `own`, every network has its own X, y and validation: their first axis is the stack's.
    """
    l2, rates = [0.01 * (s % 3) for s in range(networks)], [0.02 + 0.01 * (s % 4) for s in range(networks)]
    stack = make(range(networks), l2)
    together = hg.train(stack, X, y, optimizer=optimizer(rates), validation=validation, **training)
    for s in range(networks):
        net = make(s, l2[s])
        inputs, targets = (X[s], y[s]) if own else (X, y)
        held_out = tuple(each[s] for each in validation) if own else validation
        alone = hg.train(net, inputs, targets, optimizer=optimizer(rates[s]), validation=held_out, **training)
        np.testing.assert_array_equal(net.params, stack.params[s])
        np.testing.assert_array_equal(net.state, stack.state[s])
        for name in alone.columns:
            column, values = getattr(together, name)[:, s], getattr(alone, name)
            np.testing.assert_array_equal(column[: len(values)], values)
            assert np.isnan(column[len(values) :]).all()
        np.testing.assert_array_equal(net.forward(inputs), stack[s].forward(inputs))


def test_fifty_networks_with_everything_switched_on():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 5)), np.arange(60) % 3
    block = [hg.Dense(8, 8), hg.LayerNorm(8), hg.Activation("gelu")]

    def make(seed, l2):
        layers = [hg.Dense(5, 8), hg.BatchNorm(8), hg.Activation("relu"), hg.Dropout(0.2), hg.Residual(block)]
        return hg.Network([*layers, hg.Dense(8, 3)], seed=seed, l2=l2, init="lsuv", bias_init="normal(0.1)")

    assert_same_alone(
        50,
        make,
        OPTIMIZERS["momentum"],
        X,
        y,
        epochs=12,
        batch_size=16,
        validation=(X[:20], y[1:21]),
        metrics=("accuracy", "balanced_accuracy", "log_loss"),
        stop=hg.EarlyStopping(patience=2),
        schedule="reduce_on_plateau(factor=0.5, patience=1)",
        clip_norm=0.5,
        sample_weight=random.random(60),
        frozen=("dense2.b",),
        seed=7,
    )


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_fifty_networks_with_data_of_their_own(optimizer):
    random = np.random.default_rng(3)
    X, y = random.normal(size=(50, 40, 5)), random.integers(0, 3, (50, 40))  # (S, B, D), (S, B)

    def make(seed, l2):
        return hg.Network.mlp([5, 8, 3], norm="batch", dropout=0.2, seed=seed, l2=l2)

    assert_same_alone(
        50,
        make,
        OPTIMIZERS[optimizer],
        X,
        y,
        own=True,
        validation=(X[:, :15] + 0.1, y[:, :15]),
        epochs=8,
        batch_size=16,
        metrics=("accuracy", "log_loss"),
        stop=hg.EarlyStopping(patience=2),
        seed=7,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.integers(2, 40),
    sizes=st.tuples(*[st.integers(1, 17)] * 2, st.integers(2, 5)),
    batch_size=st.sampled_from([None, 1, 4, 7]),
    activation=st.sampled_from([rule.name for rule in activations]),
    loss=st.sampled_from([rule.name for rule in losses]),
    norm=st.sampled_from(list(NORMS)),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    residual=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_small_stacks_of_every_shape(rows, sizes, batch_size, activation, loss, norm, optimizer, residual, dtype):
    fan_in, hidden, outputs = sizes
    random = np.random.default_rng(rows)
    targets = np.arange(rows) % 2 if loss == "softmax_cross_entropy" else random.random((rows, outputs))
    block = [hg.Dense(hidden, hidden), *([NORMS[norm](hidden)] if NORMS[norm] else []), hg.Activation(activation)]

    def make(seed, l2):
        layers = [hg.Dense(fan_in, hidden), *([hg.Residual(block)] if residual else block), hg.Dropout(0.2)]
        return hg.Network([*layers, hg.Dense(hidden, outputs)], loss=loss, seed=seed, l2=l2, dtype=dtype)

    X = random.normal(size=(rows, fan_in))
    assert_same_alone(
        3, make, OPTIMIZERS[optimizer], X, targets, epochs=3, batch_size=batch_size, validation=(X, targets)
    )


def test_a_stack_of_one_and_any_part_of_a_stack():
    X, y = np.random.default_rng(1).normal(size=(30, 4)), np.arange(30) % 2
    trained = {}
    for seeds in ([3], [1, 3, 5], range(9)):
        net = hg.Network.mlp([4, 7, 2], norm="batch", dropout=0.2, seed=seeds)
        hg.train(net, X, y, epochs=4, batch_size=9, optimizer="adam")
        trained[len(seeds)] = net.params[list(seeds).index(3)]
    np.testing.assert_array_equal(trained[1], trained[3])
    np.testing.assert_array_equal(trained[1], trained[9])


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_number_of_blas_threads_changes_nothing(optimizer):
    X, y = np.random.default_rng(2).normal(size=(1500, 30)), np.arange(1500) % 7
    results = []
    for threads in (1, 2):
        net = hg.Network.mlp([30, 64, 7], norm="batch", activation="tanh")
        with threadpool_limits(threads):
            history = hg.train(
                net, X, y, epochs=2, batch_size=None, optimizer=optimizer, validation=(X, y), metrics=("log_loss",)
            )
            results.append([net.params, net.state, history.loss, history.validation_loss, history.log_loss])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_nor_does_a_blas_that_scipy_loads_after_the_first_loss():
    program = """if True:
        import numpy as np, threadpoolctl, handgrad as hg
        X, y, results = np.random.default_rng(0).normal(size=(100, 40)), np.arange(100) % 10, []
        hg.Network.mlp([40, 10]).loss(X, y)
        from scipy import optimize
        for threads in (1, 2):
            net = hg.Network.mlp([40, 600, 10], activation="tanh")
            with threadpoolctl.threadpool_limits(threads):
                hg.train(net, X, y, epochs=15, optimizer="lbfgs")
            results.append(net.params)
        np.testing.assert_array_equal(*results)"""
    subprocess.run([sys.executable, "-c", program], check=True)
