"""Training on a stream: the pieces in a seeded order, the rows shuffled inside buffers, each buffer a training set.

The order of the pieces depends on the training seed and the epoch, that of the rows in a buffer on the network's seed
as well, as everywhere. So networks of a stack read once for all, and each gets the bits it would get alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, ArrayLike
from handgrad.datasets import Stream
from handgrad.datasets.streams.arrays import ArraySource, require_numbers
from handgrad.datasets.streams.parts import Part
from handgrad.datasets.streams.stream import BUFFER
from handgrad.metrics import Metric
from handgrad.network import Network
from handgrad.optimizers import LBFGS, Optimizer
from handgrad.training.buffers import Buffer, ReadAhead, Rows
from handgrad.training.compiled_engine import CompiledEngine, engine_for
from handgrad.training.data import Batch, TrainingData, accept_data, class_weights, classes_of
from handgrad.training.engine import NumpyEngine, Ran
from handgrad.training.interrupts import let_through
from handgrad.training.settings import Settings


class StreamedData:
    """A stream as a network's steps see it: accepted, cast and encoded part by part.

    Raises
    ------
    TypeError, ValueError
        Its first rows do not fit the network.
    """

    def __init__(self, net: Network, stream: Stream, class_weight: Mapping[int, float] | str | None = None) -> None:
        self.net, self.stream = net, stream
        self.class_weight: Mapping[int, float] | str | None = None
        self.rows = stream.rows
        self.example = self._first()
        self.current: tuple[int, TrainingData] | None = None  # with the number of its first step in the epoch
        if class_weight == "balanced":
            self.class_weight = self._balanced()
        elif class_weight is not None:
            _class_weights_of(net, self.example.T, class_weight)  # one that does not fit is refused now
            if isinstance(class_weight, Mapping) and len(class_weight) == max(self.example.T.shape[1], 2):
                _require_some(class_weight)
            self.class_weight = class_weight
        if self.class_weight is not None:
            self.example = self.example._replace(weights=np.ones(1, net.dtype))

    def read(self, order: Array | None = None) -> Iterator[Rows]:
        """The rows, some at a time; an error says where those that do not fit are."""
        seen = 0
        for part in self.stream.parts(order):
            seen += len(part.X)
            if seen > self.rows:
                raise ValueError(f"{part.row(0)} on: the stream has more rows than the {self.rows} it was said to have")
            rows = self._accept(part)
            if rows.weights is not None and self.example.weights is None:
                raise ValueError(f"{part.row(0)} on: these rows have weights, but the first have none; give all some")
            yield rows
        if seen < self.rows:
            raise ValueError(
                f"the stream ended after {seen} of {self.rows} rows; did it change, or does its function give the same "
                "iterator again?"
            )

    def buffers(self, settings: Settings, epoch: int) -> ReadAhead:
        """The rows of an epoch in buffers, a multiple of the batch size each."""
        assert settings.batch_size is not None
        each = sum(array[0].nbytes for array in self.example if array is not None)
        batches = max(1, self.stream.buffer // (2 * each * settings.batch_size))
        length = settings.batch_size * min(batches, settings.steps(self.rows))
        pair = Buffer(length, self.example), Buffer(length, self.example)
        order = self.stream.order(settings.seed, epoch) if settings.shuffle else None
        return ReadAhead(self.read(order), pair)

    def batch_of(self, net: Network, settings: Settings, epoch: int, number: int) -> Batch:
        """A batch of the buffer that was trained on last."""
        assert self.current is not None
        first, data = self.current
        return data.batch_of(net, settings, epoch, number - first)

    def some_rows(self, seed: int | None) -> Array:
        """Up to 1000 rows of X, from the pieces that come first in the first epoch."""
        found: list[Array] = []
        for rows in self.read(self.stream.order(seed, 0)):
            found.append(rows.X)
            if sum(map(len, found)) >= 1000:
                break
        return np.concatenate(found)[:1000]

    def fingerprint(self) -> str:
        """The stream's, and the weights of classes."""
        weighed = "" if self.class_weight is None else f" {self.class_weight}"
        return f"{self.stream.fingerprint()}{weighed}"

    def _first(self) -> Rows:
        """A row of zeros like the first; one that does not fit is refused."""
        if self.stream.source.one_shot:
            columns, outputs = self.net.fan_in, self.net.fan_out
            if columns is None or outputs is None:
                raise ValueError("an iterator needs a network whose first layer says how many columns X has")
            like = (np.zeros((1, columns)), np.zeros((1, outputs)), np.ones(1))  # its batches may bring weights
            return Rows(*(each.astype(self.net.dtype) for each in like))
        part = next(self.stream.parts(), None)
        if part is None:
            raise ValueError("the stream has no rows; expected at least one")
        rows = self._accept(part)
        return Rows(rows.X[:1].copy(), rows.T[:1].copy(), None if rows.weights is None else rows.weights[:1].copy())

    def _accept(self, part: Part) -> Rows:
        try:
            if np.ndim(part.X) != 2:
                raise ValueError(f"X has shape {np.shape(part.X)}; expected (rows, columns)")
            with np.errstate(over="ignore"):  # what overflows in the dtype is refused as not finite
                X = self.net.accept_inputs(part.X)
                T = self.net.accept_targets(part.y, X)
                weights = None if part.weight is None else _accept_weights(part.weight, len(X), self.net)
        except (TypeError, ValueError) as wrong:
            require_numbers(part, self.stream.feature_names)  # says exactly where, if it is that
            raise type(wrong)(f"{part.row(0)} on: {wrong}") from wrong
        if self.class_weight is not None:
            by_class = _class_weights_of(self.net, T, self.class_weight)
            weights = by_class if weights is None else weights * by_class
        return Rows(X, T, weights)

    def _balanced(self) -> dict[int, float]:
        """N / (C · rows of the class), by a pass over the rows."""
        counts = np.zeros(max(self.example.T.shape[1], 2), dtype=np.int64)
        for rows in self.read():
            classes = classes_of(self.net, rows.T)
            if classes is None:
                raise ValueError(f"class_weight needs one class a row; loss {self.net.loss_rule} has other y")
            counts += np.bincount(classes, minlength=len(counts))
        present = np.flatnonzero(counts)
        return {int(each): self.rows / (len(present) * int(counts[each])) for each in present}


