"""The compiled engine computes what NumPy does: losses, gradients, predictions, and weights after many steps."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
import proofs
from handgrad.activations import activations
from handgrad.losses import losses

CASES = proofs.pairwise(proofs.FACTORS)
DTYPES = ["float64", "float32"]
SMOOTH = ["identity", "tanh", "sigmoid", "softplus", "gelu", "silu", "mish", "softsign"]


def assert_close(value, expected, dtype):
    """To 1e-10 (float64) or 1e-4 (float32) of the whole vector's norm; below 0.1 it counts as 0.1."""
    value, expected = np.asarray(value, np.float64), np.asarray(expected, np.float64)
    assert value.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(value), np.isnan(expected))
    value, expected = np.nan_to_num(value), np.nan_to_num(expected)
    error = np.linalg.norm(value - expected) / max(np.linalg.norm(expected), 0.1)
    assert error <= {"float64": 1e-10, "float32": 1e-4}[dtype]


def lbfgs_training(net, X, y, **settings):
    """L-BFGS alone asks the engine for a gradient; it refuses dropout, whose gradient is compared all the same."""
    with mock.patch("handgrad.training.training.require_lbfgs"):
        return hg.Training(net, X, y, optimizer=hg.LBFGS(), engine="compiled", **settings)


def compiled_gradient(net, X, y, **weights):
    """Loss and gradient of a single network in training mode at step 0."""
    return lbfgs_training(net, X, y, **weights).engine.loss_and_gradient()


def assert_same_gradient(net, X, y, sample_weight=None):
    """The compiled gradient is NumPy's; of a stack it shows in one step, θ - η g."""
    loss, gradient = net.gradient(X, y, sample_weight=sample_weight)
    dtype = net.dtype.name
    if net.size is None:
        found, direction = compiled_gradient(net, X, y, sample_weight=sample_weight)
        assert direction.dtype == net.dtype
        assert_close(found, loss, dtype)
        assert_close(direction, gradient, dtype)
    twin = net.copy()
    step: dict[str, Any] = {"epochs": 1, "batch_size": None, "optimizer": hg.SGD(0.5), "engine": "compiled"}
    history = hg.train(twin, X, y, sample_weight=sample_weight, **step)
    assert_close(history.loss[0], loss, dtype)
    assert_close(2 * (twin.params - net.params), -gradient, dtype)


def assert_same_predictions(net, X):
    forward = net.forward(X, engine="numpy")
    assert_close(net.forward(X, engine="compiled"), forward, net.dtype.name)
    assert_close(net.predict(X, engine="compiled"), net.predict(X, engine="numpy"), net.dtype.name)
    if net.loss_rule.target in ("classes", "labels"):
        probabilities = net.predict_proba(X, engine="numpy")
        assert_close(net.predict_proba(X, engine="compiled"), probabilities, net.dtype.name)


# --- every option, pairwise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_losses_gradients_and_predictions_with_all_options(case, dtype):
    net, data = proofs.network(CASES[case], seed=case).astype(dtype), proofs.data(CASES[case], seed=case)
    X, y = data["X"], data["y"]
    if net.loss_rule.target == "classes":
        y = np.arange(len(X)) % 3  # training refuses a single class
    assert_same_gradient(net, X, y, data["sample_weight"])
    assert_same_predictions(net, X)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    rows=st.integers(1, 70),
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    activation=st.sampled_from([rule.name for rule in activations]),
    loss=st.sampled_from([rule.name for rule in losses]),
    norm=st.sampled_from([None, "batch", "layer"]),
    networks=st.sampled_from([None, 2]),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 100),
)
def test_losses_gradients_and_predictions_of_any_size(rows, sizes, activation, loss, norm, networks, dtype, seed):
    random, outputs = np.random.default_rng(seed), max(sizes[-1], 2)
    X, y = random.normal(size=(rows, sizes[0])), random.random((rows, outputs))
    y = np.arange(rows) % 2 if loss == "softmax_cross_entropy" else y
    seeds = seed if networks is None else range(seed, seed + networks)
    makings: dict[str, Any] = {"activation": activation, "loss": loss, "norm": norm, "bias_init": "normal(0.3)"}
    net = hg.Network.mlp([*sizes[:-1], outputs], dropout=0.2, seed=seeds, dtype=dtype, **makings)
    assert_same_gradient(net, X, y)
    assert_same_predictions(net, X)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.integers(2, 70),
    batch_size=st.integers(1, 40),
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    optimizer=st.sampled_from([hg.SGD(0.02), hg.SGD(0.02, momentum=0.9)]),
    l2=st.sampled_from([0.0, 0.1]),
    networks=st.sampled_from([None, 2]),
    seed=st.integers(0, 100),
)
def test_weights_after_batches_of_any_size(rows, batch_size, sizes, optimizer, l2, networks, seed):
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(rows, sizes[0])), random.random((rows, sizes[-1]))
    seeds = seed if networks is None else range(seed, seed + networks)
    trained = {}
    for engine in ("numpy", "compiled"):
        net = hg.Network.mlp(sizes, activation="tanh", loss="mse", l2=l2, seed=seeds)
        history = hg.train(net, X, y, epochs=3, batch_size=batch_size, optimizer=optimizer, engine=engine)
        trained[engine] = net.params, history.loss
    for value, expected in zip(trained["compiled"], trained["numpy"], strict=True):
        assert_close(value, expected, "float64")


