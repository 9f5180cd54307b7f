"""`handgrad demo`: the whole tour, a report, and a summary of one screen."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.output import JsonOption, bar, print_json, require_writable, show, table, write_file

if TYPE_CHECKING:
    from handgrad.experiments import Tour

_MARK = b'<meta name="generator" content="handgrad">'


@one_line_errors
def demo(
    out: Annotated[Path, typer.Option(help="Folder for index.html.")] = Path("report"),
    seeds: Annotated[int, typer.Option(help="Networks for each setting of a comparison.")] = 50,
    json: JsonOption = False,
) -> None:
    """The whole tour on real data: train, prove, compare, report.

    Writes one self-contained page, OUT/index.html; an earlier report of the demo there is replaced.

    Example: handgrad demo --out report
    """
    from handgrad.experiments import demo_report, take_tour

    started = time.monotonic()
    path = out / "index.html"
    ours = path.is_file() and _MARK in path.read_bytes()
    require_writable(path, force=ours)
    with _pool() as run:
        with bar("training") as progress:
            tour = take_tour(seeds=seeds, run=run, progress=progress)
        with bar("drawing") as progress:
            page = demo_report(tour, run, progress)
    write_file(path, page, force=ours)
    if json:
        print_json(tour.to_dict() | {"report": str(path)})
    else:
        show(*_summary(tour), f"{time.monotonic() - started:.0f} s. Open the report: {path}")
    if not all(proof.passed for proof in tour.proofs.values()):
        fail("demo", "a gradient is not proved; see the table above", FAILED)


@contextmanager
def _pool() -> Iterator[Any]:
    """The `map` of as many processes as there are cores, at most four; with one core the plain one."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == 1:
        yield map
        return
    with ProcessPoolExecutor(min(cores, 4), mp_context=get_context("spawn")) as pool:
        yield pool.map


def _summary(tour: "Tour") -> list[Any]:
    """Three tables: the networks, their proofs, what can be concluded."""
    from handgrad.experiments.words import conclusion, percent

    networks = table("network", "data", "test accuracy>", "")
    networks.add_row("2-10-2", "moons", f"{100 * tour.notebook.test_accuracy:.2f} %", "the notebook's, seed 42")
    digits = tour.digits
    networks.add_row("64-100-10", "digits", percent(digits.interval), f"mean of {len(digits.seeds)} seeds")

    proofs = table("gradients of", "parameter", "entries>", "not judged>", "relative error>", "verdict")
    for name, proof in tour.proofs.items():
        for check in proof.checks:
            figures = f"{check.entries:,}", str(check.unjudged), f"{check.relative_error:.1e}"
            proofs.add_row(name, check.name, *figures, check.verdict)
            name = ""

    answers = table(f"over {tour.seeds} seeds", "what can be concluded, and what cannot yet")
    for result in tour.results:
        answers.add_row(result.comparison.title, conclusion(result))
    return [networks, proofs, answers]
