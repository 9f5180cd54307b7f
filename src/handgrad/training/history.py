"""What training recorded, epoch by epoch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array

if TYPE_CHECKING:
    import pandas as pd


class History:
    """Curves by name: each an attribute, (epochs,) for one network or (epochs, S) for a stack.

    `loss` is the mean over the epoch's batches as it ran, weighted by batch size; `learning_rate` the rate at the
    epoch's first step; `validation_loss` and metrics are measured at the epoch's end, in prediction mode. A network of
    a stack that stopped or diverged has NaN from there on.

    `epochs` are the numbers of the epochs that were recorded: all, or with `record_every=n` every n-th and the last.
    `diverged` tells which networks of a stack diverged, each with its (epoch, step); `best_epoch` with early stopping
    the epoch whose weights were kept, a number or (S,). Epochs and steps count from 1.
    """

    def __init__(self, networks: int | None, every: int = 1) -> None:
        self.networks, self.every = networks, every
        self.epochs: list[int] = []
        self.columns: dict[str, list[Any]] = {"loss": [], "learning_rate": []}
        self.diverged: dict[int, tuple[int, int]] = {}
        self.best_epoch: Any = None

    def append(self, row: dict[str, Any], epoch: int) -> None:
        """Add an epoch's values: numbers, or (S,) for a stack."""
        self._make_room()
        self.epochs.append(epoch)
        for name, value in row.items():
            self.columns.setdefault(name, []).append(value)

    def extend(self, columns: dict[str, Array], first: int) -> None:
        """Add the values of several epochs from `first` on: (epochs,), or (epochs, S) for a stack."""
        epochs = np.arange(first, first + len(next(iter(columns.values()))))
        if not len(epochs):
            return
        self._make_room()
        kept = (epochs % self.every == 0) | (epochs == epochs[-1])
        self.epochs.extend(epochs[kept].tolist())
        for name, values in columns.items():
            self.columns.setdefault(name, []).extend(values[kept])

    def _make_room(self) -> None:
        """Drop the last row, if it was only there for being the last."""
        if self.epochs and self.epochs[-1] % self.every:
            for values in (self.epochs, *self.columns.values()):
                values.pop()

    def __len__(self) -> int:
        return len(self.epochs)

    def __getattr__(self, name: str) -> Array:
        columns = self.__dict__.get("columns", {})
        if name not in columns:
            known = ", ".join(columns) or "nothing yet"
            hint = f"; pass metrics=({name.removeprefix('validation_')!r},) and validation=(X, y) to have it"
            raise AttributeError(f"history has no {name!r}{'' if name.startswith('_') else hint}. Recorded: {known}")
        return np.array(columns[name], dtype=float)

    def to_pandas(self) -> "pd.DataFrame":
        """The curves as a tidy DataFrame: indexed by epoch, or by (epoch, network) for a stack; epochs count from 1."""
        import pandas as pd

        if self.networks is None:
            return pd.DataFrame(self.columns, index=pd.Index(self.epochs, name="epoch"), dtype=float)
        index = pd.MultiIndex.from_product([self.epochs, range(self.networks)], names=["epoch", "network"])
        return pd.DataFrame({name: getattr(self, name).reshape(-1) for name in self.columns}, index=index)

    def __repr__(self) -> str:
        return f"History({self.epochs[-1] if self.epochs else 0} epochs of {', '.join(self.columns)})"
