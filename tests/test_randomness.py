"""Random draws: the published bits of SplitMix64, uniform, and a pure function of who asks for what."""

import zlib

import numpy as np
import pytest
from scipy import stats

from handgrad.randomness import bits, generator, key, order, require_seeds

# The first outputs of the authors' splitmix64.c for the seed 1234567.
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]


def splitmix64(state, count):
    """The published generator, line by line, in Python's whole numbers."""
    outputs = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        outputs.append(z ^ (z >> 31))
    return outputs


def test_the_bits_of_a_key_are_the_stream_of_that_seed():
    assert splitmix64(1234567, 5) == PUBLISHED
    assert bits(np.uint64(1234567), 5)[:, 0].tolist() == PUBLISHED
    assert bits(np.uint64(1234567), 2, 3).reshape(-1).tolist() == splitmix64(1234567, 6)


def test_a_key_folds_seed_training_seed_purpose_and_counters_in_this_order():
    state = 0
    for number in (7, 3, zlib.crc32(b"order"), 2):
        state = splitmix64(state + number * 0x9E3779B97F4A7C15, 1)[0]  # output `number` of stream `state`
    assert int(key(7, 3, "order", 2)) == state


def test_alone_and_in_a_stack_the_bits_are_the_same():
    seeds = np.array([3, 0, 2**62])
    stack = key(seeds, 5, "dropout", 1, 2)
    for s, seed in enumerate(seeds):
        alone = key(int(seed), 5, "dropout", 1, 2)
        assert alone == stack[s]
        np.testing.assert_array_equal(bits(stack, 6, 4)[s], bits(alone, 6, 4))
        np.testing.assert_array_equal(order(stack, 9)[s], order(alone, 9))


def test_more_rows_leave_the_first_ones_alone():
    np.testing.assert_array_equal(bits(key(0, None, "dropout"), 9, 4)[:5], bits(key(0, None, "dropout"), 5, 4))


def test_every_part_of_a_key_counts():
    asked = [
        key(0, None, "order"),
        key(0, 0, "order"),  # no training seed is not the training seed 0
        key(0, 1, "order"),
        key(1, 0, "order"),
        key(0, None, "dropout"),
        key(0, None, "order", 0),
        key(0, None, "order", 1),
        key(0, None, "order", 1, 2),
        key(0, None, "order", 2, 1),
    ]
    assert len({int(each) for each in asked}) == len(asked)


def test_an_order_is_a_permutation_and_every_permutation_is_as_likely():
    orders = order(key(np.arange(4800), None, "order"), 4)
    np.testing.assert_array_equal(np.sort(orders, axis=-1), np.tile(np.arange(4), (4800, 1)))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("axis", ["rows", "columns", "seeds", "epochs"])
def test_bits_are_uniform_and_neighbours_uncorrelated_along_every_axis(axis):
    draw = {
        "rows": lambda: bits(key(0, None, "x"), 5000)[:, 0],
        "columns": lambda: bits(key(0, None, "x"), 1, 5000)[0],
        "seeds": lambda: bits(key(np.arange(5000), None, "x"), 1)[:, 0, 0],
        "epochs": lambda: np.array([bits(key(0, None, "x", epoch), 1)[0, 0] for epoch in range(5000)]),
    }[axis]()
    u = draw / 2.0**64
    assert stats.kstest(u, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 4 / np.sqrt(5000)
    each_bit = (draw[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(each_bit.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(5000)


def test_a_generator_is_numpys_and_pure():
    np.testing.assert_array_equal(generator(3, "W").random(4), np.random.default_rng(int(key(3, None, "W"))).random(4))
    assert generator(3, "W").random() != generator(3, "b").random()
    assert generator(3, "W").random() != generator(4, "W").random()


def test_seeds_come_back_as_int_or_array():
    assert require_seeds("seed", np.int64(3)) == 3
    assert require_seeds("seed", np.array(3)) == 3
    np.testing.assert_array_equal(require_seeds("seed", range(3)), [0, 1, 2])
    np.testing.assert_array_equal(require_seeds("seed", np.array([5, 5])), [5, 5])
    assert require_seeds("seed", 2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed is -1; expected a whole number of at least 0"),
        (1.0, TypeError, "seed is 1.0; expected a whole number"),
        ("1", TypeError, "seed is '1'"),
        (None, TypeError, "seed is None"),
        (np.array(0.5), TypeError, "seed is .*0.5"),
        (True, TypeError, "seed is True"),
        ([0, -3], ValueError, "seed is -3"),
        ([], ValueError, "seed is empty; a stack needs at least one seed"),
        (2**63, ValueError, r"expected a whole number below 2\*\*63"),
    ],
)
def test_what_is_not_a_seed_is_refused(seed, error, message):
    with pytest.raises(error, match=message):
        require_seeds("seed", seed)
