"""Every layer: forward against a plain formula, backward against central differences, alone and in a stack."""

import numpy as np
import pytest

import handgrad as hg
from handgrad import layers as room
from handgrad.activations import activations
from handgrad.layers import Layer, backward_through, forward_through

CASES = {
    "dense": hg.Dense(3, 4),
    "dense without bias": hg.Dense(3, 4, bias=False),
    "dropout": hg.Dropout(0.4),
    "layer norm": hg.LayerNorm(3),
    "batch norm": hg.BatchNorm(3),
    "residual": hg.Residual([hg.Dense(3, 5), hg.BatchNorm(5), hg.Activation("tanh"), hg.Dense(5, 3)]),
    "residual in residual": hg.Residual([hg.Residual([hg.Dense(3, 3), hg.Dropout(0.3)]), hg.LayerNorm(3)]),
    **{formula.name: hg.Activation(formula) for formula in activations},
}


def network(layer, networks=None):
    """The layer as a network, with random parameters and state, so that gains are not 1 and biases not 0."""
    net = hg.Network([layer], loss="mse", seed=8 if networks is None else [8, *range(networks - 1)])
    random = np.random.default_rng(1)
    vectors = (
        random.normal(size=(networks or 1, net.layout.size)),
        1 + random.random((networks or 1, net.state.shape[-1])),
    )
    net.params, net.state = (
        vector.reshape(here.shape) for vector, here in zip(vectors, (net.params, net.state), strict=True)
    )
    return net


def through(net, vector, A, training):
    return forward_through(net.layers, net.layout.tree(vector), A, net.contexts(training, seed=3, step=5))


def central_differences(f, x, h=1e-6):
    gradient, flat = np.empty_like(x), x.reshape(-1)
    for i, value in enumerate(flat):
        ends = []
        for flat[i] in (value + h, value - h):
            ends.append(f())
        flat[i] = value
        gradient.flat[i] = (ends[0] - ends[1]) / (2 * h)
    return gradient


def assert_close_in_norm(ours, numeric):
    assert np.linalg.norm(ours - numeric) <= 1e-7 * np.linalg.norm(numeric) + 1e-9


