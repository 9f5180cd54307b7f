"""Benchmarks: all contenders do the same mathematics; rounds interleave, ratios pair up, tables show it."""

import json
from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from handgrad.benchmarks import WORKLOADS, floors, products
from handgrad.benchmarks.bench import Growth, Results, Startup
from handgrad.benchmarks.contenders import BY_NAME, CONTENDERS, FLOOR, OURS, PEERS, PLAIN, Contender
from handgrad.benchmarks.measuring import Comparison, Timing, WorkerFailed, _interleave, compare
from handgrad.benchmarks.page import missing, write_page
from handgrad.benchmarks.picture import draw as draw_picture
from handgrad.benchmarks.workloads import Problem, draw
from handgrad.cli import app
from handgrad.optimizers import Adam

bench_module = import_module("handgrad.benchmarks.bench")  # the package has a function of that name
OTHERS = [each for each in (*CONTENDERS, *PEERS) if each.name not in (OURS, FLOOR)]


def small(name):
    """A few steps of a workload in float64 with narrower layers; the last batch of an epoch is short."""
    whole = WORKLOADS[name]
    sizes = (whole.sizes[0], *(min(width, 20) for width in whole.sizes[1:]))
    changes = {
        "rows": min(whole.rows, 70),
        "epochs": 3,
        "networks": min(whole.networks, 3),
        "calls": min(1, whole.calls),
    }
    if isinstance(whole.optimizer, Adam):
        changes["optimizer"] = Adam(epsilon=1e-14)  # scikit-learn adds it in another place
    batch_size = None if whole.batch_size is None else 16
    return replace(whole, sizes=sizes, dtype="float64", batch_size=batch_size, **changes)


def problem(workload):
    return Problem(workload, *draw(workload))


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("contender", OTHERS, ids=lambda each: each.name)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # the peers' own
def test_every_contender_reaches_the_weights_that_handgrad_reaches(contender, name):
    if not contender.installed:
        pytest.skip(f"{contender.package} is not installed")
    if contender.name == "torch.compile":
        pytest.skip("compiles for half a minute, from the same source as PyTorch")
    workload = small(name)
    if contender.name == "scikit-learn" and workload.sizes[-1] == 2:
        pytest.skip("two classes are one logistic output there")
    ours = BY_NAME[OURS].load()(problem(workload), 1)()
    theirs = contender.load()(problem(workload), 1)()
    start = problem(workload).start
    assert len(ours) == len(theirs)
    for before, own, other in zip(start, ours, theirs, strict=False):
        np.testing.assert_allclose(other.reshape(own.shape), own, rtol=1e-9, atol=1e-9)
        assert workload.calls or np.abs(own - before).max() > 1e-6


def test_a_second_run_begins_at_the_start_again():
    run = BY_NAME[PLAIN].load()(problem(small("W4")), 1)
    for first, second in zip(run(), run(), strict=True):
        assert (first == second).all()


# --- the floor --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", [products.BLAS, products.BY_ROWS, products.BY_UNITS])
@pytest.mark.parametrize(("B", "D", "C"), [(1, 1, 1), (7, 2, 5), (4, 6, 3), (9, 5, 8)])
def test_the_floor_multiplies(method, dtype, B, D, C):
    """Z = A W, dW = Aᵀ dZ and dA = dZ Wᵀ; loops over rows see A, Z and dZ with rows last."""
    random = np.random.default_rng(B)
    A, W, dZ = random.normal(size=(B, D)), random.normal(size=(D, C)), random.normal(size=(B, C))
    turned = method == products.BY_ROWS
    stored = {"A": A.T if turned else A, "W": W, "dZ": dZ.T if turned else dZ}
    cases = [("A", "W", A @ W, True), ("A", "dZ", A.T @ dZ, False), ("dZ", "W", dZ @ W.T, True)]
    for kind, (x, w, expected, by_row) in enumerate(cases):
        left, right = stored[x].ravel(), stored[w].ravel()
        arena = np.concatenate([left, right, np.full(expected.size, np.nan)]).astype(dtype)
        out = left.size + right.size
        products.run_products(arena, np.array([[kind, method, D, C, 0, left.size, out, 0]]), B, B, 2)
        wanted = expected.T if turned and by_row else expected
        np.testing.assert_allclose(arena[out:], wanted.ravel(), rtol=1e-4 if dtype == "float32" else 1e-12)


def test_the_plan_holds_the_products_of_a_step():
    F, W, I = products.FORWARD, products.WEIGHTS, products.INPUTS
    plan = floors._plan(WORKLOADS["W2"], rows=64, batch=32)
    assert [(row[0], row[2], row[3]) for row in plan] == [
        (F, 64, 100),
        (F, 100, 10),
        (W, 100, 10),
        (I, 100, 10),
        (W, 64, 100),
    ]
    assert [row[0] for row in floors._plan(WORKLOADS["W6"], 1, 1)] == [F, F]
    spans = sorted({(row[6], row[6] + _size(row, batch=32)) for row in plan})
    assert spans[0][0] >= 64 * 64  # the inputs come first, and no product writes where another does
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    assert spans[-1][1] <= len(floors._arena(WORKLOADS["W2"], rows=64, batch=32))


def _size(row, batch):
    kind, _, D, C = row[:4]
    return {products.FORWARD: batch * C, products.WEIGHTS: D * C, products.INPUTS: batch * D}[kind]


@pytest.mark.parametrize("name", ["W1", "W2", "W5", "W6"])
@pytest.mark.parametrize("cores", [1, 2])
def test_the_floor_runs(name, cores):
    assert BY_NAME[FLOOR].load()(problem(small(name)), cores)() == []


