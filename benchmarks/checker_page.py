"""The page of `gradient_checkers.py`: tables in Markdown from the verdicts on all cases."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from statistics import median
from typing import Any

from checker_tools import RULES

Record = dict[str, Any]
_OUTCOME, _CAUSE, _NOTE = 0, 1, 2
_NAMING = ("check_gradient", "check_network")


def page(records: Sequence[Record], tools: Sequence[str], absent: Sequence[str]) -> str:
    """All tables, with what they say and how it was measured."""
    parts = ["# What gradient checkers find", _how(records, absent), _main_table(records, tools), _rules(tools)]
    parts += ["## Mistakes missed", _missed(records, tools)]
    parts += ["## Right gradients accused, by the number of the case", _accused(records, tools)]
    for tool in tools:
        if tool in _NAMING:
            parts += [f"## Causes that {tool} names", _named(records, tool)]
    raised = _raised(records, tools)
    return "\n\n".join([*parts, *(["## Errors raised", raised] if raised else [])]) + "\n"


def _how(records: Sequence[Record], absent: Sequence[str]) -> str:
    counted, kinks = sum(record["counts"] for record in records), sum(record["kinks"] for record in records)
    kinds = len({record["mistake"] for record in records})
    text = (
        f"{len(records)} random networks, {kinks} of them on kinks, each judged right and with one of {kinds} kinds of "
        f"mistake; {counted} of the mistakes change some parameter's gradient by a millionth of its norm, and count. "
        f"Mistakes that need a memory had one call elsewhere before. Made by `python benchmarks/gradient_checkers.py`; "
        f"{_versions()}."
    )
    return text + (f" Not installed, left out: {', '.join(absent)}." if absent else "")


def _versions() -> str:
    found = [f"Python {python_version()}"]
    for package in ("handgrad", "numpy", "scipy", "torch", "jax"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _main_table(records: Sequence[Record], tools: Sequence[str]) -> str:
    smooth, kinks = (lambda record: not record["kinks"]), (lambda record: record["kinks"])
    head = (
        "tool | mistakes found | on smooth points | on kinks | abstained on a mistake | right gradients accused | "
        "on smooth points | on kinks | abstained, smooth | abstained, kinks | cause named | median time"
    )
    rows = [
        [
            tool,
            _share(records, tool, "wrong", "wrong"),
            _share(records, tool, "wrong", "wrong", smooth),
            _share(records, tool, "wrong", "wrong", kinks),
            _share(records, tool, "wrong", "abstains"),
            _share(records, tool, "right", "wrong"),
            _share(records, tool, "right", "wrong", smooth),
            _share(records, tool, "right", "wrong", kinks),
            _share(records, tool, "right", "abstains", smooth),
            _share(records, tool, "right", "abstains", kinks),
            _named_share(records, tool),
            f"{1e3 * median(record['verdicts'][tool]['seconds'][0] for record in records):.0f} ms",
        ]
        for tool in tools
    ]
    return _table(head.split(" | "), rows)


def _judgements(records: Iterable[Record], tool: str, side: str) -> list[tuple[Record, list[str]]]:
    """The cases that a tool judged on one side, "right" or "wrong", with its verdicts."""
    pairs = [(record, record["verdicts"][tool][side]) for record in records]
    return [(record, verdict) for record, verdict in pairs if verdict is not None]


def _share(
    records: Iterable[Record], tool: str, side: str, outcome: str, among: Callable[[Record], bool] = lambda _: True
) -> str:
    judged = _judgements(filter(among, records), tool, side)
    return _fraction(sum(verdict[_OUTCOME] == outcome for _, verdict in judged), len(judged))


def _named_share(records: Sequence[Record], tool: str) -> str:
    """Among the mistakes that have a name."""
    if tool not in _NAMING:
        return "-"
    judged = [pair for pair in _judgements(records, tool, "wrong") if pair[0]["cause"] != "unknown"]
    return _fraction(sum(verdict[_CAUSE] == record["cause"] for record, verdict in judged), len(judged))


def _fraction(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part}/{whole})" if whole else "-"


def _rules(tools: Sequence[str]) -> str:
    return "\n".join(f"- {tool}: {RULES[tool]}" for tool in tools)


def _missed(records: Sequence[Record], tools: Sequence[str]) -> str:
    rows = []
    for tool in tools:
        judged = _judgements(records, tool, "wrong")
        missed = Counter(record["mistake"] for record, verdict in judged if verdict[_OUTCOME] == "right")
        abstained = Counter(record["mistake"] for record, verdict in judged if verdict[_OUTCOME] == "abstains")
        rows.append([tool, _counted(missed), _counted(abstained)])
    return _table(["tool", "passed as right", "abstained"], rows)


def _accused(records: Sequence[Record], tools: Sequence[str]) -> str:
    rows = []
    for tool in tools:
        accused = [record for record, verdict in _judgements(records, tool, "right") if verdict[_OUTCOME] == "wrong"]
        sides = [[str(record["number"]) for record in accused if record["kinks"] == side] for side in (False, True)]
        rows.append([tool, *(", ".join(side) or "-" for side in sides)])
    return _table(["tool", "on smooth points", "on kinks"], rows)


def _named(records: Sequence[Record], tool: str) -> str:
    """For each mistake the causes that were named; misnamed ones first."""
    by_mistake: dict[tuple[str, str], Counter[str]] = {}
    for record, verdict in _judgements(records, tool, "wrong"):
        said = verdict[_CAUSE] if verdict[_OUTCOME] != "right" else "(passed)"
        by_mistake.setdefault((record["mistake"], record["cause"]), Counter())[said or "(none)"] += 1
    order = sorted(by_mistake.items(), key=lambda pair: pair[1][pair[0][1]] / pair[1].total())
    rows = [[mistake, cause, _fraction(said[cause], said.total()), _counted(said)] for (mistake, cause), said in order]
    return _table(["mistake", "cause", "named so", "all that was named"], rows)


def _raised(records: Sequence[Record], tools: Sequence[str]) -> str:
    """Errors count as alarms; here they can be seen."""
    notes = Counter(
        f"{tool}, {side} gradient: {verdict[_NOTE]}"
        for tool in tools
        for side in ("right", "wrong")
        for _, verdict in _judgements(records, tool, side)
        if verdict[_NOTE]
    )
    return "\n".join(f"- {count} times {note}" for note, count in notes.most_common())


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
