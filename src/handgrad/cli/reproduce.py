"""`handgrad reproduce`: published experiments, their figures beside what our seeds give."""

import shlex
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, bar, output_folder, print_json, show, table

if TYPE_CHECKING:
    from handgrad.experiments.reproductions import Reproduced, Reproduction


@one_line_errors
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Which: several, NAME=SEEDS, or all. See --list."),
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Say which there are.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller version, which says that it is smaller.")] = False,
    seeds: Annotated[int | None, typer.Option(help="How many networks for each setting; else as each has it.")] = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FILE.db", help="Keep finished networks there, and train only what is missing."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the page, reproductions.md, and its pictures.")
    ] = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Run a published experiment over many seeds, and set its published figures beside ours.

    The digits of MNIST are looked for in the folder that the environment variable HANDGRAD_DATA names.

    Examples: handgrad reproduce --list

    handgrad reproduce notebook --quick

    handgrad reproduce he2015 nielsen-1=9 --store runs.db --out reproductions

    handgrad reproduce all --store runs.db --out reproductions
    """
    from handgrad.experiments.reproductions import REPRODUCTIONS

    if list_them:
        _list(list(REPRODUCTIONS.values()), json)
        return
    if not names:
        raise ValueError(f"name a reproduction, or all: {', '.join(REPRODUCTIONS)}")
    chosen = _chosen(list(REPRODUCTIONS) if names == ["all"] else names, seeds)
    for each, number in chosen.items():
        each.require(number)
    with output_folder(out, force) if out is not None else nullcontext() as partial:
        done = [_run(each, quick, number, store) for each, number in chosen.items()]
        if partial is not None:
            _write(partial, done)
    if json:
        print_json([each.to_dict() for each in done])
        return
    for reproduced in done:
        show(*_shown(reproduced))
    if out is not None:
        show(f"The page: {out / 'reproductions.md'}")


def _chosen(names: list[str], seeds: int | None) -> "dict[Reproduction, int | None]":
    """The reproductions with their seeds, from NAME or NAME=SEEDS."""
    from handgrad.experiments.reproductions import find

    chosen = {}
    for text in names:
        name, equals, number = text.partition("=")
        if equals and not number.isdecimal():
            raise ValueError(f"{text!r}: seeds are {number!r}; expected NAME=SEEDS, such as {name}=10")
        chosen[find(name)] = int(number) if equals else seeds
    return chosen


def _run(chosen: "Reproduction", quick: bool, seeds: int | None, store: Path | None) -> "Reproduced":
    try:
        with bar(chosen.name) as progress:
            return chosen.run(quick, seeds, store, progress)
    except KeyboardInterrupt:
        kept = f"what was finished is in {store}: run the same command to go on" if store else "nothing is kept"
        fail("reproduce", f"interrupted; {kept}", FAILED)


def _write(folder: Path, done: list["Reproduced"]) -> None:
    from handgrad.experiments.reproductions.page import write_page

    write_page(folder, done, shlex.join(["handgrad", *sys.argv[1:]]), date.today().isoformat())


def _list(known: list["Reproduction"], json: bool) -> None:
    if json:
        print_json([{"name": each.name, "title": each.title, "source": each.source} for each in known])
        return
    grid = table("name", "what", "seeds>")
    for each in known:
        grid.add_row(each.name, each.title, str(each.seeds))
    show(grid)


def _shown(done: "Reproduced") -> list[Any]:
    """What the terminal shows of one."""
    about = done.reproduction
    grid = table("", "published", "ours", "runs>", "verdict")
    for each in done.outcome.findings:
        grid.add_row(each.claim, each.published, each.ours, str(each.seeds), str(each.verdict))
    head = f"{about.name}: {about.title}\n{about.source}.\nNot the same: {about.differs}."
    return [head, grid, f"{done.size}. {done.seconds:.0f} s."]
