"""The results as a picture: times over handgrad's, on a logarithmic axis."""

from typing import TYPE_CHECKING

from handgrad.benchmarks.bench import Results
from handgrad.benchmarks.contenders import OURS
from handgrad.benchmarks.page import contenders, label, timing_of
from handgrad.plots.theme import MARKERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(results: Results) -> "Figure":
    """One row for each workload, one marker for each contender, a line from its smallest to its largest ratio."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    rows, names = results.comparisons, [name for name in contenders(results) if name != OURS]
    figure = Figure(figsize=(8, 1.6 + 0.42 * len(rows)), layout="constrained")
    ax = figure.subplots()
    ax.axvline(1, color="0.5", linewidth=1.2, label=OURS)
    for place, name in enumerate(names):
        offset = 0.5 * (place / max(1, len(names) - 1) - 0.5) if len(names) > 1 else 0.0
        found = [(y + offset, each.ratio(timing)) for y, each in enumerate(rows) if (timing := timing_of(each, name))]
        ratios = [(y, ratio) for y, ratio in found if ratio is not None]
        middle = [ratio.median for _, ratio in ratios]
        below = [ratio.median - ratio.low for _, ratio in ratios]
        above = [ratio.high - ratio.median for _, ratio in ratios]
        marker = MARKERS[place % len(MARKERS)]
        heights = [y for y, _ in ratios]
        ax.errorbar(middle, heights, xerr=[below, above], fmt=marker, markersize=5, elinewidth=1.2, label=name)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_yticks(range(len(rows)), [label(each) for each in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel("time over handgrad's (1: as fast; right of it: slower)")
    ax.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=4)
    return figure
