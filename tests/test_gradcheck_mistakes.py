"""Every mistake of the catalogue is one: planted, it changes the gradient and nothing else, and training feels it."""

import pickle
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import check_gradient, check_network
from handgrad.gradcheck.mistakes import MISTAKES, Mistake, as_function, squared_softmax
from handgrad.losses import losses

CAUSES = {
    "constant-factor", "sum-instead-of-mean", "missing-penalty", "doubled-penalty", "transposed", "transposed-weights",
    "permuted", "missing-activation-derivative", "derivative-at-wrong-place", "wrong-activation-derivative",
    "bias-not-summed", "broadcast", "stale", "accumulated", "zero-gradient", "shared-gradient",
    "missing-softmax-jacobian", "target-not-subtracted", "dtype-loss", "non-deterministic", "changes-input",
    "not-finite", "unknown",
}  # fmt: skip

ROWS = 9


def _net(layers: list[Any], **more: Any) -> hg.Network:
    net = hg.Network(layers, init="glorot_uniform", **more)
    net.params += 0.3 * np.random.default_rng(0).standard_normal(net.params.shape)
    return net


def _mlp(activation: str, depth: int = 2, **more: Any) -> hg.Network:
    return _net(_plain(activation, depth), **more)


def _plain(activation: str, depth: int = 2) -> list[Any]:
    within = [hg.Dense(5, 5), hg.Activation(activation)] * (depth - 1)
    return [hg.Dense(3, 5), hg.Activation(activation), *within, hg.Dense(5, 3)]


def _normed(norm: Any) -> list[Any]:
    return [hg.Dense(3, 5), norm, hg.Activation("tanh"), hg.Dropout(0.4), hg.Dense(5, 3)]


def _kinky() -> hg.Network:
    """Biases are zero, and so are the first two rows of its data: every Z of theirs is a kink."""
    return hg.Network(_plain("relu"))


NETWORKS = {
    "tanh": _mlp("tanh", l2=0.1),
    "sigmoid": _mlp("sigmoid", loss="sigmoid_cross_entropy"),
    "leaky_relu": _mlp("leaky_relu", loss="mse"),
    "elu": _mlp("elu", loss="huber(delta=0.3)"),
    "gelu": _mlp("gelu", loss="poisson"),
    "silu": _mlp("silu", loss=squared_softmax),
    "deep": _mlp("tanh", depth=4),
    "kinky": _kinky(),
    "batch_norm": _net(_normed(hg.BatchNorm(5))),
    "layer_norm": _net(_normed(hg.LayerNorm(5)), loss="mse"),
    "residual": _net([hg.Dense(3, 5), hg.Residual([hg.Dense(5, 5), hg.Activation("relu")]), hg.Dense(5, 3)]),
}
CASES = [
    pytest.param(mistake, net, id=f"{mistake.name}-{name}")
    for mistake in MISTAKES.values()
    for name, net in NETWORKS.items()
    if mistake.applies(net) and (mistake.cause != "not-finite" or name == "kinky")  # 0 / 0 takes a 0
]
SINGLE = list({case.values[0].name: case for case in reversed(CASES)}.values())  # type: ignore[union-attr]


def _data(net: hg.Network) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    X = generator.standard_normal((ROWS, 3))
    if not net["dense1.b"].any():
        X[:2] = 0
    targets = {
        "classes": generator.integers(0, 3, ROWS),
        "labels": generator.random((ROWS, 3)),
        "counts": generator.poisson(2.0, (ROWS, 3)).astype(float),
        "values": generator.standard_normal((ROWS, 3)),
    }
    return {"X": X, "y": targets[net.loss_rule.target], "sample_weight": generator.random(ROWS) + 0.1}


def _changes(net: hg.Network, right: Array, wrong: Array) -> float:
    """The largest change of a parameter's gradient, by its norm."""
    pairs = zip(net.layout.views(right).values(), net.layout.views(wrong).values(), strict=True)  # NaN may be there
    return max(float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in pairs if np.linalg.norm(a) > 1e-8)


def test_names_are_keys_and_causes_are_known() -> None:
    assert all(name == mistake.name for name, mistake in MISTAKES.items())
    assert {mistake.cause for mistake in MISTAKES.values()} == CAUSES
    assert all(mistake.story and "\n" not in mistake.story for mistake in MISTAKES.values())
    stories = [mistake.story for mistake in MISTAKES.values()]
    assert len(set(stories)) == len(stories)


def test_every_mistake_has_a_network_to_be_made_in() -> None:
    assert {case.values[0].name for case in CASES} == set(MISTAKES)  # type: ignore[union-attr]
    assert len(MISTAKES) >= 30


@pytest.mark.parametrize(("mistake", "net"), CASES)
def test_the_gradient_is_wrong_and_nothing_else(mistake: Mistake, net: hg.Network) -> None:
    data, params, state = _data(net), net.params.copy(), net.state.copy()
    loss, right = net.gradient(**data)
    twin = mistake.plant(net)
    assert twin.parameter_names == net.parameter_names
    np.testing.assert_array_equal(twin.params, params)
    assert twin.loss(**data, training=True) == net.loss(**data, training=True) == loss
    np.testing.assert_array_equal(twin.predict(data["X"], engine="numpy"), net.predict(data["X"], engine="numpy"))

    reported, wrong = twin.gradient(**data)
    if mistake.remembers:
        np.testing.assert_array_equal(wrong, right)
        moved = net.copy()
        twin.params = moved.params = 1.2 * params
        (_, right), (_, wrong), (_, wrong) = moved.gradient(**data), twin.gradient(**data), twin.gradient(**data)
        if mistake.cause == "stale":
            twin.params = moved.params = 0.8 * params
            (_, right), (_, wrong) = moved.gradient(**data), twin.gradient(**data)
    elif mistake.cause != "changes-input":
        assert reported == loss
    if mistake.cause == "changes-input":
        assert not np.array_equal(twin.params, params)
    else:
        assert not _changes(net, right, wrong) < _least(mistake)
    np.testing.assert_array_equal(net.params, params)
    np.testing.assert_array_equal(net.state, state)


