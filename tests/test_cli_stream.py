"""The commands on Parquet that is read part by part: the same folder of results, and predictions whole or absent."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app, streaming
from handgrad.datasets.streams import parquet as reading

ROWS = 600


@pytest.fixture(autouse=True)
def fruit(tmp_path, monkeypatch):
    """A folder of three files, and one file of the same rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "AT_ONCE", 40 * 8 * 3)
    draws = np.random.default_rng(0)
    weight, colour = draws.normal(150, 30, ROWS), draws.choice(["red", "green", "yellow"], ROWS)
    kind = np.where(colour == "yellow", "banana", np.where(weight > 150, "large apple", "small apple"))
    table = pd.DataFrame(
        {"weight": weight, "colour": colour, "kind": kind, "price": 2 * weight + draws.normal(size=ROWS)}
    )
    (tmp_path / "fruit").mkdir()
    for number in range(3):
        part = table[200 * number : 200 * number + 200]
        part.to_parquet(tmp_path / "fruit" / f"{number}.parquet", row_group_size=70)
    table.to_parquet(tmp_path / "whole.parquet")
    return table


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, (done.stdout, done.stderr)
    return done


def trained(*words):
    return json.loads(run("train", "fruit", "--hidden", 8, "--json", *words).stdout)


def test_classes_are_learned_from_a_folder(fruit, tmp_path):
    metrics = trained("--target", "kind", "--stream", "--learning-rate", 0.02, "--epochs", 15)
    rows = metrics["rows"]
    assert rows["train"] + rows["validation"] + rows["test"] == ROWS
    assert rows["train_measured"] == rows["train"]
    assert rows["test"] == pytest.approx(150, rel=0.25)
    assert metrics["test"]["accuracy"] > 0.9
    assert metrics["classes"] == ["banana", "large apple", "small apple"]
    net = hg.load("fruit-network/model.safetensors")
    predicted = net.predict(net.preprocessing.transform(fruit))
    assert (np.array(metrics["classes"])[predicted] == fruit["kind"]).mean() > 0.9
    names = {"metrics.json", "model.safetensors", "history.csv", "history.png", "confusion_matrix.png"}
    assert {file.name for file in (tmp_path / "fruit-network").iterdir()} == names


def test_numbers_are_learned_and_the_answers_are_in_their_unit(fruit):
    metrics = trained("--target", "price", "--stream", "--epochs", 60, "--patience", 0)
    assert metrics["test"]["r2"] > 0.9
    net = hg.load("fruit-network/model.safetensors")
    predicted = net.predict(net.preprocessing.transform(fruit))[:, 0]
    assert hg.metrics.r2(fruit["price"].to_numpy(), predicted) > 0.9
    assert metrics["epochs_run"] == 60


def test_the_same_call_gives_the_same_network():
    first = trained("--target", "kind", "--stream", "--out", "a")
    again = trained("--target", "kind", "--stream", "--out", "b")
    assert {**first, "out": None} == {**again, "out": None}
    assert trained("--target", "kind", "--stream", "--seed", 1, "--out", "c")["test"] != first["test"]
    assert first["epochs_run"] == 3


def test_what_is_large_streams_by_itself_and_what_is_kept_is_bounded(monkeypatch):
    assert "train_measured" not in trained("--target", "kind", "--epochs", 1)["rows"]  # a small folder is read
    monkeypatch.setattr(streaming, "LIMIT", 1000)
    monkeypatch.setattr(streaming, "KEPT", 100 * 5 * 8)  # a hundred rows of five columns
    rows = trained("--target", "kind", "--force")["rows"]
    assert all(50 < rows[name] < 150 for name in ("test", "validation", "train_measured"))
    assert rows["train"] + rows["validation"] + rows["test"] == ROWS
    assert "train_measured" not in trained("--target", "kind", "--no-stream", "--epochs", 1, "--force")["rows"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("iris", "--stream"), "--stream reads Parquet"),
        (("whole.csv", "--target", "kind", "--stream"), "--stream reads Parquet"),
        (("fruit", "--stream"), "name the column"),
        (("fruit", "--stream", "--target", "sort"), "unknown target column 'sort'"),
        (("fruit", "--stream", "--target", "kind", "--loss", "mse"), "target column 'kind' is text"),
        (("fruit", "--stream", "--target", "kind", "--optimizer", "lbfgs"), "LBFGS takes the whole set"),
        (("fruit", "--stream", "--target", "kind", "--batch-size", 0), "the whole set"),
        (("fruit", "--stream", "--target", "kind", "--test", 2.5), "test is 2.5"),
    ],
)
def test_wrong_calls_are_told_in_one_line(words, told, tmp_path):
    done = run("train", *words, code=2)
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "fruit-network").exists()


def test_predictions_are_written_part_by_part_and_equal_those_of_all_rows(fruit, tmp_path):
    trained("--target", "kind", "--stream")
    model = "fruit-network/model.safetensors"
    run("predict", model, "fruit", "--out", "parts.csv", "--proba")
    net = hg.load(model)
    X = net.preprocessing.transform(fruit)
    found = pd.read_csv("parts.csv")
    assert list(found["predicted"]) == [net.preprocessing.class_names[each] for each in net.predict(X)]
    np.testing.assert_allclose(found.iloc[:, 1:], net.predict_proba(X), rtol=1e-12)
    assert run("predict", model, "whole.parquet", "--proba").stdout == (tmp_path / "parts.csv").read_text()
    told = json.loads(run("predict", model, "fruit", "--json").stdout)
    assert told["predicted"] == list(found["predicted"])
    both = run("predict", model, "fruit", "--json", "--out", "both.csv")
    assert json.loads(both.stdout) == told
    assert list(pd.read_csv("both.csv")["predicted"]) == told["predicted"]


def test_predictions_that_fail_midway_leave_nothing(fruit, tmp_path):
    trained("--target", "kind", "--stream")
    fruit[400:].assign(weight=np.where(np.arange(200) == 150, np.inf, 1.0)).to_parquet(
        tmp_path / "fruit" / "2.parquet", row_group_size=70
    )
    done = run("predict", "fruit-network/model.safetensors", "fruit", "--out", "parts.csv", code=2)
    assert "2.parquet, row group 2" in done.stderr
    assert "column 'weight' has inf" in done.stderr
    assert not list(tmp_path.glob("*parts*"))