# --- networks of another shape --------------------------------------------------------------------------------------

BLOCK = [hg.Dense(4, 4), hg.Activation("tanh")]
SHAPES = {
    "nested residuals": [hg.Residual([*BLOCK, hg.Residual([*BLOCK, hg.Residual(BLOCK)]), hg.LayerNorm(4)])],
    "residual around an activation": [hg.Residual([hg.Activation("sigmoid")])],
    "residual around a norm": [hg.Dense(4, 4), hg.Residual([hg.BatchNorm(4), hg.Activation("relu")])],
    "residuals in a row": [hg.Residual(BLOCK), hg.Residual(BLOCK), hg.Activation("gelu")],
    "residual with dropout": [hg.Residual([hg.Dropout(0.5), *BLOCK, hg.Dropout(0.2)])],
    "activation first": [hg.Activation("tanh")],
    "activation that looks at z first": [hg.Activation("gelu")],
    "activation after activation": [hg.Dense(4, 4), hg.Activation("tanh"), hg.Activation("sigmoid")],
    "three activations": [*BLOCK, hg.Activation("gelu"), hg.Activation("sigmoid")],
    "dropout first": [hg.Dropout(0.3), *BLOCK],
    "dropout after dropout": [*BLOCK, hg.Dropout(0.3), hg.Dropout(0.3)],
    "norms first": [hg.BatchNorm(4), hg.LayerNorm(4)],
    "activation after a norm": [hg.LayerNorm(4), hg.Activation("tanh"), hg.BatchNorm(4), hg.Activation("gelu")],
}


@pytest.mark.parametrize("networks", [None, 3], ids=["single", "stack"])
@pytest.mark.parametrize("ending", [[hg.Dense(4, 3)], []], ids=["dense", "open"])
@pytest.mark.parametrize("shape", SHAPES)
def test_layers_in_any_order(shape, ending, networks):
    random = np.random.default_rng(0)
    seed = 5 if networks is None else range(5, 5 + networks)
    net = hg.Network([*SHAPES[shape], *ending], loss="mse", seed=seed, l2=0.1, bias_init="normal(0.5)")
    X, y = random.normal(size=(9, 4)), random.normal(size=(9, 3 if ending else 4))
    assert_same_gradient(net, X, y)
    assert_same_predictions(net, X)


@pytest.mark.parametrize("networks", [None, 3], ids=["single", "stack"])
@pytest.mark.parametrize("layers", [["tanh"], ["gelu", "sigmoid"]], ids=" ".join)
def test_a_network_of_activations_takes_inputs_of_any_width(layers, networks):
    net = hg.Network([hg.Activation(name) for name in layers], loss="mse", seed=0 if networks is None else range(3))
    for width in (1, 4, 30):
        X = np.random.default_rng(width).normal(size=(5, width))
        assert net.fan_in is None
        assert_same_predictions(net, X)
        assert_close(net.forward(X), net.forward(X, engine="numpy"), "float64")
        history = hg.train(net, X, X, epochs=2, engine="compiled")
        assert_close(history.loss[0], net.loss(X, X), "float64")


