"""`handgrad compare`: arguments into a study, a verdict on the screen, a folder that is whole or absent."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from handgrad.cli import app
from handgrad.cli.compare import pieces, study_of, value_of

QUICK = ("--seeds", "3", "--epochs", "5")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *arguments])


def test_it_compares_and_reports():
    done = run("moons", "--vary", "init=small,he", "--vary", "activation=relu,tanh", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "12 networks; means with 3 seeds, 95 % t interval" in done.stdout
    assert "Open the report: comparison/report.html" in " ".join(done.stdout.split())
    frame = pd.read_csv("comparison/runs.csv")
    assert len(frame) == 12
    assert {"init", "activation", "seed", "test_accuracy"} <= set(frame.columns)
    assert "varies" in Path("comparison/report.html").read_text(encoding="utf-8")


def test_json_is_alone_on_standard_output():
    done = run("iris", "--vary", "l2=0,0.01", *QUICK, "--json", "--margin", "0.5")
    result = json.loads(done.stdout)
    assert set(result["settings"]) == {"0", "0.01"}
    assert result["metric"] == "test_accuracy"
    assert len(result["settings"]["0"]["by_seed"]) == 3
    assert result["pairs"][0]["verdict"] in ("equivalent", "cannot tell")


def test_a_second_run_trains_nothing_and_does_not_overwrite():
    first = run("moons", "--vary", "l2=0,0.1", *QUICK, "--store", "runs.db", "--json")
    again = run("moons", "--vary", "l2=0,0.1", *QUICK, "--store", "runs.db", "--json")
    assert again.exit_code == 2
    assert "holds something already" in again.stderr
    forced = run("moons", "--vary", "l2=0,0.1", *QUICK, "--store", "runs.db", "--json", "--force")
    assert json.loads(first.stdout) == json.loads(forced.stdout)


def test_a_plan_costs_nothing():
    done = run("moons", "--vary", "init=small,he", "--plan")
    assert done.stdout.startswith("200 networks of 1 shape in")
    assert not Path("comparison").exists()


def test_a_study_in_a_file():
    Path("study.toml").write_text('data = "moons"\nseeds = 2\ntraining = {epochs = 3}\nvary = {l2 = [0.0, 0.1]}\n')
    assert run("study.toml").exit_code == 0
    assert run("study.toml", "--seeds", "3", "--force").exit_code == 2
    done = run("study.toml", "--vary", "l2=1")
    assert done.exit_code == 2
    assert "belong in study.toml" in done.stderr


def test_arguments_become_fields():
    study = study_of(
        "moons",
        ["init=small, normal(std=0.1)"],
        ["optimizer=adam", "hidden_sizes=[4,3]", "noise=0.3"],
        2,
        None,
        7,
        0,
        0.01,
    )
    assert list(study.settings) == [("small",), ("normal(std=0.1)",)]
    recipe = study.settings["small",]
    assert recipe.network.hidden_sizes == (4, 3)
    assert (recipe.training.epochs, recipe.training.batch_size) == (7, None)
    assert recipe.training.optimizer.learning_rate == 0.01
    assert recipe.data.noise == 0.3


def test_the_rate_is_that_of_plain_gradient_descent_unless_another_optimiser_is_chosen():
    def rate(settings, learning_rate=None):
        study = study_of("moons", [], settings, 1, None, 5, 0, learning_rate)
        return study.settings[()].training.optimizer.learning_rate

    assert rate([]) == 0.5
    assert rate(["optimizer=adam"]) == 0.001
    assert rate(["optimizer=adam(0.01)"]) == 0.01
    assert rate(["optimizer=adam"], 0.02) == 0.02
    assert rate(["learning_rate=0.1"]) == 0.1


def test_values():
    assert pieces("a,b(1,2),[3,4]") == ["a", "b(1,2)", "[3,4]"]
    assert [value_of(text) for text in ("1e-3", "true", "None", "he")] == [1e-3, True, None, "he"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mons",), "did you mean 'moons'"),
        (("moons", "--vary", "init"), "'init' is no assignment; expected FIELD=VALUE"),
        (("moons", "--vary", "inti=he"), "unknown field 'inti'; did you mean 'init'"),
        (("moons", "--vary", "init=hee"), "network.init: unknown initializer 'hee'; did you mean 'he'"),
        (("moons", "--set", "arms=3"), "unknown field of data (of moons) 'arms'"),
        (("moons", "--seeds", "0"), "seeds is 0"),
        (("moons", "--store", "nowhere/runs.db"), "no such folder"),
        (("moons", "--scheduler", "here"), "no Dask scheduler answers at 'here'"),
        (("table.csv",), "table.csv"),
        (("moons", "--vary", "init=he,small", "--set", "init=xavier"), "init is given by another option too"),
        (("moons", "--set", "epochs=3"), "epochs is given by another option too"),
        (("moons", "--vary", "l2=0", "--vary", "l2=1"), "--vary l2 is given twice"),
    ],
)
def test_wrong_calls_say_what_is_wrong_and_leave_nothing(arguments, says):
    done = run(*arguments, *(() if "--seeds" in arguments else QUICK))
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("comparison").exists()
