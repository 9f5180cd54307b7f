"""`handgrad trace`: text, JSON, a page; the rows that were asked for; one-line errors."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["trace", *map(str, arguments)])


def saved(**settings: Any) -> hg.Network:
    """A network for a table of numbers, in net.safetensors, and the table, in t.csv."""
    net = hg.Network.mlp([2, 3, 2], **settings)
    hg.save(net, "net.safetensors")
    x = np.random.default_rng(0).normal(size=(5, 2)).round(2)
    pd.DataFrame(x, columns=["a", "b"]).assign(kind=[0, 1, 1, 0, 1]).to_csv("t.csv", index=False)
    return net


CALL = ("net.safetensors", "t.csv", "--target", "kind")


def table() -> tuple[Any, Any]:
    rows = pd.read_csv("t.csv")
    return rows[["a", "b"]].to_numpy(), rows["kind"].to_numpy()


def test_it_prints_the_trace_of_the_row_that_was_asked_for() -> None:
    net = saved()
    X, y = table()
    done = run(*CALL, "--row", 3)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{hg.trace(net, X[3:4], y[3:4])}\n"
    assert run(*CALL).stdout == f"{hg.trace(net, X[:1], y[:1])}\n"


def test_several_rows_as_the_network_predicts() -> None:
    net = saved(dropout=0.5, norm="batch")
    X, y = table()
    done = run(*CALL, "--row", 2, "--rows", 3, "--no-training")
    assert done.stdout == f"{hg.trace(net, X[2:5], y[2:5], training=False)}\n"
    assert run(*CALL, "--row", 2, "--rows", 3).stdout == f"{hg.trace(net, X[2:5], y[2:5])}\n"


def test_json_is_all_of_standard_output() -> None:
    net = saved(l2=0.1)
    X, y = table()
    done = run(*CALL, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads(json.dumps(hg.trace(net, X[:1], y[:1]).to_dict()))


def test_a_trained_network_brings_its_preprocessing() -> None:
    assert CliRunner().invoke(app, ["train", "iris", "--hidden", "4", "--epochs", "2", "--out", "net"]).exit_code == 0
    done = run("net/model.safetensors", "iris", "--row", 149, "--json")
    assert done.exit_code == 0, done.stderr
    first = json.loads(done.stdout)["steps"][0]
    net = hg.load("net/model.safetensors")
    X = hg.datasets.load("iris").X
    np.testing.assert_allclose(first["value"], net.preprocessing.transform(X)[149:150])


def test_the_page_is_written_whole_and_takes_the_place_of_an_old_one() -> None:
    saved()
    Path("t.html").write_text("old")
    done = run(*CALL, "--html", "t.html")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith("in t.html\n")
    page = Path("t.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert re.findall(r"https?://", page) == []
    assert json.loads(run(*CALL, "--html", "t.html", "--json").stdout)["rows"] == 1
    assert [each.name for each in Path().iterdir() if each.name.startswith(".")] == []


WRONG = {
    "a row that is not there": ([*CALL, "--row", 5], "t.csv has the rows 0 to 4, not 5"),
    "rows beyond the last": ([*CALL, "--row", 3, "--rows", 3], "t.csv has the rows 0 to 4, not 3 to 5"),
    "no network": (["nothing.safetensors", "t.csv"], "there is no such file"),
    "no target": (["net.safetensors", "t.csv"], "--target is needed"),
    "a target that is not there": (["net.safetensors", "t.csv", "--target", "kin"], "did you mean 'kind'"),
    "a stack": (["stack.safetensors", "t.csv", "--target", "kind"], "holds a stack of 2 networks"),
    "no page": ([*CALL, "--html", "t.txt"], "expected a file ending in .html"),
    "no folder": ([*CALL, "--html", "no/t.html"], "there is no folder 'no'"),
    "too many rows": (["net.safetensors", "long.csv", "--target", "kind", "--rows", 17], "a trace shows 16 at most"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_exits_2_with_one_line(case: str) -> None:
    saved()
    hg.save(hg.Network.mlp([2, 3, 2], seed=range(2)), "stack.safetensors")
    pd.concat([pd.read_csv("t.csv")] * 4).to_csv("long.csv", index=False)
    call, reason = WRONG[case]
    done = run(*call)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("handgrad trace: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_has_an_example() -> None:
    assert "handgrad trace iris-network/model.safetensors iris --row 3" in " ".join(run("--help").stdout.split())
