"""Training on rows that need not fit into memory: the same bits each time, every row once, and errors with a place."""

import mmap
import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad import randomness
from handgrad.datasets import stream
from handgrad.datasets.streams import arrays
from handgrad.training import streaming
from handgrad.training.settings import Settings
from handgrad.training.streaming import StreamedData

RANDOM = np.random.default_rng(0)
ROWS, BATCH = 103, 10
X, Y = RANDOM.normal(size=(ROWS, 3)), np.arange(ROWS) % 2
WEIGHTS = RANDOM.uniform(0.5, 2, ROWS)
BUFFER = 2 * 30 * 8 * 5  # two buffers of three batches of float64: three columns and two classes
ENGINES = ("numpy", "compiled")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that a hundred rows are many pieces."""
    monkeypatch.setattr(arrays, "PIECE", 7 * 3 * 8)


def mlp(seed=3, **more):
    return hg.Network.mlp([3, 6, 2], **({"activation": "tanh", "seed": seed} | more))


def train(source, net=None, **more):
    net = mlp() if net is None else net
    history = hg.train(net, source, **({"epochs": 2, "batch_size": BATCH, "optimizer": hg.SGD(0.5)} | more))
    return net, history


def buffers_by_hand(epoch, training_seed=None, length=30):
    """The rows of each buffer: pieces of seven rows in a seeded order, cut into buffers."""
    pieces = randomness.order(randomness.key(0, training_seed, "pieces", epoch), 15)
    rows = np.concatenate([np.arange(ROWS)[7 * piece : 7 * piece + 7] for piece in pieces])
    return [rows[start : start + length] for start in range(0, ROWS, length)]


# --- what is computed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("training_seed", [None, 5])
@pytest.mark.parametrize("engine", ENGINES)
def test_training_equals_a_loop_over_the_same_buffers(engine, training_seed):
    by_hand, losses, step = mlp(dropout=0.3), [], 0  # what is dropped depends on the step
    for epoch in range(2):
        total = 0.0
        for number, rows in enumerate(buffers_by_hand(epoch, training_seed)):
            order = randomness.order(randomness.key(3, training_seed, "order", epoch, number), len(rows))
            for start in range(0, len(rows), BATCH):
                batch = rows[order[start : start + BATCH]]
                batch = rows if len(rows) <= BATCH else batch
                loss, gradient = by_hand.gradient(X[batch], Y[batch], seed=training_seed, step=step)
                by_hand.params = by_hand.params - 0.5 * gradient
                step += 1
                total += loss * len(batch) / ROWS
        losses.append(total)
    net, history = train(stream(X, Y, buffer=BUFFER), mlp(dropout=0.3), engine=engine, seed=training_seed)
    np.testing.assert_allclose(net.params, by_hand.params, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_networks_of_a_stack_get_the_bits_they_get_alone(engine):
    more = {"norm": "batch", "dropout": 0.3}
    stack, history = train(stream(X, Y, buffer=BUFFER), mlp(range(3), **more), engine=engine, optimizer=hg.Adam(0.01))
    for seed in range(3):
        alone, own = train(stream(X, Y, buffer=BUFFER), mlp(seed, **more), engine=engine, optimizer=hg.Adam(0.01))
        np.testing.assert_array_equal(stack.params[seed], alone.params)
        np.testing.assert_array_equal(stack.state[seed], alone.state)
        np.testing.assert_array_equal(history.loss[:, seed], own.loss)


def test_bits_do_not_depend_on_who_is_faster():
    def late(seconds):
        def wait(X, y):
            time.sleep(seconds)
            return X, y

        return wait

    source = stream(X, Y, buffer=BUFFER)
    results = [train(each)[0].params for each in (source, source.map(late(0.002)))]
    slow_engine, _ = train(source, callbacks=[lambda training: time.sleep(0.01)])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], slow_engine.params)


def test_unshuffled_rows_come_as_they_lie():
    """So that batches are those of training in memory."""
    streamed, _ = train(stream(X, Y, buffer=BUFFER), shuffle=False)
    inside, _ = train(X, y=Y, shuffle=False)
    np.testing.assert_allclose(streamed.params, inside.params, rtol=1e-12)


def test_orders_differ_from_epoch_to_epoch_and_with_the_training_seed():
    source = stream(X, Y)
    orders = [tuple(source.order(seed, epoch)) for seed in (None, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    assert all(sorted(order) == list(range(15)) for order in orders)


@settings(max_examples=60)
@given(
    rows=st.integers(1, 60),
    batch=st.integers(1, 20),
    buffer=st.integers(1, 3000),
    parts=st.lists(st.integers(0, 15), min_size=1),
    as_batches=st.booleans(),
)
def test_every_row_is_seen_once_in_each_epoch(rows, batch, buffer, parts, as_batches):
    numbers = np.arange(rows, dtype=float)
    inputs = np.stack([numbers, numbers, numbers], axis=1)
    if as_batches:
        cuts = np.minimum(np.cumsum(parts), rows)
        pieces = [(part, part[:, 0] % 2) for part in np.split(inputs, cuts)]
        source = stream(pieces, buffer=buffer)
    else:
        source = stream(inputs, numbers % 2, buffer=buffer)
    data = StreamedData(mlp(), source)
    plan = Settings(hg.SGD(0.1), batch, None, None, None, None)
    for epoch in range(2):
        with data.buffers(plan, epoch) as buffers:
            seen = [each.rows.X[:, 0].copy() for each in buffers]
        assert sorted(np.concatenate(seen)) == list(numbers)
        assert all(len(each) % batch == 0 for each in seen[:-1])
        assert len(seen) == -(-rows // len(seen[0]))


@pytest.mark.parametrize("source", ["arrays", "batches", "function"])
@pytest.mark.parametrize("engine", ENGINES)
def test_one_batch_of_everything_equals_training_in_memory(source, engine):
    made = {
        "arrays": stream(X, Y, sample_weight=WEIGHTS),
        "batches": stream([(X[:40], Y[:40], WEIGHTS[:40]), (X[40:], Y[40:], WEIGHTS[40:])]),
        "function": stream(lambda: iter([(X, Y, WEIGHTS)]), rows=ROWS),
    }[source]
    shared = {"class_weight": {0: 1.0, 1: 3.0}, "schedule": "cosine", "clip_norm": 0.5, "frozen": ("dense2.b",)}
    streamed, history = train(made, batch_size=ROWS, engine=engine, **shared)
    inside = mlp()
    expected = hg.train(
        inside, X, Y, sample_weight=WEIGHTS, epochs=2, batch_size=None, optimizer=hg.SGD(0.5), engine=engine, **shared
    )
    np.testing.assert_allclose(streamed.params, inside.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-10)
    np.testing.assert_array_equal(history.learning_rate, expected.learning_rate)


def test_balanced_classes_are_counted_in_a_pass():
    few = (np.arange(ROWS) % 5 == 0).astype(int)
    streamed, _ = train(stream(X, few), batch_size=ROWS, class_weight="balanced")
    inside = mlp()
    hg.train(inside, X, few, epochs=2, batch_size=None, optimizer=hg.SGD(0.5), class_weight="balanced")
    np.testing.assert_allclose(streamed.params, inside.params, rtol=1e-10)


@pytest.mark.parametrize("seed", [3, range(3)], ids=["single", "stack"])
def test_metrics_and_validation_are_those_of_all_rows(seed):
    source = stream(X, Y, buffer=BUFFER)
    net, history = train(
        source, mlp(seed, l2=0.01), metrics=("accuracy", "log_loss"), validation=stream([(X[:50], Y[:50])] * 2)
    )
    accuracy = hg.metrics.accuracy(Y, net.predict(X))
    np.testing.assert_allclose(history.accuracy[-1], accuracy)
    np.testing.assert_allclose(history.log_loss[-1], hg.metrics.log_loss(Y, net.predict_proba(X)))
    np.testing.assert_allclose(history.validation_loss[-1], net.loss(X[:50], Y[:50]))
    np.testing.assert_allclose(history.validation_accuracy[-1], hg.metrics.accuracy(Y[:50], net.predict(X[:50])))


def test_early_stopping_and_first_data_work_on_streams():
    net, history = train(
        stream(X, Y, buffer=BUFFER),
        mlp(init="lsuv"),
        epochs=50,
        validation=(X, 1 - Y),
        stop=hg.EarlyStopping(patience=2),
    )
    assert len(history) < 50
    assert net.loss(X, 1 - Y) == pytest.approx(min(history.validation_loss))


@pytest.mark.parametrize("seed", [3, range(3)], ids=["single", "stack"])
def test_a_state_dict_goes_on_with_the_same_bits(seed):
    def training():
        net = mlp(seed, dropout=0.3, norm="batch")
        source = stream(X, Y, buffer=BUFFER)
        return hg.Training(net, source, epochs=6, batch_size=BATCH, optimizer=hg.Adam(0.01))

    whole, half, rest = training(), training(), training()
    whole.run()
    half.run(epochs=2)
    rest.load_state_dict(half.state_dict())
    rest.run()
    np.testing.assert_array_equal(whole.net.params, rest.net.params)
    np.testing.assert_array_equal(whole.history.loss, rest.history.loss)
    assert whole.step == rest.step == 6 * 11


# --- mapped arrays --------------------------------------------------------------------------------------------------


@pytest.fixture
def mapped(tmp_path):
    """X and y as files of small types."""

    def make(mode="r"):
        return [np.load(tmp_path / name, mmap_mode=mode) for name in ("X.npy", "y.npy")]

    np.save(tmp_path / "X.npy", (10 * X).astype(np.int8))
    np.save(tmp_path / "y.npy", Y.astype(np.uint8))
    return make


def test_a_large_mapped_array_streams_by_itself(mapped, monkeypatch):
    inputs, y = mapped()
    (here, _), (streamed, _) = train((10 * X).astype(np.int8), y=Y), train(stream(inputs, y))
    assert isinstance(hg.Training(mlp(), inputs, y).data, hg.training.data.TrainingData)  # small: read
    monkeypatch.setattr(streaming, "BUFFER", 1000)
    by_itself = mlp()
    training = hg.Training(by_itself, inputs, y, epochs=2, batch_size=BATCH, optimizer=hg.SGD(0.5))
    training.run()
    assert isinstance(training.data, StreamedData)
    np.testing.assert_array_equal(by_itself.params, streamed.params)
    assert not np.array_equal(here.params, streamed.params)
    as_weighted = hg.Training(mlp(), inputs, y, sample_weight=WEIGHTS)
    assert as_weighted.data.example.weights is not None


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_arrays_keep_what_was_written(mapped, mode):
    inputs, y = mapped(mode)
    if mode != "r":
        inputs[5] = 42
    expected = inputs.copy()
    train(stream(inputs[3:], y[3:], buffer=BUFFER))
    np.testing.assert_array_equal(inputs, expected)


# --- standardising, splitting, mapping ------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    shift=st.sampled_from([0.0, 1e9]),
    cuts=st.lists(st.integers(0, 40), max_size=5),
)
def test_merged_moments_equal_those_of_all_rows(values, shift, cuts):
    from handgrad.datasets.streams.moments import Moments

    column = np.array(values)[:, None] + shift
    moments = Moments(1)
    for part in np.split(column, sorted(cuts)):
        moments.add(part)
    (found,) = moments.columns(["x"])
    expected = hg.preprocessing.NumericColumn("x").fit(column[:, 0])
    assert found.mean == pytest.approx(expected.mean, rel=1e-12, abs=1e-6 * 1e-6)
    assert found.scale == pytest.approx(expected.scale, rel=1e-6, abs=1e-12 * abs(shift) + 1e-12)


def test_a_split_is_a_partition_that_depends_on_the_seed_only():
    rows = np.arange(3000.0)[:, None] * np.ones(3)
    source = stream(rows, rows[:, 0])
    train_rows, test_rows = source.split(test=0.2, standardise=False)
    train_rows, held = train_rows.split(test=0.2, standardise=False)
    seen = [np.concatenate([part.y for part in each.parts()]) for each in (train_rows, test_rows, held)]
    assert sorted(np.concatenate(seen)) == list(range(3000))
    assert [len(each) for each in seen] == [train_rows.rows, test_rows.rows, held.rows]
    assert test_rows.rows == pytest.approx(600, rel=0.15)
    assert held.rows == pytest.approx(0.2 * (3000 - test_rows.rows), rel=0.15)
    again = stream([(rows[:1234], rows[:1234, 0]), (rows[1234:], rows[1234:, 0])]).split(test=0.2, standardise=False)[1]
    np.testing.assert_array_equal(np.concatenate([part.y for part in again.parts()]), seen[1])
    assert source.split(test=0.2, seed=1)[1].rows != test_rows.rows


@pytest.mark.parametrize("kind", ["arrays", "batches"])
def test_a_split_standardises_by_the_training_rows(kind):
    source = stream(X, Y) if kind == "arrays" else stream([(X[:50], Y[:50]), (X[50:], Y[50:])])
    train_rows, test_rows = source.split(test=0.3)
    seen = np.concatenate([part.X for part in train_rows.parts()])
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(seen.std(axis=0), 1)
    raw = np.concatenate([part.X for part in source.split(test=0.3, standardise=False)[1].parts()])
    np.testing.assert_array_equal(
        np.concatenate([part.X for part in test_rows.parts()]), train_rows.preprocessing.transform(raw)
    )


def test_fingerprints_tell_streams_apart():
    other = X.copy()
    other[-1, 0] += 1
    streams = [stream(X, Y), stream(X, 1 - Y), stream(other, Y), stream(X[:-1], Y[:-1]), stream(X, Y, buffer=100)]
    streams += [stream(X, Y).split()[0], stream(X, Y, standardise=True), stream([(X, Y)])]
    prints = [each.fingerprint() for each in streams]
    assert len(set(prints)) == len(prints)
    assert StreamedData(mlp(), stream(X, Y)).fingerprint() == prints[0]


# --- what is refused ------------------------------------------------------------------------------------------------


def spoilt(row, column=1, value=np.nan):
    bad = X.copy()
    bad[row, column] = value
    return bad


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda: stream(spoilt(77), Y), r"^row 77: X has nan in column 1 \('x2'\)"),
        (lambda: stream([(X, Y), (spoilt(77), Y)]), r"^batch 1, row 77: X has nan in column 1"),
        (lambda: stream([(X, Y), (X[:, :2], Y)]), r"^batch 1, row 0 on: X has 2 columns but the network expects 3"),
        (lambda: stream([(X, Y), (X, Y + 1)]), r"^batch 1, row 0 on: y"),
        (lambda: stream([(X, Y), (X, Y[:-1])]), r"^batch 1: y has 102 rows but X has 103"),
        (lambda: stream([(X, Y), (X, Y, WEIGHTS)]), "batch 1, row 0 on: these rows have weights"),
        (lambda: stream([(X, Y), X]), "batch 1 is a ndarray; expected a tuple"),
        (lambda: stream(X, Y, sample_weight=np.where(np.arange(ROWS) == 50, -1, 1.0)), "row 49 on: the weight of"),
        (
            lambda: stream(X, Y, sample_weight=np.where(np.arange(ROWS) == 50, np.inf, 1.0)),
            "row 50: the weight has inf",
        ),
        (lambda: stream(lambda: iter([(X, Y)]), rows=104), "ended after 103 of 104 rows"),
        (lambda: stream(lambda: iter([(X, Y)] * 2), rows=104), "more rows than the 104"),
        (lambda: stream(X, Y).map(lambda X, y: (X[:-1], y)), "map: 7 rows became 6 of X and 7 of y"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(source, words):
    with pytest.raises((ValueError, TypeError), match=words):
        train(source())


def test_what_was_learned_before_bad_rows_stays_and_nothing_after():
    """The bad row is in the second buffer of the first epoch: three batches are learned."""
    first, second = buffers_by_hand(0)[:2]
    net = mlp()
    training = hg.Training(net, stream(spoilt(second[10]), Y, buffer=BUFFER), batch_size=BATCH, optimizer=hg.SGD(0.5))
    with pytest.raises(ValueError, match=f"row {second[10]}: X has nan"):
        training.run()
    expected = mlp()
    order = randomness.order(randomness.key(3, None, "order", 0, 0), len(first))
    for start in range(0, 30, BATCH):
        batch = first[order[start : start + BATCH]]
        expected.params = expected.params - 0.5 * expected.gradient(X[batch], Y[batch])[1]
    np.testing.assert_allclose(net.params, expected.params, rtol=1e-12)
    assert (training.epoch, training.step) == (0, 3)
    assert "handgrad reader" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stream(X), "y is missing"),
        (lambda: stream(X, Y[:-1]), "y has 102 rows"),
        (lambda: stream(X[:, 0], Y), r"expected \(N, D\)"),
        (lambda: stream(X, Y, target="y"), "target does not go with this source"),
        (lambda: stream(X, Y, rows=3), "rows does not go with this source"),
        (lambda: stream(X, Y, buffer=0), "buffer is 0"),
        (lambda: stream([(X, Y)], sample_weight=WEIGHTS), "sample_weight does not go with this source"),
        (lambda: stream(3), "expected a path of Parquet files"),
        (lambda: stream(hg.datasets.iris()), r"stream\(dataset.X, dataset.y\)"),
        (lambda: stream(iter([(X, Y)])), "a function that returns a new iterator"),
        (lambda: stream([(X[:0], Y[:0])]).rows, "no rows"),
        (lambda: stream(X, Y).split(test=1e-9), "empty"),
        (lambda: train(stream(X, Y), y=Y), "brings its own y"),
        (lambda: train(stream(X, Y), sample_weight=WEIGHTS), "brings its own sample_weight"),
        (lambda: train(X), "y is None"),
        (lambda: train(stream(X, Y), batch_size=None), "batch_size=None is the whole set"),
        (lambda: train(stream(X, Y), optimizer="lbfgs"), "LBFGS takes the whole set"),
        (lambda: train(stream(X, Y), metrics=("balanced_accuracy",)), "'balanced_accuracy' is not known to be a mean"),
        (lambda: train(stream(X, Y), class_weight={9: 1.0}), "class_weight names class 9"),
        (lambda: train(stream(X[:, :2], Y)), r"^row 0 on: X has 2 columns"),
        (lambda: train(X, y=Y, validation=stream(X[:, :2], Y)), r"^validation: row 0 on: X has 2 columns"),
        (lambda: train(stream(iter([(X, Y)]), rows=ROWS)), "several epochs needs more"),
        (lambda: train(stream(iter([(X, Y)]), rows=ROWS), epochs=1, metrics=("accuracy",)), "metrics needs more"),
        (lambda: train(stream(iter([(X, Y)]), rows=ROWS), mlp(init="lsuv"), epochs=1), "lsuv' needs more"),
        (lambda: stream(iter([(X, Y)]), rows=ROWS, standardise=True), "a pass of their own"),
        (lambda: hg.doctor(mlp(), stream(X, Y), None), "X is a stream"),
    ],
)
def test_what_a_stream_cannot_do_is_refused(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_an_iterator_trains_one_epoch():
    once, _ = train(stream(iter([(X, Y)]), rows=ROWS), epochs=1)
    again, _ = train(stream([(X, Y)]), epochs=1)
    np.testing.assert_allclose(once.params, again.params, rtol=1e-12)
    weighted, _ = train(stream(iter([(X, Y, WEIGHTS)]), rows=ROWS), epochs=1)
    expected, _ = train(stream([(X, Y, WEIGHTS)]), epochs=1)
    np.testing.assert_array_equal(weighted.params, expected.params)


# --- divergence and Ctrl-C ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_divergence_says_its_step(engine):
    source = stream(spoilt(buffers_by_hand(0)[1][0], value=1e200), Y, buffer=BUFFER * 4 // 5)  # of one output
    net = hg.Network.mlp([3, 6, 1], loss="mse", seed=3)
    with pytest.raises(hg.DivergenceError, match=r"epoch 1, step [456]"):
        train(source, net, engine=engine)
    assert np.isfinite(net.params).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_one_of_a_stack_diverges_and_the_others_go_on(engine):
    rates = hg.SGD([0.5, 1e308])
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        net, history = train(stream(X, Y, buffer=BUFFER), mlp(range(2)), engine=engine, optimizer=rates)
    alone, _ = train(stream(X, Y, buffer=BUFFER), mlp(0), engine=engine)
    np.testing.assert_array_equal(net.params[0], alone.params)
    assert list(history.diverged) == [1]


@pytest.mark.skipif(os.name == "nt", reason="there, os.kill ends the process")
def test_ctrl_c_is_answered_within_an_epoch():
    pressed = []

    def press(X, y):
        pressed.append(len(X))
        if len(pressed) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        return X, y

    source = stream(X, Y, buffer=BUFFER).map(press)
    training = hg.Training(mlp(), source, batch_size=BATCH)
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert training.epoch == 0
    assert training.step < 11
    assert len(pressed) < 30


@pytest.mark.parametrize("access", ["private", "copy", "shared file"])
def test_what_is_in_private_pages_stays(tmp_path, access):
    X = np.random.default_rng(0).standard_normal((5000, 4))
    X.tofile(tmp_path / "X")
    if access == "shared file":
        mapped = np.memmap(tmp_path / "X", X.dtype, "r", shape=X.shape)
    elif access == "copy":
        with (tmp_path / "X").open("rb") as file:
            mapped = np.ndarray(X.shape, X.dtype, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        mapped += 1
    else:
        mapped = np.ndarray(X.shape, X.dtype, mmap.mmap(-1, X.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        mapped[:] = X
    before = mapped.copy()
    stream = hg.datasets.stream(mapped, np.arange(5000) % 2)
    hg.train(hg.Network.mlp([4, 3, 2]), stream, epochs=1)
    assert np.array_equal(mapped, before)
