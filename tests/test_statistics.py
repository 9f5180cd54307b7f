"""Intervals, pairs, profiles and ranks: against independent calculations, and by what must not change them."""

import math
from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from handgrad.arrays import Array
from handgrad.experiments.statistics import (
    BOOTSTRAP_FROM,
    Pair,
    across_data,
    compare,
    compare_all,
    holm,
    interval,
    performance_profile,
    probability_of_improvement,
)
from handgrad.experiments.statistics.intervals import wilson

STATISTICS = ["mean", "median", "iqm"]
MIRRORED = {"better": "worse", "worse": "better", "equivalent": "equivalent", "cannot tell": "cannot tell"}
accuracies = st.lists(st.integers(0, 90), min_size=2, max_size=25).map(lambda hits: np.array(hits) / 90)
pairs_of_accuracies = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=1, max_size=25).map(
    lambda hits: np.array(hits, float).T / 90
)


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(0)


def ends(values: Array, statistic: str = "mean", **given: Any) -> list[float]:
    result = interval(values, statistic, **given)  # type: ignore[arg-type]
    return [result.low, result.high]


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_few_seeds_mean_is_scipys_t(level: float, draws: np.random.Generator) -> None:
    values = draws.normal(size=12)
    expected = stats.t.interval(level, 11, loc=values.mean(), scale=stats.sem(values))
    assert np.allclose(ends(values, level=level), expected, rtol=1e-12)
    assert interval(values).value == pytest.approx(values.mean(), rel=1e-14)


