"""Signals against figures worked out by hand, the monitor, and the doctor: ill when ill, healthy when healthy."""

import json
import pickle
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import handgrad as hg
from handgrad.activations import Formula
from handgrad.health import ILLNESSES
from handgrad.health.chance import chance_loss
from handgrad.losses import losses
from handgrad.plots import style
from handgrad.training import watch

mpl.use("agg")
import matplotlib.pyplot as plt  # after the choice of a canvas that needs no display

X, Y = hg.datasets.moons(n=200, noise=0.2, seed=0)
HELD = tuple(hg.datasets.moons(n=200, noise=0.2, seed=1))
RNG = np.random.default_rng(0)
SLUGS = [illness.slug for illness in ILLNESSES]
CUBE = Formula("cube", f=lambda z: z**3, df=lambda z, a: 3 * z**2)


def by_hand(net, X, y):
    """The gradient of a network with one hidden layer, and what it is made of."""
    Z1 = X @ net["dense1.W"] + net["dense1.b"]
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ net["dense2.W"] + net["dense2.b"]
    E = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    dZ2 = (E / E.sum(axis=1, keepdims=True) - np.eye(2)[y]) / len(X)
    dA1 = dZ2 @ net["dense2.W"].T
    return {"dense1": (Z1, dA1 * (Z1 > 0)), "activation1": (A1, dA1), "dense2": (Z2, dZ2)}


# --- signals ----------------------------------------------------------------------------------------------------------


def test_signals_are_what_one_works_out_by_hand():
    net = hg.Network.mlp([2, 10, 2], bias_init="normal", l2=0.01, seed=3)
    net["dense1.b"][0, :3] = -50
    found = hg.signals(net, X, Y)
    for name, (A, dA) in by_hand(net, X, Y).items():
        layer = found[name]
        expected = (A.mean(), A.var(), np.linalg.norm(dA))
        np.testing.assert_allclose((layer.mean, layer.variance, layer.gradient), expected, rtol=1e-12)
    assert found["activation1"].dead == 0.3
    assert found["activation1"].saturated == pytest.approx((by_hand(net, X, Y)["activation1"][0] == 0).mean())
    dW1 = X.T @ by_hand(net, X, Y)["dense1"][1]
    assert found["dense1"].weight_gradient == pytest.approx(np.linalg.norm(dW1))
    assert found["dense1"].weight == pytest.approx(np.linalg.norm(net["dense1.W"]))
    assert found.data_loss == pytest.approx(net.data_loss(X, Y))
    assert found.penalty_share == pytest.approx(1 - net.data_loss(X, Y) / net.loss(X, Y))
    assert found["dense1"].dead is found["activation1"].weight is None


def test_a_stack_has_the_signals_of_each_of_its_networks():
    stack = hg.Network.mlp([2, 6, 2], activation="tanh", l2=[0.0, 0.1, 0.2], seed=range(3))
    found = hg.signals(stack, X, Y)
    for s in range(3):
        for one, other in zip(found.of(s).layers, hg.signals(stack[s], X, Y).layers, strict=True):
            assert pd.Series(vars(one)).to_dict() == pytest.approx(vars(other))
        assert found.of(s).data_loss == pytest.approx(stack[s].data_loss(X, Y))
    assert list(found.to_pandas().index.names) == ["layer", "network"]
    assert len(found.to_pandas()) == 9
    assert found.to_pandas().loc[("dense1", 1), "weight"] == pytest.approx(found["dense1"].weight[1])


def test_flat_is_told_by_the_derivative_of_an_activation_of_ones_own():
    net = hg.Network([hg.Activation(CUBE)], loss="mse")  # 3 z² is at most 27 where signals live: flat below 1.35
    z = np.array([[0.0], [0.5], [0.6], [0.7], [1.0]])  # 0, 0.75, 1.08, 1.47, 3
    assert hg.signals(net, z, z)["activation1"].saturated == 0.6
    assert hg.signals(net, z, z)["activation1"].dead == 0
    assert hg.signals(net, np.zeros((5, 1)), z)["activation1"].dead == 1


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_a_unit_that_always_says_the_same_is_dead(activation):
    net = hg.Network.mlp([2, 4, 2], activation=activation)
    net["dense1.W"][:, 0] = 0
    assert hg.signals(net, X, Y)["activation1"].dead == 0.25


