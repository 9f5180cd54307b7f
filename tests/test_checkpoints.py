"""A training that was killed or interrupted goes on from its checkpoint with the same bits; other files are refused."""

import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.files import disk
from handgrad.training import packing
from handgrad.training.conditions import conditions

training_module = import_module("handgrad.training.training")  # the package has a function of that name
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(25, 3)), np.arange(25) % 2
VALIDATION = (RANDOM.normal(size=(9, 3)), np.arange(9) % 2)
OPTIMIZERS = [
    hg.SGD(0.5),
    hg.SGD(0.1, momentum=0.9),
    hg.SGD(0.1, momentum=0.9, nesterov=True),
    hg.RMSprop(0.05),
    hg.Adagrad(0.1),
    hg.Adam(0.05),
    hg.AdamW(0.05),
]
FEATURES = {
    "plain": {},
    "whole set": {"batch_size": None},
    "schedule": {"schedule": "cosine(warmup=2)"},
    "plateau": {"schedule": "reduce_on_plateau(factor=0.5, patience=1)"},
    "early stopping": {"stop": hg.EarlyStopping(patience=2), "validation": VALIDATION, "metrics": ("accuracy",)},
    "patient": {"stop": hg.EarlyStopping(patience=50), "validation": VALIDATION, "metrics": ("accuracy",)},
    "weights, clipping, frozen": {"class_weight": "balanced", "clip_norm": 0.1, "frozen": ("dense2.b",)},
    "seed, thinned": {"training_seed": 5, "record_every": 4},
}
EPOCHS = 9


def training(optimizer="adam", seed=3, dtype="float64", l2=0.01, sizes=(3, 6, 2), training_seed=None, **settings):
    """Batch norm, dropout (but for L-BFGS) and LSUV, so that everything there is to remember is there."""
    dropout = 0.0 if optimizer == "lbfgs" or isinstance(optimizer, hg.LBFGS) else 0.3
    net = hg.Network.mlp(
        sizes, activation="tanh", dropout=dropout, norm="batch", init="lsuv", l2=l2, seed=seed, dtype=dtype
    )
    fixed = {"epochs": EPOCHS, "batch_size": 10, "optimizer": optimizer, "seed": training_seed}
    return hg.Training(net, X, Y, **(fixed | settings))


def assert_same(one, other):
    """The same bits in all that a user sees."""
    for ours, theirs in ((one.net.params, other.net.params), (one.net.state, other.net.state)):
        assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes())
    ours, theirs = one.history, other.history
    assert (list(ours.columns), ours.epochs) == (list(theirs.columns), theirs.epochs)
    for name in ours.columns:
        assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes(), name
    assert ours.diverged == theirs.diverged
    np.testing.assert_array_equal(ours.best_epoch, theirs.best_epoch)


def stopped_after(epochs, path, **settings):
    """A training with a checkpoint that ends there, as if it had been killed."""

    class KilledError(Exception):
        """What no code catches."""

    def kill(training):
        if training.epoch == epochs:
            raise KilledError

    running = training(**settings, checkpoint=path, callbacks=[kill])
    with pytest.raises(KilledError):
        running.run()


# --- the same bits ----------------------------------------------------------------------------------------------------