@pytest.mark.parametrize("n", [4, 5, 11, 29])
def test_few_seeds_iqm_has_the_error_of_yuens_test(n: int, draws: np.random.Generator) -> None:
    """Yuen's statistic of x and x + 1 is -1 over √2 standard errors of the trimmed mean."""
    values = draws.gamma(2, size=n)
    error = -1 / stats.ttest_ind(values, values + 1, equal_var=False, trim=0.25).statistic / math.sqrt(2)
    half = stats.t.ppf(0.975, n - 2 * (n // 4) - 1) * error
    middle = np.sort(values)[n // 4 : n - n // 4].mean()
    assert np.allclose(ends(values, "iqm"), [middle - half, middle + half], rtol=1e-10)


@pytest.mark.parametrize("n", [6, 9, 20, 101])
def test_median_holds_exactly_its_level_between_ranks_that_are_below_and_above(n: int) -> None:
    """At the values 1 to n the ends say between which ranks they lie; the binomial says what those ranks attain."""
    low, high = ends(np.arange(1.0, n + 1), "median")
    assert low + high == pytest.approx(n + 1)
    outer, inner = (1 - 2 * stats.binom.cdf(math.floor(low) - 1 + step, n, 0.5) for step in (0, 1))
    assert inner < 0.95 <= outer


def test_median_between_ranks_by_hand() -> None:
    """Of ten: ranks 2 and 3 attain 1002 and 912 of 1024; I = 29.2 / 90, λ = 8 I / (2 + 6 I)."""
    inward = 8 * (29.2 / 90) / (2 + 6 * (29.2 / 90))
    assert np.allclose(ends(np.arange(1.0, 11), "median"), [2 + inward, 9 - inward], rtol=1e-12)


def test_median_at_levels_that_ranks_attain_is_those_ranks() -> None:
    level = 1 - 2 * stats.binom.cdf(2, 10, 0.5)  # from the third to the eighth
    assert np.allclose(ends(np.arange(1.0, 11), "median", level=level * (1 - 1e-12)), [3, 8], atol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_medians_of_under_six_seeds_say_what_they_attain(n: int) -> None:
    result = interval(np.arange(n), "median")
    assert (result.low, result.high, result.level) == (0, n - 1, pytest.approx(1 - 0.5 ** (n - 1)))


def test_median_at_a_level_that_the_middle_alone_holds() -> None:
    assert ends(np.arange(1.0, 11), "median", level=0.01) == [5, 6]


@pytest.mark.parametrize(("statistic", "function"), [("mean", np.mean), ("iqm", stats.trim_mean)])
def test_many_seeds_are_bootstrapped_with_bias_and_acceleration(
    statistic: str, function: Callable[..., Any], draws: np.random.Generator
) -> None:
    """Efron's formulas by hand, with other resamples."""
    values = draws.gamma(0.1, size=60)
    trimmed = (lambda x: function(x, 0.25, axis=-1)) if statistic == "iqm" else (lambda x: function(x, axis=-1))
    resampled = trimmed(draws.choice(values, size=(20_000, 60)))
    left_out = trimmed(np.stack([np.delete(values, i) for i in range(60)]))
    pull = left_out.mean() - left_out
    a = (pull**3).sum() / 6 / (pull**2).sum() ** 1.5
    z0, z = stats.norm.ppf(np.mean(resampled < trimmed(values))), stats.norm.ppf([0.025, 0.975])
    expected = np.quantile(resampled, stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))))
    width = expected[1] - expected[0]
    if statistic == "mean":  # so skewed that without the corrections it fails
        assert abs(np.quantile(resampled, 0.975) - expected[1]) > 0.16 * width
    assert np.allclose(ends(values, statistic), expected, rtol=0, atol=0.08 * width)
    assert interval(values, statistic).method == "bootstrap"  # type: ignore[arg-type]


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n", [2, 7, 29, 30, 64])
def test_intervals_follow_shift_and_scale_and_no_order(statistic: str, n: int, draws: np.random.Generator) -> None:
    values = draws.beta(20, 2, size=n)
    moved = ends(3 * draws.permutation(values) - 1, statistic)
    assert np.allclose(moved, 3 * np.array(ends(values, statistic)) - 1, rtol=1e-9)
    assert ends(draws.permutation(values), statistic) == ends(values, statistic)


@given(accuracies)
@settings(max_examples=40)
def test_intervals_hold_their_value_and_lie_in_wider_ones(values: Array) -> None:
    for statistic in STATISTICS:
        result = interval(values, statistic)  # type: ignore[arg-type]
        wider = ends(values, statistic, level=0.99)
        assert wider[0] <= result.low <= result.value + 1e-12
        assert result.value - 1e-12 <= result.high <= wider[1]


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n", [2, 29, 30])
def test_equal_values_have_an_interval_of_no_width(statistic: str, n: int) -> None:
    assert ends(np.full(n, 0.1), statistic) == pytest.approx([0.1, 0.1], rel=1e-15)


def test_one_odd_seed_among_equal_ones_leaves_every_interval_finite() -> None:
    values = np.r_[0.5, np.ones(60)]
    assert np.isfinite([ends(values, statistic) for statistic in STATISTICS]).all()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_one_seed_has_no_interval(statistic: str) -> None:
    assert np.isnan(ends(np.array([0.5]), statistic)).all()


def test_intervals_say_how_they_were_made(draws: np.random.Generator) -> None:
    few, many = draws.normal(size=(2, 30))
    told = [interval(few[:-1], statistic).how for statistic in STATISTICS]  # type: ignore[arg-type]
    assert told == [f"29 seeds, 95 % {how} interval" for how in ("t", "order statistics", "trimmed t")]
    assert interval(many).how == f"{BOOTSTRAP_FROM} seeds, 95 % bootstrap interval"
    assert interval([1.0]).how == "1 seed, no interval"


# --- Holm and Wilson --------------------------------------------------------------------------------------------------


def test_holm_is_the_closure_of_bonferroni(draws: np.random.Generator) -> None:
    """The adjusted p of test i is the largest, over all sets of tests with i, of set size times smallest p in it."""
    p = draws.uniform(size=5) ** 3
    sets = [each for size in range(1, 6) for each in combinations(range(5), size)]
    closure = [max(min(1, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(5)]
    assert np.allclose(holm(p), closure, rtol=1e-12)


@pytest.mark.parametrize("successes", [0, 3, 20])
def test_wilson_is_scipys(successes: int) -> None:
    expected = stats.binomtest(successes, 20).proportion_ci(0.95, method="wilson")
    assert np.allclose(wilson(np.array(successes), 20, 0.95), (expected.low, expected.high), atol=1e-12)


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_p_values_are_scipys(draws: np.random.Generator) -> None:
    a, b = draws.normal(size=(2, 15))
    assert compare(a, b).p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-12)
    a, b = draws.normal(size=(2, 9))
    assert compare(a, b, test="wilcoxon").p == pytest.approx(stats.wilcoxon(a, b, method="exact").pvalue, rel=1e-12)


def test_wilcoxon_with_ties_and_zeros_counts_every_sign(draws: np.random.Generator) -> None:
    D = np.array([0.0, 1, 1, -1, 2, 3, 0, 4])
    ranks = np.where(D == 0, 0, stats.rankdata(abs(D)))
    sums = np.array([np.dot(signs, ranks) for signs in product([-1, 1], repeat=8)])
    seen = np.dot(np.sign(D), ranks)
    assert compare(D, 0 * D, test="wilcoxon").p == pytest.approx(np.mean(np.abs(sums) >= seen), rel=1e-12)


def test_wilcoxon_of_few_and_of_many_seeds_agree(draws: np.random.Generator) -> None:
    D = draws.normal(0.4, 1, size=13)
    normal = stats.wilcoxon(D, zero_method="pratt", method="approx").pvalue
    assert compare(D, 0 * D, test="wilcoxon").p == pytest.approx(normal, rel=0.2)
    D = draws.normal(0.4, 1, size=14)
    assert compare(D, 0 * D, test="wilcoxon").p == pytest.approx(stats.wilcoxon(D, method="approx").pvalue, rel=1e-12)


def test_t_is_near_the_test_of_all_signs(draws: np.random.Generator) -> None:
    """If a and b were alike, each seed's difference could as well have the other sign."""
    D = draws.normal(0.5, 1, size=12)
    means = np.array(list(product([-1, 1], repeat=12))) @ D / 12
    assert compare(D, 0 * D).p == pytest.approx(np.mean(np.abs(means) >= abs(D.mean()) - 1e-12), rel=0.15)


def test_equivalence_is_two_one_sided_tests(draws: np.random.Generator) -> None:
    a = draws.normal(size=40)
    noise = draws.normal(0, 0.3, size=40)
    b = a + 0.05 + noise - noise.mean()
    one_sided = [
        stats.ttest_1samp(a - b, bound, alternative=side).pvalue for bound, side in ((-0.2, "greater"), (0.2, "less"))
    ]
    pair = compare(a, b, margin=0.2)
    assert pair.p_equivalent == pytest.approx(max(one_sided), rel=1e-9)
    assert pair.verdict == "equivalent"
    assert pair.more_seeds is None
    assert compare(a, b, margin=0.01).verdict == compare(a, b).verdict == "cannot tell"


def test_a_sure_difference_that_does_not_matter_is_equivalent(draws: np.random.Generator) -> None:
    a = draws.normal(size=200)
    b = a + 0.01 + 0.01 * draws.normal(size=200)
    assert compare(a, b).verdict == "worse"
    assert compare(a, b, margin=0.1).verdict == "equivalent"


def test_pairing_finds_a_difference_that_the_spread_of_seeds_hides(draws: np.random.Generator) -> None:
    hard = draws.normal(size=50)
    plus = hard + 0.1 + 0.1 * draws.normal(size=50)
    (pair,) = compare_all({"plain": hard, "plus": plus})
    assert stats.ttest_ind(hard, plus).pvalue > 0.5
    assert pair.verdict == "worse"
    assert pair.reversed().verdict == "better"
    assert pair.difference.low < -0.1 < pair.difference.high
    assert compare(hard, plus, higher_is_better=False).verdict == "better"


def test_each_pair_of_many_is_that_pair_alone_but_for_holm(draws: np.random.Generator) -> None:
    values = {name: draws.normal(size=10) for name in "abcd"}
    pairs = compare_all(values, margin=0.5)
    alone = [compare(values[p.a], values[p.b], names=(p.a, p.b), margin=0.5) for p in pairs]
    assert [(p.a, p.b) for p in pairs] == list(combinations("abcd", 2))
    assert [p.difference for p in pairs] == [p.difference for p in alone]
    assert np.allclose([p.p for p in pairs], holm([p.p for p in alone]))
    assert np.allclose([p.p_equivalent for p in pairs], holm([p.p_equivalent for p in alone]))
    for pair in pairs:
        assert pair.improvement == probability_of_improvement(values[pair.a], values[pair.b])
        expected = interval(values[pair.a] - values[pair.b])
        assert np.allclose([pair.difference.low, pair.difference.high], [expected.low, expected.high], rtol=1e-9)


def same(one: Pair, other: Pair) -> bool:
    """Every number of two pairs, and their verdicts."""

    def numbers(pair: Pair) -> list[float]:
        d, share = pair.difference, pair.improvement
        return [d.value, d.low, d.high, share.value, share.low, share.high, pair.p, pair.p_equivalent]

    return (
        np.allclose(numbers(one), numbers(other), rtol=1e-9, atol=1e-12, equal_nan=True)
        and one.verdict == other.verdict
    )


@given(pairs_of_accuracies, st.sampled_from(["t", "wilcoxon"]), st.booleans(), st.sampled_from([0.0, 0.05]))
@settings(max_examples=40)
def test_the_other_way_round_mirrors_everything(values: Array, test: Any, higher: bool, margin: float) -> None:
    a, b = values
    options: dict[str, Any] = {"test": test, "higher_is_better": higher, "margin": margin}
    pair, swapped = compare(a, b, **options), compare(b, a, names=("b", "a"), **options)
    assert same(pair.reversed(), swapped)
    assert swapped.verdict == MIRRORED[pair.verdict]
    assert swapped.more_seeds == pair.more_seeds
    flipped = compare(-a, -b, **{**options, "higher_is_better": not higher})
    assert flipped.verdict == pair.verdict
    assert flipped.improvement == pair.improvement


@given(pairs_of_accuracies, st.randoms(use_true_random=False), st.sampled_from(["t", "wilcoxon"]))
@settings(max_examples=40)
def test_the_order_of_seeds_and_what_they_share_change_nothing(values: Array, random: Any, test: Any) -> None:
    order = random.sample(range(values.shape[1]), values.shape[1])
    shared = np.round(np.random.default_rng(0).normal(size=values.shape[1]), 1)
    pair = compare(*values, margin=0.05, test=test)
    assert same(pair, compare(*values[:, order], margin=0.05, test=test))
    moved = compare(*(np.round(values * 90) + 10 * shared), margin=4.5, test="t")
    plain = compare(*np.round(values * 90), margin=4.5, test="t")
    assert same(moved, plain)
    scaled = compare(*(1000 * values), margin=50, test="t")
    assert scaled.verdict == compare(*values, margin=0.05).verdict


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "cannot tell"), (0.1, "better"), (-0.1, "worse")])
def test_differences_without_spread_are_judged_by_their_signs(shift: float, verdict: str) -> None:
    base = np.arange(20) / 90
    pair = compare(base + shift, base)
    assert pair.verdict == verdict
    assert pair.p == (1.0 if shift == 0 else 2.0**-19)
    assert pair.more_seeds is None
    assert compare(base + shift, base, margin=0.2).verdict == "equivalent"
    assert compare(base + shift, base, margin=0.05).verdict == verdict.replace("cannot tell", "equivalent")


