"""One limit for the whole process, however many threads are inside; the last to leave restores what was before."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import handgrad as hg
from handgrad import blas


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_contexts_overlap_in_any_order() -> None:
    with threadpool_limits(2, user_api="blas"):
        blas.look_again()
        before = threads()
        first, second = blas.single_threaded(), blas.single_threaded()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == before


def test_an_error_inside_restores_too() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with pytest.raises(KeyError), blas.single_threaded():
            raise KeyError
        assert threads() == before


def test_training_in_several_threads_leaves_the_limit_as_it_was() -> None:
    X, y = hg.datasets.moons(n=40, seed=0)
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        work = [
            threading.Thread(target=hg.train, args=(hg.Network.mlp([2, 4, 2]), X, y), kwargs={"epochs": 20})
            for _ in range(3)
        ]
        for each in work:
            each.start()
        for each in work:
            each.join()
        assert threads() == before


def test_orthogonal_weights_do_not_depend_on_the_number_of_threads() -> None:
    drawn = []
    for number in (1, 2):
        with threadpool_limits(number, user_api="blas"):
            drawn.append(hg.Network.mlp([400, 400, 10], init="orthogonal", seed=0).params)
    np.testing.assert_array_equal(*drawn)
