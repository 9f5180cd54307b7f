"""One contender in a process of its own: it prepares a workload, then runs it once for each line it is told.

    python -m handgrad.benchmarks.worker

Requests and answers are lines of JSON. A process each keeps libraries from sharing thread pools, caches of compiled
code and memory, and shows what each costs to import, to call first, and to hold.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.benchmarks.contenders import BY_NAME
from handgrad.benchmarks.workloads import WORKLOADS, Problem


def main() -> None:
    """Answer until there are no more requests."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is not an answer

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    request = json.loads(sys.stdin.readline())
    try:
        run, ready = prepare(**request)
        answer(**ready)
        for _ in sys.stdin:
            answer(seconds=seconds(run)[0], peak_mb=peak_memory())
    except Exception as failure:
        answer(error=f"{type(failure).__name__}: {failure}")


def prepare(
    contender: str, workload: str, cores: int, changes: dict[str, Any], data: str
) -> tuple[Callable[[], object], dict[str, Any]]:
    """What to run, and what came before: seconds of import and of the first call, the share of the workload."""
    stay_on(cores)
    entrant, whole = BY_NAME[contender], WORKLOADS[workload]
    imported, make = seconds(entrant.load)
    part = replace(whole, **changes)
    with np.load(data) as drawn:
        run = make(Problem(part, drawn["X"], drawn["y"]), cores)
    first, _ = seconds(run)
    share = part.size / whole.size
    return run, {"import_seconds": imported, "first_seconds": first, "share": share, "peak_mb": peak_memory()}


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes, and what it gives."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def stay_on(cores: int) -> None:
    """Bind this process to its last cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def peak_memory() -> float | None:
    """The most memory that this process held, in MB, where the system tells."""
    try:
        with open("/proc/self/status") as status:  # unlike getrusage, not inherited from the parent
            return next(float(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return None


if __name__ == "__main__":
    main()
