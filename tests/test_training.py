"""The training loop against loops written out here, and each of its settings against what it promises."""

import numpy as np
import pytest
from scipy.optimize import minimize

import handgrad as hg
from handgrad.metrics import Metric
from handgrad.randomness import key, order
from handgrad.training.data import batches
from handgrad.training.settings import Settings

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 3))
Y = (X[:, 0] + 0.3 * RANDOM.normal(size=30) > 0).astype(int) + (X[:, 1] > 1)
VALIDATION = (RANDOM.normal(size=(11, 3)), np.arange(11) % 3)


def mlp(**settings):
    return hg.Network.mlp([3, 6, 3], **({"activation": "tanh", "seed": 1} | settings))


def params_by_epoch(net, **settings):
    """Train, and note the parameters after each epoch."""
    seen = []
    history = hg.train(net, X, Y, callbacks=[lambda training: seen.append(training.net.params.copy())], **settings)
    return history, seen


# --- the loop ------------------------------------------------------------------------------------------------------


def test_full_batches_are_gradient_descent():
    net, plain = mlp(l2=0.01), mlp(l2=0.01)
    history = hg.train(net, X, Y, epochs=5, batch_size=None, optimizer=hg.SGD(0.3), engine="numpy")
    losses = []
    for _ in range(5):
        loss, gradient = plain.gradient(X, Y)
        plain.params -= 0.3 * gradient
        losses.append(loss)
    np.testing.assert_array_equal(net.params, plain.params)
    np.testing.assert_array_equal(history.loss, losses)


def test_mini_batches_follow_the_seeded_order_and_history_weighs_them_by_size():
    net, plain = mlp(dropout=0.2, norm="batch"), mlp(dropout=0.2, norm="batch")
    history = hg.train(net, X, Y, epochs=3, batch_size=8, optimizer=hg.SGD(0.3), seed=5, engine="numpy")
    step, losses = 0, []
    for epoch in range(3):
        rows, total = order(key(1, 5, "order", epoch), 30), 0.0
        for start in range(0, 30, 8):
            batch = rows[start : start + 8]
            loss, gradient = plain.gradient(X[batch], Y[batch], seed=5, step=step)
            plain.update_state(X[batch], seed=5, step=step)
            plain.params -= 0.3 * gradient
            step, total = step + 1, total + loss * len(batch) / 30
        losses.append(total)
    np.testing.assert_array_equal(net.params, plain.params)
    np.testing.assert_array_equal(net.state, plain.state)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-14)


@pytest.mark.parametrize("seed", [3, [3, 4]], ids=["single", "stack"])
def test_each_example_comes_once_an_epoch_in_an_order_of_its_own(seed):
    def epoch_order(training_seed, epoch):
        settings = Settings(hg.SGD(0.1), 7, None, None, training_seed, None)
        return np.concatenate(list(batches(mlp(seed=seed), 30, settings, epoch)), axis=-1)

    first = epoch_order(None, 0)
    np.testing.assert_array_equal(np.sort(first, axis=-1), np.broadcast_to(np.arange(30), first.shape))
    np.testing.assert_array_equal(epoch_order(None, 0), first)
    for other in (epoch_order(None, 1), epoch_order(0, 0), epoch_order(1, 0)):
        assert (other != first).any(axis=-1).all()


def test_the_training_seed_matters_and_none_adds_nothing():
    results = []
    for seed in (None, None, 0, 1):
        net = mlp()
        hg.train(net, X, Y, epochs=2, batch_size=8, seed=seed)
        results.append(net.params.tobytes())
    assert results[0] == results[1]
    assert len(set(results)) == 3


def test_data_of_each_networks_own_trains_as_alone():
    own, y = np.stack([X, -X]), np.stack([Y, Y[::-1]])
    stack = mlp(seed=range(2))
    hg.train(stack, own, y, epochs=3, batch_size=8, metrics=("accuracy",))
    for s in range(2):
        alone = mlp(seed=s)
        hg.train(alone, own[s], y[s], epochs=3, batch_size=8)
        np.testing.assert_array_equal(alone.params, stack.params[s])


