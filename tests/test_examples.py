"""The examples run as a reader would run them. (The notebook is executed by `pytest --nbmake examples`.)"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
NIELSEN = ROOT / "examples" / "nielsen_mnist.py"
NOTEBOOK = ROOT / "examples" / "from_scratch.ipynb"


def run_nielsen(*options: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "HANDGRAD_DATA"}
    environment |= {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, NIELSEN, *options], env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def right_by_epoch(printed: str) -> list[tuple[int, int]]:
    """(right, tested) of each line such as `epoch 1: 9,012 / 10,000`."""
    lines = re.findall(r"^epoch \d+: ([\d,]+) / ([\d,]+)$", printed, flags=re.MULTILINE)
    return [(int(right.replace(",", "")), int(tested.replace(",", ""))) for right, tested in lines]


def write_idx(path: Path, values: np.ndarray) -> None:
    lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + lengths + values.astype(np.uint8).tobytes())


def write_digits(folder: Path, part: str, rows: int, seed: int) -> None:
    """Images of 28 x 28 in which the digit is told by which rows of pixels are bright."""
    random = np.random.default_rng(seed)
    digits = np.arange(rows) % 10
    images = random.integers(0, 60, (rows, 28, 28))
    for image, digit in zip(images, digits, strict=True):
        image[2 * digit : 2 * digit + 4] += 190
    write_idx(folder / f"{part}-images-idx3-ubyte", images)
    write_idx(folder / f"{part}-labels-idx1-ubyte", digits)


def real_mnist() -> Path | None:
    """The folder that HANDGRAD_DATA names, or the one beside this repository, if MNIST is in it."""
    named = os.environ.get("HANDGRAD_DATA")
    folders = [Path(named)] if named else []
    folders.append(ROOT.parent / "shared" / "data")
    return next((folder for folder in folders if any(folder.glob("**/train-images*idx3-ubyte*"))), None)


def test_nielsen_learns_easy_digits(tmp_path: Path) -> None:
    write_digits(tmp_path, "train", rows=2000, seed=0)
    write_digits(tmp_path, "t10k", rows=200, seed=1)
    printed = run_nielsen("--epochs", "1", "--data", str(tmp_path))
    [(right, tested)] = right_by_epoch(printed)
    assert tested == 200
    assert right > 100  # chance is 20
    assert "95.42 %" in printed
    assert "Not the book's run" in printed


def test_nielsen_is_the_same_run_to_run_and_depends_on_the_seed(tmp_path: Path) -> None:
    write_digits(tmp_path, "train", rows=200, seed=0)
    write_digits(tmp_path, "t10k", rows=100, seed=1)
    options = ("--epochs", "2", "--rows", "150", "--data", str(tmp_path))
    printed = run_nielsen(*options)
    assert "150 training images" in printed
    assert len(right_by_epoch(printed)) == 2
    assert run_nielsen(*options) == printed
    assert right_by_epoch(run_nielsen(*options, "--seed", "2")) != right_by_epoch(printed)


def test_nielsen_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HANDGRAD_DATA"}
    done = subprocess.run([sys.executable, NIELSEN], env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode != 0
    assert "HANDGRAD_DATA" in done.stderr


def test_nielsen_learns_real_digits() -> None:
    folder = real_mnist()
    if folder is None:
        pytest.skip("MNIST is not here: set HANDGRAD_DATA to the folder with its IDX files")
    printed = run_nielsen("--epochs", "1", "--rows", "10000", "--data", str(folder))
    [(right, tested)] = right_by_epoch(printed)
    assert tested == 10_000
    assert right > 7000  # chance is 1,000


def test_notebook_is_kept_with_its_outputs_and_nothing_of_a_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 10
    assert not [output for output in outputs if output.get("name") == "stderr" or output["output_type"] == "error"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert len(text) < 1_100_000
    words = re.sub(r'"image/png": "[^"]*"', "", text)
    for trace in ("/home/", "/tmp/", "/Users/", "site-packages", "C:\\\\"):
        assert trace not in words
