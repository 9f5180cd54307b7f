"""Early stopping: when a monitored value has not improved for a while, stop and bring back the best weights."""

from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, require_integer, require_number


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after `patience` epochs without an improvement of more than `min_delta`; the best weights are kept.

    `monitor` is a name of the history; None means the validation loss, or the training loss without validation data.
    In a stack each network is judged and stopped on its own.

    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0.0, monitor=None)
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str | None = None

    def __post_init__(self) -> None:
        require_integer("EarlyStopping.patience", self.patience)
        require_number("EarlyStopping.min_delta", self.min_delta, at_least=0)


class BestSoFar:
    """For each of S networks: the best monitored value, when it was, and the weights and state then."""

    def __init__(self, params: Array, state: Array) -> None:
        networks = len(params)
        self.value = np.full(networks, np.inf)
        self.waited = np.zeros(networks, dtype=np.int64)
        self.epoch = np.zeros(networks, dtype=np.int64)
        self.params, self.state = params.copy(), state.copy()

    def update(
        self, value: Array, epoch: int, params: Array, state: Array, rule: EarlyStopping, active: Array
    ) -> Array:
        """Take note of the active networks' values (S,), lower better; answers which have waited too long, (S,)."""
        improved = active & (value < self.value - rule.min_delta)
        self.value = np.where(improved, value, self.value)
        self.epoch = np.where(improved, epoch, self.epoch)
        self.waited = np.where(improved, 0, self.waited + active)
        self.params[improved], self.state[improved] = params[improved], state[improved]
        tired: Array = active & (self.waited >= rule.patience)
        return tired