# --- measuring -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
def test_validation_and_metrics_are_measured_after_each_epoch_in_prediction_mode(seed):
    measured = []

    def measure(training):
        net, (Xv, yv) = training.net, VALIDATION
        measured.append([net.loss(Xv, yv), (net.predict(X) == Y).mean(-1), (net.predict(Xv) == yv).mean(-1)])

    net = mlp(dropout=0.3, norm="batch", l2=0.1, seed=seed)
    settings = {"validation": VALIDATION, "metrics": ("accuracy", "log_loss"), "callbacks": [measure]}
    history = hg.train(net, X, Y, epochs=4, **settings)
    recorded = [history.validation_loss, history.accuracy, history.validation_accuracy]
    np.testing.assert_allclose(np.stack(recorded, axis=1), measured, rtol=1e-12)
    p = net.predict_proba(X)[..., np.arange(30), Y]
    np.testing.assert_allclose(history.log_loss[-1], -np.log(p).mean(axis=-1))


def test_a_metric_of_the_losss_name_reports_the_loss():
    net, targets = hg.Network.mlp([3, 6, 2], loss="mse"), RANDOM.normal(size=(30, 2))
    history = hg.train(net, X, targets, epochs=2, metrics=("mean_squared_error",), validation=(X, targets))
    np.testing.assert_allclose(history.mean_squared_error, history.validation_loss)


def test_a_metric_of_your_own():
    shares = Metric("share_of_class_0", lambda y, predicted: (predicted == 0).mean(axis=-1))
    net = mlp()
    assert hg.train(net, X, Y, epochs=1, metrics=(shares,)).share_of_class_0[-1] == (net.predict(X) == 0).mean()


@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
def test_history_comes_as_arrays_and_as_a_table(seed):
    history = hg.train(mlp(seed=seed), X, Y, epochs=4, validation=VALIDATION)
    lead, table = (4,) if seed == 0 else (4, 3), history.to_pandas()
    for name in ("loss", "learning_rate", "validation_loss"):
        assert getattr(history, name).shape == lead
        np.testing.assert_array_equal(table[name], getattr(history, name).ravel())
    assert list(table.index.names) == (["epoch"] if seed == 0 else ["epoch", "network"])
    with pytest.raises(AttributeError, match=r"no 'accuracy'; pass metrics=\('accuracy',\)"):
        history.accuracy  # noqa: B018


# --- early stopping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("monitor", [None, "loss", "validation_accuracy"])
@pytest.mark.parametrize("epochs", [4, 40], ids=["over before it stops", "stopped"])
def test_early_stopping_keeps_the_best_weights_of_each_network(monitor, epochs):
    settings = {"epochs": epochs, "batch_size": 10, "optimizer": hg.SGD(2.0), "validation": VALIDATION}
    settings |= {"metrics": ("accuracy",), "stop": hg.EarlyStopping(patience=3, monitor=monitor)}
    stack = mlp(seed=range(4), norm="batch")
    history, seen = params_by_epoch(stack, **settings)
    curve = getattr(history, monitor or "validation_loss") * (-1 if monitor == "validation_accuracy" else 1)
    for s in range(4):
        best = np.nanargmin(curve[:, s])  # the first of equals
        ran = np.isfinite(curve[:, s]).sum()
        assert ran == min(best + 1 + 3, epochs)
        np.testing.assert_array_equal(stack.params[s], seen[best][s])
        alone = mlp(seed=s, norm="batch")
        np.testing.assert_array_equal(hg.train(alone, X, Y, **settings).loss, history.loss[:ran, s])
        np.testing.assert_array_equal(alone.params, stack.params[s])
        np.testing.assert_array_equal(alone.state, stack.state[s])


def test_min_delta_is_how_much_counts_as_better():
    stop = hg.EarlyStopping(patience=2, min_delta=1e9)
    assert len(hg.train(mlp(), X, Y, epochs=50, stop=stop)) == 3


# --- schedules, clipping, freezing -----------------------------------------------------------------------------------


