"""BLAS on one thread while the engine works, so that results do not depend on the number of cores."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_inside = 0  # how many contexts are open, in all threads: the limit is the process's
_limit: Any = None
_modules = 0  # that were imported when BLAS was last looked for


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def single_threaded() -> Iterator[None]:
    """A context in which every BLAS in this process uses one thread; the last to leave restores what was before.

    >>> with single_threaded():
    ...     pass
    """
    global _inside, _limit
    with _lock:
        if _inside == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


def look_again() -> None:
    """Take note of a BLAS that was loaded since (SciPy brings one of its own); call it before `single_threaded`.

    Looking through what the process has loaded takes milliseconds; a BLAS comes with a module that was imported.
    """
    global _modules
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        _controller.cache_clear()
