"""Results in words: better, worse, or cannot tell yet; never a winner from noise."""

from collections.abc import Sequence

from handgrad.experiments.statistics import Interval, Pair

_MANY_SEEDS = 10_000
_VERDICTS = ("better", "equivalent", "worse", "cannot tell")


def in_words(metric: str, interval: Interval) -> str:
    """A metric with its interval: shares in percent, "97.1 % [96.8, 97.4]"; others to three figures."""
    ends = (interval.value, interval.low, interval.high)
    percent = " %" if metric.endswith("accuracy") else ""
    value, low, high = (f"{100 * each:.1f}" if percent else f"{each:.3g}".replace("-", "−") for each in ends)
    return f"{value}{percent} [{low}, {high}]" if interval.seeds != 1 else f"{value}{percent}"


def difference_in_words(metric: str, interval: Interval) -> str:
    """A difference with its interval: of shares in percentage points, "+0.4 [−0.1, +0.9]"."""
    ends = (interval.value, interval.low, interval.high)
    scale, form = (100, "+.1f") if metric.endswith("accuracy") else (1, "+.3g")
    value, low, high = (f"{scale * each:{form}}".replace("-", "−") for each in ends)
    return f"{value} [{low}, {high}]"


def p_value(p: float) -> str:
    """A p value as people write it.

    >>> p_value(0.0234), p_value(1e-9)
    ('0.023', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def outlook(pair: Pair) -> str:
    """What would settle the pair: how many seeds more, as far as that can be said."""
    if pair.verdict == "equivalent":
        return "no difference that matters"
    if pair.verdict != "cannot tell":
        return ""
    if pair.more_seeds is None:
        return "no difference was seen"
    if pair.more_seeds > _MANY_SEEDS:
        return f"more than {_MANY_SEEDS:,} more seeds would be needed"
    return f"about {pair.more_seeds:,} more seeds would tell"


def conclusion(best: str, against: Sequence[Pair]) -> str:
    """What can be concluded about the setting with the highest mean from its pairs, in a sentence or two."""
    by_verdict = {verdict: [pair for pair in against if pair.verdict == verdict] for verdict in _VERDICTS}
    beaten, open_pairs = [pair.b for pair in by_verdict["better"]], by_verdict["cannot tell"]
    same = [pair.b for pair in by_verdict["equivalent"]]
    better = f"better than {_listed(beaten)}" if beaten else ""
    equal = f"equivalent to {_listed(same)} within {against[0].margin:g}" if same else ""
    shown = "; ".join(part for part in (better, equal) if part)
    if not open_pairs:
        return f"{best} is best: {shown}." if not same else f"No single winner. {best} has the best mean: {shown}."
    untold = _listed([f"{pair.b} ({outlook(pair)})" for pair in open_pairs])
    if not shown:
        return f"No winner. Best mean: {best}, which cannot be told from {untold}."
    return f"No single winner. Best mean: {best}; {shown}, not to be told from {untold}."


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
