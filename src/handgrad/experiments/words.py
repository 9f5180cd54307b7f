"""Results in words: better, worse, or cannot tell yet; never a winner from noise."""

from handgrad.experiments.comparison import Result
from handgrad.experiments.statistics import Interval, Pair

_MANY_SEEDS = 10_000


def percent(interval: Interval) -> str:
    """A share with its interval: "97.1 % [96.8, 97.4]"."""
    return f"{100 * interval.value:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def points(interval: Interval) -> str:
    """A difference in percentage points with its interval: "+0.4 [-0.1, +0.9]"."""
    ends = (interval.value, interval.low, interval.high)
    value, low, high = (f"{100 * each:+.1f}".replace("-", "−") for each in ends)
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


def conclusion(result: Result) -> str:
    """What can be concluded about the best setting, and what cannot, in a sentence or two."""
    against = result.against(result.best)
    beaten = [pair.b for pair in against if pair.verdict == "better"]
    open_pairs = [pair for pair in against if pair.verdict in ("cannot tell", "equivalent")]
    if not open_pairs:
        return f"{result.best} is best: better than {_listed(beaten)}."
    untold = _listed([f"{pair.b} ({outlook(pair)})" for pair in open_pairs])
    if not beaten:
        return f"No winner. Highest mean: {result.best}, which cannot be told from {untold}."
    return (
        f"No single winner. Highest mean: {result.best}; better than {_listed(beaten)}, not to be told from {untold}."
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
