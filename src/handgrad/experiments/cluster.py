"""A Dask cluster as the place of work: the data is sent once, chunks are tried again where a worker dies."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from handgrad import __version__
from handgrad.datasets import Dataset
from handgrad.experiments import maths
from handgrad.experiments.executors import Result
from handgrad.experiments.work import Chunk, Run, run_chunk

if TYPE_CHECKING:
    from distributed import Client

_WORKERS = 60  # seconds  # for the first to join
_PATIENCE = "10s"  # for a scheduler that does not answer
_AHEAD = 4  # chunks that wait at each worker: enough that none is idle, few enough that the client holds little
_RETRIES = 3
_CHUNKS = 4  # for each worker at least, if there are so many networks


class OnCluster:
    """Chunks as tasks of a Dask client."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        try:
            client.wait_for_workers(1, timeout=_WORKERS)
        except TimeoutError as missing:
            raise ConnectionError(f"the cluster has no workers after {_WORKERS} s; start some") from missing
        workers = client.scheduler_info(n_workers=-1)["workers"]
        self.slots = sum(worker["nthreads"] for worker in workers.values())
        self.workers = _CHUNKS * self.slots
        _require_same_version(client)

    def __call__(self, chunks: Sequence[Chunk], tables: Mapping[str, Dataset]) -> Iterator[Result]:
        """Each chunk with its runs, as they finish; a few chunks for each worker are on their way at any time."""
        from distributed import KilledWorker, as_completed

        study = uuid4().hex[:8]  # tasks of one name would be one task
        sent = {name: self.client.scatter(table, broadcast=True) for name, table in tables.items()}
        waiting = iter(enumerate(chunks))
        on_the_way: dict[Any, tuple[int, Chunk, int]] = {}

        def submit(number: int, chunk: Chunk, attempt: int = 0) -> Any:
            table = sent.get(chunk.jobs[0].recipe.data.name)
            key = f"handgrad-train-{study}-{number}-{attempt}"
            task = self.client.submit(on_worker, versions(), chunk, table, key=key, retries=_RETRIES)
            on_the_way[task] = number, chunk, attempt
            return task

        tasks = as_completed([submit(*each) for each in islice(waiting, _AHEAD * self.slots)])
        for task in tasks:
            number, chunk, attempt = on_the_way.pop(task)
            try:
                runs = task.result()
            except KilledWorker:  # Dask suspects a task that was on several workers as they died
                if attempt == _RETRIES:
                    raise
                tasks.add(submit(number, chunk, attempt + 1))
                continue
            yield chunk, runs
            for each in islice(waiting, 1):
                tasks.add(submit(*each))


@contextmanager
def cluster(executor: Any) -> Iterator[OnCluster]:
    """The executor of a `Client`, or of a scheduler's address."""
    try:
        from distributed import Client
    except ImportError as missing:
        raise ImportError("a cluster needs Dask: pip install 'handgrad[cluster]'") from missing
    if isinstance(executor, Client):
        yield OnCluster(executor)
        return
    if not isinstance(executor, str):
        raise TypeError(f"executor is {executor!r}; expected None, a dask.distributed.Client or a scheduler's address")
    try:
        client = Client(executor, timeout=_PATIENCE)
    except (OSError, ValueError) as wrong:
        raise ConnectionError(f"no Dask scheduler answers at {executor!r} ({wrong}); is it running?") from wrong
    with client:
        yield OnCluster(client)


def versions() -> tuple[str, int]:
    """What a worker must share with the client: the version of handgrad, and of its maths."""
    return __version__, maths.VERSION


def on_worker(expected: tuple[str, int], chunk: Chunk, table: Dataset | None) -> list[Run]:
    """A chunk's runs, from a worker that may have joined after the others were asked for their version."""
    if versions() != expected:
        raise ConnectionError(
            f"a worker has handgrad {versions()}, and the client {expected}; install the same everywhere"
        )
    return run_chunk(chunk, table, threads=1)


def _require_same_version(client: "Client") -> None:
    """Refuse workers whose numbers may be others."""
    by_version = defaultdict(list)
    for worker, theirs in client.run(versions).items():
        by_version[tuple(theirs)].append(worker)
    for theirs, workers in by_version.items():
        if theirs != versions():
            raise ConnectionError(
                f"{len(workers)} of the cluster's workers ({workers[0]}, ...) have handgrad {theirs[0]} (maths "
                f"{theirs[1]}), and here it is {__version__} (maths {maths.VERSION}); install the same everywhere"
            )
