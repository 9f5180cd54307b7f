"""Paths, and a file that is written whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path


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


def require_place(path: object) -> Path:
    """Where to write: the file that a link leads to, so that the link stays."""
    place = Path(os.path.realpath(_require_path(path)))
    if place.is_dir():
        raise IsADirectoryError(f"path is {str(path)!r}, a folder; expected a file, such as 'net.safetensors' in it")
    if place.exists() and not place.is_file():
        raise ValueError(f"path is {str(path)!r}, a device or a pipe; expected a file")
    if not place.parent.is_dir():
        raise FileNotFoundError(f"path is {str(path)!r}, but there is no folder {str(place.parent)!r}; make it first")
    return place


def _require_path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path is {path!r}; expected text or a pathlib.Path, such as 'net.safetensors'")
    return Path(path)


def replace(place: Path, content: bytes) -> None:
    """Put the content there in one step: whoever reads finds the old file or the new one, never a part."""
    temporary = place.with_name(f".handgrad-{secrets.token_hex(8)}.tmp")  # in the same folder, for a move within a disk
    try:
        _write(temporary, content)
        os.replace(temporary, place)
    except OSError as error:
        raise OSError(
            error.errno,
            f"the network was not saved: {error.strerror or error}; is the folder yours to write, with room?",
            str(place),
        ) from error
    finally:
        temporary.unlink(missing_ok=True)  # there only if something went wrong
    _sync_folder(place.parent)


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
