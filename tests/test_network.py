"""The network's contract: the flat vector, loss and modes, weights, stacks, predictions, dtype, looking inside."""

import copy
import pickle

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import handgrad as hg
from handgrad.losses import losses

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(12, 3))
TARGETS = {  # loss -> targets for two outputs
    "softmax_cross_entropy": np.arange(12) % 2,
    "sigmoid_cross_entropy": RANDOM.integers(0, 2, (12, 2)),
    "poisson": RANDOM.poisson(2.0, (12, 2)),
    **dict.fromkeys(("mse", "mae", "huber", "quantile"), RANDOM.normal(size=(12, 2))),
}
CLASSES = TARGETS["softmax_cross_entropy"]


def everything(loss="softmax_cross_entropy", **settings):
    """Every kind of layer in one network."""
    block = [hg.Dense(4, 4), hg.LayerNorm(4), hg.Activation("gelu")]
    layers = [hg.Dense(3, 4, bias=False), hg.BatchNorm(4), hg.Activation("tanh"), hg.Dropout(0.3), hg.Residual(block)]
    return hg.Network([*layers, hg.Dense(4, 2)], loss=loss, bias_init="normal(0.2)", **settings)


def central_differences(f, x, h=1e-6):
    gradient, flat = np.empty_like(x), x.reshape(-1)
    for i, value in enumerate(flat):
        ends = []
        for flat[i] in (value + h, value - h):
            ends.append(f())
        flat[i] = value
        gradient.flat[i] = (ends[0] - ends[1]) / (2 * h)
    return gradient


# --- the flat vector -------------------------------------------------------------------------------------------------


