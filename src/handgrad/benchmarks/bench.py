"""The whole measurement: comparisons, what the first call costs, how time grows; one record with machine and date."""

import datetime as dt
import os
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from handgrad import __version__
from handgrad.benchmarks.contenders import CONTENDERS, FLOOR, OURS, PEERS, Contender
from handgrad.benchmarks.measuring import Comparison, WorkerFailed, available_cores, compare, data_file, working
from handgrad.benchmarks.workloads import WORKLOADS, Workload

_PACKAGES = ("numpy", "numba", "scikit-learn", "torch", "jax")
_GROWTH: dict[str, tuple[str, str, tuple[int, ...]]] = {  # what grows: workload, field, its values
    "networks": ("W7", "networks", (500, 5_000, 50_000)),
    "rows": ("W1", "rows", (210, 2_100, 21_000)),
    "epochs": ("W1", "epochs", (1_000, 10_000, 100_000)),
}
_ONE_STEP = {"epochs": 1}
Show = Callable[[int, int], None]


@dataclass(frozen=True)
class Startup:
    """Seconds until a fresh process has done W1 for the first time: with empty caches of compiled code, and again."""

    contender: str
    import_seconds: float
    cold_seconds: float
    warm_seconds: float
    peak_mb: float | None


@dataclass(frozen=True)
class Growth:
    """Seconds of handgrad on one workload as one of its numbers grows."""

    what: str
    workload: str
    values: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def per_unit(self) -> list[float]:
        """Time per network, row or epoch, over that of the smallest."""
        each = [seconds / value for seconds, value in zip(self.seconds, self.values, strict=True)]
        return [seconds / each[0] for seconds in each]


@dataclass(frozen=True)
class Results:
    """All that was measured."""

    date: str
    machine: str
    versions: dict[str, str]
    whole: bool
    comparisons: tuple[Comparison, ...]
    startups: tuple[Startup, ...]
    growth: tuple[Growth, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def bench(
    names: Iterable[str] = tuple(WORKLOADS),
    *,
    peers: bool = False,
    rounds: int = 5,
    whole: bool = False,
    growth: bool = False,
    progress: Show = lambda done, total: None,
) -> Results:
    """Measure these workloads on one core, and some on two as well.

    Parameters
    ----------
    names
        Keys of `WORKLOADS`.
    peers
        Also the other libraries that are installed.
    rounds
        The least number of rounds.
    whole
        Run large workloads whole; else a part of them, and the times are scaled.
    growth
        Also how the time grows with networks, rows and epochs, up to a hundred times.
    progress
        Called with (done, total).
    """
    contenders = [*CONTENDERS, *(PEERS if peers else ())]
    tasks = [(WORKLOADS[name], cores) for name in names for cores in _cores(WORKLOADS[name])]
    total = len(tasks) + 1 + len(_GROWTH) * growth
    comparisons = []
    for done, (workload, cores) in enumerate(tasks):
        progress(done, total)
        changes = {} if whole else workload.quick
        comparisons.append(compare(workload, cores, contenders, rounds, changes, whole))
    progress(len(tasks), total)
    startups = tuple(_startups(contenders))
    grown = []
    for done, what in enumerate(_GROWTH if growth else ()):
        progress(len(tasks) + 1 + done, total)
        grown.append(_grow(what))
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return Results(today, _machine(), _versions(), whole, tuple(comparisons), startups, tuple(grown))


def _cores(workload: Workload) -> Sequence[int]:
    return (1, 2) if workload.two_cores and available_cores() > 1 else (1,)


def _startups(contenders: Sequence[Contender]) -> Iterator[Startup]:
    """Two fresh processes for each, which share caches that are empty at first."""
    with data_file(WORKLOADS["W1"], _ONE_STEP) as data:
        for contender in contenders:
            if contender.name == FLOOR or not contender.installed:
                continue
            try:
                first, again = _cold_and_warm(contender, data)
            except WorkerFailed:
                continue
            seconds = first["first_seconds"], again["first_seconds"]
            yield Startup(contender.name, again["import_seconds"], *seconds, again["peak_mb"])


def _cold_and_warm(contender: Contender, data: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a process says that finds empty caches of compiled code, and what the next one says."""
    with tempfile.TemporaryDirectory() as caches:
        environment = {"HANDGRAD_CACHE_DIR": caches, "TORCHINDUCTOR_CACHE_DIR": caches}
        with working(contender.name, WORKLOADS["W1"], 1, _ONE_STEP, data, **environment) as cold:
            pass
        with working(contender.name, WORKLOADS["W1"], 1, _ONE_STEP, data, **environment) as warm:
            pass
    return cold.ready, warm.ready


def _grow(what: str) -> Growth:
    """The fastest of three after the first call at each value (the first call alone where it is long)."""
    name, field, values = _GROWTH[what]
    taken = []
    for value in values:
        changes = {field: value}
        with data_file(WORKLOADS[name], changes) as data, working(OURS, WORKLOADS[name], 1, changes, data) as worker:
            first = worker.ready["first_seconds"]
            again = [worker.ask()["seconds"] for _ in range(3)] if first < 20 else [first]
        taken.append(min(again))
    return Growth(what, name, values, tuple(taken))


def _machine() -> str:
    """Processor and number of cores that may be used."""
    cores = available_cores()
    return f"{_processor()}, {cores} {'core' if cores == 1 else 'cores'}, {platform.system()}"


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if os.path.exists(table) else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "handgrad": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
