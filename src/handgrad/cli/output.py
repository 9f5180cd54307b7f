"""What commands write: JSON or tables on standard output, bars on standard error, folders that are whole or absent."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what --out already holds.")]


def print_json(result: Any) -> None:
    """The result as JSON, alone on standard output."""
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; gives a function that takes (done, total)."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    left = TextColumn("left:"), TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def output_folder(out: Path, force: bool) -> Iterator[Path]:
    """A folder to fill beside `out`, whose files move there at the end; if anything fails, nothing has changed.

    Raises
    ------
    FileExistsError
        `out` is a file, or a folder with something in it and not `force`.
    OSError
        Nothing can be written there.
    """
    require_folder(out, force)
    with _writable(out):
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield partial
        with _writable(out):
            out.mkdir(exist_ok=True)
            for file in partial.iterdir():
                os.replace(file, out / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_folder(out: Path, force: bool) -> None:
    """Refuse, before any work is done, what `output_folder` would refuse."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"--out is {str(out)!r}, which is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise FileExistsError(f"--out is {str(out)!r}, which holds something already; name another folder, or --force")
    with _writable(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()


def require_writable(out: Path, force: bool) -> None:
    """Refuse, before any work is done, a file that exists already (unless `force`) or cannot be written."""
    if out.exists() and not force:
        raise FileExistsError(f"--out: {str(out)!r} exists already; name another place, or move it away")
    with _writable(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()


def write_file(out: Path, text: str, force: bool) -> None:
    """Write a file, whole or not at all; refuses to replace one unless `force`."""
    from handgrad.experiments.writing import write_atomically

    require_writable(out, force)
    with _writable(out):
        write_atomically(out, text)


@contextmanager
def writing(out: Path, force: bool) -> Iterator[TextIO]:
    """A text file to write bit by bit, which takes its place at the end; if anything fails, nothing has changed."""
    require_writable(out, force)
    with _writable(out):
        descriptor, partial = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-", suffix=".partial")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        with _writable(out):
            os.chmod(partial, 0o644)  # mkstemp's file is its owner's alone
            os.replace(partial, out)
    finally:
        Path(partial).unlink(missing_ok=True)  # there only if something went wrong


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"--out is {str(out)!r}, where nothing can be written ({reason}); name another place") from error


def table(*columns: str) -> Any:
    """A plain table for a terminal; a column whose name ends in > is aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        grid.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return grid


def show(*parts: Any) -> None:
    """Print text and tables to standard output, with an empty line around each table."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    for before, part in zip((None, *parts), parts, strict=False):
        if before is not None and not (isinstance(before, str) and isinstance(part, str)):
            console.print()
        console.print(part)
