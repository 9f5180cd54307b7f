"""What a sampled check may miss is what it says it may miss."""

import math
import re
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import Report, check_gradient, check_network
from handgrad.gradcheck.coverage import DIRECTIONS, FOUND, missing_probability, shares_of, spread
from handgrad.randomness import generator as generator_of

# --- which entries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entries", "at_most"), [(1, 1), (7, 7), (7, 9), (7, 10_000)])
def test_all_entries_are_measured_if_there_are_few(entries: int, at_most: int) -> None:
    np.testing.assert_array_equal(spread(entries, at_most, np.random.default_rng(61)), np.arange(entries))


@pytest.mark.parametrize(("entries", "at_most"), [(10, 1), (10, 3), (1000, 7), (10_007, 999), (12, 11)])
def test_one_entry_of_each_stretch_is_measured(entries: int, at_most: int) -> None:
    for seed in range(20):
        which = spread(entries, at_most, np.random.default_rng([62, seed]))
        edges = [entries * i // at_most for i in range(at_most + 1)]
        assert all(low <= entry < high for entry, low, high in zip(which, edges, edges[1:], strict=False))
        assert len(which) == at_most


def test_every_entry_can_be_drawn() -> None:
    generator = np.random.default_rng(63)
    counts = np.bincount(np.concatenate([spread(17, 4, generator) for _ in range(2000)]), minlength=17)
    assert counts.min() > 2000 / 5 * 0.7
    assert counts.max() < 2000 / 4 * 1.3


# --- what directions miss -----------------------------------------------------------------------------------------

PATTERNS = {
    "one entry": lambda generator, n: np.eye(n)[generator.integers(n)],
    "sparse": lambda generator, n: generator.standard_normal(n) * (generator.random(n) < 0.05) + 1e-9,
    "dense": lambda generator, n: generator.standard_normal(n),
    "the same everywhere": lambda generator, n: np.ones(n),
    "heavy tails": lambda generator, n: generator.standard_cauchy(n),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("bars", [(0.5,), (0.2, 1.0), (0.3, 0.3, 0.3), (2.0, 0.1)], ids=str)
def test_the_share_missed_is_the_probability_stated(pattern: str, bars: tuple[float, ...]) -> None:
    """Errors of norm 1 in any pattern, each seen along fresh directions."""
    generator = np.random.default_rng([64, list(PATTERNS).index(pattern)])
    draws, n = 4000, 30
    missed = 0
    for _ in range(draws):
        error = PATTERNS[pattern](generator, n)
        error = 3.0 * error / np.linalg.norm(error)
        seen = generator.standard_normal((len(bars), n)) @ error
        missed += bool((np.abs(seen) < 3.0 * np.array(bars)).all())
    stated = missing_probability(3.0 * np.array(bars), 3.0)
    assert abs(missed / draws - stated) < 4.5 * math.sqrt(stated * (1 - stated) / draws)


def test_the_probability_by_itself() -> None:
    assert missing_probability(np.array([]), 1.0) == 1.0
    assert missing_probability(np.array([1.0]), 0.0) == 1.0
    assert missing_probability(np.array([np.inf]), 1.0) == 1.0
    assert missing_probability(np.array([0.0, np.inf]), 1.0) == 0.0
    assert missing_probability(np.array([1.0]), 1.0) == pytest.approx(0.682689492)  # within one standard deviation
    assert missing_probability(np.array([1.0, 1.0]), 1.0) == pytest.approx(0.682689492**2)
    assert missing_probability(np.array([np.inf, 1.0]), 1.0) == pytest.approx(0.682689492)


def test_the_whole_sampled_check_misses_as_often_as_its_rule_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of a norm of 1e-7, the tolerance itself, in three entries: what passes is what the rule lets pass."""
    n, draws, passed, size = 90, 250, 0, 1e-7
    x = np.random.default_rng(65).standard_normal(n)
    right, scale = np.cos(x), np.maximum(np.abs(x), np.sqrt(np.mean(x**2)))
    for draw in range(draws):
        fresh = generator_of(draw, "draw")
        monkeypatch.setattr("handgrad.gradcheck.function_check.randomness.generator", lambda *_, fresh=fresh: fresh)
        chance = np.random.default_rng([66, draw])
        error = np.zeros(n)
        error[chance.permutation(n)[:3]] = chance.choice([-1.0, 1.0], 3)
        error *= size * np.linalg.norm(right * scale) / np.linalg.norm(error * scale)
        report = check_gradient(lambda x: np.sin(x).sum(), right + error, x, entries=1)
        passed += report.checks[0].verdict != "WRONG"
        assert report.checks[0].missing < 0.01  # what is stated is that of an error ten times as large
    generator = np.random.default_rng(67)
    slopes, seen = generator.standard_normal((2, 20_000, DIRECTIONS))
    tolerated = 1e-7 * np.sqrt(np.mean(slopes**2, axis=1, keepdims=True))
    expected = (np.abs(size * seen) < tolerated).all(axis=1).mean()
    assert 0.1 < expected < 0.3
    assert abs(passed / draws - expected) < 4.5 * math.sqrt(expected * (1 - expected) / draws)


# --- shares -------------------------------------------------------------------------------------------------------


def point(**sizes: int) -> dict[str, Array]:
    return {name: np.ones(size) for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("sizes", "entries", "expected"),
    [
        ({"a": 5}, 100, {"a": 5}),
        ({"a": 5}, 2, {"a": 2}),
        ({"a": 5, "b": 50}, 20, {"a": 5, "b": 15}),
        ({"b": 50, "a": 5}, 20, {"a": 5, "b": 15}),
        ({"a": 5, "b": 50, "c": 500}, 300, {"a": 5, "b": 50, "c": 245}),
        ({"a": 90, "b": 90, "c": 90}, 30, {"a": 10, "b": 10, "c": 10}),
        ({"a": 9, "b": 9, "c": 9}, 1, {"a": 1, "b": 1, "c": 1}),
    ],
)
def test_what_small_arrays_do_not_need_large_ones_get(
    sizes: dict[str, int], entries: int, expected: dict[str, int]
) -> None:
    assert shares_of(point(**sizes), entries) == expected


def test_shares_add_up() -> None:
    generator = np.random.default_rng(67)
    for _ in range(200):
        sizes = {str(i): int(size) for i, size in enumerate(generator.integers(1, 100, generator.integers(1, 8)))}
        entries = int(generator.integers(len(sizes), 400))
        shares = shares_of(point(**sizes), entries)
        assert all(1 <= shares[name] <= sizes[name] for name in sizes)
        assert sum(shares.values()) == min(entries, sum(sizes.values()))


# --- checks that sample -------------------------------------------------------------------------------------------


def large(activation: str = "tanh") -> tuple[hg.Network, Array, Array]:
    generator = np.random.default_rng(68)
    net = hg.Network.mlp([12, 40, 30, 3], activation=activation, seed=68, bias_init="normal(0.2)")
    return net, generator.standard_normal((20, 12)), generator.integers(0, 3, 20)


def spoil(monkeypatch: pytest.MonkeyPatch, name: str, error: Any) -> None:
    """Every gradient of a network is wrong by `error(g)` in one parameter."""
    right = hg.Network.gradient

    def wrong(self: Any, *args: Any, **mode: Any) -> Any:
        loss, gradient = right(self, *args, **mode)
        view = self.layout.views(gradient)[name]
        view += error(view)
        return loss, gradient

    monkeypatch.setattr(hg.Network, "gradient", wrong)


def measured_of(report: Report) -> dict[str, int]:
    return {check.name: check.measured for check in report.checks if check.point == "as given"}


def test_entries_are_respected() -> None:
    net, X, y = large()
    for entries in (1, 5, 64):
        report = check_network(net, X, y, entries=entries)
        assert report.passed, str(report)
        sizes = {check.name: check.entries for check in report.checks}
        assert measured_of(report) == {name: min(entries, size) for name, size in sizes.items()}
    x = {"W": np.random.default_rng(69).standard_normal((30, 20)), "b": np.linspace(0.5, 1, 7)}
    asked = check_gradient(
        lambda p: np.sin(p["W"]).sum() + (p["b"] ** 2).sum(),
        lambda p: {"W": np.cos(p["W"]), "b": 2 * p["b"]},
        x,
        entries=40,
    )
    assert asked.passed
    assert measured_of(asked) == {"W": 33, "b": 7}


def test_what_was_not_measured_is_nan() -> None:
    net, X, y = large()
    report = check_network(net, X, y, entries=6)
    for check in report.checks:
        assert np.isfinite(report.numeric[check.name]).sum() == check.judged
        assert report.analytic[check.name].shape == check.shape


def test_the_function_is_asked_about_as_often_as_entries_say() -> None:
    calls = []

    def function(x: Array) -> Any:
        calls.append(1)
        return np.sin(x).sum()

    x = np.random.default_rng(70).standard_normal(5000)
    assert check_gradient(function, np.cos, x, entries=25).passed
    assert 100 < len(calls) < 400


@pytest.mark.parametrize("name", ["dense1.W", "dense2.W", "dense2.b", "dense3.W"])
@pytest.mark.parametrize("how", ["one entry", "dense"])
def test_a_sampled_check_finds_an_error_of_a_hundred_thousandth(
    monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    """Of the norm of one parameter's gradient, in an entry that is unlikely to be drawn, or in all."""
    net, X, y = large()
    generator = np.random.default_rng(71)
    shape = net[name].shape
    pattern = generator.standard_normal(shape) if how == "dense" else np.zeros(shape)
    if how == "one entry":
        pattern[tuple(generator.integers(shape))] = 1.0
    pattern /= np.linalg.norm(pattern)
    spoil(monkeypatch, name, lambda g: 1e-5 * np.linalg.norm(g) * pattern)
    report = check_network(net, X, y, entries=3)
    given = {check.name: check.verdict for check in report.checks if check.point == "as given"}
    assert given.pop(name) == "WRONG", str(report)
    assert set(given.values()) == {"ok"}
    assert [finding.parameter for finding in report.findings] == [name]


def test_directions_meet_kinks_and_still_tell() -> None:
    net, X, y = large("relu")
    report = check_network(net, X, y, entries=4)
    assert report.passed, str(report)
    assert max(check.missing for check in report.checks) < 1 - FOUND


def test_notes_state_the_probability() -> None:
    net, X, y = large()
    (whole,) = [note for note in check_network(net, X, y, entries=2000).notes if "also sampled" not in note] or [""]
    assert whole == ""
    report = check_network(net, X, y, entries=10)
    (note,) = [note for note in report.notes if "were sampled" in note]
    sampled = [check for check in report.checks if check.measured < check.entries]
    assert note.startswith(f"{len(sampled)} of {len(report.checks)} gradients were sampled")
    worst = max(sampled, key=lambda check: check.missing)
    stated = re.search(
        r"an error of 1e-06 of a gradient's norm is missed with probability (\S+) at most \((\S+)\)", note
    )
    assert stated is not None, note
    assert stated[2] == worst.name
    assert float(stated[1]) == pytest.approx(worst.missing, rel=0.5)
    assert 0 < worst.missing < 0.05
    assert note in str(report)


def test_complete_checks_miss_nothing() -> None:
    report = check_gradient(lambda x: np.sin(x).sum(), np.cos, np.random.default_rng(72).standard_normal(30))
    assert [check.missing for check in report.checks] == [0.0]
    assert not report.notes


def test_there_are_enough_directions() -> None:
    """An error of 1e-6, seen with the tolerance of 1e-7 alone, is missed less than once in a thousand."""
    assert missing_probability(np.full(DIRECTIONS, 1e-7), 1e-6) < 1 - FOUND
