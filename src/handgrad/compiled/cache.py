"""Compiled code on disk, so that it is compiled once on a machine and then starts in milliseconds.

Numba's cache looks at the file in which a function stands, and at nothing that the function calls. So what is cached
lies in a folder named after everything that goes into it: the sources of this room and the versions of what compiles
them; and a generated kernel in a file of its own, named after its text. What changes gets another name.

The folder is the user's cache folder, or HANDGRAD_CACHE_DIR. Where nothing can be written, code is compiled in
memory, each time anew.
"""

import hashlib
import os
import platform
import sys
import tempfile
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

_announced: set[str] = set()
_lock = threading.RLock()


def native(function: FunctionType, signature: Any, text: str) -> Any:
    """A function of numbers and pointers as a C function, from the cache or compiled now: with `.address`, `.ctypes`.

    `text` is what it was made of; its file in the cache folder is named after it.
    """
    from numba import cfunc

    with _lock:
        own, options = _placed(function, text)
        return cfunc(signature, **options)(own)


def callable_from_python(function: FunctionType, signature: Any, text: str) -> Any:
    """A function of numbers and arrays to call from Python, with less ado than a C function; other types are refused."""
    from numba import njit

    with _lock:
        own, options = _placed(function, text)
        return njit([signature], **options)(own)


def _placed(function: FunctionType, text: str) -> tuple[FunctionType, dict[str, Any]]:
    """The function at its place in the cache, and the options to compile it with."""
    from handgrad.compiled.pointers import FAST

    home = _home(function.__name__, text)
    if home is None or not any(home.parent.glob(f"__pycache__/{home.stem}.*")):
        _announce()
    own = function if home is None else _rehomed(function, home)
    return own, {"cache": home is not None, "fastmath": FAST, "error_model": "numpy"}


@cache
def _home(name: str, text: str) -> Path | None:
    """The file that stands for a function in the cache folder; None where nothing can be written."""
    root = folder()
    if root is None:
        return None
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    home = root / f"{name}_{digest}.py"
    if not home.exists():
        _write(home, text)
    return home


@cache
def folder() -> Path | None:
    """The cache folder of these sources and versions; None where nothing can be written."""
    for root in _candidates():
        place = root / _fingerprint()
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                return place
        except OSError:
            continue  # the next candidate
    return None


def _candidates() -> list[Path]:
    if "HANDGRAD_CACHE_DIR" in os.environ:
        return [Path(os.environ["HANDGRAD_CACHE_DIR"])]
    homes = {"Darwin": "~/Library/Caches", "Windows": os.environ.get("LOCALAPPDATA", "~/AppData/Local")}
    default = homes.get(platform.system(), os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    return [Path(default).expanduser() / "handgrad"]


def _fingerprint() -> str:
    """A hash of all that the compiled code is made of, besides a kernel's own text."""
    parts = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    parts += [f"{name} {version(name)}".encode() for name in ("numba", "llvmlite", "numpy")]
    parts += [sys.version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _write(path: Path, text: str) -> None:
    """Whole or not at all, also while another process writes the same."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)


def _rehomed(function: FunctionType, home: Path) -> FunctionType:
    """The same function as if it stood in that file, where Numba then keeps its cache."""
    code = function.__code__.replace(co_filename=str(home), co_name=home.stem, co_qualname=home.stem)
    return FunctionType(code, function.__globals__, home.stem, None, function.__closure__)


def _announce() -> None:
    if "compiling" not in _announced:
        _announced.add("compiling")
        where = folder()
        once = "once on this machine" if where is not None else "its cache folder cannot be written, so each time"
        print(f"handgrad: compiling the engine ({once}; some seconds) ...", file=sys.stderr, flush=True)