class StreamEngine:
    """An engine that goes from buffer to buffer; `waited` are the seconds that it waited for them."""

    epochs_at_once = 1

    def __init__(self, inner: NumpyEngine | CompiledEngine, data: StreamedData) -> None:
        self.inner, self.data = inner, data
        self.net, self.settings, self.optimizer = inner.net, inner.settings, inner.optimizer
        self.done = 0  # steps of the epoch that were applied, also when it could not be finished
        self.waited = 0.0
        self.tell: Callable[[float, Any], None] = _say_nothing

    @property
    def slots(self) -> Array:
        """The optimiser's memory."""
        return self.inner.slots

    def run(self, epoch: int, epochs: int, step: int, factors: Array, active: Array) -> Ran:
        """One epoch, as `NumpyEngine.run`."""
        total, failed = np.zeros(len(active)), np.full(len(active), -1)
        self.done = 0
        with self.data.buffers(self.settings, epoch) as buffers:
            for number, buffer in enumerate(buffers):
                let_through()
                data = TrainingData(*buffer.rows, counters=(number,))
                self.data.current = self.done, data
                steps = self.settings.steps(data.rows)
                self.inner.take(data)
                part = factors[:, self.done : self.done + steps]
                ran = self.inner.run(epoch, 1, step + self.done, part, active)
                total = total + ran.losses[0] * (data.rows / self.data.rows)
                stopped = active & (ran.failed >= 0)
                failed = np.where(stopped, self.done + ran.failed, failed)
                active = active & ~stopped
                if not active.any():
                    break
                self.done += steps
                self.tell(epoch + self.done / self.settings.steps(self.data.rows), ran.losses[0])
            self.waited += buffers.waited
        self.done = 0  # from here on the caller counts
        return Ran(total[None], failed)

    def loss_and_gradient(self) -> tuple[float, Array]:
        """Of the whole set, which L-BFGS asks for, and streams refuse."""
        raise TypeError("a stream has no gradient of the whole set; train with an optimiser of batches")

    def logits(self, X: Array) -> Array:
        """Outputs before the loss's output function."""
        return self.inner.logits(X)

    def __getstate__(self) -> dict[str, Any]:
        """Without the bar that it moves."""
        return vars(self) | {"tell": _say_nothing}


