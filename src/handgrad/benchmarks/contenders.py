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

    `networks` is the most that it trains in a run where there are many, and `quick_networks` in a quick run; its time
    is then scaled up, for the time of independent networks grows with their number. Those that train a stack at once
    get a large one, which serves them best.
    """

    name: str
    room: str
    package: str
    function: str = "prepare"
    networks: int | None = None
    quick_networks: int | None = None

    def networks_of(self, networks: int, whole: bool) -> int:
        """How many of so many networks it trains in one run."""
        most = self.networks if whole else self.quick_networks or self.networks
        return networks if most is None else min(networks, most)

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return find_spec(self.package) is not None

    def load(self) -> Callable[..., Any]:
        """Its `prepare`, with its package imported."""
        import_module(self.package)
        return getattr(import_module(f"handgrad.benchmarks.{self.room}"), self.function)


CONTENDERS = (
    Contender(OURS, "ours", "handgrad.training", quick_networks=60),
    Contender(PLAIN, "baselines", "numpy", networks=4),
    Contender(FLOOR, "floors", "numba", quick_networks=60),
)
PEERS = (
    Contender("scikit-learn", "peers.sklearn", "sklearn", networks=2),
    Contender("PyTorch", "peers.torch", "torch", networks=300),
    Contender("torch.compile", "peers.torch", "torch", function="prepare_compiled", networks=300),
    Contender("JAX", "peers.jax", "jax", networks=300),
)
BY_NAME = {contender.name: contender for contender in (*CONTENDERS, *PEERS)}
