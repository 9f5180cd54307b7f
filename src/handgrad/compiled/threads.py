"""How many threads work on a job, and the threads themselves.

Results do not depend on the number. By default it is the number of cores that this process may use, and 1 where
somebody else already spreads the work: in a worker process, in a thread that is not the main one, or while another
job has the team. HANDGRAD_NUM_THREADS, or OMP_NUM_THREADS, says otherwise.
"""

import ctypes
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import Any

from handgrad.arrays import require_integer

_busy = threading.Lock()
_WORKER_SIGNS = ("PYTEST_XDIST_WORKER", "DASK_WORKER_NAME")


def thread_count(threads: int | None = None) -> int:
    """The number of threads to use: as asked for, as the environment says, or as fits.

    >>> thread_count(3)
    3

    Raises
    ------
    TypeError, ValueError
        It is not a whole number of at least 1.
    """
    if threads is not None:
        return require_integer("threads", threads)
    for name in ("HANDGRAD_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "")
        if asked.isdigit() and int(asked) > 0:
            return int(asked)
        if asked and name.startswith("HANDGRAD"):
            raise ValueError(f"{name} is {asked!r}; expected a whole number of at least 1")
    if threading.current_thread() is not threading.main_thread() or _is_worker():
        return 1
    return _cores()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_worker() -> bool:
    return multiprocessing.parent_process() is not None or any(sign in os.environ for sign in _WORKER_SIGNS)


@contextmanager
def team(threads: int) -> Iterator[int]:
    """The team for one job, as large as asked for, or of one where another job has it."""
    if threads == 1 or not _busy.acquire(blocking=False):
        yield 1
        return
    try:
        yield threads
    finally:
        _busy.release()


def work(function: Callable[[int], Any], threads: int) -> None:
    """Call `function(0)` to `function(threads - 1)` at the same time, and wait for all."""
    if threads == 1:
        function(0)
        return
    all_here = threading.Event()
    begins: list[Future[None]] = []

    def begin(worker: int) -> None:
        all_here.wait()
        if len(begins) == threads:
            function(worker)

    pool = _pool(os.getpid(), threads)
    try:
        begins.extend(pool.submit(begin, worker) for worker in range(threads))
    finally:
        all_here.set()  # if one could not be had, the others find that out and leave
        _wait_for(begins)


def _wait_for(begun: list[Future[None]]) -> None:
    """Until all are done, whatever interrupts: they work on memory that is given back afterwards."""
    interrupt: KeyboardInterrupt | None = None
    while any(not each.done() for each in begun):
        try:
            wait(begun)
        except KeyboardInterrupt as signal:
            interrupt = signal
    for each in begun:
        each.result()
    if interrupt is not None:
        raise interrupt


@cache
def _pool(_: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process (a fork has none of its parent's)."""
    return ThreadPoolExecutor(threads, thread_name_prefix="handgrad")


@cache
def yield_address() -> int:
    """The system's function by which a waiting thread offers its core to others."""
    if sys.platform == "win32":
        function: Any = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
