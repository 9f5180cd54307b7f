"""The store: nothing finished is lost or trained twice, whatever happens to the program or the file."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from handgrad.experiments import store as stores
from handgrad.experiments.executors import ThisMachine
from handgrad.experiments.store import Finished, Store, StoreError, environment
from handgrad.experiments.study import Study
from handgrad.experiments.work import Run
from test_study import same

FIELDS = 'Study("moons", training={"epochs": 100, "learning_rate": 0.5}, vary={"init": ["small", "he"]}, seeds=60)'
PROGRAM = f"""
import sys
from handgrad.experiments import plan
from handgrad.experiments.study import Study
plan._CHUNK_SECONDS = 0.02
{FIELDS}.run(store=sys.argv[1], progress=lambda done, total: print(done, flush=True))
"""


def quick(seeds=3):
    return Study("moons", training={"epochs": 10, "batch_size": None}, vary={"init": ["small", "he"]}, seeds=seeds)


def run_of(value):
    return Run({"test_accuracy": value}, np.arange(1, 4), {"loss": np.array([3.0, np.nan, value])}, 0.5)


def test_runs_come_back_as_they_were(tmp_path):
    with_file = Store(tmp_path / "runs.db")
    with_file.describe({"r": {"network": 1}})
    assert with_file.missing(["a", "b"]) == ["a", "b"]
    with_file.add([Finished("a", "r", 1, run_of(0.1 + 0.2)), Finished("b", "r", 2, run_of(1e-300))])
    with_file.add([Finished("a", "r", 1, run_of(0.0))])  # another program was quicker: its run stays
    again = Store(tmp_path / "runs.db")
    assert again.missing(["c", "a"]) == ["c"]
    assert len(again) == 2
    assert again.metrics(["b", "a"]) == [{"test_accuracy": value, "seconds": 0.5} for value in (1e-300, 0.1 + 0.2)]
    curves = again.curves(["a"])[0]
    np.testing.assert_array_equal(curves["epochs"], [1, 2, 3])
    np.testing.assert_array_equal(curves["loss"], [3.0, np.nan, 0.1 + 0.2])
    assert again.environments(["a", "b"]) == [environment()]


def test_only_what_is_missing_is_trained(tmp_path, monkeypatch):
    first = quick(seeds=2).run(store=tmp_path / "runs.db")
    trained = []
    work = ThisMachine.__call__

    def watched(self, chunks, tables):
        trained.extend(job for chunk in chunks for job in chunk.jobs)
        return work(self, chunks, tables)

    monkeypatch.setattr(ThisMachine, "__call__", watched)
    assert same(first, quick(seeds=2).run(store=tmp_path / "runs.db"))
    assert trained == []
    seen = []
    whole = quick(seeds=5).run(store=tmp_path / "runs.db", progress=lambda done, total: seen.append((done, total)))
    assert {job.seed for job in trained} == {2, 3, 4}
    assert (seen[0], seen[-1]) == ((4, 10), (10, 10))
    assert same(whole, quick(seeds=5).run())


def test_two_studies_share_a_store(tmp_path):
    one, other = quick(), Study("moons", training={"epochs": 11, "batch_size": None}, seeds=3)
    for study in (one, other, one):
        study.run(store=tmp_path / "runs.db")
    assert len(Store(tmp_path / "runs.db")) == 9


# --- killed ---------------------------------------------------------------------------------------------------------


def begin(path):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True)


def killed_and_resumed(path, moments, whole):
    """Kill the program at so many random moments, each time begin it anew; then let it finish."""
    draws, counts = random.Random(0), []
    for _ in range(moments):
        with begin(path) as program:
            assert program.stdout is not None
            for _ in range(draws.randint(1, 4)):  # chunks
                program.stdout.readline()
            time.sleep(draws.uniform(0, 0.05))
            os.kill(program.pid, signal.SIGKILL)
        counts.append(len(Store(path)))
    assert counts == sorted(counts)
    with begin(path) as program:
        assert program.communicate(timeout=300)[0].endswith("120\n")
    study = eval(FIELDS, {"Study": Study})
    assert len(Store(path)) == 120
    assert same(study.run(store=path), whole)
    return counts


@pytest.fixture(scope="module")
def whole():
    return eval(FIELDS, {"Study": Study}).run()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_at_any_moment_it_goes_on_with_the_same_bits(tmp_path, whole):
    killed_and_resumed(tmp_path / "runs.db", 2, whole)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_at_ten_moments_it_goes_on_with_the_same_bits(tmp_path, whole):
    counts = killed_and_resumed(tmp_path / "runs.db", 10, whole)
    assert len(set(counts)) > 3  # they were killed at work


def test_two_programs_share_a_store(tmp_path, whole):
    with begin(tmp_path / "runs.db") as one, begin(tmp_path / "runs.db") as other:
        assert all(program.communicate(timeout=300)[0].endswith("120\n") for program in (one, other))
    assert same(eval(FIELDS, {"Study": Study}).run(store=tmp_path / "runs.db"), whole)


# --- files that are not what they should be -------------------------------------------------------------------------


def foreign(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()


def truncated(path):
    quick(seeds=30).run(store=path).store.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def newer(path):
    store = Store(path)
    store._connection.execute("PRAGMA user_version = 99")
    store.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_text("no database at all, " * 100), "not a database; it is something else"),
        (foreign, "is a SQLite file of something else"),
        (truncated, "damaged"),
        (newer, "has schema 99, and this handgrad knows 1"),
    ],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path, spoil, says):
    path = tmp_path / "runs.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=says):
        quick().run(store=path)
    assert path.read_bytes() == before


def test_a_folder_or_a_place_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match="which is a folder"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="no such folder, or no permission"):
        Store(tmp_path / "nowhere" / "runs.db")


def test_a_store_that_cannot_be_written_keeps_what_it_has(tmp_path):
    store = Store(tmp_path / "runs.db")
    quick(seeds=2).run(store=store)
    store._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="cannot be written to"):
        quick(seeds=4).run(store=store)
    store._connection.execute("PRAGMA query_only = 0")
    assert len(store) == 4


def test_a_full_disk_keeps_what_was_finished(tmp_path):
    store = Store(tmp_path / "runs.db")
    pages = store._all("PRAGMA page_count")[0][0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 30}")
    study = Study("moons", training={"epochs": 100, "batch_size": None}, seeds=200)
    with pytest.raises(StoreError, match="full; free some space and run the same study again"):
        study.run(store=store)
    kept = len(store)
    assert 0 < kept < 200
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert same(study.run(store=store), study.run())


def test_a_run_that_was_tampered_with_is_told(tmp_path):
    store = Store(tmp_path / "runs.db")
    study = quick()
    study.run(store=store)
    store._connection.execute("UPDATE runs SET metrics = '{' WHERE seed = 1")
    with pytest.raises(StoreError, match="holds a run that cannot be read"):
        study.run(store=store)


def test_the_environment_is_told():
    assert set(environment()) == {"handgrad", "python", "numpy", "numba", "scipy", "cpu"}
    assert stores._cpu()
    assert not Path(environment()["cpu"]).exists()
