"""A network comes back from disk with the same bits; a bad file is refused in words; a good one is never lost."""

import copy
import errno
import itertools
import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad import layers
from handgrad.activations import Formula, activations
from handgrad.files import container, description, load, save
from handgrad.initializers import Initializer, initializers
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.losses import Loss, losses
from handgrad.network import Network
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn

X = np.random.default_rng(0).standard_normal((7, 4))
PREPROCESSING = Preprocessing(
    (NumericColumn("age", 1 / 3, 0.1), TextColumn("colour", ("blé", "red", "\ud800"))), "kind", ("cat", "dog", "owl")
)


def targets(net):
    C = net.fan_out
    return {
        "classes": np.arange(7) % C,
        "labels": np.arange(7 * C).reshape(7, C) % 2,
        "counts": np.arange(7 * C).reshape(7, C),
        "values": np.random.default_rng(1).standard_normal((7, C)),
    }[net.loss_rule.target]


def assert_same(net, again):
    """The same descriptions, and the same bits out of every computation."""
    for name in ("layers", "loss_rule", "size", "init", "bias_init", "preprocessing", "parameter_names", "dtype"):
        assert getattr(net, name) == getattr(again, name), name
    assert (repr(net), net.summary()) == (repr(again), again.summary())
    for name in ("params", "state", "seed", "l2", "awaits_data"):
        ours, theirs = np.asarray(getattr(net, name)), np.asarray(getattr(again, name))
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes()), name
        assert type(getattr(net, name)) is type(getattr(again, name)), name
    y = targets(net)
    for one, other in [
        (net.forward(X), again.forward(X)),
        (net.loss(X, y), again.loss(X, y)),
        (net.gradient(X, y, step=3)[1], again.gradient(X, y, step=3)[1]),
    ]:
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def round_trip(net, **own):
    with tempfile.TemporaryDirectory() as folder:
        save(net, Path(folder, "net.safetensors"))
        return load(Path(folder, "net.safetensors"), **own)


def shaken(net):
    """The network with other parameters and state than it started from."""
    net.params = np.random.default_rng(2).standard_normal(net.params.shape)
    net.update_state(X)
    return net


def small(**settings):
    return Network.mlp([4, 3, 3], norm="batch", seed=5, **settings)


# --- round trips ------------------------------------------------------------------------------------------------------

MIDDLES = {
    "activation": [Dense(4, 5), Activation(activations.find("leaky_relu(slope=0.30000000000000004)")), Dense(5, 3)],
    "no bias": [Dense(4, 5, bias=False), Activation("gelu"), Dense(5, 3, bias=False)],
    "batch norm": [BatchNorm(4, epsilon=1e-7, momentum=0.99), Dense(4, 3)],
    "layer norm": [Dense(4, 5), LayerNorm(5, epsilon=1 / 3), Activation("selu"), Dense(5, 3)],
    "dropout": [Dropout(0), Dense(4, 5), Dropout(0.3), Dense(5, 3)],
    "residual": [Residual([Residual([Dense(4, 4), Dropout(0.5)]), BatchNorm(4), Activation("tanh")]), Dense(4, 3)],
    "numpy numbers": [Dense(np.int64(4), np.int32(3), bias=True), Dropout(np.float64(0.25))],
}
FACTORS = {
    "layers": list(MIDDLES.values()),
    "loss": [*losses, losses.find("huber(delta=0.1)"), losses.find("quantile(q=0.9)")],
    "dtype": ["float32", "float64"],
    "seed": [0, 2**63 - 1, [3], [2, 0, 2**62]],
    "l2": [0.0, 0.1, "each"],
    "init": ["he_normal", "lsuv", "each"],
    "preprocessing": [None, PREPROCESSING],
}


