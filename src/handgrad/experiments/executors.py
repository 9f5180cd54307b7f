"""Where chunks are worked on: this machine, or a Dask cluster. The numbers are the same bits in either place."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from handgrad.datasets import Dataset
from handgrad.experiments.work import Chunk, Run, run_chunk

Result = tuple[Chunk, list[Run]]


class Executor(Protocol):
    """Works on chunks, and gives each with its runs as soon as it is finished, in any order."""

    workers: int

    def __call__(self, chunks: Sequence[Chunk], tables: Mapping[str, Dataset]) -> Iterator[Result]: ...


class ThisMachine:
    """One chunk after the other, each on all cores: the engine shares a stack's networks among its threads."""

    workers = 1

    def __call__(self, chunks: Sequence[Chunk], tables: Mapping[str, Dataset]) -> Iterator[Result]:
        """Each chunk with its runs."""
        for chunk in chunks:
            yield chunk, run_chunk(chunk, tables.get(chunk.jobs[0].recipe.data.name))


@contextmanager
def executor_for(executor: Any) -> Iterator[Executor]:
    """The executor that a study was given: None, a Dask client, or the address of a Dask scheduler."""
    if executor is None:
        yield ThisMachine()
        return
    from handgrad.experiments.cluster import cluster

    with cluster(executor) as at_work:
        yield at_work
