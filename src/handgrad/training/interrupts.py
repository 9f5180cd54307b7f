"""Ctrl-C, between two steps of the bookkeeping and not in their midst."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_held: list[tuple[list[Any], Callable[..., Any]]] = []  # what came, and whose it is, of each context that is open


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """A context in which SIGINT waits until its end; in other threads than the main one there are none."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[Any] = []
    _held.append((came, before))
    signal.signal(signal.SIGINT, lambda *how: came.append(how))
    try:
        yield
    finally:
        _held.pop()
        signal.signal(signal.SIGINT, before)
    if came:
        before(*came[0])


def let_through() -> None:
    """Answer a SIGINT that waits, at a moment that suits: work which takes long need not be waited for."""
    if _held and threading.current_thread() is threading.main_thread():
        came, before = _held[-1]
        if came:
            before(*came.pop(0))
