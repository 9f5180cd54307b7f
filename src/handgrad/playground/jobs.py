"""What takes longer than a frame: a function that tells how far it is, and gives its answer at the end."""

from collections.abc import Callable
from typing import Any, NamedTuple

Answer = dict[str, Any]
Tell = Callable[[Answer], None]  # also raises `Stopped` where nobody waits any more


class Stopped(Exception):
    """The job was ended by who asked for it."""


class Job(NamedTuple):
    """What it is ("prove", "compare", "export"), and the work, which must not touch what a session goes on with."""

    name: str
    work: Callable[[Tell], Answer]
