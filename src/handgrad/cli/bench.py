"""`handgrad bench`: how fast handgrad is here, beside others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, bar, output_folder, print_json, show, table

if TYPE_CHECKING:
    from handgrad.benchmarks import Results


@one_line_errors
def bench(
    peers: Annotated[bool, typer.Option("--peers", help="Also scikit-learn, PyTorch and JAX, if installed.")] = False,
    only: Annotated[
        str | None, typer.Option(help="Workloads, such as W1,W3; without it, all.", show_default=False)
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each runs, at least.", min=1)] = 5,
    whole: Annotated[bool, typer.Option("--whole", help="Run large workloads whole, not a part of them.")] = False,
    growth: Annotated[
        bool, typer.Option("--growth", help="Also how time grows with networks, rows and epochs; takes minutes.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for performance.md, .png and .json.", show_default=False)
    ] = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Measure handgrad beside the plain NumPy loop, the bare matrix products, and other libraries.

    Each contender has a process of its own; they take turns, so that a busy machine slows all alike. Times are
    medians; the range is that of the rounds.

    Example: handgrad bench --only W1,W2
    """
    names = _names(only)
    if out is None:
        results = _measure(names, peers, rounds, whole, growth)
    else:
        with output_folder(out, force) as partial:
            results = _measure(names, peers, rounds, whole, growth)
            save(results, partial)
    if json:
        print_json(results.to_dict())
    else:
        show(*_tables(results), *([] if out is None else [f"Saved in {out}: performance.md, .png and .json"]))


def save(results: "Results", folder: Path) -> None:
    """The page, its picture and the numbers."""
    import json

    from handgrad.benchmarks import write_page
    from handgrad.benchmarks.picture import draw
    from handgrad.plots import style

    (folder / "performance.md").write_text(write_page(results, "performance.png"), encoding="utf-8")
    text = json.dumps(results.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "performance.json").write_text(text, encoding="utf-8")
    with style():
        draw(results).savefig(folder / "performance.png", dpi=150, facecolor="white")


def _names(only: str | None) -> list[str]:
    from handgrad.benchmarks import WORKLOADS
    from handgrad.rules import unknown

    names = list(WORKLOADS) if only is None else [name.strip() for name in only.split(",")]
    for name in names:
        if name not in WORKLOADS:
            raise unknown("workload", name, WORKLOADS)
    return names


def _measure(names: list[str], peers: bool, rounds: int, whole: bool, growth: bool) -> "Results":
    from handgrad.benchmarks import bench

    with bar("measuring") as progress:
        return bench(names, peers=peers, rounds=rounds, whole=whole, growth=growth, progress=progress)


def _tables(results: "Results") -> list[Any]:
    """Times and ratios, first calls, growth, and who is missing."""
    from handgrad.benchmarks.page import missing

    parts = [f"{results.machine}; " + ", ".join(f"{name} {number}" for name, number in results.versions.items())]
    parts += [_times(results), _startups(results)]
    if results.growth:
        parts.append(_growth(results))
    if not results.whole:
        parts.append("Of large workloads a part was run, and the time scaled to the whole (--whole runs all).")
    return parts + [f"Not measured: {each}" for each in missing(results)]


def _times(results: "Results") -> Any:
    from handgrad.benchmarks.contenders import OURS
    from handgrad.benchmarks.measuring import Spread
    from handgrad.benchmarks.page import between, digits, duration, label

    grid = table("", "", "time>", "range>", "over ours>", "range>")
    for comparison in results.comparisons:
        name = label(comparison)
        for timing in comparison.timings:
            spread = Spread.of(timing.seconds)
            ratio = None if timing.contender == OURS else comparison.ratio(timing)
            shown = ["", ""] if ratio is None else [digits(ratio.median), f"{digits(ratio.low)}-{digits(ratio.high)}"]
            grid.add_row(name, timing.contender, duration(spread.median), between(spread), *shown)
            name = ""
    return grid


def _startups(results: "Results") -> Any:
    from handgrad.benchmarks.page import duration

    grid = table("first step of W1", "import>", "caches empty>", "caches filled>", "memory>")
    for each in results.startups:
        times = (each.import_seconds, each.cold_seconds, each.warm_seconds)
        memory = "" if each.peak_mb is None else f"{each.peak_mb:.0f} MB"
        grid.add_row(each.contender, *(duration(seconds) for seconds in times), memory)
    return grid


def _growth(results: "Results") -> Any:
    from handgrad.benchmarks.page import digits, duration

    grid = table("handgrad", "time>", "per unit, over the smallest>")
    for each in results.growth:
        for value, seconds, share in zip(each.values, each.seconds, each.per_unit, strict=True):
            grid.add_row(f"{each.workload}, {value:,} {each.what}", duration(seconds), digits(share))
    return grid
