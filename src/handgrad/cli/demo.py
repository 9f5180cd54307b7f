"""`handgrad demo`: the whole tour, a report, and a summary of one screen."""

import time
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
    with bar("training") as progress:
        tour = take_tour(seeds=seeds, progress=progress)
    with bar("drawing") as progress:
        page = demo_report(tour, progress)
    write_file(path, page, force=ours)
    if json:
        print_json(tour.to_dict() | {"report": str(path)})
    else:
        show(*_summary(tour), f"{time.monotonic() - started:.0f} s. Open the report: {path}")
    if not all(proof.passed for proof in tour.proofs.values()):
        fail("demo", "a gradient is not proved; see the table above", FAILED)


def _summary(tour: "Tour") -> list[Any]:
    """Three tables: the networks, their proofs, what can be concluded."""
    from handgrad.experiments.words import in_words

    networks = table("network", "data", "test accuracy>", "")
    networks.add_row("2-10-2", "moons", f"{100 * tour.notebook.test_accuracy:.2f} %", "the notebook's, seed 42")
    digits = tour.digits
    networks.add_row(
        "64-100-10",
        "digits",
        in_words(digits.main_metric, digits.intervals()[()]),
        f"mean of {len(digits.seeds)} seeds",
    )

    proofs = table("gradients of", "parameter", "entries>", "not judged>", "relative error>", "verdict")
    for name, proof in tour.proofs.items():
        for check in proof.checks:
            figures = f"{check.entries:,}", str(check.unjudged), f"{check.relative_error:.1e}"
            proofs.add_row(name, check.name, *figures, check.verdict)
            name = ""

    answers = table(f"over {tour.seeds} seeds", "what can be concluded, and what cannot yet")
    for each in tour.answers:
        answers.add_row(each.comparison.title, each.result.conclusion())
    return [networks, proofs, answers]