@pytest.mark.parametrize("weight", [None, RNG.uniform(size=50)], ids=["alike", "weighted"])
@pytest.mark.parametrize("name", [each.name for each in losses])
def test_chance_is_the_least_that_constant_logits_reach(name, weight):
    rule, C = losses.find(name), 3 if name == "softmax_cross_entropy" else 2
    targets = {"classes": RNG.dirichlet(np.ones(C), 50), "labels": RNG.integers(0, 2, (50, C)).astype(float)}
    T = targets.get(rule.target, RNG.poisson(3.0, (50, C)).astype(float))
    shares = np.full(50, 1 / 50) if weight is None else weight / weight.sum()
    chance = chance_loss(rule, T, shares)
    tried = [rule.evaluate(np.broadcast_to(z, T.shape), T)[0] @ shares for z in RNG.normal(1, 2, (500, 1, C))]
    assert chance <= min(tried)
    assert min(tried) < chance + 0.3
    assert chance_loss(rule, np.stack([T, T[::-1]]), None).shape == (2,)


def test_chance_in_known_cases():
    assert float(chance_loss(losses.find("softmax_cross_entropy"), np.eye(10))) == pytest.approx(np.log(10))
    assert float(chance_loss(losses.find("mae"), np.array([[0.0], [1.0], [5.0]]))) == pytest.approx(5 / 3)
    assert float(chance_loss(losses.find("mse"), np.array([[900.0], [1100.0]]))) == pytest.approx(1e4)


def test_the_noise_scale_is_that_of_a_gradient_whose_noise_is_known():
    """Gradients -2 (t - 0) of one weight, t ~ N(1, 3²): tr(Σ) / |G|² = 9, over many draws of 400 rows."""
    net = hg.Network([hg.Dense(1, 1)], loss="mse")
    net.params = [0.0, 0.0]
    draws = [hg.signals(net, np.ones((400, 1)), np.random.default_rng(s).normal(1, 3, 400)) for s in range(60)]
    assert 8 < np.median([each.noise_scale for each in draws]) < 10.5
    assert np.isnan(hg.signals(net, np.ones((5, 1)), np.arange(5)).noise_scale)


def test_signals_print_and_are_plain():
    found = hg.signals(hg.Network.mlp([2, 3, 2], norm="batch", dropout=0.5), X, Y)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["layers"][0]["layer"] == "dense1"
    assert "batchnorm1" in str(found)
    assert "chance 0.69" in str(found)
    assert list(found.to_pandas().index) == [each.layer for each in found.layers]
    with pytest.raises(ValueError, match="unknown layer 'dense9'; did you mean 'dense"):
        found["dense9"]


def test_a_network_that_overflows_has_signals_and_no_warning():
    net = hg.Network.mlp([2, 3, 1], loss="mse")
    net.params[:] = 1e200
    assert hg.signals(net, X, Y).to_dict()["data_loss"] is None


# --- the monitor ------------------------------------------------------------------------------------------------------


def test_a_monitor_changes_nothing_and_samples_when_it_should():
    nets = [hg.Network.mlp([2, 5, 2]) for _ in range(2)]
    monitor = hg.Monitor(nets[0], X, Y, every=4, share=None)
    watched = hg.train(nets[0], X, Y, epochs=10, callbacks=[monitor])
    alone = hg.train(nets[1], X, Y, epochs=10)
    assert monitor.epochs == [0, 4, 8, 10]
    assert np.array_equal(nets[0].params, nets[1].params)
    assert np.array_equal(watched.loss, alone.loss)


