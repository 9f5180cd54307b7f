"""Reproductions: verdicts that can come out either way, each experiment in a tiny version, the command and its page."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app
from handgrad.experiments.reproductions import REPRODUCTIONS, find, nielsen, schoenholz2017
from handgrad.experiments.reproductions.reproduction import (
    Bench,
    Outcome,
    a_better_than_b,
    figure_of_one_run,
    most_runs,
    value_in_theory,
)
from handgrad.experiments.reproductions.verdicts import between, placed, range_of_runs, share
from handgrad.experiments.reproductions.weights import mean_field, usual_uniform
from handgrad.experiments.statistics import interval

NORMAL = np.random.default_rng(7).normal(0.95, 0.01, 2000)


@pytest.fixture(autouse=True)
def tiny_mnist(tmp_path, monkeypatch):
    """As many images as MNIST has, of four pixels each: the digit is in them."""
    generator = np.random.default_rng(0)
    for part, rows in (("train", 60_000), ("t10k", 10_000)):
        y = generator.integers(0, 10, rows)
        X = np.clip(25 * y[:, None] + generator.integers(0, 40, (rows, 4)), 0, 255)
        for kind, shape, values in (("images-idx3", (rows, 2, 2), X), ("labels-idx1", (rows,), y)):
            head = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(head + values.astype(np.uint8).tobytes())
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["reproduce", *arguments])


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [5, 12, 38, 39, 200])
def test_the_range_holds_95_percent_of_further_runs(seeds):
    draws = np.random.default_rng(seeds).normal(size=(1000, seeds + 1))
    inside = [low <= new <= high for (*known, new) in draws for low, high in [range_of_runs(known)]]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_ranks_do_not_mind_the_shape():
    draws = np.random.default_rng(1).exponential(size=(1000, 80))
    inside = [low <= new <= high for (*known, new) in draws for low, high in [range_of_runs(known)]]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("published", "values", "agrees", "words"),
    [
        (0.95, NORMAL, True, "inside our distribution, at its 5"),
        (0.99, NORMAL, False, "above all of our 2000 values"),
        (0.91, NORMAL[:100], False, "below all of our 100 values"),
        (0.975, NORMAL, False, "above 99 % of our 2000 values"),
        (0.95, NORMAL[:5], True, "inside our distribution"),
        (0.99, NORMAL[:5], False, "above all of our 5 values"),
        (0.95, [0.94], None, "one seed tells nothing"),
        (0.97, [0.94, 0.95, 0.96], True, "that 3 values suggest, if above all of them"),
        (0.88889, [8 / 9] * 40, True, "at its 50th percentile"),
        (0.8891, [8 / 9] * 40, False, "above all of our 40 values"),
    ],
)
def test_a_published_figure_is_placed(published, values, agrees, words):
    verdict = placed(published, values, rounding=5e-5)
    assert verdict.agrees is agrees
    assert words in verdict.why


def test_a_percentile_is_the_share_below():
    assert "at its 90th percentile" in placed(90.5, np.arange(1, 101)).why
    assert "at its 10th percentile" in placed(10.5, np.arange(1, 101)).why


@pytest.mark.parametrize(("shift", "agrees"), [(0.02, True), (-0.02, False), (0.0, None)])
def test_statements_about_pairs_come_out_either_way(shift, agrees):
    b = NORMAL[:20]
    a = b + shift + np.where(np.arange(20) % 2, 0.001, -0.001)
    finding = a_better_than_b("claim", "a is better", ("a", a), ("b", b))
    assert finding.verdict.agrees is agrees
    loss = a_better_than_b("claim", "a is better", ("a", a), ("b", b), "train_loss")
    assert loss.verdict.agrees is (None if agrees is None else not agrees)


@pytest.mark.parametrize(
    ("count", "expected", "agrees"),
    [(20, True, True), (20, False, False), (0, False, True), (0, True, False), (10, True, None), (17, False, False)],
)
def test_shares_of_runs_come_out_either_way(count, expected, agrees):
    assert most_runs("claim", "published", count, 20, expected).verdict.agrees is agrees


def test_theory_meets_the_interval_or_does_not():
    assert between(share(50, 100), 0.5, 0.5).agrees
    assert not between(share(90, 100), 0.4, 0.6).agrees
    assert "above" in between(share(90, 100), 0.4, 0.6).why
    assert value_in_theory("claim", "1", 0.9, 1.1, interval([0.5, 0.51, 0.49])).verdict.agrees is False


def test_a_figure_shows_its_own_decimals():
    assert figure_of_one_run("claim", 0.871, NORMAL, decimals=1).published == "87.1 %"
    assert figure_of_one_run("claim", 0.9542, NORMAL).published == "95.42 %"


@pytest.mark.parametrize(
    ("learn", "agrees"), [((9, 9, 0), True), ((9, 0, 0), False), ((9, 9, 9), False), ((9, 5, 0), None)]
)
def test_trainable_depths_come_out_either_way(learn, agrees):
    """At σ_w = 1 six depth scales are 22 layers."""
    reached = {depth: np.where(np.arange(9) < n, 0.9, 0.1) for depth, n in zip((10, 20, 40), learn, strict=True)}
    assert schoenholz2017._depth(1.0, reached).verdict.agrees is agrees


# --- what they are made of --------------------------------------------------------------------------------------------


def test_nielsens_steps_are_those_of_his_update_rule():
    """One epoch of our study against his own formulas: W ← (1 - ηλ/n) W - η/m Σ ∂C/∂W, costs summed over outputs."""
    n, rate, penalty = 20, 0.5, 5.0
    settings = {"seeds": 1, "sources": ["init"]}
    for cost, network, scale in (
        ("quadratic", nielsen.quadratic(3), 5.0),
        ("cross-entropy", nielsen.cross_entropy(3, penalty, n), 10.0),
    ):
        training = nielsen.steps(rate, scale, 1) | {"batch_size": None}
        network |= {"dtype": "float64"}
        result = hg.Study(nielsen.rows(n), network, training, **settings).run()
        (start, draw), (end, _) = result.start(()), result.network(())
        W1, b1, W2, b2 = (start[name].copy() for name in ("dense1.W", "dense1.b", "dense2.W", "dense2.b"))
        X, T = draw.train.X, np.eye(10)[draw.train.y]
        A1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
        A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
        delta = (A2 - T) * (A2 * (1 - A2) if cost == "quadratic" else 1)
        decay = 1 - rate * (penalty if cost == "cross-entropy" else 0) / n
        np.testing.assert_allclose(end["dense2.W"], decay * W2 - rate / n * A1.T @ delta, rtol=1e-10)
        np.testing.assert_allclose(end["dense2.b"], b2 - rate / n * delta.sum(axis=0), rtol=1e-10)
        below = delta @ W2.T * A1 * (1 - A1)
        np.testing.assert_allclose(end["dense1.W"], decay * W1 - rate / n * X.T @ below, rtol=1e-10)


def test_nielsens_rows_are_the_first_and_the_last():
    train, test = hg.datasets.mnist(), hg.datasets.mnist(part="test")
    tested, validated = (nielsen.rows(100, validation=each)["name"] for each in (False, True))
    np.testing.assert_array_equal(tested.X, np.concatenate([train.X[:100], test.X]))
    np.testing.assert_array_equal(validated.y, np.concatenate([train.y[:100], train.y[50_000:]]))


def test_the_best_of_three_is_one_whole_run():
    curves = np.array([[1, 2, 3, 9, 1, 1, 7], [5, 4, 3, 0, 2, 8, 7]])
    np.testing.assert_array_equal(nielsen.best_of_three(curves), [[1, 9], [5, 0]])


def test_first_weights_have_the_spread_that_papers_give():
    generator = np.random.default_rng(0)
    W = mean_field(sigma_w=3.0).draw(generator, (400, 500), 400, 500)
    assert W.std() == pytest.approx(3 / 20, rel=0.01)
    W = usual_uniform.draw(generator, (400, 500), 400, 500)
    assert np.abs(W).max() == pytest.approx(1 / 20, rel=0.001)
    assert W.var() == pytest.approx(1 / 1200, rel=0.01)


def test_the_notebooks_rows_are_its_own():
    """Its 210 rows to train on and 90 to test on, as scikit-learn draws and splits with seed 42."""
    from sklearn.datasets import make_moons
    from sklearn.model_selection import train_test_split

    from handgrad.experiments.reproductions.notebook import _rows_of_the_notebook

    X, X_test, y, y_test = train_test_split(
        *make_moons(300, noise=0.2, random_state=42), test_size=0.3, random_state=42
    )
    rows = _rows_of_the_notebook()
    np.testing.assert_array_equal(rows.X, np.concatenate([X, X_test]))
    np.testing.assert_array_equal(rows.y, np.concatenate([y, y_test]))


# --- end to end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_each_runs_in_a_tiny_version(name, tmp_path):
    chosen = find(name)
    done = chosen.run(quick=True, seeds=chosen.least_seeds)
    assert done.outcome.findings
    assert all(finding.published and finding.ours for finding in done.outcome.findings)
    assert "smaller version" in done.size
    if chosen.smaller:
        assert {finding.verdict.agrees for finding in done.outcome.findings} == {None}
    from handgrad.experiments.reproductions.page import write_page

    text = write_page(tmp_path, [done], "handgrad reproduce", "2020-02-02").read_text(encoding="utf-8")
    assert chosen.source in text
    assert all(str(finding.verdict) in text for finding in done.outcome.findings)
    rows = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("| ")]
    assert {row.count("|") for row in rows} == {6}
    for i in range(len(done.outcome.pictures)):
        picture = f"reproduction-{name}-{i + 1}.png"
        assert f"({picture})" in text
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_the_same_networks_are_not_trained_twice(tmp_path):
    first = find("selu2017").run(quick=True, seeds=2, store=tmp_path / "runs.db")
    seen = []
    again = find("selu2017").run(True, 2, tmp_path / "runs.db", lambda done, total: seen.append((done, total)))
    assert set(seen) == {(2, 2)}
    assert again.outcome.findings == first.outcome.findings
    assert again.seconds >= 0.5 * first.seconds  # of computing, now or then


def test_only_the_smaller_version_withholds_its_verdict():
    finding = most_runs("claim", "published", 20, 20, True)
    chosen = replace(find("he2015"), measure=lambda bench: Outcome((finding,)))
    assert chosen.run(quick=False, seeds=5).outcome.findings == (finding,)
    assert "5 seeds, fewer than the 20 it has by itself" in chosen.run(seeds=5).size
    (withheld,) = chosen.run(quick=True).outcome.findings
    assert withheld.verdict.agrees is None
    assert "by itself agrees" in str(withheld.verdict)


def test_a_bench_runs_its_seeds():
    assert len(Bench(3, quick=True).run("moons", training={"epochs": 1}).seeds) == 3


def test_the_page_of_the_documentation_tells_of_each():
    page = (Path(__file__).parents[1] / "docs" / "reproductions.md").read_text(encoding="utf-8")
    for name, about in REPRODUCTIONS.items():
        section = page.split(f"## {name}: {about.title}\n")[1].split("\n## ")[0]
        assert about.source in section
        assert about.differs in section
        assert section.count("| agrees") + section.count("| does not agree") + section.count("| cannot tell") > 0


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_shows_and_writes():
    done = run("notebook=8", "--out", "page", "--json")
    assert done.exit_code == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["seeds"] == 8
    assert {finding["published"] for finding in result["findings"]} >= {"88.89 %", "98.89 %", "97.78 %"}
    page = Path("page/reproductions.md").read_text(encoding="utf-8")
    assert "`handgrad reproduce notebook=8` makes it again" in page
    shown = run("notebook=8", "--quick")
    assert "this is the smaller version: fewer seeds" in " ".join(shown.stdout.split())


def test_the_list_tells_all():
    done = run("--list")
    assert done.exit_code == 0
    assert all(name in done.stdout for name in REPRODUCTIONS)
    assert [each["name"] for each in json.loads(run("--list", "--json").stdout)] == list(REPRODUCTIONS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a reproduction, or all: notebook, he2015"),
        (["he2016"], "unknown reproduction 'he2016'; did you mean 'he2015'"),
        (["notebook=many"], "expected NAME=SEEDS, such as notebook=10"),
        (["notebook", "--seeds", "0"], "seeds of notebook is 0; expected a whole number of at least 2"),
        (["nielsen-1=4"], "seeds of nielsen-1 is 4; expected a whole number of at least 6"),
    ],
)
def test_wrong_calls_are_refused_in_one_line(arguments, says):
    done = run(*arguments, "--out", "page")
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("page").exists()


def test_missing_digits_are_told_before_anything_is_trained(monkeypatch):
    monkeypatch.delenv("HANDGRAD_DATA")
    done = run("all", "--out", "page")
    assert done.exit_code == 2
    assert "HANDGRAD_DATA" in done.stderr
    assert not Path("page").exists()
