"""`handgrad train`: what was killed or interrupted goes on with --resume, and ends in the same files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handgrad.cli import app
from handgrad.training import Training

CALL = ("train", "moons", "--hidden", "8", "--epochs", "60", "--patience", "0")
KEPT = ("moons-network.ckpt", "moons-network.ckpt.previous")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["handgrad", *CALL])


def run(*arguments):
    return CliRunner().invoke(app, [*CALL, *map(str, arguments)])


def interrupted_after(epochs, monkeypatch):
    """The call, with a Ctrl-C that comes then."""
    finish = Training.call_back

    def interrupt(training, *arguments):
        if training.epoch >= epochs:
            signal.raise_signal(signal.SIGINT)
        return finish(training, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "call_back", interrupt)
        return run()


def results(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.suffix != ".png"}


def test_an_interrupted_training_says_how_to_go_on_and_does(tmp_path, monkeypatch):
    done = interrupted_after(20, monkeypatch)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "handgrad train: interrupted; what was trained is in moons-network.ckpt. "
        "To go on: handgrad train moons --hidden 8 --epochs 60 --patience 0 --resume\n"
    )
    assert sorted(os.listdir()) == sorted(KEPT)
    resumed = run("--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert os.listdir() == ["moons-network"]
    whole = run("--out", "whole")
    assert whole.exit_code == 0
    assert results(tmp_path / "moons-network") == results(tmp_path / "whole")


def test_what_an_earlier_training_left_is_not_written_over(monkeypatch):
    interrupted_after(20, monkeypatch)
    before = [Path(name).read_bytes() for name in KEPT]
    done = run()
    assert done.exit_code == 2
    assert done.stderr == (
        "handgrad train: moons-network.ckpt is there: an earlier training was killed or interrupted; "
        "go on from it with --resume, or move it away to begin anew\n"
    )
    other = run("--resume", "--learning-rate", "0.3")
    assert other.exit_code == 2
    assert "optimizer.learning_rate is 0.001 there and 0.3 here" in other.stderr
    assert other.stderr.count("\n") == 1
    assert [Path(name).read_bytes() for name in KEPT] == before


def test_resume_without_anything_to_resume_begins():
    done = run("--resume")
    assert done.exit_code == 0, done.stderr
    assert os.listdir() == ["moons-network"]


def test_a_training_that_diverges_leaves_no_checkpoint():
    call = ["train", "regression_plane", "--optimizer", "sgd", "--learning-rate", "1e6"]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1
    assert os.listdir() == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_training_goes_on_in_another_process(tmp_path):
    command = [sys.executable, "-m", "handgrad", *CALL, "--batch-size", "1", "--resume"]
    process = subprocess.Popen(command)
    while not (tmp_path / KEPT[1]).exists() and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert sorted(name for name in os.listdir() if not name.startswith(".handgrad-")) == sorted(KEPT)
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run([*command, "--out", "whole"], check=True, capture_output=True)
    assert results(tmp_path / "moons-network") == results(tmp_path / "whole")
    assert sorted(os.listdir()) == ["moons-network", "whole"]