def accept_training_set(
    net: Network,
    X: ArrayLike | Stream,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    class_weight: Mapping[int, float] | str | None,
) -> TrainingData | StreamedData:
    """The training set in memory, or as a stream: what is one already, and mapped arrays larger than a buffer."""
    if isinstance(X, Stream):
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise TypeError(f"X is a stream, which brings its own {name}; leave {name} out, or give it to stream()")
        return StreamedData(net, X, class_weight)
    if y is None:
        raise TypeError("y is None; expected targets, one for each row of X (only a stream brings its own)")
    if isinstance(X, np.memmap) and X.ndim == 2 and X.size * net.dtype.itemsize > BUFFER:
        weight = None if sample_weight is None else np.asarray(sample_weight)
        return StreamedData(net, Stream(ArraySource(X, np.asarray(y), weight)), class_weight)
    return accept_data(net, X, y, sample_weight, class_weight)


def require_streamable(
    data: StreamedData, epochs: int, batch_size: int | None, optimizer: Optimizer, metrics: tuple[Metric, ...]
) -> None:
    """Refuse what a stream cannot do."""
    if isinstance(optimizer, LBFGS) or batch_size is None:
        what = "LBFGS takes" if isinstance(optimizer, LBFGS) else "batch_size=None is"
        raise ValueError(
            f"{what} the whole set at each step, but X is streamed; name a batch_size and another optimizer, or, if X "
            "fits into memory, pass np.asarray(X)"
        )
    require_means(metrics)
    if data.stream.source.one_shot:
        needs = "several epochs" if epochs > 1 else "metrics" if metrics else ""
        needs = needs or ("init='lsuv'" if data.net.awaits_data.any() else "")
        if needs:
            raise ValueError(
                f"an iterator gives its batches once, and {needs} needs more; pass a function that returns a new "
                "iterator: stream(lambda: batches())"
            )


def require_means(metrics: Sequence[Metric]) -> None:
    """Refuse metrics that cannot be measured part by part."""
    for metric in metrics:
        if not metric.mean_of_rows:
            raise ValueError(
                f"metric {metric.name!r} is not known to be a mean over rows, so it cannot be measured part by part on "
                "a stream; leave it out, or measure it on rows in memory"
            )


def engine_of(
    engine: str, net: Network, data: TrainingData | StreamedData, settings: Settings
) -> NumpyEngine | CompiledEngine | StreamEngine:
    """The engine of that name for a training set or a stream."""
    if isinstance(data, TrainingData):
        return engine_for(engine, net, data, settings)
    rows = min(settings.batch_size or 1, data.rows)
    like = (None if each is None else np.repeat(each, rows, axis=0) for each in data.example)
    return StreamEngine(engine_for(engine, net, TrainingData(*like), settings), data)  # type: ignore[arg-type]


def _class_weights_of(net: Network, T: Array, class_weight: Mapping[int, float] | str) -> Array:
    return class_weights(net, T, classes_of(net, T), class_weight)


def _require_some(class_weight: Mapping[int, float]) -> None:
    if not any(class_weight.values()):
        raise ValueError(f"class_weight is {dict(class_weight)}, which leaves every row a weight of 0; give some more")


def _accept_weights(weights: Array, rows: int, net: Network) -> Array:
    if weights.shape != (rows,):
        raise ValueError(f"weights have shape {weights.shape}; expected ({rows},)")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"the weight of row {row} of these is {weights[row]}; expected a finite number of at least 0")
    return weights.astype(net.dtype)


def _say_nothing(done: float, loss: Any) -> None:
    pass
