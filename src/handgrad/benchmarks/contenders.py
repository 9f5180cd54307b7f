"""Who is measured: ours, the plain loop, the floor, and the peers."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

OURS, PLAIN, FLOOR = "handgrad", "plain NumPy", "floor"


@dataclass(frozen=True)
class Contender:
    """A name, where its `prepare` is, and which package it needs.

    `networks` is the most that it trains in a run where there are many; its time is then scaled up, for the time of
    independent networks grows with their number.
    """

    name: str
    room: str
    package: str
    function: str = "prepare"
    networks: int | None = None

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return find_spec(self.package) is not None

    def load(self) -> Callable[..., Any]:
        """Its `prepare`, with its package imported."""
        import_module(self.package)
        return getattr(import_module(f"handgrad.benchmarks.{self.room}"), self.function)


CONTENDERS = (
    Contender(OURS, "ours", "handgrad.training"),
    Contender(PLAIN, "baselines", "numpy", networks=4),
    Contender(FLOOR, "floors", "numba"),
)
PEERS = (
    Contender("scikit-learn", "peers.sklearn", "sklearn", networks=2),
    Contender("PyTorch", "peers.torch", "torch", networks=300),
    Contender("torch.compile", "peers.torch", "torch", function="prepare_compiled", networks=300),
    Contender("JAX", "peers.jax", "jax", networks=300),
)
BY_NAME = {contender.name: contender for contender in (*CONTENDERS, *PEERS)}