def test_a_schedule_multiplies_the_rate_within_the_epoch_too():
    net, plain = mlp(), mlp()
    history = hg.train(net, X, Y, epochs=4, batch_size=15, optimizer=hg.SGD(0.4), schedule="exponential(0.5)")
    np.testing.assert_allclose(history.learning_rate, 0.4 * 0.5 ** np.arange(4))
    for number in range(8):
        rows = order(key(1, None, "order", number // 2), 30)[(number % 2) * 15 :][:15]
        plain.params -= 0.4 * 0.5 ** (number / 2) * plain.gradient(X[rows], Y[rows])[1]
    np.testing.assert_allclose(net.params, plain.params, rtol=1e-12)


def test_the_rate_falls_on_a_plateau_for_each_network_by_itself():
    settings = {"epochs": 12, "optimizer": hg.SGD(3.0), "batch_size": 10}
    settings["schedule"] = "reduce_on_plateau(factor=0.5, patience=1)"
    history = hg.train(mlp(seed=range(4)), X, Y, **settings)
    assert np.ptp(history.learning_rate, axis=1).any()  # they do differ
    for s in range(4):
        alone = hg.train(mlp(seed=s), X, Y, **settings)
        np.testing.assert_array_equal(alone.learning_rate, history.learning_rate[:, s])
        np.testing.assert_array_equal(alone.loss, history.loss[:, s])


def test_decoupled_decay_shrinks_the_weights_alone_by_the_scheduled_rate():
    decayed, plain = mlp(bias_init="normal(0.5)"), mlp(bias_init="normal(0.5)")
    shrunk = 0.1 * 0.25 * 0.5 * plain.params
    shrunk[plain.layout.weights :] = 0
    schedule = "cosine(warmup=3)"  # starts at a quarter
    hg.train(decayed, X, Y, epochs=1, batch_size=None, optimizer=hg.AdamW(0.1, weight_decay=0.5), schedule=schedule)
    hg.train(plain, X, Y, epochs=1, batch_size=None, optimizer=hg.Adam(0.1), schedule=schedule)
    np.testing.assert_allclose(plain.params - decayed.params, shrunk, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("largest", "clipped"), [(1e-3, True), (1e3, False)])
def test_clipping_limits_the_norm_of_the_whole_gradient(largest, clipped):
    net = mlp()
    before, gradient = net.params.copy(), net.gradient(X, Y)[1]
    hg.train(net, X, Y, epochs=1, batch_size=None, optimizer=hg.SGD(1.0), clip_norm=largest)
    expected = gradient * (largest / np.linalg.norm(gradient) if clipped else 1)
    np.testing.assert_allclose(before - net.params, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("optimizer", [hg.SGD(0.1, momentum=0.9), hg.AdamW(0.1, weight_decay=0.1), hg.LBFGS()], ids=str)
@pytest.mark.parametrize("frozen", [("dense1",), ("dense1.W", "dense1.b")])
def test_frozen_parameters_stay_and_the_rest_move(optimizer, frozen):
    net = mlp(bias_init="normal(0.1)")
    before = {name: net[name].copy() for name in net.parameter_names}
    hg.train(net, X, Y, epochs=3, optimizer=optimizer, frozen=frozen)
    for name in net.parameter_names:
        assert (net[name] == before[name]).all() == name.startswith("dense1"), name


def test_frozen_gradients_do_not_count_in_the_clipped_norm():
    net = mlp()
    before = net.params.copy()
    hg.train(net, X, Y, epochs=1, batch_size=None, optimizer=hg.SGD(1.0), clip_norm=1e-3, frozen=("dense2",))
    assert np.linalg.norm(net.params - before) == pytest.approx(1e-3)


# --- weights --------------------------------------------------------------------------------------------------------


def trained_params(rows=slice(None), net=mlp, **settings):
    network = net()
    hg.train(network, X[rows], Y[rows], epochs=20, batch_size=None, **settings)
    return network.params


def test_sample_weights_are_duplicated_rows():
    copies = np.arange(30) % 4
    weighted = trained_params(sample_weight=copies)
    np.testing.assert_allclose(weighted, trained_params(np.repeat(np.arange(30), copies)), rtol=1e-9)
    np.testing.assert_allclose(weighted, trained_params(sample_weight=0.5 * copies), rtol=1e-9)


def test_a_class_weight_is_the_weight_of_its_rows():
    by_class = trained_params(class_weight={0: 2.0, 2: 0.5}, sample_weight=np.arange(30))
    np.testing.assert_allclose(
        by_class, trained_params(sample_weight=np.array([2, 1, 0.5])[Y] * np.arange(30)), rtol=1e-12
    )


def test_balanced_classes_are_duplicated_rows():
    rows = np.concatenate([np.flatnonzero(Y == 0)[:4], np.flatnonzero(Y == 1)[:8], np.flatnonzero(Y == 2)[:2]])
    duplicated = np.concatenate([np.repeat(rows[:4], 2), rows[4:12], np.repeat(rows[12:], 4)])
    np.testing.assert_allclose(trained_params(rows, class_weight="balanced"), trained_params(duplicated), rtol=1e-9)


def test_weights_travel_with_their_rows_in_mini_batches():
    net, other, ones = mlp(seed=range(2)), mlp(seed=range(2)), np.ones(30)
    hg.train(net, X, Y, epochs=2, batch_size=7, sample_weight=ones)
    hg.train(other, X, Y, epochs=2, batch_size=7)
    np.testing.assert_allclose(net.params, other.params, rtol=1e-10)
    zero = np.where(np.arange(30) < 20, 0.0, 1.0)  # rows of no weight may hold anything
    wild = np.where(zero[:, None] == 0, 99.0, X)
    trained = [mlp(), mlp()]
    for one, inputs in zip(trained, (X, wild), strict=True):
        hg.train(one, inputs, Y, epochs=2, batch_size=7, sample_weight=zero)
    np.testing.assert_allclose(trained[0].params, trained[1].params, rtol=1e-12)


# --- callbacks -------------------------------------------------------------------------------------------------------


def test_callbacks_see_the_training_and_any_of_them_may_stop_it():
    epochs, others = [], []

    def stop_after_three(training):
        epochs.append((training.epoch, len(training.history), training.step))
        return training.epoch == 3

    history = hg.train(mlp(), X, Y, epochs=9, batch_size=10, callbacks=[stop_after_three, others.append])
    assert epochs == [(1, 1, 3), (2, 2, 6), (3, 3, 9)]
    assert len(others) == len(history) == 3


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_interrupt_leaves_a_usable_network_and_training(optimizer):
    def interrupt(training):
        if training.epoch == 2:
            raise KeyboardInterrupt

    net, plain = mlp(), mlp()
    training = hg.Training(net, X, Y, epochs=5, optimizer=optimizer, callbacks=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        training.run()
    hg.train(plain, X, Y, epochs=2, optimizer=optimizer)
    np.testing.assert_array_equal(net.params, plain.params)
    assert len(training.history) == 2
    training.run()
    assert training.epoch == len(training.history) == 5


def test_an_interrupt_inside_a_line_search_leaves_the_last_finished_step():
    calls = []

    def f(z):
        calls.append(z)
        if len(calls) == 3:  # the start twice, then the first trial
            raise KeyboardInterrupt
        return np.tanh(z)

    net = mlp(activation=hg.activations.Formula("interrupting", f=f, df=lambda z, a: 1 - a * a))
    calls.clear()  # the initialiser asked for the gain
    with pytest.raises(KeyboardInterrupt):
        hg.train(net, X, Y, optimizer=hg.LBFGS(), engine="numpy")
    np.testing.assert_array_equal(net.params, mlp().params)


def test_a_progress_bar_changes_nothing_but_the_screen(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # Rich then takes the captured stream for a terminal
    with_bar, without = mlp(seed=range(2)), mlp(seed=range(2))
    hg.train(with_bar, X, Y, epochs=3, progress=True)
    assert "loss" in capsys.readouterr().err
    hg.train(without, X, Y, epochs=3)
    assert capsys.readouterr() == ("", "")
    np.testing.assert_array_equal(with_bar.params, without.params)


# --- L-BFGS and LSUV -------------------------------------------------------------------------------------------------


def test_lbfgs_is_scipys_on_our_loss_and_gradient():
    net, free = mlp(l2=0.01, norm="layer"), mlp(l2=0.01, norm="layer")

    def objective(params):
        free.params = params
        return free.gradient(X, Y)

    history = hg.train(net, X, Y, epochs=40, optimizer=hg.LBFGS(), engine="numpy")
    options = {"maxiter": 40, "ftol": 0.0, "gtol": 1e-8}
    theirs = minimize(objective, free.params.copy(), jac=True, method="L-BFGS-B", options=options)
    np.testing.assert_allclose(net.params, theirs.x, rtol=1e-6, atol=1e-9)
    assert history.loss[-1] == pytest.approx(theirs.fun)
    assert net.loss(X, Y) == pytest.approx(history.loss[-1])


def test_lbfgs_reaches_the_minimum_of_a_convex_problem_and_then_stops():
    net = hg.Network([hg.Dense(3, 3)], l2=0.1)
    training = hg.Training(net, X, Y, epochs=200, optimizer=hg.LBFGS())
    history = training.run()
    assert len(history) < 50
    assert np.abs(net.gradient(X, Y)[1]).max() < 1e-8
    assert (np.diff(history.loss) <= 0).all()
    steps = len(history)
    assert len(training.run()) == steps
    assert hg.train(net, X, Y, optimizer=hg.LBFGS()).loss.shape == (0,)  # nothing was left to do


def test_lbfgs_refuses_dropout():
    net = hg.Network.mlp([2, 4, 2], dropout=0.2)
    with pytest.raises(ValueError, match=r"LBFGS would see the same units dropped at every step.* leave dropout out"):
        hg.Training(net, X, Y, optimizer="lbfgs")


def test_lbfgs_heeds_early_stopping_and_the_number_of_epochs():
    assert len(hg.train(mlp(), X, Y, epochs=7, optimizer=hg.LBFGS())) == 7
    net, settings = mlp(), {"optimizer": hg.LBFGS(), "validation": VALIDATION, "stop": hg.EarlyStopping(patience=2)}
    history, seen = params_by_epoch(net, epochs=60, **settings)
    assert len(history) == history.validation_loss.argmin() + 3
    np.testing.assert_array_equal(net.params, seen[history.validation_loss.argmin()])


def test_lsuv_scales_layers_to_unit_variance_before_the_first_step():
    net = hg.Network.mlp([3, 20, 20, 3], init="lsuv", seed=range(2))
    training = hg.Training(net, 10 * X, Y, epochs=1, batch_size=None, optimizer=hg.SGD(1e-12))
    np.testing.assert_array_equal(net.params, hg.Network.mlp([3, 20, 20, 3], init="lsuv", seed=range(2)).params)
    training.run()
    for name in ("dense1", "dense2", "dense3"):
        np.testing.assert_allclose(hg.record(net, 10 * X, Y).outputs[name].var(axis=(1, 2)), 1, atol=0.021)
    scaled = net.params.copy()
    training.run(epochs=1)
    np.testing.assert_allclose(net.params, scaled, atol=1e-9)  # once
    alone = hg.Network.mlp([3, 20, 20, 3], init="lsuv", seed=1)
    hg.train(alone, 10 * X, Y, epochs=2, batch_size=None, optimizer=hg.SGD(1e-12))
    np.testing.assert_array_equal(alone.params, net.params[1])


def test_a_stack_scales_only_the_networks_that_asked_for_lsuv():
    stack = mlp(seed=[1, 1], init=["lsuv", "he_normal"])
    hg.train(stack, X, Y, epochs=2)
    for s, init in enumerate(("lsuv", "he_normal")):
        alone = mlp(init=init)
        hg.train(alone, X, Y, epochs=2)
        np.testing.assert_array_equal(alone.params, stack.params[s])


# --- a history that is thinned ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize("seed", [0, range(3)], ids=["single", "stack"])
def test_every_nth_epoch_and_the_last_are_kept(seed, watched):
    callbacks = [lambda training: None] if watched else []
    whole, thinned = mlp(seed=seed), hg.Training(mlp(seed=seed), X, Y, epochs=11, record_every=4, callbacks=callbacks)
    history = hg.train(whole, X, Y, epochs=11)
    thinned.run(epochs=5)
    assert thinned.history.epochs == [4, 5]
    thinned.run()
    assert thinned.history.epochs == [4, 8, 11] == list(thinned.history.to_pandas().reset_index().epoch.unique())
    np.testing.assert_array_equal(thinned.history.loss, history.loss[[3, 7, 10]])
    np.testing.assert_array_equal(thinned.net.params, whole.params)
