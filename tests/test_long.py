"""What takes minutes: a whole run on MNIST, and random networks by the hundred. `make test-all` runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.activations import activations
from handgrad.gradcheck import check_network
from handgrad.losses import losses
from proofs import FACTORS, data, network
from test_identity import OPTIMIZERS, assert_same_alone

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]


def test_nielsen_s_first_network_reads_mnist() -> None:
    folder = Path(os.environ.get("HANDGRAD_DATA") or ROOT.parent / "shared" / "data" / "mnist")
    if not any(folder.glob("**/train-images*")):
        pytest.skip("MNIST's files are not here: set HANDGRAD_DATA to the folder that holds them")
    script = [sys.executable, str(ROOT / "examples" / "nielsen_mnist.py"), "--seed", "1", "--data", str(folder)]
    printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    right = [int(count.replace(",", "")) for count in re.findall(r"epoch \d+: ([\d,]+) / 10,000", printed)]
    assert len(right) == 30
    assert max(right) >= 9450


# --- the checker ------------------------------------------------------------------------------------------------------


def random_case(generator: np.random.Generator) -> dict[str, Any]:
    return {name: values[generator.integers(len(values))] for name, values in FACTORS.items()}


@pytest.mark.parametrize("part", range(10))
def test_random_networks_are_never_accused(part: int) -> None:
    generator, verdicts = np.random.default_rng([part, 0]), []
    for seed in range(part * 1000, part * 1000 + 200):
        case = random_case(generator)
        report = check_network(network(case, seed=seed), **data(case, seed=seed))
        verdicts += [check.verdict for check in report.checks]
        assert "WRONG" not in verdicts, (case, seed, str(report))
    assert verdicts.count("ok") > 0.9 * len(verdicts)
    assert verdicts.count("below noise") < 0.005 * len(verdicts)


@pytest.mark.parametrize("part", range(10))
def test_a_mistake_in_a_random_parameter_is_found_and_named(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One parameter's gradient 1 % off: it no longer passes, and the others still do."""
    generator, found, right = np.random.default_rng([part, 1]), 0, hg.Network.gradient
    for seed in range(part * 1000, part * 1000 + 100):
        case = random_case(generator)
        net, examples = network(case, seed=seed), data(case, seed=seed)
        name = str(generator.choice([segment.name for segment in net.layout.segments]))

        def wrong(self: Any, *args: Any, name: str = name, **mode: Any) -> Any:
            loss, gradient = right(self, *args, **mode)
            self.layout.views(gradient)[name][:] *= 1.01
            return loss, gradient

        monkeypatch.setattr(hg.Network, "gradient", right)
        honest = {check.name: check.verdict for check in check_network(net, **examples).checks}
        monkeypatch.setattr(hg.Network, "gradient", wrong)
        spoilt = {check.name: check.verdict for check in check_network(net, **examples).checks}
        assert spoilt == honest | {name: spoilt[name]}, (case, seed)
        assert honest[name] != "ok" or spoilt[name] in ("WRONG", "below noise"), (case, seed)
        found += spoilt[name] == "WRONG"
    assert found > 0.9 * 100


# --- stacks -----------------------------------------------------------------------------------------------------------


def random_layers(generator: np.random.Generator, fan_in: int, depth: int = 0) -> tuple[list[Any], int]:
    """A few layers of any kind that take `fan_in` units, and how many units come out."""
    layers: list[Any] = []
    for _ in range(generator.integers(1, 5)):
        kind = generator.choice(["dense", "activation", "batch", "layer", "dropout", "residual"])
        if kind == "dense" and depth == 0:
            fan_out = int(generator.integers(1, 18))
            layers.append(hg.Dense(fan_in, fan_out, bias=bool(generator.integers(2))))
            fan_in = fan_out
        elif kind == "residual" and depth < 2:
            layers.append(hg.Residual(random_layers(generator, fan_in, depth + 1)[0]))
        else:
            name = generator.choice([rule.name for rule in activations])
            other = {"batch": hg.BatchNorm(fan_in), "layer": hg.LayerNorm(fan_in), "dropout": hg.Dropout(0.2)}
            layers.append(other.get(str(kind)) or hg.Activation(str(name)))
    return layers, fan_in


@pytest.mark.parametrize("part", range(10))
def test_random_architectures_compute_the_same_bits_alone_and_in_a_stack(part: int) -> None:
    generator = np.random.default_rng([part, 2])
    for _ in range(30):
        fan_in, outputs, rows = (int(generator.integers(1, high)) for high in (9, 5, 40))
        outputs, rows = outputs + 1, rows + 1
        loss = generator.choice(list(losses))
        hidden, width = random_layers(generator, fan_in)
        layers = [*hidden, hg.Dense(width, outputs)]
        dtype = str(generator.choice(["float32", "float64"]))
        X = generator.normal(size=(rows, fan_in))
        y = np.arange(rows) % outputs if loss.target == "classes" else generator.random((rows, outputs))

        def make(seed: Any, l2: Any, layers: Any = layers, loss: Any = loss, dtype: str = dtype) -> hg.Network:
            return hg.Network(layers, loss=loss, seed=seed, l2=l2, dtype=dtype, bias_init="normal(0.1)")

        assert_same_alone(
            int(generator.integers(1, 6)),
            make,
            OPTIMIZERS[str(generator.choice(list(OPTIMIZERS)))],
            X,
            y,
            epochs=3,
            batch_size=[None, 1, 4, 7][generator.integers(4)],
            validation=(X, y),
            clip_norm=1.0,
            stop=hg.EarlyStopping(patience=1) if generator.integers(2) else None,
        )


# --- files ------------------------------------------------------------------------------------------------------------

WRITER = """if True:
    import sys, handgrad as hg
    nets = [hg.load(path) for path in sys.argv[2:]]
    print("ready", flush=True)
    while True:
        for net in nets:
            hg.save(net, sys.argv[1])"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    old = hg.Network.mlp([40, 300, 3], norm="batch", seed=0)
    new = hg.Network.mlp([4, 30, 3], norm="batch", seed=1)
    contents = {}
    for name, net in (("old", old), ("new", new)):
        hg.save(net, tmp_path / name)
        contents[name] = (tmp_path / name).read_bytes()
    place = tmp_path / "place"
    place.mkdir()
    hg.save(old, place / "net")
    generator, met = np.random.default_rng(0), set()
    for _ in range(60):
        command = [sys.executable, "-c", WRITER, *map(str, (place / "net", tmp_path / "old", tmp_path / "new"))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(generator.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        (name,) = [name for name, content in contents.items() if (place / "net").read_bytes() == content]
        met.add(name)
    assert met == {"old", "new"}
    np.testing.assert_array_equal(hg.load(place / "net").params, {"old": old, "new": new}[name].params)
