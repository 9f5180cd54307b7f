"""What gradient checkers find, and whom they accuse: random networks, right and with a planted mistake.

    python benchmarks/gradient_checkers.py --cases 252
    python benchmarks/gradient_checkers.py --cases 840 --out docs/gradient-checkers.md --json checkers.json
    python benchmarks/gradient_checkers.py --cases 84 --tools check_gradient,torch_slow

Every case is a network with its data: each tool judges its right gradient, and the gradient with one mistake of
`handgrad.gradcheck.mistakes`. All tools run in the same process on the same case. A third of the networks lie on kinks:
relu at zero, where a derivative does not exist and an honest tool abstains. Mistakes that change no parameter's
gradient by a millionth of its norm are left out of the count.
"""

import json
import multiprocessing
import os
import time
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from checker_cases import case, matters, planted
from checker_page import page
from checker_tools import RULES, judged, missing


def measured(task: tuple[int, int, list[str]]) -> dict[str, Any]:
    """One case: what it is, and for each tool its verdicts on the right network and on the planted one."""
    number, seed, tools = task
    warnings.simplefilter("ignore")  # overflow in a wrong gradient; what counts is the verdict
    one = case(number, seed)
    counts = matters(one)
    verdicts = {}
    for tool in tools:
        start = time.perf_counter()
        right = judged(tool, one.net, one.data)
        between = time.perf_counter()
        wrong = judged(tool, planted(one), one.data) if counts else None
        seconds = [between - start, time.perf_counter() - between]
        verdicts[tool] = {"right": right, "wrong": wrong, "seconds": seconds}
    about = {"number": number, "network": repr(one.net), "kinks": one.kinks}
    return about | {"mistake": one.mistake.name, "cause": one.mistake.cause, "counts": counts, "verdicts": verdicts}


def main(
    cases: Annotated[int, typer.Option(help="Networks, each judged right and with one mistake.")] = 252,
    seed: Annotated[int, typer.Option(help="Of the networks and data.")] = 0,
    first: Annotated[int, typer.Option(help="The number of the first case.")] = 0,
    tools: Annotated[str, typer.Option(help=f"Some of {','.join(RULES)}.")] = ",".join(RULES),
    processes: Annotated[int, typer.Option(help="How many run side by side, of one thread each.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Where to write the page; else it is printed.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write every verdict.")] = None,
    read: Annotated[list[Path] | None, typer.Option(help="Make the page from such files, and measure nothing.")] = None,
) -> None:
    """Measure, and write a page in Markdown."""
    chosen = [tool.strip() for tool in tools.split(",")]
    for tool in chosen:
        if tool not in RULES:
            raise typer.BadParameter(f"unknown tool {tool!r}; known: {', '.join(RULES)}")
    absent = {tool: missing(tool) for tool in chosen if missing(tool)}
    for tool, package in absent.items():
        typer.echo(f"{tool} is left out: {package} is not installed", err=True)
    chosen = [tool for tool in chosen if tool not in absent]
    if read:
        records = [record for path in read for record in json.loads(path.read_text(encoding="utf-8"))]
        chosen = [tool for tool in chosen if all(tool in record["verdicts"] for record in records)]
    else:
        records = _measure([(number, seed, chosen) for number in range(first, first + cases)], processes)
    if json_file:
        json_file.write_text(json.dumps(records), encoding="utf-8")
    text = page(records, chosen, sorted(absent))
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        typer.echo(text)


def _measure(tasks: list[tuple[int, int, list[str]]], processes: int) -> list[dict[str, Any]]:
    """Started afresh, not forked: PyTorch and JAX have threads."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for the processes that are started
    records = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for record in pool.imap(measured, tasks, chunksize=1):
            records.append(json.loads(json.dumps(record, default=str)))
            if len(records) % 50 == 0:
                typer.echo(f"{len(records)} of {len(tasks)} cases", err=True)
    return records


if __name__ == "__main__":
    typer.run(main)
