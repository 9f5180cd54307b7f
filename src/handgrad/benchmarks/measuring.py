"""Side by side: every contender runs once in each round, in rotating order, so that a busy machine slows all alike."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from handgrad.benchmarks.contenders import OURS, Contender
from handgrad.benchmarks.workloads import Workload, draw

_THREADS = ("OPENBLAS", "OMP", "MKL", "VECLIB", "NUMBA", "HANDGRAD")
_LONG_ENOUGH, _MANY = 2.0, 25  # seconds of rounds after which more are not asked for, and the most of them


class WorkerFailed(Exception):
    """A contender could not do a workload; the message says why."""


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of repeated measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of some values."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Timing:
    """One contender on one workload: seconds of each round (of the whole, or of one call of a prediction).

    `share` is the part of the workload that was run; `seconds` are scaled to the whole.
    """

    contender: str
    seconds: tuple[float, ...]
    share: float
    import_seconds: float
    first_seconds: float
    peak_mb: float | None


@dataclass(frozen=True)
class Comparison:
    """All contenders on one workload, and why some are missing."""

    workload: str
    title: str
    cores: int
    timings: tuple[Timing, ...]
    absent: dict[str, str]

    def ratio(self, timing: Timing) -> Spread | None:
        """Its time over ours, round by round."""
        ours = next((each for each in self.timings if each.contender == OURS), None)
        if ours is None:
            return None
        return Spread.of([theirs / own for theirs, own in zip(timing.seconds, ours.seconds, strict=True)])


class Worker:
    """A contender in its own process, ready to run a workload."""

    def __init__(self, process: "subprocess.Popen[str]", request: dict[str, Any]) -> None:
        self.process = process
        self.ready = self.ask(json.dumps(request))

    def ask(self, line: str = "run") -> dict[str, Any]:
        """Send a line and wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(line, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise WorkerFailed("its process stopped") from None
        text = self.process.stdout.readline()
        if not text:
            raise WorkerFailed(f"its process stopped with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(text)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer


@contextmanager
def data_file(workload: Workload, changes: dict[str, Any]) -> Iterator[str]:
    """A file with the data of a workload so changed, for workers: what drew it is not in their memory."""
    X, y = draw(replace(workload, **changes))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "data.npz")
        np.savez(path, X=X, y=y)
        yield path


@contextmanager
def working(
    contender: str, workload: Workload, cores: int, changes: dict[str, Any], data: str, **environment: str
) -> Iterator[Worker]:
    """A worker inside a `with`; its process ends with it.

    Raises
    ------
    WorkerFailed
        The contender cannot do this workload.
    """
    threads = {f"{library}_NUM_THREADS": str(cores) for library in _THREADS}
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad.benchmarks.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **threads, **environment},
    )
    try:
        request = {"contender": contender, "workload": workload.name, "cores": cores, "changes": changes}
        yield Worker(process, request | {"data": data})
    finally:
        process.kill()
        process.communicate()


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compare(
    workload: Workload, cores: int, contenders: Sequence[Contender], rounds: int, changes: dict[str, Any], whole: bool
) -> Comparison:
    """At least so many interleaved rounds of all contenders on the workload so changed; short ones get more."""
    absent = {each.name: f"{each.package} is not installed" for each in contenders if not each.installed}
    with ExitStack() as stack:
        data = stack.enter_context(data_file(workload, changes))
        workers: dict[str, Worker] = {}
        for each in contenders:
            if each.installed:
                own = changes | {"networks": each.networks_of(workload.networks, whole)}
                try:
                    workers[each.name] = stack.enter_context(working(each.name, workload, cores, own, data))
                except WorkerFailed as failure:
                    absent[each.name] = str(failure)
        answers = _interleave(workers, rounds, absent)
    timings = [_timing(workload, name, worker.ready, answers[name]) for name, worker in workers.items()]
    return Comparison(workload.name, workload.title, cores, tuple(timings), absent)


def _interleave(workers: dict[str, Worker], rounds: int, absent: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The answers of each round; each begins with another contender. Who fails on the way is taken out."""
    answers = {name: list[dict[str, Any]]() for name in workers}
    spent, done = 0.0, 0
    while workers and (done < rounds or (spent < _LONG_ENOUGH and done < _MANY)):
        names = list(workers)
        for name in names[done % len(names) :] + names[: done % len(names)]:
            try:
                answers[name].append(workers[name].ask())
            except WorkerFailed as failure:
                absent[name] = str(failure)
                del workers[name]
            else:
                spent += answers[name][-1]["seconds"]
        done += 1
    return answers


def _timing(workload: Workload, name: str, ready: dict[str, Any], answers: list[dict[str, Any]]) -> Timing:
    scale = 1 / ready["share"] / (workload.calls or 1)
    return Timing(
        contender=name,
        seconds=tuple(answer["seconds"] * scale for answer in answers),
        share=ready["share"],
        import_seconds=ready["import_seconds"],
        first_seconds=ready["first_seconds"],
        peak_mb=answers[-1]["peak_mb"],
    )