LARGE = {  # so large that threads share them
    "plain": [hg.Dense(300, 300), hg.Activation("gelu")],
    "residual": [hg.Residual([hg.Dense(300, 300), hg.Activation("tanh")])],
    "layer norm": [hg.Dense(300, 300), hg.LayerNorm(300), hg.Activation("tanh")],
    "norm and dropout": [hg.Dense(300, 300), hg.BatchNorm(300), hg.Activation("tanh"), hg.Dropout(0.2)],
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [9, 150])
@pytest.mark.parametrize("middle", LARGE)
def test_a_network_that_threads_share(middle, rows, threads):
    random = np.random.default_rng(7)
    layers = [hg.Dense(40, 300), hg.Activation("tanh"), *LARGE[middle], hg.Dense(300, 257), hg.Dense(257, 5)]
    net = hg.Network(layers, loss="mse", seed=1, l2=0.1, bias_init="normal(0.1)")
    X, y = random.normal(size=(rows, 40)), random.normal(size=(rows, 5))
    training = lbfgs_training(net, X, y, threads=threads)
    assert training.engine.runner.together == (rows == 150)
    for value, expected in zip(training.engine.loss_and_gradient(), net.gradient(X, y), strict=True):
        assert_close(value, expected, "float64")
    assert_same_predictions(net, X)


# --- rules of your own ----------------------------------------------------------------------------------------------


def bump(width: float) -> hg.activations.Formula:
    """A formula that captures a number and another function."""
    inside: Callable[[Any], Any] = lambda z: (z / width) ** 2  # noqa: E731
    return hg.activations.Formula(
        "bump", f=lambda z: z * np.exp(-inside(z)), df=lambda z, a: np.exp(-inside(z)) * (1 - 2 * inside(z))
    )