# --- measuring --------------------------------------------------------------------------------------------------------


def test_a_comparison_of_processes_says_who_is_missing_and_why():
    broken = Contender("broken", "ours", "numpy", function="absent")
    missing = Contender("missing", "ours", "no_such_package")
    result = compare(WORKLOADS["W1"], 1, [BY_NAME[OURS], BY_NAME[PLAIN], missing], 2, {"epochs": 2}, True)
    assert [each.contender for each in result.timings] == [OURS, PLAIN]
    assert result.absent == {"missing": "no_such_package is not installed"}
    assert {len(each.seconds) for each in result.timings} == {len(result.timings[0].seconds)}
    assert all(each.share == 2 / 1000 for each in result.timings)
    failed = compare(WORKLOADS["W1"], 1, [broken], 1, {"epochs": 2}, True)
    assert (failed.timings, failed.absent) == ((), {"broken": "KeyError: 'broken'"})


def test_slow_contenders_train_few_of_many_networks():
    plain, ours = BY_NAME[PLAIN], BY_NAME[OURS]
    assert [plain.networks_of(300, whole) for whole in (True, False)] == [4, 4]
    assert [ours.networks_of(300, whole) for whole in (True, False)] == [300, 60]
    assert ours.networks_of(1, whole=False) == 1


def test_who_stops_on_the_way_is_taken_out():
    class Stopping:
        def __init__(self, rounds):
            self.left = rounds

        def ask(self):
            if self.left == 0:
                raise WorkerFailed("its process stopped")
            self.left -= 1
            return {"seconds": 1.0}

    workers, absent = {"a": Stopping(1), "b": Stopping(9)}, {}
    answers = _interleave(workers, 3, absent)
    assert (list(workers), len(answers["b"]), absent) == (["b"], 3, {"a": "its process stopped"})


def test_growth_is_measured_at_each_value(monkeypatch):
    monkeypatch.setattr(bench_module, "_GROWTH", {"networks": ("W7", "networks", (1, 2))})
    monkeypatch.setitem(WORKLOADS, "W7", replace(WORKLOADS["W7"], epochs=2))
    grown = bench_module._grow("networks")
    assert (grown.values, len(grown.seconds), grown.per_unit[0]) == ((1, 2), 2, 1.0)


def test_ratios_pair_the_rounds_up():
    comparison = made_up().comparisons[0]
    ratio = comparison.ratio(comparison.timings[1])
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 2.0, 3.0)
    assert replace(comparison, timings=comparison.timings[1:]).ratio(comparison.timings[1]) is None


def made_up():
    timings = (
        Timing(OURS, (0.001, 0.002, 0.003), 0.5, 0.1, 0.2, 40.0),
        Timing(PLAIN, (0.002, 0.006, 0.006), 1.0, 0.1, 0.2, None),
    )
    comparison = Comparison("W3", "a title", 2, timings, {"JAX": "jax is not installed"})
    growth = Growth("networks", "W7", (10, 100), (1.0, 20.0))
    startup = Startup(OURS, 0.1, 5.0, 0.3, None)
    return Results("2026-01-31", "a machine", {"numpy": "2"}, False, (comparison,), (startup,), (growth,))


def test_the_page_shows_times_ratios_first_calls_growth_and_who_is_missing():
    page = write_page(made_up(), "performance.png")
    assert "| W3, 2 cores | 2.00 ms (1.00-3.00 ms) | 6.00 ms (2.00-6.00 ms) |" in page
    assert "| W3, 2 cores | 1 | 2.00 (2.00-3.00) |" in page
    assert "| handgrad | 100 ms | 5.00 s | 300 ms | - |" in page
    assert "| W7, 100 networks | 20.0 s | 2.00 |" in page
    assert "JAX (jax is not installed)" in page
    assert "![Times over handgrad's](performance.png)" in page


def test_gaps_are_named_with_their_places_unless_they_are_everywhere():
    results = made_up()
    failed = replace(results.comparisons[0], cores=1, absent={"JAX": "jax is not installed", "PyTorch": "it broke"})
    both = replace(results, comparisons=(*results.comparisons, failed))
    assert missing(both) == ["JAX (jax is not installed)", "PyTorch on W3 (it broke)"]


def test_the_picture_has_a_row_for_each_workload():
    ax = draw_picture(made_up()).axes[0]
    assert [each.get_text() for each in ax.get_yticklabels()] == ["W3, 2 cores"]
    assert ax.get_xscale() == "log"


# --- the command ------------------------------------------------------------------------------------------------------


def test_bench_gives_json_and_a_folder(tmp_path, monkeypatch):
    monkeypatch.setitem(WORKLOADS, "W1", replace(WORKLOADS["W1"], quick={"epochs": 3}))
    done = CliRunner().invoke(app, ["bench", "--only", "W1", "--rounds", "1", "--json", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.stderr
    results = json.loads(done.stdout)
    assert [each["contender"] for each in results["comparisons"][0]["timings"]] == [OURS, PLAIN, FLOOR]
    assert {each["contender"] for each in results["startups"]} == {OURS, PLAIN}
    names = {"performance.md", "performance.png", "performance.json"}
    assert {each.name for each in (tmp_path / "out").iterdir()} == names


def test_bench_names_what_it_does_not_know():
    done = CliRunner().invoke(app, ["bench", "--only", "W1,W33"])
    assert done.exit_code == 2
    assert "did you mean 'W3'" in done.stderr