def pairwise(factors):
    """Settings in which every two values of two factors meet."""
    names = list(factors)
    pairs = {
        ((a, i), (b, j))
        for a, b in itertools.combinations(names, 2)
        for i in range(len(factors[a]))
        for j in range(len(factors[b]))
    }
    draw = random.Random(0)
    while pairs:
        fixed = dict(min(pairs))
        tries = [{n: fixed.get(n, draw.randrange(len(factors[n]))) for n in names} for _ in range(30)]
        best = max(tries, key=lambda chosen: len(pairs & set(itertools.combinations(chosen.items(), 2))))
        pairs -= set(itertools.combinations(best.items(), 2))
        yield {name: factors[name][index] for name, index in best.items()}


def with_each(settings):
    networks = len(settings["seed"]) if isinstance(settings["seed"], list) else None
    each = {"l2": [0.0, 0.5, 1 / 3], "init": ["uniform(limit=0.1)", "lsuv", "zeros"]}
    for name, values in each.items():
        if settings[name] == "each":
            settings[name] = values[:networks] if networks else values[0]
    return settings


@pytest.mark.parametrize("settings", list(pairwise(FACTORS)), ids=str)
def test_a_network_comes_back_with_the_same_bits(settings):
    preprocessing = settings.pop("preprocessing")
    net = shaken(Network(bias_init="normal(std=0.1)", **with_each(settings)))
    net.preprocessing = preprocessing
    assert_same(net, round_trip(net))


@pytest.mark.parametrize("rule", list(activations), ids=str)
def test_every_activation_comes_back(rule):
    net = Network([Dense(4, 3), Activation(rule), Activation(rule(*[0.1 for _ in rule.parameters]))], loss="mse")
    assert_same(net, round_trip(net))


@pytest.mark.parametrize("rule", list(initializers), ids=str)
def test_every_initializer_comes_back(rule):
    init, bias_init = rule(*[0.1 for _ in rule.parameters]), "zeros" if rule.name == "critical" else rule
    net = Network.mlp([4, 3, 3], activation="tanh", init=init, bias_init=bias_init)
    assert_same(net, round_trip(net))


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(finite, min_size=17, max_size=17),
    slope=finite,
    l2=finite.filter(lambda number: number >= 0),
    seed=st.integers(0, 2**63 - 1),
    names=st.lists(st.text(st.characters()), min_size=2, max_size=2, unique=True),
    mean=finite,
)
def test_any_number_and_any_text_comes_back_exactly(values, slope, l2, seed, names, mean):
    net = Network.mlp(
        [2, 3, 2], activation=Formula("own", f=lambda z, slope: z, df=lambda z, a, slope: z, slope=0.0)(slope)
    )
    net.params = values
    net.l2, net.seed = l2, seed
    net.preprocessing = Preprocessing((NumericColumn(names[0], mean), TextColumn(names[1], tuple(names))), names[0])
    own = Formula("own", f=lambda z, slope: z, df=lambda z, a, slope: z, slope=1.0)
    again = round_trip(net, activations=[own])
    assert again.params.tobytes() == net.params.tobytes()
    assert repr((again.l2, again.seed, again.preprocessing)) == repr((l2, seed, net.preprocessing))
    assert repr(again.layers[1].formula) == repr(net.layers[1].formula)


def test_preprocessing_reads_the_same_raw_rows():
    import pandas as pd

    net = Network.mlp([4, 3])
    net.preprocessing = PREPROCESSING
    rows = pd.DataFrame({"age": [0.1, 7.0], "colour": ["red", "blé"]})
    again = round_trip(net)
    assert again.preprocessing.transform(rows).tobytes() == PREPROCESSING.transform(rows).tobytes()
    assert round_trip(Network.mlp([4, 3])).preprocessing is None


def test_copies_members_and_replicas_come_back():
    stack = shaken(Network.mlp([4, 3, 3], dropout=0.5, init=["lsuv", "zeros"], l2=[0.1, 0.0], seed=[8, 9]))
    stack.awaits_data[0] = False
    for net in (stack.copy(), stack[1], stack[0].stacked(np.ones((3, stack.layout.size)))):
        assert_same(net, round_trip(net))


