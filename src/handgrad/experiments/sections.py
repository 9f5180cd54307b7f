"""What a page says of one result: the conclusion, every setting, every pair, and their pictures."""

import numpy as np

from handgrad.experiments import pictures
from handgrad.experiments.page import figure, paragraph, side_by_side, table
from handgrad.experiments.result import Result
from handgrad.experiments.statistics import Pair
from handgrad.experiments.words import difference_in_words, in_words, outlook, p_value
from handgrad.health import signals

_MOST_PAIRS = 45  # that a page lists; of more settings only those of the best
_MOST_DRAWN = 16  # settings whose single networks are shown
_MOST_LAYERS = 64


def findings(result: Result, margin: float = 0.0) -> list[str]:
    """The conclusion and all that it stands on."""
    several = len(result.seeds) > 1 and not result.alike
    shown = [figure(pictures.intervals(result))] if several else []
    parts = [paragraph(result.conclusion(margin=margin), "conclusion"), side_by_side(settings_table(result), *shown)]
    if len(result.settings) > 1 and several:
        parts.append(
            side_by_side(
                figure(pictures.differences(result), f"{result.best()} minus each other setting, seed by seed."),
                figure(pictures.profiles(result), "How many of the networks get how far."),
            )
        )
        parts.append(pairs_table(result, margin))
    seeds = f"{len(result.seeds)} seeds" if several else "1 seed"
    parts.append(figure(pictures.learning_curves(result), f"Training loss, mean and 95 % interval over {seeds}."))
    if len(result.settings) <= _MOST_DRAWN:
        if (drawn := pictures.boundaries(result)) is not None:
            parts.append(figure(drawn, f"What seed {result.seeds[0]}'s networks decide, on its test points."))
        parts.append(signals_table(result))
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
    head = [*names, "mean [95 %]", "worst seed", "best seed"]
    return table(metric.replace("_", " ").capitalize(), head, rows, "l" * len(names) + "rrr")


def pairs_table(result: Result, margin: float = 0.0) -> str:
    """Every pair, seed by seed; of many settings those of the best."""
    pairs, of_best = list(result.compare(margin=margin)), len(result.compare(margin=margin)) > _MOST_PAIRS
    if of_best:
        pairs = result.against(result.best(), margin=margin)
    rows = [_pair(result.main_metric, each if each.difference.value >= 0 else each.reversed()) for each in pairs]
    unit = " in points" if result.main_metric.endswith("accuracy") else ""
    head = ["a − b", "a is", f"difference{unit}", "seeds won", "p (Holm)", "to find out"]
    caption = f"The best against each other setting, of {len(result.compare())} pairs" if of_best else "Each pair"
    return table(f"{caption}, seed by seed", head, rows, "llrrrw")


def signals_table(result: Result) -> str:
    """What one seed's trained networks do inside: their activations, and the gradients that reach them."""
    rows = []
    for setting in result.settings:
        net, draw = result.network(setting)
        X, y = draw.train
        for layer in signals(net, X, y if net.loss_rule.target == "classes" else y[..., None]).layers:
            if layer.saturated is not None:
                shares = (f"{100 * share:.0f} %" for share in (layer.saturated, layer.dead))
                figures = f"{layer.mean:.2g} ± {np.sqrt(layer.variance):.2g}".replace("-", "−"), *shares
                rows.append((result.name_of(setting), layer.layer, *figures, f"{layer.gradient:.2g}"))
    head = ["setting", "layer", "outputs, mean ± sd", "saturated", "dead units", "norm of the gradient there"]
    caption = f"Inside, after training: seed {result.seeds[0]}, on its training rows"
    return table(caption, head, rows, "llrrrr") if 0 < len(rows) <= _MOST_LAYERS else ""


def _pair(metric: str, pair: Pair) -> tuple[str, ...]:
    share = f"{100 * pair.improvement.value:.0f} %"
    difference = difference_in_words(metric, pair.difference)
    return f"{pair.a} − {pair.b}", pair.verdict, difference, share, p_value(pair.p), outlook(pair)