def meetings():
    """Every optimiser meets every feature, and either of them both engines, single and in a stack."""
    for row, optimizer in enumerate(OPTIMIZERS):
        for column, feature in enumerate(FEATURES):
            turn = row + column + column // 4
            yield optimizer, feature, (3, range(3))[turn // 2 % 2], ("numpy", "compiled")[turn % 2]


@pytest.mark.parametrize(("optimizer", "feature", "seed", "engine"), list(meetings()), ids=str)
def test_what_was_killed_goes_on_with_the_same_bits(tmp_path, optimizer, feature, seed, engine):
    how = {"optimizer": optimizer, "seed": seed, "engine": engine} | FEATURES[feature]
    whole = training(**how)
    whole.run()
    stopped_after(3, tmp_path / "run.ckpt", every=2, **how)
    resumed = training(checkpoint=tmp_path / "run.ckpt", every=3, **how)
    assert resumed.epoch == 2
    resumed.run()
    assert_same(resumed, whole)
    finished = training(checkpoint=tmp_path / "run.ckpt", **how)
    assert finished.epoch == whole.epoch
    finished.run()
    assert_same(finished, whole)
    assert sorted(os.listdir(tmp_path)) == ["run.ckpt", "run.ckpt.previous"]


@settings(max_examples=40)
@given(
    optimizer=st.sampled_from([*OPTIMIZERS, hg.LBFGS(memory=3)]),
    feature=st.sampled_from(sorted(FEATURES)),
    seed=st.sampled_from([0, 7, [1], [4, 0, 2]]),
    dtype=st.sampled_from(["float64", "float32"]),
    engine=st.sampled_from(["numpy", "compiled", "auto"]),
    every=st.integers(1, 4),
    killed=st.lists(st.integers(1, EPOCHS - 1), max_size=3),
)
def test_any_settings_killed_anywhere_give_the_same_bits(
    tmp_path_factory, optimizer, feature, seed, dtype, engine, every, killed
):
    how = {"optimizer": optimizer, "seed": seed, "dtype": dtype, "engine": engine, **FEATURES[feature]}
    if isinstance(optimizer, hg.LBFGS):
        how = {name: value for name, value in how.items() if name not in ("clip_norm", "schedule")} | {"seed": 7}
    path = tmp_path_factory.mktemp("runs") / "run.ckpt"
    whole = training(**how)
    whole.run()
    for epochs in killed:
        going = training(**how, checkpoint=path, every=every)
        going.callbacks = (lambda training, epochs=epochs: training.epoch >= epochs, *going.callbacks[1:])
        going.callbacks += (going.checkpoints,) if epochs % 2 else ()  # with and without one where it ends
        going.run()
        if going.best is not None and going.epoch < EPOCHS:
            assert np.isfinite(going.net.params).all()
    resumed = training(**how, checkpoint=path, every=every)
    resumed.run()
    assert_same(resumed, whole)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("frozen", [(), ("dense1.W",)], ids=["all", "frozen"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_lbfgs_walks_again_and_goes_on_with_the_same_bits(tmp_path, engine, frozen, dtype):
    net = {"optimizer": hg.LBFGS(memory=4), "engine": engine, "dtype": dtype, "epochs": 20}
    if frozen:
        net |= {"frozen": frozen}

    def make(**more):
        sized = hg.Network.mlp([3, 6, 2], activation="tanh", norm="batch", seed=3, dtype=dtype)
        options = {name: value for name, value in net.items() if name != "dtype"} | more
        return hg.Training(sized, X, Y, metrics=("accuracy",), **options)

    seen = []
    whole = make()
    whole.run()
    first = make(epochs=8, checkpoint=tmp_path / "run.ckpt", every=3)
    first.run()
    resumed = make(checkpoint=tmp_path / "run.ckpt", callbacks=[lambda training: seen.append(training.epoch)])
    resumed.run()
    assert_same(resumed, whole)
    assert seen == list(range(9, 21))


def test_lbfgs_that_comes_elsewhere_says_so(tmp_path, monkeypatch):
    training(hg.LBFGS(), epochs=3, checkpoint=tmp_path / "run.ckpt").run()
    resumed = training(hg.LBFGS(), epochs=6, checkpoint=tmp_path / "run.ckpt")
    resumed.leg = (0, resumed.leg[1] * 1.001)
    with pytest.raises(ValueError, match="does not come again to where the checkpoint is"):
        resumed.run()


@pytest.mark.parametrize("feature", ["plain", "plateau", "patient"])
def test_epochs_may_grow_where_that_changes_nothing_before(tmp_path, feature):
    whole = training(**FEATURES[feature], epochs=14)
    whole.run()
    training(**FEATURES[feature], epochs=6, checkpoint=tmp_path / "run.ckpt").run()
    longer = training(**FEATURES[feature], epochs=14, checkpoint=tmp_path / "run.ckpt")
    longer.run()
    assert_same(longer, whole)


def test_a_network_that_diverged_in_a_stack_stays_so(tmp_path):
    def make(**more):
        return training(hg.SGD([0.1, 1e308]), seed=range(2), **more)

    whole = make()
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        whole.run()
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        make(checkpoint=tmp_path / "run.ckpt").run(epochs=4)
    resumed = make(checkpoint=tmp_path / "run.ckpt")
    resumed.run()
    assert set(resumed.diverged) == {1}
    assert_same(resumed, whole)


def test_a_single_network_that_diverges_leaves_the_last_good_checkpoint(tmp_path):
    blowing_up = hg.schedules.Schedule("blowing_up", f=lambda t, total: 1.0 if t < 4 else 1e308)
    with pytest.raises(hg.DivergenceError):
        training(hg.SGD(0.1), schedule=blowing_up, checkpoint=tmp_path / "run.ckpt").run()
    assert training(hg.SGD(0.1), schedule=blowing_up, checkpoint=tmp_path / "run.ckpt").epoch == 4


def test_the_compiled_engine_runs_from_one_checkpoint_to_the_next(tmp_path, monkeypatch):
    running = training(engine="compiled", epochs=50, checkpoint=tmp_path / "run.ckpt", every=20)
    spans, run = [], running.engine.run
    monkeypatch.setattr(
        running.engine, "run", lambda epoch, epochs, *rest: spans.append(epochs) or run(epoch, epochs, *rest)
    )
    running.run()
    assert spans == [20, 20, 10]


def test_the_same_network_goes_on_after_an_interrupt_and_after_its_end(tmp_path):
    """As in a notebook, where the cell is run again with the network of before."""
    whole = training(**FEATURES["patient"])
    whole.run()
    first = training(**FEATURES["patient"])
    net, options = first.net, {"epochs": EPOCHS, "batch_size": 10, "optimizer": "adam", **FEATURES["patient"]}

    def interrupt(training):
        if training.epoch == 4:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        hg.train(net, X, Y, **options, checkpoint=tmp_path / "run.ckpt", callbacks=[interrupt])
    for _ in range(2):
        history = hg.train(net, X, Y, **options, checkpoint=tmp_path / "run.ckpt")
        assert net.params.tobytes() == whole.net.params.tobytes()
        assert history.loss.tobytes() == whole.history.loss.tobytes()


# --- interrupts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path, engine, optimizer, monkeypatch):
    how = {"optimizer": optimizer, "engine": engine, "metrics": ("accuracy",)}
    whole = training(**how)
    whole.run()
    running = training(**how, checkpoint=tmp_path / "run.ckpt", every=100)
    measure = training_module.measured_after_epoch

    def measured(measuring):
        if measuring is running and running.epoch == 4:
            signal.raise_signal(signal.SIGINT)  # in the midst of the bookkeeping
        return measure(measuring)

    monkeypatch.setattr(training_module, "measured_after_epoch", measured)
    with pytest.raises(KeyboardInterrupt) as caught:
        running.run()
    place = str(tmp_path / "run.ckpt")
    assert caught.value.__notes__ == [
        f"handgrad: stopped after epoch 5 of 9; {place!r} holds it: the same call goes on from there"
    ]
    assert len(running.history) == running.epoch == 5
    monkeypatch.undo()
    resumed = training(**how, checkpoint=tmp_path / "run.ckpt")
    assert resumed.net.params.tobytes() == running.net.params.tobytes()
    resumed.run()
    assert_same(resumed, whole)


def test_an_interrupt_without_a_checkpoint_adds_nothing():
    def interrupt(training):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        training(callbacks=[interrupt]).run()
    assert not hasattr(caught.value, "__notes__")


# --- what a disk does -------------------------------------------------------------------------------------------------


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_the_start_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_write", full)
    running = training(checkpoint=tmp_path / "run.ckpt")
    with pytest.raises(OSError, match="the checkpoint of epoch 0 was not saved: No space left on device"):
        running.run()
    assert (running.epoch, os.listdir(tmp_path)) == (0, [])


def test_a_disk_that_fills_up_costs_no_training(tmp_path, monkeypatch):
    whole = training()
    whole.run()

    def fill(training):
        monkeypatch.setattr(disk, "_write", full if 3 <= training.epoch < 6 else write)

    write = disk._write
    running = training(checkpoint=tmp_path / "run.ckpt", callbacks=[fill])
    with pytest.warns(RuntimeWarning) as warned:
        running.run()
    assert len(warned) == 1
    message = str(warned[0].message)
    assert "the checkpoint of epoch 3 was not saved: No space left on device" in message
    assert f"Training goes on; {str(tmp_path / 'run.ckpt')!r} holds epoch 2; the next try is after epoch 4" in message
    assert_same(running, whole)
    assert training(checkpoint=tmp_path / "run.ckpt").epoch == EPOCHS


def test_a_disk_that_stays_full_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    def fill(training):
        if training.epoch == 3:
            monkeypatch.setattr(disk, "_write", full)

    with pytest.warns(RuntimeWarning, match="was not saved: No space left") as warned:
        training(checkpoint=tmp_path / "run.ckpt", callbacks=[fill]).run()
    assert [str(each.message)[18:29] for each in warned] == ["epoch 3 was", "epoch 9 was"]
    assert training(checkpoint=tmp_path / "run.ckpt").epoch == 2
    assert sorted(os.listdir(tmp_path)) == ["run.ckpt", "run.ckpt.previous"]


LIMITED = """
import resource, signal, sys, warnings
import handgrad as hg
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
X, y = hg.datasets.moons(n=40, seed=0)
def fill(training):
    if training.epoch == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
warnings.simplefilter("always")
history = hg.train(hg.Network.mlp([2, 50, 2]), X, y, epochs=5, engine="numpy", checkpoint=sys.argv[1], callbacks=[fill])
print(len(history))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_a_real_limit_on_the_size_of_files_is_told_and_survived(tmp_path):
    run = subprocess.run([sys.executable, "-c", LIMITED, tmp_path / "run.ckpt"], capture_output=True, text=True)
    assert run.stdout == "5\n", run.stderr
    assert "the checkpoint of epoch 3 was not saved: File too large" in run.stderr
    assert sorted(os.listdir(tmp_path)) == ["run.ckpt", "run.ckpt.previous"]
    X40, y40 = hg.datasets.moons(n=40, seed=0)
    resumed = hg.Training(
        hg.Network.mlp([2, 50, 2]), X40, y40, epochs=5, engine="numpy", checkpoint=tmp_path / "run.ckpt"
    )
    assert resumed.epoch == 2


FORBIDDEN = """
import os, sys
import handgrad as hg
net = hg.Network.mlp([2, 2])
X, y = hg.datasets.moons(n=40, seed=0)
if os.getuid() == 0:
    os.setuid(65534)
try:
    hg.train(net, X, y, engine="numpy", checkpoint=sys.argv[1] + "/run.ckpt")
except PermissionError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_may_not_be_written_is_an_error_at_once():
    """In a process without the rights of root, who may do anything."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        run = subprocess.run([sys.executable, "-c", FORBIDDEN, folder], capture_output=True, text=True)
        os.chmod(folder, 0o700)
        assert os.listdir(folder) == []
    assert "the checkpoint of epoch 0 was not saved: Permission denied; is the folder yours" in run.stdout, run


def test_what_killed_writers_left_is_removed_and_what_others_write_is_not(tmp_path, monkeypatch):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [f".handgrad-{disk._machine()}-{number}-{'0' * 16}.tmp" for number in (dead.pid, os.getpid(), os.getppid())]
    names += [f".handgrad-00000000-{dead.pid}-{'0' * 16}.tmp", ".handgrad-mine.tmp", "run.tmp"]
    for name in names:
        (tmp_path / name).touch()
    training(checkpoint=tmp_path / "run.ckpt", epochs=1).run()
    assert {*os.listdir(tmp_path)} == {*names[2:], "run.ckpt", "run.ckpt.previous"}


def test_where_the_disk_knows_no_links_the_previous_one_is_a_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", full)
    training(checkpoint=tmp_path / "run.ckpt", epochs=3).run()
    (tmp_path / "run.ckpt.previous").replace(tmp_path / "run.ckpt")
    assert training(checkpoint=tmp_path / "run.ckpt", epochs=3).epoch == 2


# --- files that cannot be used ----------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    training(checkpoint=tmp_path / "run.ckpt").run()
    return tmp_path / "run.ckpt"


def refusal(path, **settings):
    other = training(**settings)
    before = other.state_dict()
    with pytest.raises((ValueError, OSError)) as caught:
        training(checkpoint=path, **settings)
    np.testing.assert_equal(other.state_dict(), before)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


BENT = {
    "seed of the network": ({"seed": 4}, "network seed is 3 there and 4 here"),
    "stack": ({"seed": [3]}, "network seed is 3 there and [3] here"),
    "layers": ({"sizes": (3, 7, 2)}, "network is "),
    "l2": ({"l2": 0.02}, "l2 is 0.01 there and 0.02 here"),
    "dtype": ({"dtype": "float32"}, "dtype is float64 there and float32 here"),
    "optimizer": ({"optimizer": "sgd"}, "optimizer is Adam there and SGD here"),
    "rate": ({"optimizer": hg.Adam(0.1)}, "optimizer.learning_rate is 0.001 there and 0.1 here"),
    "batch size": ({"batch_size": 5}, "batch_size is 10 there and 5 here"),
    "shuffle": ({"shuffle": False}, "shuffle is True there and False here"),
    "schedule": ({"schedule": "step(every=2)"}, "schedule is constant there and step(every=2.0, factor=0.1) here"),
    "clip": ({"clip_norm": 1.0}, "clip_norm is None there and 1.0 here"),
    "frozen bias": ({"frozen": ("dense2.b",)}, "frozen is none there and "),
    "stop": ({"stop": hg.EarlyStopping(3)}, "stop is None there and EarlyStopping(patience=3"),
    "validation": ({"validation": VALIDATION}, "validation is none there and "),
    "metrics": ({"metrics": ("accuracy",)}, "metrics is [] there and ['accuracy'] here"),
    "weights": ({"class_weight": "balanced"}, "data (X, y or their weights) has fingerprint "),
    "seed": ({"training_seed": 1}, "seed is None there and 1 here"),
    "engine": ({"engine": "numpy"}, "engine is compiled there and numpy here"),
    "record_every": ({"record_every": 2}, "record_every is 1 there and 2 here"),
    "epochs": ({"epochs": 5}, "it is of epoch 9 already and epochs is 5; expected at least 9"),
}


@pytest.mark.parametrize("bend", BENT)
def test_another_training_is_refused_by_the_setting_that_differs(run, bend):
    change, words = BENT[bend]
    before = run.read_bytes()
    message = refusal(run, **change)
    assert words in message
    assert "to begin anew, name another file or move this one away" in message
    assert run.read_bytes() == before


def test_every_condition_is_bent_above():
    names = {name.split(".")[0] for name in conditions(training())}
    told = " ".join(words for _, words in BENT.values())
    assert {name for name in names if name not in told} == {"loss"}


def test_other_rows_and_another_loss_are_refused(run):
    def other(X=X, Y=Y, loss="softmax_cross_entropy"):
        net = hg.Network.mlp(
            [3, 6, 2], activation="tanh", dropout=0.3, norm="batch", init="lsuv", l2=0.01, seed=3, loss=loss
        )
        hg.Training(net, X, Y, epochs=EPOCHS, batch_size=10, optimizer="adam", checkpoint=run)

    other()
    moved = X.copy()
    moved[-1, -1] = np.nextafter(moved[-1, -1], 9)
    for change in ({"X": moved}, {"Y": 1 - Y}, {"X": X[:-1], "Y": Y[:-1]}):
        with pytest.raises(ValueError, match=r"data .X, y or their weights. has fingerprint"):
            other(**change)
    with pytest.raises(ValueError, match="loss is softmax_cross_entropy there and sigmoid_cross_entropy here"):
        other(Y=np.eye(2)[Y], loss="sigmoid_cross_entropy")


def test_other_starting_parameters_are_refused(run):
    net = training().net
    net.params = net.params * 1.5
    with pytest.raises(ValueError, match="begins with other parameters than it began with there"):
        hg.Training(net, X, Y, epochs=EPOCHS, batch_size=10, optimizer="adam", checkpoint=run)


def test_a_schedule_that_looks_at_the_end_lets_it_not_be_moved(tmp_path):
    training(schedule="cosine", checkpoint=tmp_path / "run.ckpt").run()
    message = refusal(tmp_path / "run.ckpt", schedule="cosine", epochs=12)
    assert "epochs is 9 there and 12 here, and the schedule cosine(warmup=0.0, floor=0.0)" in message


def test_callbacks_threads_and_progress_may_differ(run):
    seen = []
    again = training(checkpoint=run, threads=1, progress=False, callbacks=[seen.append], epochs=10)
    again.run()
    assert seen == [again]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text", "network"])
def test_a_damaged_file_names_the_good_one_before_it(run, damage):
    content = bytearray(run.read_bytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    elif damage == "flipped":
        content[-5] ^= 1
    run.write_bytes({"empty": b"", "text": b"a,b\n1,2\n"}.get(damage, content))
    if damage == "network":
        hg.save(hg.Network.mlp([2, 2]), run)
    before, previous = run.read_bytes(), run.with_name("run.ckpt.previous").read_bytes()
    message = refusal(run)
    reasons = {
        "flipped": "does not match its sha256",
        "network": "a network that handgrad.save wrote, not a checkpoint",
    }
    assert reasons.get(damage, "is truncated or damaged") in message
    assert f"{str(run) + '.previous'!r}, is good (epoch 8): rename it to 'run.ckpt' to go on from there" in message
    assert (run.read_bytes(), run.with_name("run.ckpt.previous").read_bytes()) == (before, previous)
    run.with_name("run.ckpt.previous").replace(run)
    whole, resumed = training(), training(checkpoint=run)
    whole.run()
    resumed.run()
    assert_same(resumed, whole)


def test_where_no_good_one_is_left_it_says_so(run):
    run.write_bytes(b"")
    run.with_name("run.ckpt.previous").write_bytes(b"")
    assert "There is no good one before it: move it away to begin anew" in refusal(run)


def test_load_knows_a_checkpoint(run):
    with pytest.raises(ValueError, match="it is a checkpoint of a training, not a network; go on with"):
        hg.load(run)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"checkpoint": 3}, TypeError, "checkpoint is 3; expected text or a pathlib.Path"),
        (
            {"checkpoint": "nowhere/run.ckpt"},
            FileNotFoundError,
            "checkpoint is 'nowhere/run.ckpt', but there is no folder",
        ),
        ({"checkpoint": "."}, IsADirectoryError, "checkpoint is '.', a folder"),
        ({"checkpoint": "run.ckpt", "every": 0}, ValueError, "every is 0; expected a whole number of at least 1"),
        ({"checkpoint": "run.ckpt", "every": "5"}, TypeError, "every is '5'"),
    ],
)
def test_arguments_that_are_not_right_are_refused(tmp_path, monkeypatch, arguments, error, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        training(**arguments)
    assert words in str(caught.value)
    assert os.listdir(tmp_path) == []


# --- SIGKILL ----------------------------------------------------------------------------------------------------------

KILLED = """
import sys
import numpy as np
import handgrad as hg
X, y = hg.datasets.moons(n=60, noise=0.2, seed=0)
net = hg.Network.mlp([2, 16, 2], dropout=0.2, norm="batch", seed=[1, 2])
history = hg.train(
    net, X, y, epochs=int(sys.argv[2]), batch_size=16, optimizer=hg.Adam(0.01), engine=sys.argv[4], schedule="cosine",
    validation=(X[:50], y[:50]), metrics=("accuracy",), stop=hg.EarlyStopping(patience=10**6), checkpoint=sys.argv[1],
)
hg.save(net, sys.argv[3])
np.save(sys.argv[3] + ".npy", np.stack([getattr(history, name) for name in history.columns]))
"""


def kill_and_go_on(folder, kills, epochs, engine, seed=0):
    """Kill it at that many random moments, then let it end; gives how many epochs each life added."""
    draw, lives, last = random.Random(seed), [], 0
    command = [sys.executable, "-c", KILLED, folder / "run.ckpt", str(epochs), folder / "net", engine]
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while process.poll() is None and (not (folder / "run.ckpt").exists() or epoch_of(folder / "run.ckpt") == last):
            time.sleep(0.005)  # Python starts
        time.sleep(draw.uniform(0, 0.12))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it ended before it was killed: more epochs"
        lives.append(epoch_of(folder / "run.ckpt") - last)
        last += lives[-1]
        assert len([name for name in os.listdir(folder) if name.endswith(".tmp")]) <= 2
    subprocess.run(command, check=True, capture_output=True)
    return lives


def epoch_of(path):
    with packing.opened(path) as content:
        return packing.read_description(content, "checkpoint")["epoch"]


def assert_killing_loses_nothing(tmp_path, kills, epochs, engine):
    whole, often = tmp_path / "whole", tmp_path / "often"
    whole.mkdir()
    often.mkdir()
    lives = kill_and_go_on(often, kills, epochs, engine)
    kill_and_go_on(whole, 0, epochs, engine)
    assert all(each > 0 for each in lives)
    for name in ("net", "net.npy"):
        assert (often / name).read_bytes() == (whole / name).read_bytes()
    assert sorted(os.listdir(often)) == ["net", "net.npy", "run.ckpt", "run.ckpt.previous"]
    return lives


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_five_kills_lose_nothing(tmp_path):
    assert_killing_loses_nothing(tmp_path, 5, 200, "numpy")


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_fifty_kills_lose_nothing(tmp_path, engine):
    lives = assert_killing_loses_nothing(tmp_path, 50, 3000, engine)
    print(f"{len(lives)} lives of {min(lives)} to {max(lives)} epochs")


# --- streams ----------------------------------------------------------------------------------------------------------


def streamed(**more):
    """A training of several buffers an epoch."""
    rows = replace(hg.datasets.stream(X, Y), buffer=800)  # bytes: a batch of ten rows in each half
    net = hg.Network.mlp([3, 6, 2], dropout=0.3, seed=3)
    return hg.Training(net, rows, epochs=EPOCHS, batch_size=10, optimizer="adam", **more)


def test_a_stream_goes_on_with_the_same_bits(tmp_path):
    whole = streamed()
    whole.run()
    streamed(checkpoint=tmp_path / "run.ckpt").run(4)
    resumed = streamed(checkpoint=tmp_path / "run.ckpt")
    assert resumed.epoch == 4
    resumed.run()
    assert_same(resumed, whole)


def test_ctrl_c_within_an_epoch_of_a_stream_keeps_the_last_whole_epoch(tmp_path):
    whole = streamed()
    whole.run()
    running = streamed(checkpoint=tmp_path / "run.ckpt", progress=False)
    run = running.engine.inner.run

    def interrupted(epoch, *rest):
        if epoch == 4 and running.engine.done:
            signal.raise_signal(signal.SIGINT)
        return run(epoch, *rest)

    running.engine.inner.run = interrupted
    with pytest.raises(KeyboardInterrupt) as caught:
        running.run()
    assert "stopped within epoch 5 of 9" in caught.value.__notes__[0]
    assert "holds epoch 4: the same call, with the network made anew, goes on" in caught.value.__notes__[0]
    resumed = streamed(checkpoint=tmp_path / "run.ckpt")
    resumed.run()
    assert_same(resumed, whole)


def test_a_stream_of_other_rows_is_refused(tmp_path):
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((4000, 3)), np.arange(4000) % 2

    def begun(X=X, y=y, **more):
        net = hg.Network.mlp([3, 4, 2], seed=0)
        return hg.Training(net, hg.datasets.stream(X, y), epochs=2, checkpoint=tmp_path / "run.ckpt", **more)

    begun().run()
    relabelled, moved = y.copy(), X.copy()
    relabelled[1234] = 1 - relabelled[1234]
    moved[1000:3000] += 1
    for change in ({"y": relabelled}, {"X": moved}, {"class_weight": {0: 1.0, 1: 50.0}}):
        with pytest.raises(ValueError, match="made by another training: data"):
            begun(**change)
    assert begun().epoch == 2


def test_a_checkpoint_that_came_later_is_not_written_over(tmp_path):
    first, second = (training(rate, checkpoint=tmp_path / "run.ckpt") for rate in (hg.SGD(0.1), hg.SGD(0.2)))
    first.run()
    before = (tmp_path / "run.ckpt").read_bytes()
    with pytest.raises(ValueError, match=r"made by another training: optimizer\.learning_rate"):
        second.run()
    assert (tmp_path / "run.ckpt").read_bytes() == before


def test_many_networks_with_settings_of_their_own(tmp_path):
    def many(scale=1.0):
        net = hg.Network.mlp([3, 2], seed=range(3000), l2=[scale * 1e-4 * k for k in range(3000)])
        return hg.Training(net, X, Y, epochs=2, checkpoint=tmp_path / "run.ckpt")

    many().run()
    assert many().epoch == 2
    with pytest.raises(ValueError, match=r"l2 is [0-9a-f]{16} there and [0-9a-f]{16} here"):
        many(2.0)