def _least(mistake: Mistake) -> float:
    return 1e-8 if mistake.name == "float32 inside" else 1e-6


@pytest.mark.parametrize(("mistake", "net"), SINGLE)
def test_a_planted_network_trains(mistake: Mistake, net: hg.Network) -> None:
    twin, data = mistake.plant(net), _data(net)
    if mistake.cause == "not-finite":
        data["X"] = data["X"] + 0.1  # away from the zeros that make it NaN
    before = twin.params.copy()
    hg.train(twin, **data, epochs=2, optimizer=hg.SGD(1e-3), engine="numpy")
    assert np.isfinite(twin.params).all()
    assert not np.array_equal(twin.params, before)


@pytest.mark.parametrize(("mistake", "net"), SINGLE)
def test_a_planted_network_can_be_sent_to_another_process(mistake: Mistake, net: hg.Network) -> None:
    twin = mistake.plant(net)
    sent = pickle.loads(pickle.dumps(twin))
    np.testing.assert_array_equal(sent.gradient(**_data(net))[1], twin.gradient(**_data(net))[1])


@pytest.mark.filterwarnings("ignore:this network runs on NumPy")
def test_training_feels_the_mistake_and_the_compiled_engine_refuses_it() -> None:
    net, data = NETWORKS["tanh"], _data(NETWORKS["tanh"])
    ends = []
    for twin in (net.copy(), MISTAKES["factor 2"].plant(net), MISTAKES["sign"].plant(net)):
        hg.train(twin, **data, epochs=1, optimizer=hg.SGD(0.01))
        ends.append(twin.params - net.params)
    np.testing.assert_allclose(ends[1], 2 * ends[0], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ends[2], -ends[0], rtol=1e-6, atol=1e-12)
    with pytest.raises(ValueError, match="engine is 'compiled', but the loss"):
        hg.train(MISTAKES["factor 2"].plant(net), **data, epochs=1, engine="compiled")


def test_the_input_gradient_feels_what_layers_and_losses_do() -> None:
    net, data = NETWORKS["tanh"], _data(NETWORKS["tanh"])
    right = net.input_gradient(**data)
    for name in ("derivative missing", "sum over rows", "W for its transpose"):
        assert not np.allclose(MISTAKES[name].plant(net).input_gradient(**data), right), name
    np.testing.assert_array_equal(MISTAKES["penalty missing"].plant(net).input_gradient(**data), right)


def test_a_stack_can_be_planted_too() -> None:
    stack = hg.Network.mlp([3, 5, 5, 3], activation="tanh", seed=range(4), l2=0.1, bias_init="normal(0.1)")
    data = _data(NETWORKS["tanh"])
    for mistake in MISTAKES.values():
        if mistake.applies(stack) and mistake.cause not in ("non-deterministic", "changes-input"):
            _, gradients = mistake.plant(stack).gradient(**data)
            for s in range(4):
                _, alone = mistake.plant(stack[s]).gradient(**data)
                close = 1e-1 if mistake.cause == "dtype-loss" else 1e-10
                np.testing.assert_allclose(gradients[s], alone, rtol=close, atol=close, err_msg=mistake.name)


# --- the loss whose Jacobian does not cancel ---------------------------------------------------------------------


def test_the_loss_on_probabilities_is_right() -> None:
    net = NETWORKS["silu"]
    assert net.loss_rule is squared_softmax
    assert check_network(net, **_data(net)).passed
    assert losses.find(squared_softmax) is squared_softmax


# --- a network as a function -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_as_a_function(name: str) -> None:
    net = NETWORKS[name]
    data = _data(net)
    function, gradient, x = as_function(net, **data, step=3)
    loss, flat = net.gradient(**data, step=3)
    assert list(x) == net.parameter_names
    assert function(x) == loss
    for key, values in gradient(x).items():
        np.testing.assert_array_equal(values, net.named(flat)[key])
    if name != "kinky":
        assert not any(check.verdict == "WRONG" for check in check_gradient(function, gradient, x).checks)
        assert not check_gradient(*as_function(MISTAKES["factor 2"].plant(net), **data)).passed


def test_a_function_works_on_copies_and_shows_what_backward_wrote() -> None:
    net = NETWORKS["tanh"]
    data, before = _data(net), net.params.copy()
    function, gradient, x = as_function(MISTAKES["updated in backward"].plant(net), **data)
    start, W, first = function(x), x["dense2.W"].copy(), x["dense1.W"].copy()
    gradient(x)
    assert not np.array_equal(x["dense2.W"], W)
    np.testing.assert_array_equal(x["dense1.W"], first)
    assert function(x) != start
    np.testing.assert_array_equal(net.params, before)


def test_a_stack_is_no_function() -> None:
    with pytest.raises(TypeError, match="not a stack of 2"):
        as_function(hg.Network.mlp([2, 3, 2], seed=range(2)), np.ones((4, 2)), [0, 1, 0, 1])


def test_a_point_of_another_shape_is_refused() -> None:
    functions = as_function(NETWORKS["tanh"], **_data(NETWORKS["tanh"]))
    with pytest.raises(ValueError, match=r"dense1.b has shape \(5,\); expected \(1, 5\)"):
        functions.function(functions.x | {"dense1.b": np.zeros(5)})
