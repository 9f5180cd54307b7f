"""A study as one page that holds everything it shows, and opens without a network."""

from collections.abc import Mapping
from typing import Any

from handgrad.experiments.page import page, paragraph, section, table, tiles
from handgrad.experiments.result import Result
from handgrad.experiments.sections import findings
from handgrad.experiments.statistics import POWER
from handgrad.experiments.words import in_words


def study_report(result: Result, command: str | None = None, margin: float = 0.0) -> str:
    """The whole page as text; `command` is what makes it again."""
    question = f"Does it matter? {_listed(result)} on {_data(result)}" if result.factors else f"On {_data(result)}"
    best = next(setting for setting in result.settings if result.name_of(setting) == result.best())
    metric = result.main_metric
    figures = [
        ("Best mean", result.name_of(best), f"{metric.replace('_', ' ')} {in_words(metric, result.intervals()[best])}"),
        ("Networks", f"{len(result.settings) * len(result.seeds):,}", f"{len(result.settings)} settings"),
        ("Seeds", f"{len(result.seeds):,}", "paired: each is the same for all settings"),
    ]
    body = [
        f"<header>\n<h1>{_escaped(question)}</h1>",
        tiles(figures),
        "</header>",
        section("findings", "What can be concluded, and what cannot yet", *findings(result, margin)),
        _settings(result),
        _method(result, margin),
        _again(result, command),
    ]
    return page(f"handgrad: {question}", "\n".join(body))


def _settings(result: Result) -> str:
    """All fields; those that vary say so."""
    recipes = [recipe.describe() for recipe in result.study.settings.values()]
    rows = []
    for part, fields in recipes[0].items():
        for name, value in _flat(fields).items():
            varies = any(_flat(each[part]).get(name) != value for each in recipes)
            rows.append((f"{part}.{name}", "varies" if varies else _shown(value)))
    return section("settings", "Settings", table("Every field of the study", ["field", "value"], rows, "lw"))


def _method(result: Result, margin: float) -> str:
    seeds, sources = len(result.seeds), ", ".join(sorted(result.study.sources))
    kind = next(iter(result.intervals().values())).method
    return section(
        "method",
        "Method",
        paragraph(
            f"{seeds} seeds; each decides {sources}, and is the same for all settings, so that they differ in nothing "
            f"but the setting. Intervals are 95 % over the seeds ({kind}). Differences are taken seed by seed and "
            "tested with paired t tests; p values are Holm's, over all pairs, at 5 % together; the interval of a "
            "difference is for that pair alone."
            + (f" Differences surely below {margin:g} count as equivalent." if margin else "")
        ),
        paragraph(
            "Where the verdict is “cannot tell”, the last column says about how many seeds more would show a "
            f"difference of the size seen, with a chance of {100 * POWER:.0f} %; a rough guide, being built on the "
            "difference seen. All this holds for this task and these settings."
        ),
    )


def _again(result: Result, command: str | None) -> str:
    rows = [(name, value) for each in result.environments for name, value in each.items()]
    parts = [table("Made with", ["", "version"], rows, "lw")]
    if command is not None:
        parts.insert(0, f"<pre>{_escaped(command)}</pre>")
    return section("again", "To make it again", *parts)


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Records as fields of their own: optimizer.learning_rate."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def _listed(result: Result) -> str:
    return " × ".join(name.replace("_", " ") for name in result.factors)


def _data(result: Result) -> str:
    return " and ".join(sorted({recipe.data.name for recipe in result.study.settings.values()}))


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)
