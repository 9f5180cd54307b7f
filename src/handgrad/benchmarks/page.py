"""The results as Markdown tables, for the documentation."""

from collections.abc import Sequence

from handgrad.benchmarks.bench import Growth, Results, Startup
from handgrad.benchmarks.contenders import OURS
from handgrad.benchmarks.measuring import Comparison, Spread, Timing

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def write_page(results: Results, picture: str) -> str:
    """A page with one table of times, one of ratios, the picture, first calls and growth."""
    names = contenders(results)
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    parts = [
        "# Measurements\n\n"
        f"Made by `handgrad bench` on {results.date}; {results.machine}; {versions}.\n\n"
        "Every contender runs once in each round, in rotating order and in a process of its own; a cell has the median "
        "over the rounds and, in brackets, the smallest and the largest. The floor is the matrix products alone."
        + ("" if results.whole else " Of large workloads a part was run, and the time scaled to the whole."),
        _grid("time", names, [[label(each), *(_cell(each, name) for name in names)] for each in results.comparisons]),
        f"![Times over handgrad's]({picture})",
        _grid(
            "time over handgrad's",
            names,
            [[label(each), *(_ratio_cell(each, name) for name in names)] for each in results.comparisons],
        ),
        _grid(
            "peak memory",
            names,
            [[label(each), *(_memory(timing_of(each, name)) for name in names)] for each in results.comparisons],
        ),
        "\n".join(f"- {each.workload}: {each.title}" for each in _once(results.comparisons)),
    ]
    if results.startups:
        parts += ["## The first call", _startup_table(results.startups)]
    if results.growth:
        parts += ["## How time grows", _growth_table(results.growth)]
    if gaps := missing(results):
        parts.append("Not measured: " + "; ".join(gaps) + ".")
    return "\n\n".join(parts) + "\n"


def contenders(results: Results) -> list[str]:
    """The names that appear, in the order of measuring."""
    return list(dict.fromkeys(timing.contender for each in results.comparisons for timing in each.timings))


def missing(results: Results) -> list[str]:
    """Who is missing where, and why; without the places where it is missing everywhere."""
    places: dict[tuple[str, str], list[str]] = {}
    for each in results.comparisons:
        for name, why in each.absent.items():
            places.setdefault((name, why), []).append(label(each))
    everywhere = len(results.comparisons)
    return [
        f"{name}{'' if len(where) == everywhere else ' on ' + ' and '.join(where)} ({why})"
        for (name, why), where in places.items()
    ]


def label(comparison: Comparison) -> str:
    """The workload, and how many cores if more than one."""
    return comparison.workload if comparison.cores == 1 else f"{comparison.workload}, {comparison.cores} cores"


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.01234), duration(2.0e-6), duration(123.4)
    ('12.3 ms', '2.00 µs', '123 s')
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{digits(seconds / size)} {unit}"


def between(spread: Spread) -> str:
    """The range in the unit of the median.

    >>> between(Spread(0.012, 0.0099, 0.0131))
    '9.90-13.1 ms'
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if spread.median >= size), _UNITS[-1])
    return f"{digits(spread.low / size)}-{digits(spread.high / size)} {unit}"


def digits(value: float) -> str:
    """Three significant digits, without an exponent.

    >>> digits(1234.5), digits(12.345), digits(0.98765)
    ('1234', '12.3', '0.988')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def timing_of(comparison: Comparison, name: str) -> Timing | None:
    """The timing of that contender, if it was measured."""
    return next((each for each in comparison.timings if each.contender == name), None)


def _cell(comparison: Comparison, name: str) -> str:
    timing = timing_of(comparison, name)
    if timing is None:
        return "-"
    spread = Spread.of(timing.seconds)
    return f"{duration(spread.median)} ({between(spread)})"


def _ratio_cell(comparison: Comparison, name: str) -> str:
    timing = timing_of(comparison, name)
    ratio = None if timing is None else comparison.ratio(timing)
    if ratio is None:
        return "-"
    if name == OURS:
        return "1"
    return f"{digits(ratio.median)} ({digits(ratio.low)}-{digits(ratio.high)})"


def _memory(measured: Timing | Startup | None) -> str:
    return "-" if measured is None or measured.peak_mb is None else f"{measured.peak_mb:.0f} MB"


def _once(comparisons: Sequence[Comparison]) -> list[Comparison]:
    return list({each.workload: each for each in comparisons}.values())


def _startup_table(startups: Sequence[Startup]) -> str:
    rows = [
        [
            each.contender,
            duration(each.import_seconds),
            duration(each.cold_seconds),
            duration(each.warm_seconds),
            _memory(each),
        ]
        for each in startups
    ]
    columns = ["import", "first call, caches empty", "first call, caches filled", "peak memory"]
    text = "One step of W1 in a fresh process; import is what comes on top of Python and NumPy."
    return f"{text}\n\n{_grid('contender', columns, rows)}"


def _growth_table(growth: Sequence[Growth]) -> str:
    rows = [
        [f"{each.workload}, {value:,} {each.what}", duration(seconds), digits(share)]
        for each in growth
        for value, seconds, share in zip(each.values, each.seconds, each.per_unit, strict=True)
    ]
    return _grid("handgrad", ["time", "time per unit, over that of the smallest"], rows)


def _grid(corner: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[corner, *columns], ["---"] * (len(columns) + 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