def test_two_seeds_that_agree_are_no_winner() -> None:
    pair = compare([0.9, 0.8], [0.8, 0.7])
    assert (pair.verdict, pair.p, pair.more_seeds) == ("cannot tell", 0.5, 4)
    six = compare(np.arange(6) + 1.0, np.arange(6.0))
    assert six.verdict == "better"


def test_one_seed_tells_nothing() -> None:
    pair = compare([1.0], [0.0], margin=2.0)
    assert (pair.verdict, pair.more_seeds, pair.p) == ("cannot tell", None, 1.0)
    assert math.isnan(pair.difference.low)


def test_one_setting_or_none_has_no_pairs() -> None:
    assert compare_all({}) == compare_all({"a": [1.0, 2.0]}) == ()


@pytest.mark.parametrize("size", [0.2, 0.5, 0.8])
def test_so_many_seeds_have_the_power_that_was_promised(size: float, draws: np.random.Generator) -> None:
    noise = draws.normal(size=7)
    D = size + (noise - noise.mean()) / noise.std(ddof=1)  # standard deviation 1
    more = compare(D, 0 * D).more_seeds
    if more is None:  # shown already
        assert stats.ttest_1samp(D, 0).pvalue <= 0.05
        return
    t = stats.t.isf(0.025, 6 + more)
    assert 0.79 <= stats.nct.sf(t, 6 + more, size * np.sqrt(7 + more)) <= 0.86