TABLE = np.array([0.5, 2.0])
OWN = {
    "parameters": hg.activations.Formula(
        "softclip",
        f=lambda z, slope, limit: limit * np.tanh(slope * z / limit),
        df=lambda z, a, slope, limit: slope * (1 - (a / limit) ** 2),
        slope=0.7,
        limit=1.5,
    ),
    "closure": bump(1.3),
    "constants of NumPy's": hg.activations.Formula(
        "scaled", f=lambda z: TABLE[0] * np.square(z) + TABLE[1], df=lambda z, a: np.float32(1.0) * z
    ),
    "constant": hg.activations.Formula("constant", f=lambda z: np.ones_like(z), df=lambda z, a: np.zeros_like(z)),
    "conditions": hg.activations.Formula(
        "hat",
        f=lambda z: np.where((z > -1) & (z < 1), 1 - np.abs(z), 0),
        df=lambda z, a: np.where(np.abs(z) < 1, -np.sign(z), 0),
    ),
}
CUBED = hg.losses.Loss(
    "cubed",
    f=lambda z, t, scale: scale * np.abs(z - t) ** 3,
    df=lambda z, t, scale: 3 * scale * (z - t) * np.abs(z - t),
    scale=0.5,
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("networks", [None, 3], ids=["single", "stack"])
@pytest.mark.parametrize("rule", OWN)
def test_an_activation_and_a_loss_of_your_own(rule, networks, dtype):
    random = np.random.default_rng(1)
    seed = 3 if networks is None else range(3)
    net = hg.Network.mlp([4, 6, 6, 2], activation=OWN[rule], loss=CUBED(0.8), seed=seed, dtype=dtype)
    X, y = random.normal(size=(7, 4)), random.normal(size=(7, 2))
    assert_same_gradient(net, X, y)
    assert_same_predictions(net, X)


def test_closures_that_capture_other_numbers_are_other_rules():
    X = np.random.default_rng(2).normal(size=(5, 3))
    for width in (0.5, 1.0, 2.0):
        assert_same_predictions(hg.Network.mlp([3, 4, 2], activation=bump(width)), X)


# --- inputs of every kind -------------------------------------------------------------------------------------------

GRID = np.random.default_rng(3).normal(size=(40, 12))
INPUTS = {
    "one row": GRID[:1, :4],
    "a list": GRID[:3, :4].tolist(),
    "every second row and column": GRID[::2, 4::2],
    "backwards": GRID[::-1, 3::-1],
    "Fortran order": np.asfortranarray(GRID[:, :4]),
    "float32": GRID[:, :4].astype(np.float32),
    "float16": GRID[:, :4].astype(np.float16),
    "integers": np.arange(20).reshape(5, 4),
    "bytes": np.arange(20, dtype=np.uint8).reshape(5, 4),
    "booleans": GRID[:, :4] > 0,
    "64 rows": np.resize(GRID, (64, 4)),
    "65 rows": np.resize(GRID, (65, 4)),
    "1000 rows": np.random.default_rng(4).normal(size=(1000, 4)),
}


@pytest.mark.parametrize("networks", [None, 3], ids=["single", "stack"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "sigmoid_cross_entropy", "poisson"])
@pytest.mark.parametrize("X", INPUTS.values(), ids=INPUTS.keys())
def test_predictions_from_inputs_of_every_kind(X, loss, networks):
    seed = 1 if networks is None else range(3)
    net = hg.Network.mlp([4, 70, 5, 3], activation=["gelu", "relu"], loss=loss, norm="batch", seed=seed)
    for each in (net, net.astype("float32")):
        assert_same_predictions(each, X)


@pytest.mark.parametrize("rows", [1, 5, 64, 65, 1000])
def test_predictions_where_every_network_has_inputs_of_its_own(rows):
    stack = hg.Network.mlp([4, 8, 3], norm="layer", seed=range(3))
    X = np.random.default_rng(5).normal(size=(rows, 3, 4))
    assert_same_predictions(stack, np.ascontiguousarray(X.swapaxes(0, 1)))
    assert_same_predictions(stack, X.swapaxes(0, 1))
    assert_same_predictions(stack, X.swapaxes(0, 1).astype(np.float32))


def test_predictions_do_not_remember_what_was_predicted_before():
    net = hg.Network.mlp([4, 8, 3], seed=1)
    first = net.forward(GRID[:1, :4], engine="compiled")
    kept = first.copy()
    net.forward(GRID[1:2, :4], engine="compiled")
    np.testing.assert_array_equal(first, kept)
    net.params *= 2
    assert_same_predictions(net, GRID[:1, :4])
    net.params = net.params / 3
    assert_same_predictions(net, GRID[:1, :4])


def test_equal_logits_are_the_first_class():
    net = hg.Network.mlp([2, 3])
    net.params[:] = 0
    assert net.predict(np.ones((70, 2)), engine="compiled").tolist() == [0] * 70


# --- many steps -----------------------------------------------------------------------------------------------------

RANDOM = np.random.default_rng(6)
X, Y = RANDOM.normal(size=(33, 4)), np.arange(33) % 3
RULES = {
    "sgd": hg.SGD(0.1),
    "momentum": hg.SGD(0.05, momentum=0.9),
    "nesterov": hg.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": hg.RMSprop(0.01),
    "adagrad": hg.Adagrad(0.05),
    "adam": hg.Adam(0.01),
    "adamw": hg.AdamW(0.01, weight_decay=0.1),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "whole set": {"batch_size": None, "epochs": 20},
    "a short last batch": {"batch_size": 10, "epochs": 5},
    "a last batch of one row": {"batch_size": 8, "epochs": 4},
    "one row at a time": {"batch_size": 1, "epochs": 1},
    "clipped": {"clip_norm": 0.1},
    "clipped and frozen": {"clip_norm": 0.1, "frozen": ("dense1.W", "batchnorm1.gain")},
    "frozen weights": {"frozen": ("dense2.W",)},
    "frozen biases": {"frozen": ("dense2.b",)},
    "a frozen layer": {"frozen": ("dense1", "dense3")},
    "class weights": {"class_weight": {0: 3.0, 2: 0.5}},
    "balanced": {"class_weight": "balanced"},
    "weights of the rows": {"sample_weight": np.arange(33) % 5, "batch_size": 7},
    "both weights": {"sample_weight": np.arange(33) % 5, "class_weight": {1: 2.0}, "batch_size": None},
    "cosine": {"schedule": "cosine"},
    "step": {"schedule": "step(every=2, factor=0.5)"},
    "seeded": {"seed": 9},
}


def train_twice(make, **settings):
    """The network and history of both engines."""
    settings = {"epochs": 5, "batch_size": 8} | settings
    nets = {engine: make() for engine in ("numpy", "compiled")}
    return [(net, hg.train(net, X, Y, engine=engine, **settings)) for engine, net in nets.items()]


def assert_same_training(make, **settings):
    (plain, expected), (net, history) = train_twice(make, **settings)
    dtype = net.dtype.name
    assert_close(net.params, plain.params, dtype)
    assert_close(net.state, plain.state, dtype)
    assert history.columns.keys() == expected.columns.keys()
    for name in expected.columns:
        assert_close(getattr(history, name), getattr(expected, name), dtype)
    return history, expected


def layered(dtype="float64", **settings):
    """Norms, dropout, smooth activations, and no bias whose gradient is rounding alone, which a rule may magnify."""
    layers = [hg.Dense(4, 8, bias=False), hg.BatchNorm(8), hg.Activation("tanh"), hg.Dropout(0.2)]
    layers += [hg.Residual([hg.Dense(8, 8), hg.LayerNorm(8), hg.Activation("gelu")]), hg.Dense(8, 3)]
    return hg.Network(layers, dtype=dtype, bias_init="normal(0.1)", **settings)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_weights_after_twenty_steps(rule, options, dtype):
    assert_same_training(lambda: layered(dtype, l2=0.01, seed=3), optimizer=RULES[rule], **OPTIONS[options])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS)