def test_every_layer_is_among_the_cases():
    built = {type(layer) for layer in CASES.values()}
    offered = {each for each in vars(room).values() if isinstance(each, type) and issubclass(each, Layer)}
    assert offered - {Layer} == built


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("shape", [(6, 3), (1, 3), (2, 5, 3), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_backward_is_the_derivative_of_forward(case, shape, training):
    net = network(CASES[case], networks=shape[0] if len(shape) == 3 else None)
    random = np.random.default_rng(2)
    A, vector = random.normal(size=shape), net.params.copy()
    Y, caches = through(net, vector, A, training)
    dY = random.normal(size=Y.shape)
    dA, grads = backward_through(net.layers, net.layout.tree(vector), dY, caches)

    def objective():
        return (through(net, vector, A, training)[0] * dY).sum()

    assert_close_in_norm(dA, central_differences(objective, A))
    assert_close_in_norm(net.layout.flatten(grads, shape[:-2], net.dtype), central_differences(objective, vector))


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("case", CASES)
def test_a_network_of_a_stack_computes_what_it_computes_alone(case, training):
    stack, A = network(CASES[case], networks=3), np.random.default_rng(3).normal(size=(7, 3))
    Y = np.broadcast_to(through(stack, stack.params, A, training)[0], (3, 7, stack.fan_out or 3))
    for s in range(3):
        alone = stack[s]
        np.testing.assert_array_equal(through(alone, alone.params, A, training)[0], Y[s])


def columns_standardised(A):
    return (A - A.mean(axis=0)) / np.sqrt(A.var(axis=0) + 1e-5)


FORMULAS = {
    "dense": lambda A, p: np.einsum("bi,io->bo", A, p["dense1.W"]) + p["dense1.b"],
    "dense without bias": lambda A, p: np.einsum("bi,io->bo", A, p["dense1.W"]),
    "layer norm": lambda A, p: columns_standardised(A.T).T * p["layernorm1.gain"] + p["layernorm1.shift"],
    "batch norm": lambda A, p: columns_standardised(A) * p["batchnorm1.gain"] + p["batchnorm1.shift"],
    "residual": lambda A, p: (
        A
        + np.tanh(
            columns_standardised(A @ p["dense1.W"] + p["dense1.b"]) * p["batchnorm1.gain"] + p["batchnorm1.shift"]
        )
        @ p["dense2.W"]
        + p["dense2.b"]
    ),
    "tanh": lambda A, p: np.tanh(A),
    "relu": lambda A, p: A * (A > 0),
}


@pytest.mark.parametrize("case", FORMULAS)
def test_forward_is_the_plain_formula(case):
    net, A = network(CASES[case]), np.random.default_rng(4).normal(size=(6, 3))
    Y = through(net, net.params, A, training=True)[0]
    np.testing.assert_allclose(Y, FORMULAS[case](A, net), rtol=1e-12, atol=1e-12)


def test_batch_norm_predicts_with_its_running_statistics():
    net, A = network(hg.BatchNorm(3)), np.random.default_rng(5).normal(size=(6, 3))
    normed = (A - net["batchnorm1.mean"]) / np.sqrt(net["batchnorm1.variance"] + 1e-5)
    expected = normed * net["batchnorm1.gain"] + net["batchnorm1.shift"]
    np.testing.assert_allclose(net.forward(A), expected, rtol=1e-12, atol=1e-12)


def test_batch_norm_moves_its_statistics_by_momentum_with_the_unbiased_variance():
    net, A = network(hg.BatchNorm(3, momentum=0.7)), np.random.default_rng(6).normal(size=(6, 3))
    mean, variance = net["batchnorm1.mean"].copy(), net["batchnorm1.variance"].copy()
    net.update_state(A)
    np.testing.assert_allclose(net["batchnorm1.mean"][0], 0.7 * mean[0] + 0.3 * A.mean(axis=0))
    np.testing.assert_allclose(net["batchnorm1.variance"][0], 0.7 * variance[0] + 0.3 * A.var(axis=0, ddof=1))


def dropped(layer, A, seed=0, training_seed=None, step=0, number=0):
    return layer.forward({}, A, room.Context(True, None, seed, training_seed, step, number))[0]


def test_dropout_keeps_the_mean_and_is_zero_or_scaled():
    kept = dropped(hg.Dropout(0.3), np.ones((500, 100)))
    assert set(np.unique(kept)) == {0.0, 1 / 0.7}
    assert abs(kept.mean() - 1) < 4 * np.sqrt(0.3 / 0.7 / kept.size)  # four standard errors


def test_a_dropout_mask_is_a_pure_function_of_its_key_row_and_unit():
    layer, A = hg.Dropout(0.5), np.ones((40, 30))
    mask = dropped(layer, A)
    np.testing.assert_array_equal(dropped(layer, A), mask)
    np.testing.assert_array_equal(dropped(layer, A[:10]), mask[:10])  # a row does not depend on the rows after it
    np.testing.assert_array_equal(dropped(layer, A, seed=np.array([4, 0, 7]))[1], mask)
    for other in ({"seed": 1}, {"training_seed": 0}, {"step": 1}, {"number": 1}):
        agreement = (dropped(layer, A, **other) == mask).mean()
        assert 0.4 < agreement < 0.6, other


def test_dropout_in_prediction_mode_is_the_identity():
    A = np.random.default_rng(7).normal(size=(4, 3))
    assert hg.Dropout(0.9).forward({}, A, room.Context(training=False))[0] is A


def test_numpy_settings_do_not_widen_float32():
    half = np.float64(0.5)
    for layer in (hg.Dropout(half), hg.LayerNorm(np.int64(3), half), hg.BatchNorm(3, half, half)):
        net = hg.Network([layer, hg.Dense(np.int64(3), 3)], loss="mse", dtype="float32")
        Z = net.forward(np.ones((4, 3)), training=True)
        assert Z.dtype == net.gradient(np.ones((4, 3)), Z)[1].dtype == np.float32, layer


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([hg.Dense(2, 3), hg.Dense(4, 2)], r"layers\[1\] Dense: fan_in=4 but the layer before gives 3 units"),
        ([hg.Dense(2, 3), hg.LayerNorm(4)], r"layers\[1\] LayerNorm: units=4 .* 3 units"),
        ([hg.Dense(2, 3), hg.BatchNorm(4)], r"layers\[1\] BatchNorm: units=4 .* 3 units"),
        ([hg.Residual([hg.Dense(2, 3)])], r"layers\[0\] Residual: takes 2 units but its layers give 3"),
        ([hg.Dense(2, 4), hg.Residual([hg.Dense(4, 4), hg.Dense(4, 3)])], "takes 4 units but its layers give 3"),
        ([hg.Dense(2, 4), hg.Residual([hg.Dense(3, 4)])], "fan_in=3 but the layer before gives 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(layers, words):
    with pytest.raises(ValueError, match=words):
        hg.Network(layers)