def test_so_many_seeds_have_the_power_for_equivalence_that_was_promised(draws: np.random.Generator) -> None:
    noise = draws.normal(size=10)
    D = (noise - noise.mean()) / noise.std(ddof=1)
    pair = compare(D, 0 * D, margin=0.3)
    assert pair.verdict == "cannot tell"
    n = 10 + int(pair.more_seeds or 0)
    samples = draws.normal(size=(4000, n))
    half = stats.t.isf(0.05, n - 1) * samples.std(axis=1, ddof=1) / np.sqrt(n)
    assert 0.78 <= np.mean(np.abs(samples.mean(axis=1)) + half < 0.3) <= 0.85


def test_no_difference_seen_promises_nothing() -> None:
    assert compare([0.1, -0.1], [0.0, 0.0]).more_seeds is None


def test_noise_makes_no_winner(draws: np.random.Generator) -> None:
    """Of comparisons of equal settings at most about 5 % may find any difference at all."""
    found = sum(
        any(pair.verdict != "cannot tell" for pair in compare_all({name: draws.normal(size=20) for name in "abcd"}))
        for _ in range(200)
    )
    assert found <= 18  # P(more | 5 %) < 1 %


# --- probability of improvement, profiles -----------------------------------------------------------------------------


@given(pairs_of_accuracies)
def test_improvement_counts_seeds(values: Array) -> None:
    a, b = values
    wins, ties = sum(x > y for x, y in zip(a, b, strict=True)), sum(x == y for x, y in zip(a, b, strict=True))
    share = probability_of_improvement(a, b)
    assert share.value == (wins + ties / 2) / len(a)
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_profile_is_the_distribution_from_above(draws: np.random.Generator) -> None:
    values, tau = np.round(draws.beta(9, 1, size=37), 2), np.linspace(0, 1, 101)
    profile = performance_profile({"relu": values}, tau)["relu"]
    assert np.array_equal(profile.share, [np.mean(values > t) for t in tau])
    assert np.allclose(profile.share, stats.ecdf(values).sf.evaluate(tau))
    assert np.all((profile.low <= profile.share) & (profile.share <= profile.high))
    assert (profile.low[0], profile.high[0]) == pytest.approx((37 / (37 + stats.norm.isf(0.025) ** 2), 1.0))


