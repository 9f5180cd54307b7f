"""A progress bar on a terminal, silence in pipes."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_DELAY = 1.0  # seconds before a bar appears: what is over sooner needs none
_INTERVAL = 0.1


@contextmanager
def progress_bar(title: str, total: int, show: bool | None) -> Iterator[Callable[[float, Any], None]]:
    """Gives a function (done, loss) that moves the bar; `show=None` shows it on a terminal, after one second."""
    wanted = sys.stderr.isatty() if show is None else show
    if not wanted:
        yield lambda done, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=total, note="")
    shown_from = time.monotonic() + (_DELAY if show is None else 0.0)
    last = 0.0

    def move(done: float, loss: Any) -> None:
        nonlocal last
        now = time.monotonic()
        if now < shown_from or now - last < _INTERVAL:
            return
        if not bar.live.is_started:
            bar.start()
        finite = np.extract(np.isfinite(loss), loss)
        bar.update(task, completed=done, note=f"loss {finite.mean():.4g}" if finite.size else "diverged")
        last = now

    try:
        yield move
    finally:
        bar.stop()