def test_a_network_without_parameters_comes_back():
    net = Network([Activation("tanh")], loss="mse", seed=[1, 2])
    again = round_trip(net)
    assert again.params.shape == (2, 0)
    assert again.forward(X).tobytes() == net.forward(X).tobytes()


def test_a_loaded_network_is_its_own(tmp_path):
    net = small()
    save(net, tmp_path / "net")
    one, other = load(tmp_path / "net"), load(tmp_path / "net")
    one.params[:] = 1.0
    one["dense1.W"][:] = 2.0
    assert one.params[0] == 2.0
    assert other.params.tobytes() == net.params.tobytes()


def test_loading_draws_nothing(tmp_path, monkeypatch):
    net = Network.mlp([4, 3, 2], init="orthogonal", bias_init="normal")
    save(net, tmp_path / "net")
    monkeypatch.setattr(Initializer, "draw", lambda *arguments: pytest.fail("drawn"))
    assert load(tmp_path / "net").init == net.init


def test_equal_networks_give_equal_files(tmp_path):
    script = "import sys, handgrad as hg; hg.save(hg.Network.mlp([4, 3, 3], norm='batch', seed=[1, 2]), sys.argv[1])"
    for name in "abc":
        subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], check=True)
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


def test_the_file_is_plain_safetensors(tmp_path):
    net = small()
    hg.save(net, tmp_path / "net.safetensors")
    with safetensors.safe_open(tmp_path / "net.safetensors", framework="np") as content:
        assert content.get_tensor("params").tobytes() == net.params.tobytes()
        description = json.loads(content.metadata()["network"])
    assert (description["format"], description["schema"]) == ("handgrad", 1)
    assert description["layers"][0] == {"kind": "Dense", "fan_in": 4, "fan_out": 3, "bias": False}


# --- rules of one's own -----------------------------------------------------------------------------------------------

CUBE = Formula("cube", f=lambda z, scale: scale * z**3, df=lambda z, a, scale: 3 * scale * z**2, scale=1.0)
CUBED = Loss("cubed", f=lambda z, t: np.abs(z - t) ** 3, df=lambda z, t: 3 * (z - t) * np.abs(z - t))
ONES = Initializer("ones", draw=lambda generator, shape, fan_in, fan_out, gain, value: np.full(shape, value), value=1.0)
OWN = {"activations": [CUBE], "losses": [CUBED], "initializers": [ONES]}


def own_network():
    return Network.mlp([4, 3, 2], activation=CUBE(0.1), loss=CUBED, init=ONES(0.2), bias_init=ONES)


def test_records_of_ones_own_come_back_with_the_files_parameters():
    net = own_network()
    again = round_trip(net, **OWN)
    assert_same(net, again)
    assert again.layers[1].formula.parameters == {"scale": 0.1}


@pytest.mark.parametrize(("argument", "name"), [("activations", "cube"), ("losses", "cubed"), ("initializers", "ones")])
def test_a_missing_record_is_asked_for(tmp_path, argument, name):
    save(own_network(), tmp_path / "net")
    with pytest.raises(ValueError, match=rf"'{name}', which is not built in.*load\(path, {argument}=\[{name}\]\)"):
        load(tmp_path / "net", **(OWN | {argument: ()}))


def test_a_record_is_not_mistaken_for_the_built_in_one_of_its_name(tmp_path):
    relu = Formula("relu", f=lambda z: 2 * z, df=lambda z, a: 2 * np.ones_like(z))
    net = Network.mlp([4, 3, 2], activation=relu)
    assert_same(net, round_trip(net, activations=[relu]))
    assert_same(small(), round_trip(small(), activations=[relu]))
    save(net, tmp_path / "net")
    with pytest.raises(ValueError, match="'relu', which is not built in"):
        load(tmp_path / "net")


