"""Files of every schema that was ever written load to the same bits; the files in tests/data are never made anew.

python tests/test_files_golden.py 1      writes those of schema 1; for a new schema, when it comes
"""

import sys
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.files.container import SCHEMA
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn

DATA = Path(__file__).parent / "data"
X = np.linspace(-1, 1, 24).reshape(6, 4)
Y = np.arange(6) % 2
SCHEMAS = range(1, SCHEMA + 1)


def values(shape):
    """Numbers that depend on no generator and no rounding."""
    return (np.arange(np.prod(shape)) * 37 % 101 - 50).reshape(shape) / 64


def every_layer():
    """A network with all that a file can describe."""
    inner = Residual([Residual([Dense(4, 4), Dropout(0.5)]), BatchNorm(4, momentum=0.75), Activation("tanh")])
    body = [inner, Dense(4, 3, bias=False), LayerNorm(3), Activation("leaky_relu(slope=0.3)"), Dense(3, 2)]
    net = hg.Network(body, init="glorot_uniform", bias_init="normal(std=0.25)", l2=0.1, seed=7)
    net.params, net.state = values(net.params.shape), np.abs(values(net.state.shape)) + 0.5
    columns = NumericColumn("age", 1 / 3, 0.1), TextColumn("colour", ("blé", "red"))
    net.preprocessing = Preprocessing(columns, "kind", ("cat", "dog"))
    return net


def small_stack():
    """Two networks in float32."""
    net = hg.Network.mlp([4, 3, 2], norm="batch", init=["lsuv", "zeros"], l2=[0.1, 0.0], seed=[8, 9], dtype="float32")
    net.params = values(net.params.shape)
    return net


def small_training(**more):
    """A training whose beginning no generator decides."""
    net = hg.Network.mlp([4, 3, 2], activation="tanh", norm="batch", init="zeros", dropout=0.25, seed=3)
    options = {"optimizer": hg.Adam(0.05), "schedule": "reduce_on_plateau", "stop": hg.EarlyStopping(5)}
    return hg.Training(net, X, Y, epochs=8, batch_size=4, metrics=("accuracy",), engine="numpy", **options, **more)


MAKERS = {"network": every_layer, "stack": small_stack}


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", MAKERS)
def test_a_network_of_any_schema_loads_to_the_same_bits(name, schema):
    net, again = MAKERS[name](), hg.load(DATA / f"{name}-schema-{schema}.safetensors")
    for part in ("params", "state", "seed", "l2", "awaits_data"):
        ours, theirs = np.asarray(getattr(net, part)), np.asarray(getattr(again, part))
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())
    for part in ("layers", "loss_rule", "init", "bias_init", "preprocessing"):
        assert getattr(net, part) == getattr(again, part)
    assert net.forward(X).tobytes() == again.forward(X).tobytes()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_checkpoint_of_any_schema_is_taken_up_with_the_same_bits(schema, tmp_path):
    path = tmp_path / "run.ckpt"
    path.write_bytes((DATA / f"training-schema-{schema}.ckpt").read_bytes())
    golden = np.load(DATA / f"training-schema-{schema}.npz")
    taken_up = small_training(checkpoint=path)
    assert (taken_up.epoch, taken_up.step) == (5, 10)
    state = taken_up.state_dict()
    for name in ("params", "state", "slots", "plateau"):
        assert state[name].tobytes() == golden[name].tobytes()
    for name in ("loss", "learning_rate", "accuracy"):
        assert getattr(taken_up.history, name).tobytes() == golden[f"history.{name}"].tobytes()
    assert len(taken_up.run()) > 5


def write(schema):
    """The files of this schema; they stay from then on."""
    for name, make in MAKERS.items():
        hg.save(make(), DATA / f"{name}-schema-{schema}.safetensors")
    path = DATA / f"training-schema-{schema}.ckpt"
    path.unlink(missing_ok=True)
    small_training(checkpoint=path).run(epochs=5)
    path.with_name(f"{path.name}.previous").unlink()
    taken_up = small_training(checkpoint=path)
    state, history = taken_up.state_dict(), taken_up.history
    curves = {f"history.{name}": getattr(history, name) for name in history.columns}
    arrays = {name: state[name] for name in ("params", "state", "slots", "plateau")}
    np.savez(path.with_suffix(".npz"), **arrays, **curves)


if __name__ == "__main__":
    write(int(sys.argv[1]))
