"""A Dask cluster gives the same bits as this machine, and survives the death of a worker."""

import os
import random
import signal
import threading
import time

import pytest

from handgrad.datasets import iris
from handgrad.experiments import maths
from handgrad.experiments.cluster import on_worker
from handgrad.experiments.study import Study
from handgrad.experiments.work import Chunk
from test_study import same

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the cluster's own, as its processes come and go


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def study(epochs=30, **fields):
    return Study("moons", training={"epochs": epochs}, vary={"activation": ["relu", "tanh"]}, **fields)


def test_the_same_bits_as_on_this_machine(client, tmp_path):
    here = study(seeds=6).run()
    seen = []
    there = study(seeds=6).run(tmp_path / "runs.db", client, progress=lambda done, total: seen.append(done))
    assert same(here, there)
    assert seen == sorted(seen)
    assert len(seen) > 4  # results come as they finish
    assert same(here, study(seeds=6).run(executor=client.scheduler.address))


def test_a_table_and_a_rule_of_ones_own_travel(client):
    from handgrad.activations import Formula

    bent = Formula("bent", lambda z: z / 2, lambda z, a: 0.5 + 0 * z)
    own = Study(iris(), {"activation": bent}, {"epochs": 5, "batch_size": None}, seeds=3)
    assert same(own.run(), own.run(executor=client))


def killing_workers(client, kills, run):
    """What `run` gives while workers are killed, one after another, at so many random moments."""
    draws = random.Random(0)
    killed = []

    def kill():
        for _ in range(kills):
            time.sleep(draws.uniform(0.2, 1.5))
            client.wait_for_workers(2, timeout=60)  # the nanny of one that died starts another
            pid = draws.choice(list(client.run(os.getpid, on_error="ignore").values()))
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    result = run()
    killer.join()
    assert len(killed) == kills
    return result


def test_a_worker_may_die(client, tmp_path):
    longer = study(epochs=400, seeds=40)
    assert same(longer.run(), killing_workers(client, 1, lambda: longer.run(tmp_path / "runs.db", client)))


@pytest.mark.long
def test_ten_workers_may_die(client, tmp_path):
    longer = study(epochs=800, seeds=100)
    assert same(longer.run(), killing_workers(client, 10, lambda: longer.run(tmp_path / "runs.db", client)))


def test_workers_of_another_version_are_refused(client, monkeypatch):
    client.wait_for_workers(2, timeout=60)  # one that was killed may be on its way back
    monkeypatch.setattr(maths, "VERSION", 99)
    with pytest.raises(
        ConnectionError, match=r"2 of the cluster's workers .* \(maths 1\), and here it is .* \(maths 99\)"
    ):
        study(seeds=1).run(executor=client)


def test_a_worker_that_joins_with_another_version_works_on_nothing():
    with pytest.raises(ConnectionError, match="a worker has handgrad"):
        on_worker(("0.0.1", 1), Chunk((), frozenset(), "auto"), None)


def test_a_scheduler_that_does_not_answer():
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        study(seeds=1).run(executor="tcp://127.0.0.1:9")
    with pytest.raises(TypeError, match="executor is 3; expected None"):
        study(seeds=1).run(executor=3)