def test_a_record_with_other_parameters_is_refused(tmp_path):
    save(own_network(), tmp_path / "net")
    other = Formula("cube", f=lambda z, k: z**3, df=lambda z, a, k: 3 * z**2, k=1.0)
    with pytest.raises(
        ValueError, match=r"layers\[1\].formula: parameters of cube has the keys \['scale'\]; expected k"
    ):
        load(tmp_path / "net", **(OWN | {"activations": [other]}))


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ({"activations": CUBE}, TypeError, "activations is cube(scale=1.0); expected a list of Formula records"),
        ({"activations": ["cube"]}, TypeError, "activations[0] is 'cube'; expected a list of Formula records"),
        ({"activations": "cube"}, TypeError, "activations[0] is 'c'; expected a list of Formula records"),
        ({"losses": [CUBE]}, TypeError, "losses[0] is cube(scale=1.0); expected a list of Loss records"),
        ({"initializers": [ONES, ONES(2)]}, ValueError, "initializers[1] is a second record named 'ones'"),
    ],
)
def test_what_is_not_a_list_of_records_is_refused(tmp_path, own, error, words):
    save(small(), tmp_path / "net")
    with pytest.raises(error) as caught:
        load(tmp_path / "net", **own)
    assert words in str(caught.value)


# --- what save refuses, before it writes ------------------------------------------------------------------------------


class Doubled(Layer):
    """A layer of one's own."""


class Dense2(Dense):
    """Another, made from one of ours."""


Dense2.__name__ = "Dense"


def with_preprocessing(value):
    net = small()
    net.preprocessing = value
    return net


def with_nan(name):
    net = small()
    net[name][..., 1] = np.nan
    return net


REFUSED = {
    "not a network": (lambda: "net", TypeError, ["net is 'net'", "Network"]),
    "own layer": (lambda: Network([Dense(4, 3), Doubled()]), TypeError, ["layers[1] = Doubled", "Dense, Act", "savez"]),
    "own layer inside": (
        lambda: Network([Dense(4, 4), Residual([Dense(4, 4), Doubled()])]),
        TypeError,
        ["layers[1].layers[1] = Doubled"],
    ),
    "a layer under our name": (lambda: Network([Dense2(4, 3)]), TypeError, ["layers[0]", "of your own"]),
    "preprocessing": (lambda: with_preprocessing({"columns": []}), TypeError, ["net.preprocessing is", "None"]),
    "nan": (lambda: with_nan("dense1.W"), ValueError, ["dense1.W has 4 values that are not finite", "diverge"]),
    "nan in the state": (lambda: with_nan("batchnorm1.mean"), ValueError, ["batchnorm1.mean has 1 value that is not"]),
}


@pytest.mark.parametrize(("make", "error", "words"), REFUSED.values(), ids=list(REFUSED))
def test_save_refuses_before_it_writes(tmp_path, make, error, words):
    save(small(), tmp_path / "net")
    before = (tmp_path / "net").read_bytes()
    for name in ("net", "new"):
        with pytest.raises(error) as caught:
            save(make(), tmp_path / name)
        assert [word for word in words if word not in str(caught.value)] == []
    assert (tmp_path / "net").read_bytes() == before
    assert os.listdir(tmp_path) == ["net"]


def test_a_description_too_long_to_read_is_not_written(tmp_path, monkeypatch):
    save(small(), tmp_path / "net")
    monkeypatch.setattr(container, "_LONGEST", 500)
    with pytest.raises(ValueError, match="at most 500 and 2,097,152 are read back"):
        save(small(), tmp_path / "new")
    with pytest.raises(ValueError, match="expected at most 500"):
        load(tmp_path / "net")
    assert os.listdir(tmp_path) == ["net"]


