"""What a page says of one result: the conclusion, every setting, every pair, and their pictures."""

import numpy as np

from handgrad.experiments import pictures
from handgrad.experiments.page import figure, paragraph, side_by_side, table
from handgrad.experiments.result import Result
from handgrad.experiments.statistics import Pair
from handgrad.experiments.words import difference_in_words, in_words, outlook, p_value

_MOST_PAIRS = 45  # that a page lists; of more settings only those of the best
_MOST_BOUNDARIES = 16


def findings(result: Result, margin: float = 0.0) -> list[str]:
    """The conclusion and all that it stands on."""
    several = len(result.seeds) > 1
    shown = [figure(pictures.intervals(result))] if several else []
    parts = [paragraph(result.conclusion(margin=margin), "conclusion"), side_by_side(settings_table(result), *shown)]
    if len(result.settings) > 1 and several:
        parts.append(pairs_table(result, margin))
    seeds = f"{len(result.seeds)} seeds" if several else "1 seed"
    parts.append(figure(pictures.learning_curves(result), f"Training loss, mean and 95 % interval over {seeds}."))
    if len(result.settings) <= _MOST_BOUNDARIES and (drawn := pictures.boundaries(result)) is not None:
        parts.append(figure(drawn, f"What seed {result.seeds[0]}'s networks decide, on its test points."))
    diverged = [f"{count} of {result.name_of(setting)}" for setting, count in result.diverged.items() if count]
    if diverged:
        parts.append(paragraph(f"Diverged, and measured where they stopped: {', '.join(diverged)}.", "note"))
    return parts


def settings_table(result: Result) -> str:
    """Each setting: its mean with the interval, its worst and best seed."""
    metric = result.main_metric
    scale, form = (100, "{:.2f} %") if metric.endswith("accuracy") else (1, "{:.3g}")
    rows = []
    for setting, values in result.values().items():
        ends = (form.format(scale * end(values)) for end in (np.min, np.max))
        rows.append((*setting, in_words(metric, result.intervals()[setting]), *ends))
    names = [name.replace("_", " ") for name in result.factors]
    head = [*names, f"mean [{next(iter(result.intervals().values())).kind}]", "worst seed", "best seed"]
    return table(metric.replace("_", " ").capitalize(), head, rows, "l" * len(names) + "rrr")


def pairs_table(result: Result, margin: float = 0.0) -> str:
    """Every pair, seed by seed; of many settings those of the best."""
    pairs, of_best = list(result.compare(margin=margin)), len(result.compare(margin=margin)) > _MOST_PAIRS
    if of_best:
        pairs = result.against(result.best(), margin=margin)
    rows = [_pair(result.main_metric, each if each.difference.value >= 0 else each.reversed()) for each in pairs]
    unit = " in points" if result.main_metric.endswith("accuracy") else ""
    head = ["a − b", "a is", f"difference{unit}", "a better in", "p (Holm)", "to find out"]
    caption = f"The best against each other setting, of {len(result.compare())} pairs" if of_best else "Each pair"
    return table(f"{caption}, seed by seed", head, rows, "llrrrl")


def _pair(metric: str, pair: Pair) -> tuple[str, ...]:
    share = f"{100 * pair.improvement.value:.0f} % of seeds"
    difference = difference_in_words(metric, pair.difference)
    return f"{pair.a} − {pair.b}", pair.verdict, difference, share, p_value(pair.p), outlook(pair)