# --- several data sets ------------------------------------------------------------------------------------------------


def table(scores: Array) -> dict[str, Array]:
    return {f"s{i}": column for i, column in enumerate(scores.T)}


@pytest.mark.parametrize("N", [9, 10])
def test_friedman_by_hand(N: int, draws: np.random.Generator) -> None:
    scores = np.round(draws.normal([0, 0.2, 0.8, 1.5], size=(N, 4)), 1)
    result = across_data(table(scores))
    ranks = stats.rankdata(-scores, axis=1)
    assert list(result.ranks.values()) == pytest.approx(ranks.mean(axis=0))
    treatments = N * ((ranks.mean(axis=0) - 2.5) ** 2).sum()  # of a two-way analysis of variance of the ranks
    total = ((ranks - 2.5) ** 2).sum()
    assert result.statistic == pytest.approx(treatments / (total / (3 * N)))
    F = (treatments / 3) / ((total - treatments) / (3 * (N - 1)))
    assert result.p == pytest.approx(stats.f.sf(F, 3, 3 * (N - 1)) if N == 10 else stats.chi2.sf(result.statistic, 3))


@pytest.mark.parametrize(("k", "q"), [(3, 2.343), (5, 2.728), (10, 3.164)])
def test_nemenyis_critical_difference_is_demsars_table(k: int, q: float, draws: np.random.Generator) -> None:
    result = across_data(table(draws.normal(size=(12, k))))
    assert result.critical_difference == pytest.approx(q * math.sqrt(k * (k + 1) / 72), abs=1e-3)