def test_files_know_every_layer():
    kinds = {each for each in vars(layers).values() if isinstance(each, type) and issubclass(each, Layer)} - {Layer}
    assert set(description._KINDS.values()) == {kind for kind in kinds if not kind.__name__.startswith("_")}


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["net.safetensors", "net.pkl", "net", ".hidden", "with space.é.tar.gz", "n" * 255])
def test_any_name_will_do_and_stays_as_it_is(tmp_path, name):
    save(small(), tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert_same(small(), load(str(tmp_path / name)))


def test_a_relative_path_is_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(small(), "net")
    assert_same(small(), load(tmp_path / "net"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_written_through(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "net")
    save(small(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert_same(small(), load(tmp_path / "far" / "net"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    save(small(), tmp_path / "net")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("folder", IsADirectoryError, ["a folder", "net.safetensors"]),
        ("", IsADirectoryError, ["a folder"]),
        ("nowhere/net", FileNotFoundError, ["there is no folder", "nowhere'; make it first"]),
        ("file/net", FileNotFoundError, ["there is no folder"]),
    ],
)
def test_save_says_what_is_wrong_with_a_place(tmp_path, monkeypatch, place, error, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("here")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        save(small(), place)
    assert [word for word in words if word not in str(caught.value)] == []
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.parametrize("function", [lambda path: save(small(), path), load], ids=["save", "load"])
@pytest.mark.parametrize("path", [None, 3, b"net"])
def test_what_is_not_a_path_is_refused(function, path):
    with pytest.raises(TypeError, match=r"path is .*; expected text or a pathlib.Path"):
        function(path)


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no such device")
def test_a_device_is_left_alone():
    for function in (load, lambda path: save(small(), path)):
        with pytest.raises(ValueError, match="a device or a pipe; expected a file"):
            function("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_load_says_what_is_wrong_with_a_place(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'.*net', but there is no such file \(the working folder is"):
        load(tmp_path / "net")
    with pytest.raises(IsADirectoryError, match="a folder; expected a file"):
        load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_forbidden_file_or_folder_is_said_to_be():
    """In a process without the rights of root, who may do anything."""
    script = """
import os, sys
import handgrad as hg
net, load, save = hg.Network.mlp([2, 2]), hg.load, hg.save
if os.getuid() == 0:
    os.setuid(65534)
for act in (lambda: load(sys.argv[1] + "/net"), lambda: save(net, sys.argv[1] + "/new")):
    try:
        act()
    except PermissionError as error:
        print(error)
"""
    with tempfile.TemporaryDirectory() as folder:
        save(small(), f"{folder}/net")
        os.chmod(f"{folder}/net", 0)
        os.chmod(folder, 0o555)
        done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True)
        os.chmod(folder, 0o700)
        assert os.listdir(folder) == ["net"]
    assert "net cannot be read" in done.stdout, done
    assert "the network was not saved: Permission denied" in done.stdout, done


# --- nothing is lost --------------------------------------------------------------------------------------------------


def half_written(self, mode):
    stream = io_open(self, mode)
    write = stream.write

    class Failing:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            stream.close()

        def write(self, content):
            write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    return Failing()


io_open = Path.open


def failing(error):
    def fail(*arguments):
        raise error

    return fail


FAILURES = {
    "disk full": ((Path, "open", half_written), OSError, "not saved: No space left on device"),
    "fsync": (
        (os, "fsync", failing(OSError(errno.EIO, "Input/output error"))),
        OSError,
        "not saved: Input/output error",
    ),
    "replace": ((os, "replace", failing(PermissionError(errno.EACCES, "Denied"))), PermissionError, "Denied"),
    "no reason": ((os, "replace", failing(OSError("just so"))), OSError, "not saved: just so"),
    "interrupt": ((os, "fsync", failing(KeyboardInterrupt())), KeyboardInterrupt, ""),
}


@pytest.mark.parametrize(("broken", "error", "words"), FAILURES.values(), ids=list(FAILURES))
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken, error, words):
    save(small(), tmp_path / "net")
    with monkeypatch.context() as patch:
        patch.setattr(*broken)
        with pytest.raises(error) as caught:
            save(shaken(small()), tmp_path / "net")
    assert words in str(caught.value)
    assert os.listdir(tmp_path) == ["net"]
    assert_same(small(), load(tmp_path / "net"))


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_crash_while_writing_leaves_the_old_file(tmp_path, moment):
    save(small(), tmp_path / "net")
    script = f"""
import os, sys, handgrad as hg
os.{moment} = lambda *arguments: os._exit(9)
hg.save(hg.Network.mlp([3, 3]), sys.argv[1])
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "net")]).returncode == 9
    assert_same(small(), load(tmp_path / "net"))


def test_the_content_is_on_disk_before_it_is_moved(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda *a: calls.append(("fsync", os.fstat(a[0]).st_size > 1000)) or fsync(*a))
    monkeypatch.setattr(
        os, "replace", lambda *a: calls.append(("replace", len(set(map(os.path.dirname, a))))) or replace(*a)
    )
    save(small(), tmp_path / "net")
    assert calls[:2] == [("fsync", True), ("replace", 1)]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_readers_never_meet_a_half_written_file(tmp_path):
    nets = [small(), shaken(small())]
    save(nets[0], tmp_path / "net")
    writer = threading.Thread(target=lambda: [save(nets[i % 2], tmp_path / "net") for i in range(60)])
    writer.start()
    read = 0
    while writer.is_alive():
        assert load(tmp_path / "net").params[0] in (nets[0].params[0], nets[1].params[0])
        read += 1
    writer.join()
    assert read > 0


# --- bad files --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small file with all that a file can have."""
    place = tmp_path_factory.mktemp("good") / "net"
    net = Network(
        [Dense(4, 3), BatchNorm(3), Residual([Dense(3, 3), Dropout(0.5)]), Activation("leaky_relu")],
        l2=[0.1, 0.2],
        init=["lsuv", "zeros"],
        seed=[1, 2],
    )
    net.preprocessing = PREPROCESSING
    save(net, place)
    return net, place.read_bytes()


def refusal(place):
    """The words in which load refuses the file; None if it loads."""
    try:
        load(place)
    except ValueError as error:
        message = str(error)
    else:
        return None
    assert str(place) in message
    return message


def test_every_truncated_file_is_refused(tmp_path, good):
    _, content = good
    (tmp_path / "net").write_bytes(content)
    for length in reversed(range(len(content))):
        os.truncate(tmp_path / "net", length)
        assert "is not a safetensors file, or is truncated or damaged" in refusal(tmp_path / "net"), length


def test_a_damaged_byte_is_noticed_wherever_it_changes_anything(tmp_path, good):
    net, content = good
    draw = random.Random(0)
    noticed = 0
    for _ in range(300):
        position, mask = draw.randrange(len(content)), draw.randrange(1, 256)
        damaged = bytearray(content)
        damaged[position] ^= mask
        (tmp_path / "net").write_bytes(damaged)
        if refusal(tmp_path / "net") is None:
            assert_same(net, load(tmp_path / "net"))
        else:
            noticed += 1
    assert noticed > 250


def test_every_single_bit_of_the_numbers_counts(tmp_path, good):
    _, content = good
    start = 8 + int.from_bytes(content[:8], "little")
    for position in range(start, len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1
        (tmp_path / "net").write_bytes(damaged)
        assert "does not match its sha256" in refusal(tmp_path / "net")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a safetensors file"),
        (b"\0" * 8, "is not a safetensors file"),
        (b"\xff" * 100, "is not a safetensors file"),
        ((2**40).to_bytes(8, "little") + b"{}", "is not a safetensors file"),
        (b"some,table\n1,2\n", "is not a safetensors file"),
        (pickle.dumps({"params": [1.0]}), "is not a safetensors file"),
        (safetensors.numpy.save({"weight": np.ones(3)}), "of another program"),
        (safetensors.numpy.save({"weight": np.ones(3)}, {"format": "pt"}), "of another program"),
        (safetensors.numpy.save({"params": np.ones(3)}, {"network": "mlp"}), "of another program"),
        (safetensors.numpy.save({"params": np.ones(3)}, {"network": "[1]"}), "of another program"),
        (safetensors.numpy.save({"params": np.ones(3)}, {"network": '{"format": "other"}'}), "of another program"),
        (safetensors.numpy.save({"params": np.ones(3)}, {"network": "[" * 10**6}), "recursion"),
    ],
)
def test_files_of_other_programs_are_refused(tmp_path, content, words):
    (tmp_path / "net").write_bytes(content)
    assert words in refusal(tmp_path / "net")


def forge(place, content, change):
    """The file with its description and tensors changed by `change(description, tensors)`, and a digest that fits."""
    place.write_bytes(content)
    with safetensors.safe_open(place, framework="np") as opened:
        description = json.loads(opened.metadata()["network"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    del description["sha256"]
    change(description, tensors)
    place.write_bytes(container.pack(description, tensors))


def put(*path_and_value):
    *path, key, value = path_and_value

    def change(description, tensors):
        for step in path:
            description = description[step]
        description[key] = value

    return change


def tensor(name, make):
    return lambda description, tensors: tensors.update({name: np.ascontiguousarray(make(tensors[name]))})


def damaged(name, value):
    def make(old):
        old[-1, -1] = value
        return old

    return tensor(name, make)


FORGED = {
    "newer": (put("schema", 2), ["newer handgrad (schema 2; this one reads up to 1)", "upgrade"]),
    "schema 0": (put("schema", 0), ["schema is 0"]),
    "schema text": (put("schema", "1"), ["schema is '1'"]),
    "unknown layer": (put("layers", 0, "kind", "Dence"), ["layers[0]: unknown kind of layer", "did you mean 'Dense'"]),
    "unknown inner layer": (put("layers", 2, "layers", 1, "kind", "Drop"), ["layers[2].layers[1]", "mean 'Dropout'"]),
    "layers": (put("layers", 3), ["layers is 3; expected a list"]),
    "no layers": (put("layers", []), ["params has shape (2, 33) and type F64; its layers need (2, 0)"]),
    "layer": (put("layers", 0, "Dense(4, 3)"), ["layers[0]: unknown kind of layer"]),
    "field of a layer": (
        put("layers", 0, "fan", 3),
        ["layers[0] has the keys", "expected kind, fan_in, fan_out, bias"],
    ),
    "bias": (put("layers", 0, "bias", "no"), ["layers[0].bias is 'no'; expected true or false"]),
    "fan_in": (put("layers", 0, "fan_in", -4), ["Dense.fan_in is -4"]),
    "rate": (put("layers", 2, "layers", 1, "rate", 1.5), ["Dropout.rate is 1.5"]),
    "other sizes": (put("layers", 0, "fan_in", 5), ["tensor params has shape (2, 33)", "need (2, 36) and F64"]),
    "absurd sizes": (put("layers", 0, "fan_in", 10**12), ["tensor params has shape (2, 33)"]),
    "absurd state": (put("layers", 1, "units", 10**12), ["tensor params has shape (2, 33)"]),
    "absurd stack": (put("networks", 10**12), ["tensor params has shape (2, 33)"]),
    "networks": (put("networks", "two"), ["networks is 'two'"]),
    "single": (
        put("networks", None),
        ["it holds the tensors ['l2', 'params', 'seed', 'state']; expected params, state"],
    ),
    "unknown activation": (
        put("layers", 3, "formula", "name", "leaky_rel"),
        ["layers[3].formula", "unknown activation", "did you mean 'leaky_relu'"],
    ),
    "parameters": (
        put("layers", 3, "formula", "parameters", {"slop": 1}),
        ["parameters of leaky_relu", "expected slope"],
    ),
    "parameter": (put("layers", 3, "formula", "parameters", {"slope": "steep"}), ["parameter slope is 'steep'"]),
    "parameter too large": (put("layers", 3, "formula", "parameters", {"slope": 10**400}), ["too large"]),
    "unknown loss": (put("loss", "name", "softmax"), ["loss: unknown loss", "softmax_cross_entropy"]),
    "init": (put("init", []), ["init has 0 entries for 2 networks"]),
    "unknown init": (put("init", 1, "name", "he"), ["init[1]: unknown initializer", "he_normal"]),
    "awaits_data": (put("awaits_data", [True] * 3), ["awaits_data has 3 entries for 2 networks"]),
    "dtype": (put("dtype", "float16"), ["dtype is 'float16'; expected float64 or float32"]),
    "other dtype": (put("dtype", "float32"), ["and type F64", "F32"]),
    "preprocessing": (put("preprocessing", "columns", [{"name": "age"}, 3]), ["Preprocessing"]),
    "another key": (put("run", "rm -rf"), ["the description has the keys", "expected format, schema"]),
    "missing tensor": (
        lambda description, tensors: tensors.pop("state"),
        ["it holds the tensors", "expected params, state"],
    ),
    "another tensor": (
        lambda description, tensors: tensors.update(more=np.ones(1)),
        ["it holds the tensors", "'more'"],
    ),
    "misshapen": (tensor("params", np.transpose), ["params has shape (33, 2)", "need (2, 33)"]),
    "flat": (tensor("params", np.ravel), ["params has shape (66,)"]),
    "another type": (tensor("params", np.float32), ["and type F32; its layers need (2, 33) and F64"]),
    "seeds of another type": (tensor("seed", np.float64), ["tensor seed has shape (2,) and type F64"]),
    "nan": (damaged("params", np.nan), ["dense2.b has 1 value that is not finite"]),
    "infinity in the state": (damaged("state", np.inf), ["batchnorm1.variance has 1 value that is not finite"]),
    "negative seed": (tensor("seed", np.negative), ["seed is -1"]),
    "negative penalty": (tensor("l2", np.negative), ["l2 is -0.1"]),
}


@pytest.mark.parametrize(("change", "words"), FORGED.values(), ids=list(FORGED))
def test_what_does_not_fit_together_is_refused_without_room_for_it(tmp_path, good, change, words):
    forge(tmp_path / "net", good[1], change)
    tracemalloc.start()
    try:
        message = refusal(tmp_path / "net")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert message is not None
    assert [word for word in words if word not in message] == []
    assert len(message) < 1000
    assert peak < 5e6


def nodes(value, path=()):
    """The path of every value in a tree of lists and objects."""
    yield from [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from nodes(each, (*path, key))


ODD = [None, True, -1, 0, 10**400, 1e30, 0.5, "", "x" * 10**5, "relu", [], [[]], [1, 2], {}, {"kind": []}, "\ud800"]


def test_any_value_in_any_place_is_accepted_or_refused_in_words(tmp_path, good):
    """With a digest that fits: as someone writes who means harm."""
    _, content = good
    descriptions = []
    forge(tmp_path / "net", content, lambda description, tensors: descriptions.append(copy.deepcopy(description)))
    refused = loaded = 0
    for path in nodes(descriptions[0]):
        for odd in ODD:
            forge(tmp_path / "net", content, put(*path, odd))
            message = refusal(tmp_path / "net")
            if message is None:
                loaded += 1
                repr(load(tmp_path / "net"))
            else:
                assert len(message) < 1000
                refused += 1
    assert refused > 3 * loaded > 0


@pytest.mark.parametrize("depth", [400, 100_000])
def test_deep_nesting_is_refused(tmp_path, depth):
    layer = '{"kind": "Residual", "layers": [' * depth + '{"kind": "Dropout", "rate": 0.5}' + "]}" * depth
    others = "".join(f'"{key}": 0, ' for key in ("sha256", *description._KEYS[1:]))
    text = '{"format": "handgrad", "schema": 1, ' + others + '"layers": [' + layer + "]}"
    (tmp_path / "net").write_bytes(safetensors.numpy.save({"params": np.ones(1)}, {"network": text}))
    assert "recursion" in refusal(tmp_path / "net")
