"""Paths, and a file that is written whole or not at all: the one writer of everything that must not be half there."""

import contextlib
import os
import platform
import re
import secrets
import zlib
from pathlib import Path

_OPEN: set[Path] = set()  # the temporary files that this process is writing
_SWEPT: set[Path] = set()  # the folders where it looked for those of writers that were killed


def require_file(path: object) -> Path:
    """The path of a file that is there."""
    file = _require_path(path)
    if file.is_dir():
        raise IsADirectoryError(f"path is {str(file)!r}, a folder; expected a file that handgrad.save wrote")
    if not file.exists():
        raise FileNotFoundError(
            f"path is {str(file)!r}, but there is no such file (the working folder is {Path.cwd()})"
        )
    if not file.is_file():
        raise ValueError(f"path is {str(file)!r}, a device or a pipe; expected a file that handgrad.save wrote")
    return file


def require_place(path: object, argument: str = "path") -> Path:
    """Where to write: the file that a link leads to, so that the link stays."""
    place = Path(os.path.realpath(_require_path(path, argument)))
    if place.is_dir():
        raise IsADirectoryError(
            f"{argument} is {str(path)!r}, a folder; expected a file, such as 'net.safetensors' in it"
        )
    if place.exists() and not place.is_file():
        raise ValueError(f"{argument} is {str(path)!r}, a device or a pipe; expected a file")
    if not place.parent.is_dir():
        raise FileNotFoundError(
            f"{argument} is {str(path)!r}, but there is no folder {str(place.parent)!r}; make it first"
        )
    return place


def _require_path(path: object, argument: str = "path") -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{argument} is {path!r}; expected text or a pathlib.Path, such as 'net.safetensors'")
    return Path(path)


def replace(place: Path, content: bytes, what: str = "the network", previous: Path | None = None) -> None:
    """Put the content there in one step: whoever reads finds the old file or the new one, never a part.

    `what` is what the error says was not saved. `previous` is where the old file is kept, if there is one; there is a
    file at `place` at every moment from the first writing on.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for content in (b"one", b"two"):
    ...         replace(Path(folder, "note"), content, "the note", Path(folder, "note.previous"))
    ...     sorted((each.name, each.read_bytes()) for each in Path(folder).iterdir())
    [('note', b'two'), ('note.previous', b'one')]

    Raises
    ------
    OSError
        Nothing can be written there, or not enough; what was there before is still there.
    """
    _sweep(place.parent)
    try:
        _put(place, content, previous)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{what} was not saved: {error.strerror or error}; is the folder yours to write, with room?",
            str(place),
        ) from error
    _sync_folder(place.parent)


def _put(place: Path, content: bytes, previous: Path | None) -> None:
    temporary = _beside(place)
    _OPEN.add(temporary)
    try:
        _write(temporary, content)
        if previous is not None and place.exists():
            _keep(place, previous)
        os.replace(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)  # there only if something went wrong
        _OPEN.discard(temporary)


def _keep(place: Path, previous: Path) -> None:
    """The old file under a second name as well: by a link, or by a copy where the disk knows no links."""
    second = _beside(place)
    _OPEN.add(second)
    try:
        try:
            os.link(place, second)
        except OSError:
            _write(second, place.read_bytes())
        os.replace(second, previous)
    finally:
        second.unlink(missing_ok=True)
        _OPEN.discard(second)


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the move itself last through a power cut, on systems that let a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- temporary files --------------------------------------------------------------------------------------------------


def _beside(place: Path) -> Path:
    """A new name in the same folder, for a move within a disk; it tells on which machine who is writing."""
    return place.with_name(f".handgrad-{_machine()}-{os.getpid()}-{secrets.token_hex(8)}.tmp")


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _sweep(folder: Path) -> None:
    """Remove, once, what writers on this machine left behind when they were killed."""
    if folder in _SWEPT:
        return
    _SWEPT.add(folder)
    for file in folder.glob(f".handgrad-{_machine()}-*.tmp"):
        found = re.fullmatch(r"\.handgrad-[0-9a-f]{8}-(\d{1,9})-[0-9a-f]{16}\.tmp", file.name)
        if found and file not in _OPEN and not _is_alive(int(found[1])):
            with contextlib.suppress(OSError):  # somebody else was quicker, or it is open (Windows)
                file.unlink()


def _is_alive(process: int) -> bool:
    """Whether another process of that number runs; on Windows, where asking would end it, an open file stays anyway."""
    if os.name == "nt" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is somebody else's
    return True
