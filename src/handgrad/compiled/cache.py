"""Compiled code on disk: compiled once on a machine, afterwards loaded in milliseconds, without Numba.

Each C function is a file of object code, with its symbol and a checksum. The folder is named after everything that
goes into the code: the sources of this room, the versions of what compiles them, and the kind of processor; a
generated kernel's file is named after its text. So what changes gets another name, and nothing is ever out of date.

The folder lies in the user's cache folder, or in HANDGRAD_CACHE_DIR. Where nothing can be written, code is compiled in
memory, each time anew. A file that is damaged is compiled again.
"""

import ctypes
import hashlib
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handgrad.compiled.expressions import NotCompilable

Code = tuple[str, bytes]  # the symbol of a C function, and the object code that defines it

_lock = threading.RLock()
_alive: list[Any] = []  # code lives as long as the engine that loaded it
_announced: list[str] = []


def load(name: str, make: Callable[[], Code]) -> int:
    """The address of the C function of that name: from the cache, or else of what `make` compiles now."""
    with _lock:
        try:
            home = folder()
            code = None if home is None else _read(home / f"{name}.o")
            if code is None:
                code = make()
                if home is not None:
                    _write(home / f"{name}.o", code)
            return _address(*code)
        except ImportError as missing:
            raise NotCompilable(f"Numba cannot be imported ({missing})") from missing


def announce(dtype: str) -> None:
    """Say once for a dtype that something is being compiled, and what to expect."""
    if dtype not in _announced:
        _announced.append(dtype)
        kept = "its cache folder cannot be written, so at each start" if folder() is None else "kept for later starts"
        print(f"handgrad: compiling for {dtype} ({kept}; up to ten seconds) ...", file=sys.stderr, flush=True)


@cache
def folder() -> Path | None:
    """The cache folder of these sources, versions and processor; None where nothing can be written."""
    fingerprint = _fingerprint()
    try:
        place = _root() / fingerprint
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place
    except (OSError, RuntimeError):  # it cannot be written, or there is no home at all
        return None


def _root() -> Path:
    if os.environ.get("HANDGRAD_CACHE_DIR"):
        return Path(os.environ["HANDGRAD_CACHE_DIR"]).expanduser()
    homes = {"Darwin": "~/Library/Caches", "Windows": os.environ.get("LOCALAPPDATA", "~/AppData/Local")}
    default = homes.get(platform.system(), os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return Path(default).expanduser() / "handgrad"


def _fingerprint() -> str:
    """A hash of all that the compiled code is made of, besides a kernel's own text."""
    llvm = _llvm()
    sources = [*Path(__file__).parent.glob("*.py"), Path(__file__).parent.parent / "randomness.py"]
    parts = [path.read_bytes() for path in sorted(sources)]
    parts += [f"{name} {version(name)}".encode() for name in ("numba", "llvmlite", "numpy")]
    parts += [sys.version.encode(), llvm.get_host_cpu_name().encode(), llvm.get_host_cpu_features().flatten().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _address(symbol: str, code: bytes) -> int:
    """Load object code into this process."""
    llvm = _llvm()
    for name in ("numba_gil_ensure", "numba_gil_release", "numba_unpickle"):
        if llvm.address_of_symbol(name) is None:  # Numba, by which it would report an exception, is not loaded
            llvm.add_symbol(name, _never_called())  # and our code raises none
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _alive.append(engine)
    return int(engine.get_function_address(symbol))


@cache
def _machine() -> Any:
    llvm = _llvm()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), opt=3, codemodel="jitdefault", jit=True)


@cache
def _never_called() -> int:
    return int(ctypes.cast(ctypes.pythonapi.Py_FatalError, ctypes.c_void_p).value or 0)


def _read(place: Path) -> Code | None:
    """What `_write` wrote, if it is there and whole."""
    try:
        checksum, symbol, code = place.read_bytes().split(b"\n", 2)
    except (OSError, ValueError):
        return None
    if hashlib.sha256(symbol + code).hexdigest().encode() != checksum:
        return None
    return symbol.decode(), code


def _write(place: Path, code: Code) -> None:
    """Whole or not at all, also while another process writes the same; a full disk only costs the next start."""
    symbol = code[0].encode()
    checksum = hashlib.sha256(symbol + code[1]).hexdigest().encode()
    try:
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".tmp", delete=False) as file:
            file.write(b"\n".join([checksum, symbol, code[1]]))
        os.replace(file.name, place)
    except OSError as reason:
        print(f"handgrad: compiled code could not be kept ({reason})", file=sys.stderr, flush=True)
