"""Files mutated by the thousand are the same network or are refused: in bounded words, in bounded memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import handgrad as hg
from handgrad.files import container, description
from handgrad.layers import Dense, Dropout

FUZZING = Path(__file__).parent / "fuzzing.py"
HOSTILE = """
import resource, sys
import handgrad as hg
load = hg.load
hg.Network.mlp([2, 2])
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    load(sys.argv[1])
except (ValueError, OSError) as error:
    print(error)
"""


def fuzzed(count, seed):
    run = subprocess.run([sys.executable, FUZZING, str(count), str(seed)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["files"] == count
    assert found["longest_error"] < 2000
    refused = sum(number for name, number in found["outcomes"].items() if name.endswith("refused"))
    assert refused > 0.8 * count
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the address space")
def test_three_thousand_mutated_files():
    found = fuzzed(3000, 0)
    for mutation in ("flipped", "cut", "spliced", "reheaded", "redescribed", "forged"):
        assert found["outcomes"][f"{mutation}: refused"] > 200


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the address space")
@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_thousand_mutated_files(seed):
    print(json.dumps(fuzzed(50_000, seed), indent=1))


def crowded(entries):
    """Metadata of so many values."""
    return safetensors.numpy.save({"params": np.ones(1)}, {"network": "[" + "{}," * entries + "0]"})


def many_tensors(count):
    header = {f"t{number}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for number in range(count)}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


ATTACKS = {
    "a long header": ((2**27).to_bytes(8, "little") + b" " * 2**27, "its header has 134,217,728 bytes"),
    "more header than file": ((2**27).to_bytes(8, "little") + b"{}", "is truncated or damaged"),
    "a crowd of values": (crowded(3_000_000), "values; expected at most 16,777,216 and 2,097,152"),
    "a crowd of tensors": (many_tensors(200_000), "its metadata does not describe a network"),
    "deep nesting": (safetensors.numpy.save({"a": np.ones(1)}, {"network": "[" * 10**6}), "recursion"),
    "a long number": (safetensors.numpy.save({"a": np.ones(1)}, {"network": "1" * 10**7}), "Exceeds the limit"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the address space")
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_file_takes_no_more_room_than_a_few_times_its_size(tmp_path, attack):
    content, words = ATTACKS[attack]
    (tmp_path / "net").write_bytes(content)
    room = 2**27 + 6 * len(content)
    run = subprocess.run([sys.executable, "-c", HOSTILE, tmp_path / "net", str(room)], capture_output=True, text=True)
    assert words in run.stdout, (run.stdout[:500], run.stderr[-500:])
    assert len(run.stdout) < 1500


def test_a_key_twice_is_refused(tmp_path):
    hg.save(hg.Network.mlp([2, 2]), tmp_path / "net")
    with container.opened(tmp_path / "net") as opened:
        text = opened.metadata()["network"]
        tensors = container.read_tensors(opened, {"params": ((6,), "F64"), "state": ((0,), "F64")})
    twice = text.replace("{", '{"schema": 1, ', 1)
    (tmp_path / "net").write_bytes(safetensors.numpy.save(tensors, {"network": twice}))
    with pytest.raises(ValueError, match="has a key twice in one object"):
        hg.load(tmp_path / "net")


def test_too_many_layers_are_neither_written_nor_read(tmp_path, monkeypatch):
    net = hg.Network([Dense(2, 2), *[Dropout(0.5)] * 20])
    hg.save(net, tmp_path / "net")
    monkeypatch.setattr(description, "_MOST_LAYERS", 20)
    for act in (lambda: hg.load(tmp_path / "net"), lambda: hg.save(net, tmp_path / "new")):
        with pytest.raises(ValueError, match="layers: there are 21; expected at most 20"):
            act()
