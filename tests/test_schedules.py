"""Schedules: the formulas at points, and reduce_on_plateau as a state machine for each network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.schedules import Schedule, constant, cosine, exponential, inverse_scaling, reduce_on_plateau, schedules
from handgrad.schedules import step as staircase
from handgrad.training.stopping import BestSoFar, EarlyStopping


@pytest.mark.parametrize("schedule", [*schedules, cosine(floor=0.1), cosine(warmup=5), staircase(10, 0.5)], ids=repr)
def test_the_factor_ends_in_0_to_1_and_only_falls_after_the_warm_up(schedule):
    warmup = schedule.parameters.get("warmup", 0)
    factors = [schedule.factor(t, total=100) for t in np.arange(warmup, 120, 0.5)]
    assert factors[0] == 1
    assert all(type(factor) is float and 0 <= factor <= 1 for factor in factors)
    assert all(np.diff(factors) <= 0)


@pytest.mark.parametrize(
    ("schedule", "t", "factor"),
    [
        (constant, 50, 1),
        (staircase, 29.9, 1),
        (staircase, 30, 0.1),
        (staircase, 95, 0.001),
        (staircase(every=10, factor=0.5), 25, 0.25),
        (exponential, 2, 0.95**2),
        (exponential(0.5), 0.5, 0.5**0.5),
        (cosine, 25, (1 + 0.5**0.5) / 2),
        (cosine, 50, 0.5),
        (cosine, 100, 0),
        (cosine, 130, 0),
        (cosine(floor=0.2), 50, 0.6),
        (cosine(floor=0.2), 100, 0.2),
        (cosine(warmup=4), 0, 0.2),
        (cosine(warmup=4), 2.5, 0.7),
        (cosine(warmup=20), 60, 0.5),
        (inverse_scaling, 3, 0.5),
        (inverse_scaling(power=1), 9, 0.1),
        (reduce_on_plateau, 50, 1),
    ],
    ids=str,
)
def test_the_formula_at_points(schedule, t, factor):
    assert schedule.factor(t, total=100) == pytest.approx(factor, rel=1e-12, abs=1e-15)


@settings(deadline=None)
@given(warmup=st.integers(1, 30), floor=st.floats(0, 1))
def test_the_warm_up_rises_to_the_cosine_without_a_jump(warmup, floor):
    schedule = cosine(warmup=warmup, floor=floor)
    rise = [schedule.factor(t, 100) for t in range(warmup + 1)]
    np.testing.assert_allclose(np.diff(rise), 1 / (warmup + 1))
    before, after = (schedule.factor(warmup + off, 100) for off in (-1e-9, 1e-9))
    assert before == pytest.approx(after, abs=1e-8)


def test_a_warm_up_as_long_as_training_ends_at_the_full_rate():
    assert cosine(warmup=10).factor(9, total=10) == pytest.approx(10 / 11)
    assert cosine(warmup=10).factor(10, total=10) == 1


def test_reduce_on_plateau_waits_reduces_and_starts_to_wait_again():
    schedule = reduce_on_plateau(factor=0.5, patience=2, min_delta=0.1, least=0.2)
    losses = [5.0, 4.0, 3.95, 3.95, 3.95, 3.0, 3.0, 3.00, 3.00, 3.0, 3.0, np.nan]
    factors = [1.0, 1.0, 1.00, 0.50, 0.50, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]
    state = schedule.start(networks=1)
    for loss, factor in zip(losses, factors, strict=True):
        state = schedule.advance(state, np.array([loss]))
        assert state[0, 2] == factor
    assert state[0, 0] == 3.0


def test_reduce_on_plateau_waits_as_long_as_early_stopping():
    schedule = reduce_on_plateau(patience=3)
    best, plateau = BestSoFar(np.zeros((1, 1)), np.zeros((1, 0))), schedule.start(networks=1)
    for epoch in range(4):
        loss = np.array([1.0])
        tired = best.update(loss, epoch, np.zeros((1, 1)), np.zeros((1, 0)), EarlyStopping(patience=3), loss > 0)
        plateau = schedule.advance(plateau, loss)
        assert (plateau[0, 2] < 1) == tired[0] == (epoch == 3)


def test_reduce_on_plateau_equals_pytorchs():
    """PyTorch reduces after more than `patience` epochs, and we after `patience`, as in early stopping: 4 is its 3."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=3, threshold=0.02, threshold_mode="abs", min_lr=1e-3, eps=0
    )
    schedule = reduce_on_plateau(factor=0.3, patience=4, min_delta=0.02, least=1e-3)
    random, state = np.random.default_rng(0), schedule.start(networks=1)
    for loss in np.exp(-np.arange(80) / 10) + 0.05 * random.random(80):
        scheduler.step(loss)
        state = schedule.advance(state, np.array([loss]))
        assert state[0, 2] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert state[0, 2] == 1e-3


def test_each_network_has_a_plateau_of_its_own():
    schedule = reduce_on_plateau(patience=2)
    losses = np.random.default_rng(0).random((20, 4)).cumsum(axis=0) * [1, -1, 0, 1e-6]
    stack, alone = schedule.start(4), [schedule.start(1) for _ in range(4)]
    for row in losses:
        stack = schedule.advance(stack, row)
        alone = [schedule.advance(state, row[s : s + 1]) for s, state in enumerate(alone)]
        np.testing.assert_array_equal(stack, np.concatenate(alone))
    assert len(set(stack[:, 2])) > 1


def test_a_schedule_of_your_own():
    halving = Schedule("halving", f=lambda t, total, every: 0.5 ** (t / every), every=2.0)
    assert halving.factor(4, total=10) == 0.25
    assert halving(every=1).factor(4, total=10) == 0.0625
    with pytest.raises(TypeError, match=r"halving: f is defined as f.t, total.; expected f.t, total, every."):
        Schedule("halving", f=lambda t, total: 0.5**t, every=2.0)
