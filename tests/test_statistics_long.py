"""What the statistics promise, simulated: coverage, false verdicts, power. `pytest -m long -s` shows the figures.

Accuracies as networks have them: normal; skewed towards 1 (beta, standard deviation 6.5 points); and counts of 90 test
rows whose difficulty differs from seed to seed (beta-binomial), so with many ties.
"""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from handgrad.arrays import Array
from handgrad.experiments.statistics import across_data, compare, compare_all, interval

pytestmark = pytest.mark.long

DISTRIBUTIONS: dict[str, Any] = {
    "normal": stats.norm(0.9, 0.03),
    "beta": stats.beta(18, 2),
    "counts": stats.betabinom(90, 30, 2),
}
_U = (np.arange(40_000) + 0.5) / 40_000


def truth(distribution: Any, statistic: str) -> float:
    counts = distribution is DISTRIBUTIONS["counts"]  # whose own quantile function is slow
    quantiles = np.searchsorted(distribution.cdf(np.arange(91)), _U) if counts else distribution.ppf(_U)
    middle = quantiles[(_U > 0.25) & (_U < 0.75)].mean()
    return float({"mean": distribution.mean(), "median": np.median(quantiles), "iqm": middle}[statistic])


def coverage(distribution: Any, statistic: Any, seeds: int, samples: int) -> float:
    target = truth(distribution, statistic)
    drawn = distribution.rvs(size=(samples, seeds), random_state=np.random.default_rng(seeds))
    found = [interval(values, statistic) for values in drawn]
    return float(np.mean([each.low - 1e-12 <= target <= each.high + 1e-12 for each in found]))


def at_most(share: float, trials: int) -> float:
    """The share that chance exceeds once in a thousand times."""
    return float(stats.binom.isf(0.001, trials, share)) / trials


@pytest.mark.parametrize("statistic", ["mean", "median", "iqm"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_intervals_of_few_seeds_cover_at_least_90_percent(name: str, statistic: str, seeds: int) -> None:
    covered = coverage(DISTRIBUTIONS[name], statistic, seeds, 1500)
    print(f"\ncoverage {name} {statistic} {seeds}: {100 * covered:.1f} %")
    assert covered >= 0.90
    if name == "normal":  # the best case of each formula
        assert covered >= 0.93


@pytest.mark.parametrize("statistic", ["mean", "median", "iqm"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_intervals_of_100_seeds_cover_95_percent(name: str, statistic: str) -> None:
    covered = coverage(DISTRIBUTIONS[name], statistic, 100, 4000 if statistic == "median" else 800)
    print(f"\ncoverage {name} {statistic} 100: {100 * covered:.1f} %")
    assert covered >= 0.93
    if not (name == "counts" and statistic == "median"):  # many seeds hold the very median, and an end on it covers it
        assert covered <= 0.97


def alike(generator: np.random.Generator, settings: int, seeds: int) -> dict[str, Array]:
    """Settings that do not differ: each classifies 90 rows, which are as hard for all of them."""
    right = generator.beta(30, 2, size=seeds)
    return {f"s{i}": generator.binomial(90, right) / 90 for i in range(settings)}


@pytest.mark.parametrize("test", ["t", "wilcoxon"])
@pytest.mark.parametrize(("settings", "seeds"), [(2, 3), (2, 5), (2, 10), (2, 50), (5, 5), (5, 20), (10, 100)])
def test_noise_is_called_better_in_at_most_one_comparison_of_twenty(settings: int, seeds: int, test: Any) -> None:
    generator, trials = np.random.default_rng([settings, seeds]), 500
    found = np.mean(
        [
            any(pair.verdict != "cannot tell" for pair in compare_all(alike(generator, settings, seeds), test=test))
            for _ in range(trials)
        ]
    )
    print(f"\nfalse verdicts {test} {settings} settings {seeds} seeds: {100 * found:.1f} %")
    assert found <= at_most(0.05, trials)


@pytest.mark.parametrize("k", [3, 6])
@pytest.mark.parametrize("data_sets", [5, 10, 25])
def test_settings_that_rank_by_chance_are_not_told_apart(k: int, data_sets: int) -> None:
    generator, trials = np.random.default_rng([k, data_sets]), 700
    found = np.zeros(3)
    for _ in range(trials):
        result = across_data({str(i): generator.normal(size=data_sets) for i in range(k)})
        apart = any(result.differ(a, b) for a in result.ranks for b in result.ranks)
        found += [result.p <= 0.05, apart, min(result.p_against.values()) <= 0.05]
    print(
        f"\nfalse differences, {k} settings {data_sets} data sets (Friedman, Nemenyi, Holm): {100 * found / trials} %"
    )
    assert max(found / trials) <= at_most(0.05, trials)


def scaled(noise: Array, mean: float) -> Array:
    return mean + (noise - noise.mean()) / noise.std(ddof=1)


@pytest.mark.parametrize("effect", [0.2, 0.3, 0.5])
def test_about_so_many_seeds_more_show_a_difference_of_that_size(effect: float) -> None:
    """Ten seeds with exactly the true difference and spread say how many more; that many in all then show it."""
    generator, trials = np.random.default_rng(round(10 * effect)), 1000
    pilot = scaled(generator.normal(size=10), effect)
    n = 10 + int(compare(pilot, 0 * pilot).more_seeds or 0)
    shown = np.mean([compare(generator.normal(effect, 1, n), np.zeros(n)).verdict == "better" for _ in range(trials)])
    print(f"\npower at {n} seeds for a difference of {effect} standard deviations: {100 * shown:.1f} %")
    assert abs(shown - 0.8) <= 0.05


def test_about_so_many_seeds_more_as_people_use_it() -> None:
    """Ten seeds cannot tell; as many more are added as they ask for, a rough guide: what they saw was noisy."""
    generator, told, asked = np.random.default_rng(3), [], []
    while len(told) < 700:
        pilot = generator.normal(0.4, 1, 10)
        more = compare(pilot, 0 * pilot).more_seeds
        if more is not None:
            all_seeds = np.concatenate([pilot, generator.normal(0.4, 1, min(more, 5000))])
            told.append(compare(all_seeds, 0 * all_seeds).verdict == "better")
            asked.append(more)
    print(f"\ntold after as many more as asked for: {100 * np.mean(told):.1f} %, median asked {np.median(asked):.0f}")
    assert 0.6 <= np.mean(told) <= 0.95


def test_no_difference_is_not_told_without_a_margin_and_equivalent_with_one() -> None:
    generator, trials = np.random.default_rng(4), 700
    shown = {"cannot tell": 0, "equivalent": 0, "false": 0}
    for _ in range(trials):
        a, b = generator.normal(0, 1 / math.sqrt(2), size=(2, 150))  # differences of standard deviation 1
        shown["cannot tell"] += compare(a, b).verdict == "cannot tell"
        shown["equivalent"] += compare(a, b, margin=0.3).verdict == "equivalent"
        shown["false"] += compare(a + 0.3, b, margin=0.3).verdict == "equivalent"
    print(f"\nno difference, 150 seeds, and a difference of the margin: {shown} of {trials}")
    assert shown["cannot tell"] / trials >= 1 - at_most(0.05, trials)
    assert shown["equivalent"] / trials >= 0.95
    assert shown["false"] / trials <= at_most(0.05, trials)