def test_holm_against_a_named_setting_counts_it_alone_and_against_the_best_all_pairs() -> None:
    scores = np.arange(5.0) + np.random.default_rng(1).normal(0, 1.5, size=(10, 5))
    best, named = across_data(table(scores)), across_data(table(scores), against="s4")
    assert best.against == named.against == "s4"
    rank, error = best.ranks, math.sqrt(5 * 6 / 60)

    def p(a: str, b: str) -> float:
        return float(2 * stats.norm.sf(abs(rank[a] - rank[b]) / error))

    others = ["s0", "s1", "s2", "s3"]
    assert list(named.p_against.values()) == pytest.approx(holm([p(each, "s4") for each in others]))
    every = dict(zip(combinations(rank, 2), holm([p(*each) for each in combinations(rank, 2)]), strict=True))
    assert list(best.p_against.values()) == pytest.approx([every[each, "s4"] for each in others])


def test_ranks_ask_only_for_order_and_turn_with_the_direction(draws: np.random.Generator) -> None:
    scores = draws.normal(size=(8, 4))
    plain = across_data(table(scores))
    assert across_data(table(np.exp(5 * scores) * np.arange(1, 9)[:, None])) == plain
    assert across_data(table(-scores), higher_is_better=False) == plain


def test_data_sets_that_all_rank_alike() -> None:
    rising = [1.0, 2, 3]
    assert across_data(table(np.tile(rising, (4, 1)))).p == pytest.approx(math.exp(-4))  # χ² = 8
    assert across_data(table(np.tile(rising, (20, 1)))).p < 1e-12
    assert across_data(table(np.ones((4, 3)))).p == 1.0
    assert not across_data(table(np.tile(rising, (2, 1)))).differ("s0", "s2")


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: interval([0.9, math.nan]), ValueError, "values has nan for seed 1 .*give it a value of its own"),
        (lambda: interval([0.9, math.inf]), ValueError, "inf for seed 1"),
        (lambda: interval([]), ValueError, r"shape \(0,\)"),
        (lambda: interval([[1.0], [2.0]]), ValueError, r"shape \(2, 1\)"),
        (lambda: interval(["a"]), TypeError, "values holds <U1"),
        (lambda: interval([1.0, 2.0], "mode"), ValueError, "'mode'; expected 'mean', 'median' or 'iqm'"),
        (lambda: interval([1.0, 2.0], level=95), ValueError, "level is 95"),
        (lambda: compare_all({"relu": [1.0, math.nan], "tanh": [1.0, 2.0]}), ValueError, "'relu' has nan for seed 1"),
        (lambda: compare([1.0, 2.0], [1.0]), ValueError, "'b' has 1 value but 'a' has 2.*same seeds"),
        (lambda: compare([1.0], [1.0], names=("a", "a")), ValueError, "two different names"),
        (lambda: compare([1.0], [1.0], margin=-0.1), ValueError, "margin is -0.1"),
        (lambda: compare([1.0], [1.0], test="z"), ValueError, "test is 'z'; expected 't' or 'wilcoxon'"),
        (lambda: probability_of_improvement([1.0], [math.nan]), ValueError, "b.* has nan"),
        (lambda: performance_profile({"a": [1.0]}, [math.nan]), ValueError, "thresholds has nan for threshold 0"),
        (lambda: performance_profile({"a": [math.nan]}, [0.5]), ValueError, "'a' has nan"),
        (lambda: across_data({"a": [1.0, 2], "b": [1.0, 2]}), ValueError, "2 settings; expected at least 3.*wilcoxon"),
        (lambda: across_data({name: [1.0] for name in "abc"}), ValueError, "1 data set; expected at least 2"),
        (lambda: across_data(table(np.ones((2, 3))), against="d"), ValueError, "'d'; expected one of 's0', 's1'"),
        (lambda: across_data({"a": [1.0, 2], "b": [1.0, 2], "c": [1.0]}), ValueError, "data set by data set"),
        (lambda: holm([0.5, 1.5]), ValueError, "between 0 and 1"),
    ],
)
def test_refused(call: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_many_seeds_need_no_bootstrap() -> None:
    values = np.random.default_rng(0).normal(size=2001)
    assert interval(values[:2000]).method == "bootstrap"
    assert interval(values).method == "t"
    assert abs(interval(values).low - interval(values[:2000]).low) < 0.01
