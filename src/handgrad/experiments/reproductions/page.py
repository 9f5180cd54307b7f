"""All reproductions that were run, as one page of Markdown with pictures beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.experiments.reproductions.reproduction import Reproduced

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INTRODUCTION = """# Reproductions

Published experiments, run here over many seeds. A published figure is mostly that of one run: it is placed among ours,
and agrees where it lies in the range that holds 95 % of single runs. Of twenty such figures one is expected to lie
outside by chance; and where our runs are few the range is wide, so that agreement says little. Statements about which
setting is better are held against paired differences, shares of runs against Wilson's interval. What we could not make
the same is said with each. `docs/statistics.md` explains the intervals.
"""


def write_page(folder: Path, done: Sequence[Reproduced], command: str, day: str) -> Path:
    """Write `reproductions.md` and its pictures into a folder; gives the page."""
    page = folder / "reproductions.md"
    parts = [_INTRODUCTION, f"Made on {day} with\n\n```sh\n{command}\n```\n"]
    parts += [_section(each, _draw(folder, each)) for each in done]
    page.write_text("\n".join(parts), encoding="utf-8", newline="\n")
    return page


def _section(done: Reproduced, pictures: dict[str, str]) -> str:
    about = done.reproduction
    rows = [
        _row(each.claim, each.published, each.ours, str(each.seeds), str(each.verdict))
        for each in done.outcome.findings
    ]
    lines = [
        f"## {about.name}: {about.title}",
        f"**Source.** {about.source}.",
        f"**Not the same.** {about.differs}.",
        f"**Size.** {done.size}; {done.seconds:.0f} s of computing. `{done.command}` makes it again.",
        "\n".join(["| | published | ours | runs | verdict |", "|---|---|---|---|---|", *rows]),
        *(f"![{shows}]({file})" for shows, file in pictures.items()),
    ]
    return "\n\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    escaped = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _draw(folder: Path, done: Reproduced) -> dict[str, str]:
    """The pictures as files, by what they show."""
    import matplotlib.pyplot as plt

    from handgrad import plots

    files = {}
    for i, (shows, draw) in enumerate(done.outcome.pictures.items(), start=1):
        files[shows] = f"reproduction-{done.reproduction.name}-{i}.png"
        with plots.style():
            figure: Figure = draw().figure  # type: ignore[assignment]
            figure.savefig(folder / files[shows], dpi=110, bbox_inches="tight", metadata={"Software": None})
            plt.close(figure)
    return files
