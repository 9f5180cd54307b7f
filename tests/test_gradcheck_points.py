"""Mistakes that do not show at the point given: right there, wrong after some steps, on one row, on another batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import Report, check_gradient, check_network

Wrong = Callable[[hg.Network, dict[str, Any], Array], Array]


def trained(**settings: Any) -> hg.Network:
    """A network that has moved away from where it began."""
    net = hg.Network.mlp([3, 6, 3], activation="tanh", seed=51, **settings)
    net.params += 0.4 * np.random.default_rng(52).standard_normal(net.params.shape)
    return net


def examples(rows: int = 12) -> dict[str, Any]:
    """Unevenly weighted rows of three classes."""
    generator = np.random.default_rng([53, rows])
    return {
        "X": generator.standard_normal((rows, 3)),
        "y": np.arange(rows) % 3,
        "sample_weight": generator.random(rows) + 0.2,
    }


def report_with(monkeypatch: pytest.MonkeyPatch, net: hg.Network, wrong: Wrong, **batch: Any) -> Report:
    """The check of a network whose gradient goes through `wrong(net, what it was asked, gradient)`."""
    right = hg.Network.gradient

    def gradient(self: hg.Network, X: Any, y: Any, **more: Any) -> Any:
        loss, found = right(self, X, y, **more)
        return loss, wrong(self, {"X": X, "T": y, **more}, found)

    monkeypatch.setattr(hg.Network, "gradient", gradient)
    return check_network(net, **batch)


def seen_only(report: Report, label: str) -> None:
    """Everything is right as given, and something wrong was found at this point, and said so."""
    assert all(check.verdict == "ok" for check in report.checks if check.point == "as given"), str(report)
    assert not report.passed, str(report)
    assert {check.point for check in report.checks} >= {label}, str(report)
    assert any(finding.evidence.startswith(f"{label}: ") for finding in report.findings), str(report)
    assert label in str(report)


def test_wrong_on_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(net: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        return 1.5 * g if len(asked["X"]) == 1 else g

    seen_only(report_with(monkeypatch, trained(), wrong, **examples()), "on one row")


def test_wrong_where_the_batch_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divided by the number of rows of the first batch."""

    def wrong(net: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        return g if len(asked["X"]) == 1 else g * len(asked["X"]) / 12

    report = report_with(monkeypatch, trained(), wrong, **examples())
    seen_only(report, "on an unbalanced batch")
    assert {finding.cause for finding in report.findings} <= {"constant-factor", "sum-instead-of-mean"}


def test_wrong_where_classes_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(net: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        counts = np.asarray(asked["T"]).sum(axis=0)
        return g if np.ptp(counts) < 0.5 or len(asked["X"]) == 1 else g * counts.max() / counts.mean()

    seen_only(report_with(monkeypatch, trained(), wrong, **examples()), "on an unbalanced batch")


def test_wrong_after_some_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    net = trained()
    start, fresh = net.params.copy(), hg.Network.mlp([3, 6, 3], activation="tanh", seed=51).params

    def wrong(self: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        moved = min(np.linalg.norm(self.params - each) / np.linalg.norm(each) for each in (start, fresh))
        return g if moved < 0.03 or len(asked["X"]) < 12 else g * np.linspace(1, 2, g.size)

    seen_only(report_with(monkeypatch, net, wrong, **examples()), "after 10 steps")


def test_wrong_freshly_initialised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Biases are exactly 0 there, and a gradient that divides by them is lost."""

    def wrong(net: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        return g if net["dense1.b"].any() else 0.5 * g

    seen_only(report_with(monkeypatch, trained(), wrong, **examples()), "freshly initialised")


@pytest.mark.parametrize("l2", [1e-9, 1e-3])
def test_wrong_in_the_penalty_alone(monkeypatch: pytest.MonkeyPatch, l2: float) -> None:
    """A penalty so weak that, in the whole gradient, nobody sees that it is missing."""

    def wrong(net: hg.Network, asked: dict[str, Any], g: Array) -> Array:
        weights = net.layout.weights
        g = g.copy()
        g[..., :weights] -= net.l2 * net.params[..., :weights]
        return g

    report = report_with(monkeypatch, trained(l2=l2), wrong, **examples())
    assert not report.passed
    if l2 == 1e-9:
        seen_only(report, "penalty alone")
    assert {finding.parameter for finding in report.findings} == {"dense1.W", "dense2.W"}


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("rows", [1, 2, 4, 12])
def test_right_networks_are_not_accused_anywhere(activation: str, rows: int, weighted: bool) -> None:
    batch = examples(rows)
    if not weighted:
        del batch["sample_weight"]
    for more in ({}, {"l2": 0.01}, {"norm": "layer"}, {"dropout": 0.3}):
        net = hg.Network.mlp([3, 6, 3], activation=activation, seed=54 + rows, **more)  # type: ignore[arg-type]
        net.params += 0.2 * np.random.default_rng([55, rows]).standard_normal(net.params.shape)
        report = check_network(net, **batch)
        assert all(check.verdict != "WRONG" for check in report.checks), str(report)
        assert all(finding.cause in ("on-kinks", "below-noise") for finding in report.findings), str(report)


def test_the_points_are_named_in_a_note() -> None:
    note = check_network(trained(l2=0.1), **examples()).notes[-1]
    assert note == (
        "also sampled: data loss alone, penalty alone, freshly initialised, after 10 steps, on one row, "
        "on an unbalanced batch"
    )
    assert check_network(trained(), **examples(1)).notes[-1] == "also sampled: freshly initialised, after 10 steps"


def test_rows_without_weight_are_no_obstacle() -> None:
    batch = examples()
    batch["sample_weight"][:1] = 0
    assert check_network(trained(), **batch).passed
    batch["sample_weight"][:-1] = 0
    assert check_network(trained(), **batch).passed


def test_checking_changes_nothing() -> None:
    net, batch = trained(norm="batch", l2=0.1), examples()
    params, state = net.params.copy(), net.state.copy()
    before = {key: np.array(value) for key, value in batch.items()}
    check_network(net, **batch)
    np.testing.assert_array_equal(net.params, params)
    np.testing.assert_array_equal(net.state, state)
    for key, value in batch.items():
        np.testing.assert_array_equal(value, before[key])


def test_a_function_is_looked_at_a_little_away_too() -> None:
    """At 0 a forgotten x² cannot be seen."""
    x = np.zeros(4)
    assert check_gradient(lambda x: (x + x**3).sum(), lambda x: 1 + 3 * x**2, x).passed
    report = check_gradient(lambda x: (x + x**3).sum(), lambda x: 1 + 0.5 * x, x)
    assert report.checks[0].verdict == "ok"
    assert not report.passed
    assert report.checks[-1].point == "a little away from x"
    assert all(finding.evidence.startswith("a little away from x: ") for finding in report.findings)


def test_a_penalty_that_drowns_in_the_rounding_of_the_data_loss_is_not_looked_at_alone() -> None:
    net = hg.Network.mlp([3, 4, 2], activation="tanh", loss="poisson", l2=0.01, seed=0)
    net["dense2.b"][...] = 50.0  # a mean of e⁵⁰
    report = check_network(net, np.random.default_rng(0).normal(size=(6, 3)), np.ones((6, 2)))
    assert not any(check.verdict == "WRONG" for check in report.checks), str(report)
    assert "penalty alone" not in report.notes[-1]
    net["dense2.b"][...] = 0.0
    report = check_network(net, np.random.default_rng(0).normal(size=(6, 3)), np.ones((6, 2)))
    assert report.passed
    assert "penalty alone" in report.notes[-1]
