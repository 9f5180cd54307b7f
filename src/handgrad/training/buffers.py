"""Two buffers: while one is trained on, a thread fills the other. What they hold does not depend on who is faster."""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.training.interrupts import let_through

LISTEN = 0.2  # seconds between two looks whether Ctrl-C was pressed
PATIENCE = 5.0  # seconds for a reader that is told to stop


class Rows(NamedTuple):
    """X (n, D), T (n, C), and weights (n,) or None."""

    X: Array
    T: Array
    weights: Array | None


class Buffer:
    """Room for so many rows like these."""

    def __init__(self, length: int, like: Rows) -> None:
        self.length, self.filled = length, 0
        self.X = np.empty((length, like.X.shape[1]), like.X.dtype)
        self.T = np.empty((length, like.T.shape[1]), like.T.dtype)
        self.weights = None if like.weights is None else np.empty(length, like.weights.dtype)

    def take(self, rows: Rows, start: int) -> int:
        """Take rows from `start` on until it is full; answers where it ended."""
        stop = min(len(rows.X), start + self.length - self.filled)
        here = slice(self.filled, self.filled + stop - start)
        self.X[here], self.T[here] = rows.X[start:stop], rows.T[start:stop]
        if self.weights is not None:
            self.weights[here] = 1 if rows.weights is None else rows.weights[start:stop]
        self.filled += stop - start
        return stop

    @property
    def rows(self) -> Rows:
        """What is in it."""
        weights = None if self.weights is None else self.weights[: self.filled]
        return Rows(self.X[: self.filled], self.T[: self.filled], weights)


def filled(rows: Iterator[Rows], empty: Callable[[], Buffer]) -> Iterator[Buffer]:
    """Full buffers, and the last one as full as it gets."""
    buffer = empty()
    for some in rows:
        at = 0
        while at < len(some.X):
            if buffer.filled == buffer.length:
                yield buffer
                buffer = empty()
            at = buffer.take(some, at)
    if buffer.filled:
        yield buffer


class _Stopped(Exception):
    """Nobody wants more buffers."""


class ReadAhead:
    """Iterates over buffers that a thread fills; a context that ends the thread.

    An error of the thread is raised here, in the place of the buffer that could not be filled.
    """

    def __init__(self, rows: Iterator[Rows], buffers: tuple[Buffer, Buffer]) -> None:
        self.waited = 0.0  # seconds
        self._rows = rows
        self._empty: SimpleQueue[Buffer] = SimpleQueue()
        self._ready: SimpleQueue[Buffer | BaseException | None] = SimpleQueue()
        self._stop = threading.Event()
        for buffer in buffers:
            self._empty.put(buffer)
        self._thread = threading.Thread(target=self._read, name="handgrad reader", daemon=True)

    def __enter__(self) -> "ReadAhead":
        self._thread.start()
        return self

    def __exit__(self, *how: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def __iter__(self) -> Iterator[Buffer]:
        while (buffer := self._next()) is not None:
            yield buffer
            buffer.filled = 0
            self._empty.put(buffer)

    def _next(self) -> Buffer | None:
        since = time.perf_counter()
        while True:
            try:
                came = self._ready.get(timeout=LISTEN)
                break
            except Empty:
                let_through()
        self.waited += time.perf_counter() - since
        if isinstance(came, BaseException):
            raise came
        return came

    def _read(self) -> None:
        try:
            for buffer in filled(self._until_stopped(), self._next_empty):
                self._ready.put(buffer)
            self._ready.put(None)
        except _Stopped:
            return
        except BaseException as error:
            self._ready.put(error)  # it belongs to whoever waits for the buffer

    def _until_stopped(self) -> Iterator[Rows]:
        for rows in self._rows:
            if self._stop.is_set():
                raise _Stopped
            yield rows

    def _next_empty(self) -> Buffer:
        while not self._stop.is_set():
            try:
                return self._empty.get(timeout=LISTEN)
            except Empty:
                continue
        raise _Stopped
