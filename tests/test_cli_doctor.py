"""`handgrad doctor`: exit codes, JSON, one-line errors, and saved networks."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


def saved(**settings):
    """A network on the moons, with the preprocessing that their table has."""
    dataset, _ = hg.datasets.load("moons").split(seed=0)
    net = hg.Network.mlp([2, 10, 2], **settings)
    net.preprocessing = dataset.preprocessing
    return net


def test_a_healthy_training_exits_0():
    done = run("moons", "--hidden", 10, "--epochs", 20)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("on moons, after 20 epochs")
    assert done.stdout.splitlines()[-1] == "healthy"
    assert done.stderr == ""


def test_an_ill_one_exits_1_and_says_why():
    done = run("moons", "--hidden", 10, "--epochs", 20, "--optimizer", "sgd", "--learning-rate", 1e-7)
    assert done.exit_code == 1
    assert "learning-rate-too-low: in 20 epochs" in done.stdout
    assert "  try a hundred times the learning rate" in done.stdout
    assert done.stderr == "handgrad doctor: ill: learning-rate-too-low\n"


def test_a_training_that_diverges_is_examined_too():
    done = run("regression_plane", "--optimizer", "sgd", "--learning-rate", 50, "--epochs", 20, "--json")
    assert done.exit_code == 1
    slugs = [each["slug"] for each in json.loads(done.stdout)["findings"]]
    assert "diverged" in slugs


def test_json_is_all_of_standard_output():
    done = run("iris", "--hidden", 8, "--epochs", 20, "--json")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert result["healthy"]
    assert result["findings"] == result["notes"] == []
    assert result["epochs"][::20] == [0, 20]
    assert [each["layer"] for each in result["signals"]["layers"]] == ["dense1", "activation1", "dense2"]


def test_the_settings_reach_the_training():
    done = run("moons", "--hidden", 10, "--epochs", 20, "--l2", 10, "--activation", "tanh", "--init", "glorot_normal")
    assert done.exit_code == 1
    assert "penalty-dominates" in done.stdout
    assert "vanishing" in run("moons", "--hidden", ",".join(["10"] * 20), "--activation", "sigmoid").stdout


def test_a_table_and_its_target():
    x = np.random.default_rng(0).normal(size=(80, 2))
    pd.DataFrame(x, columns=["a", "b"]).assign(kind=np.where(x[:, 0] > 0, "p", "n")).to_csv("t.csv", index=False)
    assert run("t.csv", "--target", "kind", "--epochs", 20, "--hidden", 8).exit_code == 0


def test_a_saved_network_is_looked_at_as_it_stands():
    hg.save(saved(), "well.safetensors")
    done = run("well.safetensors", "moons")
    assert done.exit_code == 0, done.stderr
    assert "on moons, as it stands" in done.stdout
    ill = saved()
    ill["dense1.b"][...] = -10
    hg.save(ill, "ill.safetensors")
    done = run("ill.safetensors", "moons", "--json")
    assert done.exit_code == 1
    assert [each["slug"] for each in json.loads(done.stdout)["findings"]] == ["dead-units"]


def test_a_saved_network_for_numbers_in_their_own_unit():
    """Its last layer carries the target's unit; that is no illness."""
    call = ["train", "diabetes", "--hidden", "16,16", "--epochs", "20", "--out", "net"]
    assert CliRunner().invoke(app, call).exit_code == 0
    done = run("net/model.safetensors", "diabetes")
    assert done.exit_code == 0, done.stdout


def test_the_picture_is_drawn_even_of_the_ill(tmp_path):
    done = run("moons", "--epochs", 3, "--learning-rate", 1e-9, "--plot", "p.png")
    assert done.exit_code == 1
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


WRONG = {
    "nothing here": ["nothing"],
    "an unknown activation": ["moons", "--activation", "rleu"],
    "epochs": ["moons", "--epochs", "0"],
    "no data for a network": ["net.safetensors"],
    "no picture": ["moons", "--plot", "p.txt"],
    "a target of its own": ["well.safetensors", "moons", "--target", "x"],
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_exits_2_with_one_line(case):
    hg.save(saved(), "well.safetensors")
    done = run(*WRONG[case])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("handgrad doctor: ")
    assert done.stderr.count("\n") == 1


def test_help_has_an_example():
    assert "handgrad doctor moons --optimizer sgd" in " ".join(run("--help").stdout.split())