def test_how_far_weights_moved():
    net = hg.Network.mlp([2, 5, 2])
    monitor = hg.Monitor(net, X, Y, every=2, share=None)
    weights = [net["dense1.W"].copy()]
    training = hg.Training(net, X, Y, epochs=4, callbacks=[monitor])
    for _ in range(2):
        training.run(epochs=2)
        weights.append(net["dense1.W"].copy())
    lengths = [np.linalg.norm(W) for W in weights]
    last = monitor.samples[-1]
    assert last.updates["dense1"] == pytest.approx(np.linalg.norm(weights[2] - weights[1]) / 2 / lengths[1])
    assert last.moved["dense1"] == pytest.approx(np.linalg.norm(weights[2] - weights[0]) / lengths[0])
    table = monitor.to_pandas()
    assert table.loc[(4, "dense1"), "update"] == last.updates["dense1"]
    assert table.loc[(0, "dense1"), "moved"] == 0
    assert np.isnan(table.loc[(0, "dense1"), "update"])


def test_a_stack_is_monitored_network_by_network():
    stack = hg.Network.mlp([2, 5, 2], seed=range(2))
    one = stack[1]
    monitors = [hg.Monitor(net, X, Y, every=5, share=None) for net in (stack, one)]
    for net, monitor in zip((stack, one), monitors, strict=True):
        hg.train(net, X, Y, epochs=10, callbacks=[monitor])
    pd.testing.assert_frame_equal(
        monitors[0].to_pandas().xs(1, level="network"), monitors[1].to_pandas(), check_exact=False, rtol=1e-12
    )
    assert hg.diagnose(monitors[0], network=1).healthy
    assert monitors[0].of(1)[-1].moved == pytest.approx(monitors[1].samples[-1].moved)


def test_samples_keep_to_their_share_of_the_time(monkeypatch):
    """An epoch takes one tick of a clock of ours, a sample ten: at a tenth, about one in 200 epochs."""
    clock = [0.0]
    monkeypatch.setattr("handgrad.health.monitor.perf_counter", lambda: clock[0])
    net = hg.Network.mlp([2, 5, 2])
    monitor = hg.Monitor(net, X, Y, share=0.1)
    take = hg.Monitor._take

    def slow(self, epoch):
        clock[0] += 10
        take(self, epoch)

    monkeypatch.setattr(hg.Monitor, "_take", slow)
    monitor._costs = 10.0

    class Pretended:
        net, epoch, ending = monitor.net, 0, False

    for epoch in range(1, 2001):
        clock[0] += 1
        Pretended.epoch = epoch
        if epoch >= monitor.next_epoch:
            monitor(Pretended)
    assert monitor.spent <= 0.1 * clock[0]
    assert 6 <= len(monitor.samples) <= 12


def test_epochs_that_no_callback_waits_for_run_together(monkeypatch):
    net = hg.Network.mlp([2, 5, 2])
    calls = []
    training = hg.Training(net, X, Y, epochs=30, callbacks=[hg.Monitor(net, X, Y, every=10, share=None)])
    run = training.engine.run
    monkeypatch.setattr(training.engine, "run", lambda *given: calls.append(given[1]) or run(*given))
    training.run()
    assert calls == [10, 10, 10]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_callback_that_waits_may_stop_the_training(engine):
    class AtSeven:
        next_epoch = 7

        def __call__(self, training):
            return True

    history = hg.train(hg.Network.mlp([2, 5, 2]), X, Y, epochs=30, callbacks=[AtSeven()], engine=engine)
    assert len(history) == 7


def test_a_monitor_can_be_pickled():
    assert pickle.loads(pickle.dumps(hg.Monitor(hg.Network.mlp([2, 5, 2]), X, Y))).epochs == [0]


