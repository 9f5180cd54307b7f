"""The monitor: signals of a network while it trains, taken now and then, at a small share of the training's time."""

from dataclasses import dataclass, replace
from math import ceil
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import randomness
from handgrad.arrays import Array, ArrayLike, require_integer, require_number
from handgrad.health.chance import chance_loss
from handgrad.health.measuring import Signals, measure
from handgrad.network import Network

if TYPE_CHECKING:
    import pandas as pd

_INTERRUPTION = 3.0  # a sample costs up to three times its own time: the engine is left and entered again


@dataclass(frozen=True)
class Sample:
    """The signals after an epoch (0: before the first), and by layer with weights how far those have moved.

    `updates`: ‖ΔW‖ / ‖W‖ since the sample before, for each epoch between; `moved`: ‖W - W₀‖ / ‖W₀‖ since the first.
    """

    epoch: int
    signals: Signals
    updates: dict[str, Any]
    moved: dict[str, Any]

    def of(self, network: int) -> "Sample":
        """The sample of one network of a stack."""
        updates, moved = (
            {layer: float(each[network]) for layer, each in by_layer.items()} for by_layer in (self.updates, self.moved)
        )
        return replace(self, signals=self.signals.of(network), updates=updates, moved=moved)


class Monitor:
    """A callback that records `signals` while a network or stack trains, beginning with the network as it is now.

    Parameters
    ----------
    net, X, y, sample_weight
        The network to be trained, and rows such as those it is trained on; as for `Network.gradient`.
    every
        At most one sample in so many epochs; there is always one before the first epoch and one after the last.
    share
        Of the training's time that samples may take: where epochs are short, they are taken more rarely; a training too
        short for any has the one at the end. None: a sample every `every` epochs, whatever it takes, so that the same
        training gives the same samples.
    rows
        At most so many rows are looked at, drawn once.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be; and when called with a training of another network.

    Examples
    --------
    >>> import handgrad as hg
    >>> X, y = hg.datasets.moons(n=100, seed=0)
    >>> net = hg.Network.mlp([2, 8, 2])
    >>> monitor = Monitor(net, X, y, every=5, share=None)
    >>> history = hg.train(net, X, y, epochs=20, callbacks=[monitor])
    >>> monitor.epochs
    [0, 5, 10, 15, 20]
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        every: int = 1,
        share: float | None = 0.03,
        rows: int = 128,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net is {net!r}; expected the Network that is trained, such as Network.mlp([2, 10, 2])")
        self.every = require_integer("every", every)
        self.share = None if share is None else require_number("share", share, above=0, at_most=1)
        X, T, shares = net.accept(X, y, sample_weight)
        chosen = randomness.order(randomness.key(0, None, "signals"), X.shape[-2])[: require_integer("rows", rows)]
        self.net = net
        self.X, self.T = np.ascontiguousarray(X[..., chosen, :]), np.ascontiguousarray(T[..., chosen, :])
        self.shares = None if shares is None else _shares(shares[chosen])
        self.chance = chance_loss(net.loss_rule, self.T, self.shares)
        self.samples: list[Sample] = []
        self.spent = 0.0  # seconds that samples took
        self.next_epoch = self.every  # training calls when so many epochs are over
        self._first = self._before = net.params.copy()
        began = perf_counter()
        self._take(0)
        self._started = self._looked = perf_counter()
        self._seen, self._costs = 0, self._started - began

    @property
    def epochs(self) -> list[int]:
        """After which epochs samples were taken."""
        return [sample.epoch for sample in self.samples]

    def __call__(self, training: Any) -> None:
        """Take a sample of the network that trains, and say when the next one is due."""
        if training.net is not self.net:
            raise ValueError(f"monitor watches {self.net!r}, but {training.net!r} is trained; make it with that one")
        epoch, began = training.epoch, perf_counter()
        for_an_epoch = (began - self._looked) / max(1, epoch - self._seen)
        pause = self._pause(for_an_epoch, began)
        if epoch > self.epochs[-1] and (pause <= 0 or training.ending):
            self._take(epoch)
            self._looked = perf_counter()
            self.spent, self._costs = self.spent + self._looked - began, self._looked - began
            pause = self._pause(for_an_epoch, self._looked)
        else:
            self._looked = began
        self._seen, self.next_epoch = epoch, epoch + max(self.every, pause)

    def of(self, network: int) -> list[Sample]:
        """The samples of one network of a stack."""
        return [sample.of(network) for sample in self.samples]

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each epoch and layer (and network of a stack): the layer's signals, and how its weights moved."""
        import pandas as pd

        tables = []
        for sample in self.samples:
            table = sample.signals.to_pandas().reset_index()
            for name, by_layer in (("update", sample.updates), ("moved", sample.moved)):
                table[name] = _column(by_layer, table)
            tables.append(table.assign(epoch=sample.epoch))
        index = ["epoch", "layer"] if self.net.size is None else ["epoch", "layer", "network"]
        return pd.concat(tables).set_index(index).astype(float)

    def __repr__(self) -> str:
        return f"Monitor({len(self.samples)} samples of {self.net!r}, the last after epoch {self.epochs[-1]})"

    def _take(self, epoch: int) -> None:
        params, weights = self.net.params.copy(), self.net.layout.weights
        epochs = epoch - (self.samples[-1].epoch if self.samples else epoch - 1)
        step, whole = (
            params[..., :weights] - self._before[..., :weights],
            params[..., :weights] - self._first[..., :weights],
        )
        updates = self._by_layer(step / epochs, self._before) if self.samples else self._by_layer(step * np.nan, params)
        found = measure(self.net, self.X, self.T, self.shares, self.chance)
        self.samples.append(Sample(epoch, found, updates, self._by_layer(whole, self._first)))
        self._before = params

    def _by_layer(self, change: Array, base: Array) -> dict[str, Any]:
        """‖change‖ / ‖base‖ of each layer's weights; NaN where there were none but zeros."""
        found = {}
        for segment in self.net.layout.segments:
            if segment.key == "W":
                here = slice(segment.start, segment.stop)
                size, step = np.square(base[..., here]).sum(axis=-1), np.square(change[..., here]).sum(axis=-1)
                ratio = np.sqrt(step / np.where(size > 0, size, np.nan))
                found[segment.leaf.name] = float(ratio) if self.net.size is None else ratio
        return found

    def _pause(self, for_an_epoch: float, now: float) -> int:
        """Epochs until the samples so far, one more, and the one at the end are within their share of the time."""
        if self.share is None:
            return 0
        owed = _INTERRUPTION * (self.spent + 2 * self._costs) / self.share - (now - self._started)
        return ceil(min(owed / max(for_an_epoch, 1e-9), 1e9))


def _shares(chosen: Array) -> Array | None:
    """Shares of the rows chosen; equal ones if all that were chosen count nothing."""
    return chosen / chosen.sum() if chosen.any() else None


def _column(by_layer: dict[str, Any], table: "pd.DataFrame") -> list[float]:
    networks = table["network"] if "network" in table else [None] * len(table)
    values = []
    for layer, network in zip(table["layer"], networks, strict=True):
        value = by_layer.get(layer, np.nan)
        values.append(float(value if network is None or np.ndim(value) == 0 else value[network]))
    return values