def test_weights_come_first_then_the_rest_layer_by_layer():
    net = everything()
    weights = ["dense1.W", "dense2.W", "dense3.W"]
    rest = ["batchnorm1.gain", "batchnorm1.shift", "dense2.b", "layernorm1.gain", "layernorm1.shift", "dense3.b"]
    assert net.parameter_names == weights + rest
    np.testing.assert_array_equal(np.concatenate([net[name].ravel() for name in net.parameter_names]), net.params)
    np.testing.assert_array_equal(net.state, [0, 0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
def test_views_and_vector_are_one_memory(seed):
    net = everything(seed=seed)
    net["dense2.b"][...] = 7
    assert (net.params == 7).sum() == net["dense2.b"].size
    net.params = np.zeros_like(net.params)
    assert not net["dense2.b"].any()
    assert not net.forward(X).any()
    net.params[...] = 1
    assert net["dense3.W"].all()
    assert net.forward(X).all()


@pytest.mark.parametrize("duplicate", [hg.Network.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_is_whole_and_independent(duplicate):
    net = everything(seed=range(2), l2=0.1)
    twin, Z = duplicate(net), net.forward(X)
    twin.params[...] = 0
    twin.state[...] = 5
    assert not twin["dense1.W"].any()
    assert not twin.forward(X).any()
    np.testing.assert_array_equal(net.forward(X), Z)
    assert (net["batchnorm1.variance"] == 1).all()


def test_a_pickled_network_holds_each_number_once():
    net = hg.Network.mlp([50, 200, 2])
    assert net.params.nbytes < len(pickle.dumps(net)) < 1.2 * net.params.nbytes


def test_every_parameter_has_a_stream_of_its_own_so_seeds_are_paired():
    shallow, deep = hg.Network.mlp([3, 5, 2], seed=4), hg.Network.mlp([3, 5, 5, 2], seed=4, init="glorot_normal")
    ratio = shallow["dense1.W"] / deep["dense1.W"]
    np.testing.assert_allclose(ratio, np.sqrt((2 / 3) / (2 / 8)))  # the same draws under another initialiser
    same_sizes = hg.Network.mlp([5, 5, 5])
    assert (same_sizes["dense1.W"] != same_sizes["dense2.W"]).all()


# --- loss, modes, gradient ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [rule.name for rule in losses])
def test_the_loss_is_the_weighted_mean_plus_half_l2_times_the_squared_weights(loss):
    net, w = everything(loss, l2=0.3), np.arange(12.0)
    rows = [net.data_loss(X[i : i + 1], TARGETS[loss][i : i + 1]) for i in range(12)]
    penalty = 0.15 * sum((net[f"dense{i}.W"] ** 2).sum() for i in (1, 2, 3))
    assert net.data_loss(X, TARGETS[loss]) == pytest.approx(np.mean(rows), rel=1e-12)
    weighted = net.loss(X, TARGETS[loss], sample_weight=w)
    assert weighted == pytest.approx(w @ rows / w.sum() + penalty, rel=1e-12)
    assert weighted == pytest.approx(net.loss(X, TARGETS[loss], sample_weight=9 * w), rel=1e-12)


def test_every_loss_is_tried():
    assert set(TARGETS) == {rule.name for rule in losses}


@pytest.mark.parametrize("seed", [5, [5, 6]], ids=["single", "stack"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("loss", [rule.name for rule in losses])
def test_gradients_by_parameters_and_inputs_are_derivatives_of_the_loss_they_return(loss, training, seed):
    net, inputs, y = everything(loss, l2=0.1, seed=seed), X[:5].copy(), TARGETS[loss][:5]
    mode = {"training": training, "seed": 2, "step": 3}
    value, gradient = net.gradient(inputs, y, **mode)
    np.testing.assert_array_equal(value, net.loss(inputs, y, **mode))
    assert isinstance(value, float) or value.shape == (2,)

    def objective():
        return np.sum(net.loss(inputs, y, **mode))

    dX = net.input_gradient(inputs, y, **mode)
    numeric = [central_differences(objective, net.params), central_differences(objective, inputs)]
    for ours, theirs in zip((gradient, dX if np.ndim(value) == 0 else dX.sum(axis=0)), numeric, strict=True):
        assert np.linalg.norm(ours - theirs) <= 1e-7 * np.linalg.norm(theirs) + 1e-9


def test_loss_and_predictions_are_in_prediction_mode_and_gradient_in_training_mode():
    net = everything()
    training = net.loss(X, CLASSES, training=True)
    assert net.loss(X, CLASSES) == net.gradient(X, CLASSES, training=False)[0] != training
    assert net.gradient(X, CLASSES)[0] == training
    np.testing.assert_array_equal(net.predict_proba(X).argmax(axis=1), net.predict(X))


def test_dropout_follows_seed_and_step_and_nothing_is_written():
    net = everything()
    before = net.params.copy(), net.state.copy()
    values = {net.gradient(X, CLASSES, seed=seed, step=step)[0] for seed in (None, 0, 1) for step in (0, 1)}
    assert len(values) == 6
    assert all(np.array_equal(a, b) for a, b in zip(before, (net.params, net.state), strict=True))


def test_update_state_moves_the_state_alone():
    net = everything()
    params = net.params.copy()
    net.update_state(X)
    expected = 0.9 * 0 + 0.1 * (X @ net["dense1.W"]).mean(axis=0, keepdims=True)
    np.testing.assert_allclose(net["batchnorm1.mean"], expected, rtol=1e-12)
    np.testing.assert_array_equal(net.params, params)


def test_results_do_not_depend_on_the_number_of_blas_threads():
    net = hg.Network.mlp([20, 64, 33], activation="tanh")
    many, labels = np.random.default_rng(0).normal(size=(3001, 20)), np.arange(3001) % 33

    def results():
        return net.loss(many, labels), *net.gradient(many, labels), net.predict_proba(many)

    with threadpool_limits(1):
        one = results()
    with threadpool_limits(2):
        two = results()
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


# --- predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
@pytest.mark.parametrize("loss", [rule.name for rule in losses])
def test_predictions_for_each_loss(loss, seed):
    net = everything(loss, seed=seed)
    lead, Z, target = () if seed == 0 else (3,), net.forward(X), net.loss_rule.target
    predicted = net.predict(X)
    if target == "classes":
        assert predicted.shape == (*lead, 12)
        np.testing.assert_allclose(net.predict_proba(X).sum(axis=-1), 1)
    else:
        assert predicted.shape == (*lead, 12, 2)
    if target == "labels":
        np.testing.assert_array_equal(predicted, net.predict_proba(X) > 0.5)
    if target == "values":
        np.testing.assert_array_equal(predicted, Z)
    if target == "counts":
        np.testing.assert_allclose(predicted, np.exp(Z))
    if target in ("values", "counts"):
        with pytest.raises(TypeError, match=f"loss {net.loss_rule.name}.* has no probabilities; call predict"):
            net.predict_proba(X)


def test_targets_may_be_indices_one_hot_or_probabilities_and_a_flat_column():
    net, value = everything(), hg.Network.mlp([3, 4, 1], loss="mse")
    by_index = net.loss(X, CLASSES)
    assert net.loss(X, np.eye(2)[CLASSES]) == by_index
    half = net.loss(X, np.full((12, 2), 0.5))
    assert half == pytest.approx((by_index + net.loss(X, 1 - CLASSES)) / 2)
    assert value.loss(X, X[:, 0]) == value.loss(X, X[:, :1])


# --- stacks -------------------------------------------------------------------------------------------------------


def test_networks_of_a_stack_differ_in_seed_init_and_l2():
    inits, l2, seeds = ["he_normal", "normal(std=0.01)", "zeros"], [0.0, 0.1, 5.0], [3, 1, 3]
    stack = hg.Network.mlp([3, 4, 2], seed=seeds, init=inits, l2=l2, bias_init=["zeros", "normal", "zeros"])
    for s in range(3):
        alone = hg.Network.mlp(
            [3, 4, 2], seed=seeds[s], init=inits[s], l2=l2[s], bias_init=["zeros", "normal", "zeros"][s]
        )
        for one in (alone, stack[s], stack[s - 3]):
            np.testing.assert_array_equal(one.params, stack.params[s])
            assert one.loss(X, CLASSES) == stack.loss(X, CLASSES)[s]
            np.testing.assert_array_equal(one.gradient(X, CLASSES)[1], stack.gradient(X, CLASSES)[1][s])


def test_each_network_may_have_data_of_its_own():
    stack, own = everything(seed=range(2)), np.stack([X, X[::-1] + 1])
    y = np.stack([CLASSES, 1 - CLASSES])
    loss, gradient = stack.gradient(own, y)
    for s in range(2):
        alone_loss, alone = stack[s].gradient(own[s], y[s])
        assert loss[s] == alone_loss
        np.testing.assert_array_equal(gradient[s], alone)
    np.testing.assert_array_equal(stack.loss(own, np.eye(2)[y]), stack.loss(own, y))


def test_an_integer_table_of_targets_is_per_network_only_with_data_per_network():
    stack = hg.Network.mlp([3, 4, 2], seed=range(2))
    with pytest.raises(ValueError, match=r"y has 2 rows but X has 12"):
        stack.loss(X, np.stack([CLASSES, CLASSES]))


def test_a_member_is_a_copy_that_keeps_waiting_for_data_by_itself():
    stack = hg.Network.mlp([3, 4, 2], seed=range(2), init=["lsuv", "he_normal"])
    first, last = stack[0], stack[-1]
    assert (first.awaits_data.tolist(), last.awaits_data.tolist()) == ([True], [False])
    hg.train(first, X, CLASSES, epochs=1)
    assert stack.awaits_data.tolist() == [True, False]


def test_stacked_is_this_network_with_other_parameters():
    net = everything(l2=0.1, seed=9)
    net.update_state(X)
    stack = net.stacked(np.stack([net.params, net.params + 0.1]))
    loss = stack.loss(X, CLASSES, training=True)
    assert loss[0] == net.loss(X, CLASSES, training=True)
    net.params += 0.1
    assert loss[1] == net.loss(X, CLASSES, training=True)
    np.testing.assert_array_equal(stack.state[1], net.state)


# --- dtype --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, range(2)], ids=["single", "stack"])
@pytest.mark.parametrize("loss", [rule.name for rule in losses])
def test_float32_is_kept_everywhere(loss, seed):
    net = everything(loss, seed=seed, dtype="float32", l2=np.float64(0.1) if seed == 0 else [0.1, 0.2])
    value, gradient = net.gradient(X, TARGETS[loss], sample_weight=np.arange(12))
    recording = hg.record(net, X, TARGETS[loss])
    arrays = [net.params, net.state, gradient, net.forward(X), net.forward(X, training=True), net["dense1.W"]]
    arrays += [net.input_gradient(X, TARGETS[loss]), *recording.outputs.values(), *recording.gradients.values()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}
    assert seed == 0 or value.dtype == np.float32


@pytest.mark.parametrize("record", [hg.SGD, hg.RMSprop, hg.Adagrad, hg.Adam, hg.AdamW], ids=lambda one: one.__name__)
def test_float32_training_is_the_same_with_numbers_of_numpy_and_of_python(record):
    trained = []
    for rate in (0.1, np.float64(0.1)):
        net = everything(dtype="float32", l2=rate)
        hg.train(net, X, CLASSES, epochs=3, optimizer=record(rate), clip_norm=rate)
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)


def test_float32_results_do_not_depend_on_what_ran_before():
    first = everything(dtype="float32").gradient(X, CLASSES)
    everything(dtype="float64").gradient(X, CLASSES)
    again = everything(dtype="float32").gradient(X, CLASSES)
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    np.testing.assert_allclose(again[1], everything().gradient(X, CLASSES)[1], atol=1e-5)


# --- showing and looking inside -----------------------------------------------------------------------------------


def test_repr_and_summary():
    net = everything(seed=range(3))
    assert repr(net) == "Network(3 networks of 3-4-4-2, softmax_cross_entropy, 58 parameters)"
    lines = net.summary().splitlines()
    assert lines[1].split() == ["dense1", "Dense(3,", "4)", "without", "bias", "(B,", "4)", "12"]
    assert [line.split()[0] for line in lines[1:5]] == ["dense1", "batchnorm1", "activation1", "dropout1"]
    assert lines[-1].split() == ["total", "58"]


def test_a_recording_holds_every_layers_output_and_the_gradient_that_reaches_it():
    net = everything(seed=3)
    recording = hg.record(net, X, CLASSES, seed=1, step=2)
    assert set(recording.outputs) == set(recording.gradients) == {leaf.name for leaf in net.leaves}
    np.testing.assert_array_equal(recording.outputs["dense1"], X @ net["dense1.W"])
    np.testing.assert_array_equal(recording.outputs["dense3"], net.forward(X, training=True, seed=1, step=2))
    gradient = net.gradient(X, CLASSES, seed=1, step=2)[1]
    views = net.layout.views(gradient)
    for name in ("dense2", "dense3"):  # ∂loss/∂b is the column sum of what reaches Z = A W + b
        np.testing.assert_allclose(recording.gradients[name].sum(axis=0, keepdims=True), views[f"{name}.b"])
    dX = net.input_gradient(X, CLASSES, seed=1, step=2)
    np.testing.assert_array_equal(recording.input_gradients["dense1"], dX)
    np.testing.assert_array_equal(recording.input_gradients["batchnorm1"], recording.gradients["dense1"])
    np.testing.assert_allclose(recording.caches["batchnorm1"][2], recording.outputs["dense1"].mean(axis=0)[None])


def test_writing_a_parameter_by_name_keeps_its_view():
    net = everything(seed=0)
    view = net["dense2.W"]
    net["dense2.W"] = np.full(view.shape, 0.5)
    assert net["dense2.W"] is view
    np.testing.assert_array_equal(view, 0.5)
    for values, words in [(np.zeros((2, 2)), "dense2.W has shape"), (np.full(view.shape, np.nan), "dense2.W has nan")]:
        with pytest.raises(ValueError, match=words):
            net["dense2.W"] = values
    assert "dense2.W" in net
    assert "dense9.W" not in net


def test_raw_rows_are_pointed_to_the_preprocessing():
    net = hg.Network.mlp([3, 2])
    net.preprocessing = object()
    with pytest.raises(TypeError, match=r"net\.preprocessing\.transform"):
        net.predict(np.array([["a", "b", "c"]]))


class Forgetful(hg.Dense):
    """Somebody's own layer whose backward leaves out an array, or cuts it short."""

    def parameter_gradients(self, dZ, A):
        return {"W": super().parameter_gradients(dZ, A)["W"]}


class Short(hg.Dense):
    def parameter_gradients(self, dZ, A):
        grads = super().parameter_gradients(dZ, A)
        return grads | {"b": grads["b"][..., :3]}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Forgetful, r"forgetful1\.b: the layer Forgetful gave no array for 'b'; it gave \['W'\]"),
        (Short, r"short1\.b: the layer Short gave shape \(1, 3\); expected \(1, 5\)"),
    ],
)
def test_a_layer_of_ones_own_that_gives_no_gradient_is_named(kind, says):
    net = hg.Network([kind(4, 5), hg.Activation("tanh"), hg.Dense(5, 3)])
    with pytest.raises(ValueError, match=says):
        net.gradient(np.ones((6, 4)), [0, 1, 2, 0, 1, 2])
    with pytest.raises(ValueError, match=says):
        hg.check_network(net, np.ones((6, 4)), [0, 1, 2, 0, 1, 2])


def test_training_is_a_flag():
    net = hg.Network.mlp([4, 3])
    with pytest.raises(TypeError, match="training is 'no'; expected True or False"):
        net.gradient(np.ones((2, 4)), [0, 1], training="no")


def test_a_residual_mlp_skips_layers_as_wide_as_the_one_before():
    net = hg.Network.mlp([2, 5, 5, 3, 3, 1], loss="mse", norm="layer", dropout=0.1, residual=True, seed=3)
    kinds = [type(layer).__name__ for layer in net.layers]
    block = ["Dense", "LayerNorm", "Activation", "Dropout"]
    assert kinds == [*block, "Residual", *block, "Residual", "Dense"]
    plain = hg.Network.mlp([2, 5, 5, 3, 3, 1], loss="mse", norm="layer", dropout=0.1, seed=3)
    assert net.parameter_names == plain.parameter_names
    np.testing.assert_array_equal(net.params, plain.params)  # the skip draws nothing
    same = hg.Network.mlp([3, 3, 3], activation="tanh", residual=True)
    assert [type(layer).__name__ for layer in same.layers] == ["Dense", "Activation", "Dense"]  # inputs are no layer
    with pytest.raises(TypeError, match="residual is 'yes'"):
        hg.Network.mlp([2, 3, 1], residual="yes")
