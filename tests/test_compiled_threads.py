"""How many threads work, and that it does not matter who else is at work."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.compiled import threads as module
from handgrad.compiled.threads import team, thread_count, work

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(256, 40)), np.arange(256) % 5
NAMES = ("HANDGRAD_NUM_THREADS", "OMP_NUM_THREADS", "PYTEST_XDIST_WORKER", "DASK_WORKER_NAME")
PATIENCE = 60  # seconds, after which something has locked up


@pytest.fixture
def main_process(monkeypatch):
    """An environment that says nothing, of a machine with eight cores."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "_cores", lambda: 8)
    return monkeypatch


def test_as_many_as_there_are_cores(main_process):
    assert thread_count() == 8


def test_cores_are_those_that_the_process_may_use():
    assert module._cores() >= 1


def test_the_argument_comes_before_the_environment(main_process):
    main_process.setenv("HANDGRAD_NUM_THREADS", "5")
    main_process.setenv("OMP_NUM_THREADS", "3")
    assert thread_count(2) == 2
    assert thread_count() == 5
    main_process.delenv("HANDGRAD_NUM_THREADS")
    assert thread_count() == 3


@pytest.mark.parametrize("sign", NAMES[2:])
def test_one_in_a_worker_process(main_process, sign):
    main_process.setenv(sign, "4")
    assert thread_count() == 1
    main_process.setenv("HANDGRAD_NUM_THREADS", "2")
    assert thread_count() == 2


def test_one_in_a_process_that_another_started(main_process):
    main_process.setattr(multiprocessing, "parent_process", lambda: object())
    assert thread_count() == 1


def test_one_in_a_thread_that_is_not_the_main_one(main_process):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(thread_count).result() == 1
        assert pool.submit(thread_count, 3).result() == 3
        main_process.setenv("HANDGRAD_NUM_THREADS", "2")
        assert pool.submit(thread_count).result() == 2


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", " "])
def test_a_number_that_is_none_is_refused(main_process, bad):
    main_process.setenv("HANDGRAD_NUM_THREADS", bad)
    with pytest.raises(ValueError, match=r"HANDGRAD_NUM_THREADS is .*; expected a whole number of at least 1"):
        thread_count()


@pytest.mark.parametrize("other", ["0", "4,2", "all"])
def test_what_others_may_read_in_omp_num_threads_is_left_to_them(main_process, other):
    main_process.setenv("OMP_NUM_THREADS", other)
    assert thread_count() == 8


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_a_bad_argument_is_refused(bad):
    with pytest.raises((TypeError, ValueError), match="threads"):
        thread_count(bad)
    with pytest.raises((TypeError, ValueError), match="threads"):
        hg.Training(hg.Network.mlp([40, 5]), X, Y, threads=bad)


def test_one_job_has_the_team_and_the_others_work_alone():
    with team(4) as first, team(4) as second, team(1) as third:
        assert (first, second, third) == (4, 1, 1)
    with team(4) as again:
        assert again == 4


def test_the_team_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), team(2):
        raise ZeroDivisionError
    with team(2) as again:
        assert again == 2


def test_workers_work_at_the_same_time_and_all_are_waited_for():
    meeting, seen = threading.Barrier(3, timeout=PATIENCE), []

    def worker(number):
        meeting.wait()
        seen.append(number)

    work(worker, 3)
    assert sorted(seen) == [0, 1, 2]


# --- two things at once ---------------------------------------------------------------------------------------------


def shared(seed=0):
    return hg.Network.mlp([40, 256, 256, 5], activation="tanh", norm="batch", seed=seed)


def train(net, threads=None, **settings):
    made: dict[str, Any] = {"epochs": 3, "batch_size": 128, "optimizer": hg.SGD(0.05, momentum=0.9), "progress": False}
    history = hg.train(net, X, Y, threads=threads, engine="compiled", **(made | settings))
    return net.params, net.state, history.loss


def at_once(*jobs):
    """The results of several jobs that begin together."""
    start = threading.Barrier(len(jobs))

    def job(function):
        start.wait()
        return function()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result(timeout=PATIENCE) for each in [pool.submit(job, function) for function in jobs]]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for value, alone in zip(one, other, strict=True):
            np.testing.assert_array_equal(value, alone)


def test_two_trainings_of_large_networks_at_once_with_two_threads_each():
    assert hg.Training(shared(), X, Y, batch_size=128, engine="compiled").engine.runner.together
    expected = [train(shared(seed), threads=1) for seed in range(2)]
    for _ in range(5):
        assert_same(at_once(*(lambda seed=seed: train(shared(seed), threads=2) for seed in range(2))), expected)


def test_more_threads_than_cores_do_not_lock_up():
    net = hg.Network.mlp([40, 256, 256, 5], activation="tanh", seed=0)
    expected = train(net.copy(), threads=1, epochs=1)
    assert_same([train(net, threads=8, epochs=1)], [expected])


def test_four_trainings_at_once_some_with_threads():
    def small(seed):
        return hg.Network.mlp([40, 8, 5], dropout=0.2, seed=range(seed, seed + 20))

    expected = [train(small(seed), threads=1) for seed in range(4)]
    jobs = [lambda seed=seed: train(small(seed), threads=1 + seed % 2) for seed in range(4)]
    assert_same(at_once(*jobs), expected)


@pytest.mark.parametrize("rows", [1, 30, 256])
def test_threads_that_predict_from_one_network_get_their_own_rows(rows):
    net = hg.Network.mlp([40, 30, 5], seed=1)
    inputs = RANDOM.normal(size=(2, rows, 40))
    expected = [[net.forward(each, engine="compiled") for each in inputs[k : k + 1]] * 200 for k in range(2)]
    jobs = [lambda k=k: [net.forward(inputs[k], engine="compiled") for _ in range(200)] for k in range(2)]
    assert_same(at_once(*jobs), expected)


def test_predicting_and_training_at_once(monkeypatch):
    monkeypatch.setenv("HANDGRAD_NUM_THREADS", "2")
    net, inputs = hg.Network.mlp([40, 300, 5], seed=2), RANDOM.normal(size=(15_000, 40))
    expected = [train(shared(), threads=1), [net.forward(inputs, engine="compiled")] * 5]
    found = at_once(lambda: train(shared()), lambda: [net.forward(inputs, engine="compiled") for _ in range(5)])
    assert_same(found, expected)


def test_threads_that_build_and_compile_at_once():
    """A rule that nobody compiled before, in four threads."""
    rule = hg.activations.Formula(
        "at_once", f=lambda z: z / (2 + z * z), df=lambda z, a: (2 - z * z) / (2 + z * z) ** 2
    )

    def job():
        return [hg.Network.mlp([40, 6, 5], activation=rule, seed=4).forward(X, engine="compiled")]

    first, *others = at_once(job, job, job, job)
    assert_same(others, [first] * 3)
