"""What both engines are told about how to train."""

from typing import NamedTuple

from handgrad.arrays import Array
from handgrad.optimizers import Optimizer


class Settings(NamedTuple):
    """The settings that decide what a step does; `steps(rows)` of them make an epoch."""

    optimizer: Optimizer
    batch_size: int | None
    clip_norm: float | None
    frozen: Array | None  # (P,), True where a parameter stays
    seed: int | None
    threads: int | None
    shuffle: bool = True

    def steps(self, rows: int) -> int:
        """How many batches an epoch has."""
        return 1 if self.batch_size is None else -(-rows // self.batch_size)