def test_weights_of_a_stack_after_twenty_steps(options, dtype):
    rates = hg.SGD([0.1, 0.05, 0.01], momentum=[0.0, 0.5, 0.9])
    assert_same_training(lambda: layered(dtype, l2=[0.0, 0.1, 0.2], seed=range(3)), optimizer=rates, **OPTIONS[options])


@pytest.mark.parametrize("rule", [hg.Adam, hg.AdamW, hg.RMSprop, hg.Adagrad], ids=lambda record: record.__name__)
@pytest.mark.parametrize("schedule", [None, "cosine"])
def test_rates_of_each_network_with_every_rule(rule, schedule):
    makes: dict[str, Any] = {"l2": [0.0, 0.1, 0.2], "seed": range(3)}
    assert_same_training(lambda: layered(**makes), optimizer=rule([0.01, 0.003, 0.001]), schedule=schedule)


@pytest.mark.parametrize("activation", SMOOTH)
def test_every_smooth_activation_after_twenty_steps(activation):
    def make():
        return hg.Network.mlp([4, 8, 8, 3], activation=activation, seed=3, bias_init="normal(0.1)")

    assert_same_training(make, optimizer=hg.Adam(0.01))


def test_networks_with_data_of_their_own():
    own, classes = RANDOM.normal(size=(3, 20, 4)), RANDOM.integers(0, 3, (3, 20))
    trained = {}
    for engine in ("numpy", "compiled"):
        stack = layered(seed=range(3))
        history = hg.train(stack, own, classes, epochs=5, batch_size=8, engine=engine)
        trained[engine] = stack.params, stack.state, history.loss
    for value, expected in zip(trained["compiled"], trained["numpy"], strict=True):
        assert_close(value, expected, "float64")


@pytest.mark.parametrize("networks", [None, 3], ids=["single", "stack"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_early_stopping_and_the_plateau_judge_alike(dtype, networks):
    history, expected = assert_same_training(
        lambda: layered(dtype, seed=3 if networks is None else range(3)),
        epochs=60,
        optimizer=hg.Adam(0.02),
        validation=(X[:11], (Y[:11] + 1) % 3),
        metrics=("accuracy", "log_loss"),
        stop=hg.EarlyStopping(patience=4),
        schedule="reduce_on_plateau(factor=0.5, patience=1)",
    )
    assert len(history) < 60
    np.testing.assert_array_equal(history.best_epoch, expected.best_epoch)


@pytest.mark.parametrize("loss", ["mse", "poisson", "sigmoid_cross_entropy"])
def test_lbfgs_goes_the_same_way(loss):
    targets = RANDOM.poisson(1.0, (33, 2)).clip(0, 1).astype(float)
    trained = {}
    for engine in ("numpy", "compiled"):
        net = hg.Network.mlp([4, 6, 2], activation="tanh", loss=loss, l2=0.01, seed=2)
        history = hg.train(net, X, targets, epochs=10, optimizer="lbfgs", engine=engine)
        trained[engine] = net.params, history.loss
    for value, expected in zip(trained["compiled"], trained["numpy"], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-8)  # a line search magnifies