WRONG = [
    (lambda: hg.signals(hg.Network.mlp([3, 2]), X, Y), ValueError, "X has 2 columns but the network expects 3"),
    (lambda: hg.Monitor(7, X, Y), TypeError, "net is 7; expected the Network that is trained"),
    (lambda: hg.Monitor(hg.Network.mlp([2, 2]), X, Y, every=0), ValueError, "every is 0"),
    (lambda: hg.Monitor(hg.Network.mlp([2, 2]), X, Y, share=2), ValueError, "share is 2; expected .* at most 1"),
    (lambda: hg.Monitor(hg.Network.mlp([2, 2]), X, Y, rows=0), ValueError, "rows is 0"),
    (lambda: hg.diagnose(7), TypeError, "monitor is 7; expected a Monitor"),
    (lambda: hg.diagnose(hg.Monitor(hg.Network.mlp([2, 2]), X, Y), 7), TypeError, "history is 7"),
    (lambda: hg.diagnose(hg.Monitor(hg.Network.mlp([2, 2]), X, Y), network=0), ValueError, "a single network"),
    (lambda: hg.diagnose(hg.Monitor(hg.Network.mlp([2, 2], seed=[0]), X, Y)), ValueError, "stack of 1; say which"),
    (lambda: hg.diagnose(hg.Monitor(hg.Network.mlp([2, 2], seed=[0]), X, Y), network=1), ValueError, "0 to 0"),
    (lambda: hg.doctor(7, X, Y), TypeError, "net is 7; expected a Network"),
    (lambda: hg.doctor(hg.Network.mlp([2, 2], seed=[0]), X, Y), ValueError, r"stack of 1 networks; .* stack\[0\]"),
    (lambda: hg.doctor(hg.Network.mlp([2, 2]), X, Y, epoch=3), TypeError, "did you mean 'epochs'"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_monitor_of_another_network_refuses():
    with pytest.raises(ValueError, match="make it with that one"):
        hg.train(hg.Network.mlp([2, 2]), X, Y, callbacks=[hg.Monitor(hg.Network.mlp([2, 2]), X, Y)])


# --- the doctor -------------------------------------------------------------------------------------------------------


def mlp(*hidden, **settings):
    return hg.Network.mlp([2, *hidden, 2], **settings)


def with_bias(net, bias):
    net["dense1.b"][...] = bias
    return net


def few(seed):
    return tuple(hg.datasets.moons(n=12, noise=0.4, seed=seed))


SINE = np.sin(2 * X[:, 0])
ILL = {  # slug: network, X, y, settings; the layer
    "zero-weights": (mlp(10, init="zeros"), X, Y, {}, "dense1"),
    "exploding-gradients": (mlp(*[10] * 10, init="normal(std=2)"), X, Y, {"optimizer": hg.SGD(1e-5)}, "dense1"),
    "vanishing-gradients": (mlp(*[10] * 20, activation="sigmoid", init="glorot_normal"), X, Y, {}, "dense1"),
    "targets-out-of-scale": (hg.Network.mlp([2, 10, 1], loss="mse"), X, 1000 * SINE, {"optimizer": hg.SGD(1e-6)}, None),
    "loss-above-chance": (mlp(10), 100 * X, Y, {"optimizer": hg.SGD(1e-4)}, None),
    "penalty-dominates": (mlp(10, l2=10), X, Y, {}, None),
    "learning-rate-too-high": (mlp(10), X, Y, {"optimizer": hg.SGD(100)}, None),
    "learning-rate-too-low": (mlp(10), X, Y, {"optimizer": hg.SGD(1e-7)}, None),
    "diverged": (hg.Network.mlp([2, 10, 1], loss="mse"), X, SINE, {"optimizer": hg.SGD(10)}, None),
    "dead-units": (with_bias(mlp(10), -10), X, Y, {}, "activation1"),
    "saturated-units": (mlp(10, activation="tanh", init="normal(std=50)"), X, Y, {}, "activation1"),
    "overfitting": (mlp(100), *few(3), {"epochs": 2000, "validation": few(4)}, None),
}
HEALTHY = {
    "moons relu he": (mlp, {}, {}),
    "moons tanh glorot": (mlp, {"activation": "tanh", "init": "glorot_normal"}, {}),
    "moons sigmoid adam": (mlp, {"activation": "sigmoid"}, {"optimizer": hg.Adam(0.01)}),
    "moons batch norm": (mlp, {"norm": "batch", "l2": 1e-4}, {}),
}


def test_every_illness_has_been_planted():
    assert set(ILL) == set(SLUGS)
    assert len(SLUGS) == len(set(SLUGS))


@pytest.mark.parametrize("slug", SLUGS)
def test_an_illness_that_was_planted_is_named(slug):
    net, X, y, settings, layer = ILL[slug]
    before = net.params.copy()
    found = hg.doctor(net, X, y, **({"epochs": 30} | settings))
    assert (slug, layer) in [(each.slug, each.layer) for each in found.findings], found
    assert np.array_equal(net.params, before)


@pytest.mark.parametrize("slug", ["dead-units", "learning-rate-too-low", "overfitting", "zero-weights"])
def test_one_illness_alone_is_not_taken_for_others(slug):
    net, X, y, settings, _ = ILL[slug]
    assert {each.slug for each in hg.doctor(net, X, y, **({"epochs": 30} | settings)).findings} == {slug}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_trainings_are_called_healthy(name):
    """Thirty seeds each, as a stack: no illness is named."""
    make, network, settings = HEALTHY[name]
    stack = make(10, seed=range(30), **network)
    monitor = hg.Monitor(stack, X, Y, every=20, share=None)
    history = hg.train(stack, X, Y, epochs=100, validation=HELD, callbacks=[monitor], **settings)
    found = [hg.diagnose(monitor, history, network=s) for s in range(30)]
    assert [str(each) for each in found] == ["healthy"] * 30


def test_a_cause_is_named_before_what_follows_from_it():
    for slug in ("exploding-gradients", "learning-rate-too-high", "penalty-dominates", "targets-out-of-scale"):
        net, X, y, settings, _ = ILL[slug]
        assert hg.doctor(net, X, y, **({"epochs": 30} | settings)).findings[0].slug == slug


def test_healthy_regression_and_digits():
    net = hg.Network.mlp([2, 10, 1], loss="mse")
    assert hg.doctor(net, X, SINE, epochs=50, validation=(HELD[0], np.sin(2 * HELD[0][:, 0]))).healthy
    digits = hg.datasets.digits()
    assert hg.doctor(hg.Network.mlp([64, 30, 10]), *digits, epochs=10).healthy


def named(monitor, loss=(), validation=()):
    """The slugs for these samples with curves of our own."""
    history = hg.History(None)
    history.columns = {"loss": list(loss), "validation_loss": list(validation)}
    return {each.slug for each in hg.diagnose(monitor, history).findings}


def test_the_limit_of_a_wild_loss():
    monitor = hg.Monitor(mlp(10), X, Y)
    calm, high = [0.5], [1.2 * max(monitor.chance, monitor.samples[0].signals.data_loss) + 0.01]
    assert named(monitor, 19 * calm + 1 * high) == set()
    assert named(monitor, 18 * calm + 2 * high) == {"learning-rate-too-high"}


@pytest.mark.parametrize(("learned", "most"), [(False, 5), (True, 8)])
def test_the_limit_of_dead_units(learned, most):
    for dead in (most, most + 1):
        net = mlp(10)
        net["dense1.b"][0, :dead] = -50
        monitor = hg.Monitor(net, X, Y)
        if learned:
            sample = monitor.samples[0]
            monitor.samples = [sample, replace(sample, epoch=9, signals=replace(sample.signals, data_loss=0.1))]
        assert named(monitor) == ({"dead-units"} if dead > most else set())


def test_the_limits_of_overfitting():
    monitor = hg.Monitor(mlp(10), X, Y)  # chance is 0.69
    falling, rising = np.linspace(0.5, 0.05, 50), np.linspace(0.1, 0.5, 50)
    assert named(monitor, falling, np.linspace(0.15, 0.35, 50)) == {"overfitting"}
    assert named(monitor, falling, np.linspace(0.25, 0.45, 50)) == set()  # not twice, and below chance
    assert named(monitor, falling, np.linspace(0.5, 0.95, 50)) == {"overfitting"}  # not twice, but above chance
    assert named(monitor, falling, np.linspace(0.02, 0.15, 50)) == set()  # by less than a quarter of chance
    assert named(monitor, rising, np.linspace(0.2, 0.9, 50)) == set()  # both rise: it is unstable
    lucky = np.full(50, 0.35)
    lucky[20] = 0.1
    assert named(monitor, falling, lucky) == set()


def test_a_network_as_it_stands():
    found = hg.diagnose(hg.Monitor(with_bias(mlp(10), -10), X, Y))
    assert [each.slug for each in found.findings] == ["dead-units"]
    assert "before training" in found.findings[0].evidence
    assert "nothing is said of learning rate" in str(found)


def test_a_stack_tells_who_diverged():
    stack = hg.Network.mlp([2, 10, 1], loss="mse", seed=range(2))
    monitor = hg.Monitor(stack, X, SINE)
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        history = hg.train(stack, X, SINE, epochs=5, optimizer=hg.SGD([0.01, 10.0]), callbacks=[monitor])
    assert hg.diagnose(monitor, history, network=0).healthy
    found = hg.diagnose(monitor, history, network=1)
    assert "not finite at epoch 1" in found.findings[0].evidence


def test_a_diagnosis_prints_and_is_plain():
    found = hg.doctor(with_bias(mlp(10, 10), -10), X, Y, epochs=5)
    assert json.loads(json.dumps(found.to_dict()))["findings"][0]["advice"] == "activation='leaky_relu'"
    assert "dead-units (activation1, and 1 more): 10 of 10 units" in str(found)
    assert not found
    assert "try its remedy first" not in str(found)


def test_the_same_call_gives_the_same_diagnosis():
    net, X, y, settings, _ = ILL["exploding-gradients"]
    assert hg.doctor(net, X, y, epochs=5, **settings) == hg.doctor(net, X, y, epochs=5, **settings)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_shows_every_layer(dark):
    _, monitor, _ = watch(mlp(6, 5, activation=["relu", "tanh"]), X, Y, epochs=20)
    with style(dark=dark):
        axes = hg.plots.signals(monitor)
    table = monitor.to_pandas()
    assert [len(ax.get_lines()) for ax in axes] == [2, 5, 2, 2, 3]
    drawn = axes[1].get_lines()[0]
    assert np.array_equal(drawn.get_ydata(), table.xs("dense1", level="layer")["gradient"])
    assert np.array_equal(drawn.get_xdata(), monitor.epochs)
    (legend,) = [each.get_legend() for each in axes[0].figure.axes if each.get_legend()]
    assert len({text.get_text() for text in legend.get_texts()}) == 5
    plt.close("all")


def test_of_a_deep_network_some_layers_are_drawn():
    axes = hg.plots.signals(hg.Monitor(mlp(*[3] * 20), X, Y))
    assert [len(ax.get_lines()) for ax in axes] == [7, 14, 7, 7, 0]
    (legend,) = [each.get_legend() for each in axes[0].figure.axes if each.get_legend()]
    assert legend.get_title().get_text() == "14 of 41 layers"
    assert {"dense1", "dense21"} <= {text.get_text() for text in legend.get_texts()}
    plt.close("all")


def test_what_the_picture_refuses():
    with pytest.raises(ValueError, match="several networks"):
        hg.plots.signals(hg.Monitor(mlp(3, seed=[0, 1]), X, Y))
    with pytest.raises(ValueError, match="ax holds 2 axes; expected 5"):
        hg.plots.signals(hg.Monitor(mlp(3), X, Y), ax=plt.subplots(1, 2)[1])
    plt.close("all")


def test_rare_classes_alarm_nobody() -> None:
    draws = np.random.default_rng(5)
    rows, rare = draws.normal(size=(600, 6)), np.zeros(600, dtype=int)
    rare[:12] = 1
    rows[:12] += 1.5
    for seed in range(5):
        net = hg.Network.mlp([6, 16, 2], seed=seed)
        findings = hg.doctor(net, rows, rare, epochs=30, optimizer=hg.Adam(0.01)).findings
        assert "loss-above-chance" not in [each.slug for each in findings]
