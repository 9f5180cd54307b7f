"""Where every draw comes from: (network seed, training seed, purpose), and nothing else.

Two kinds of draw. `generator` gives NumPy's PCG64 for what is drawn once (weights, data, splits). `bits` is a
counter-based source for what is drawn at every step (batch order, dropout): the value at an index is a pure
function of key and index, so it is the same on any engine, alone or in a stack, and there is no state to save.

The counter-based source is SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").
"""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_integer

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ / golden ratio: the distance between SplitMix64's counters
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(z: Any) -> Any:
    """SplitMix64's finaliser: each output bit depends on every input bit. uint64 in, uint64 out, any shape."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def _fold(key: Any, number: Any) -> Any:
    """A new key from a key and a number: the SplitMix64 output of stream `key` at counter `number`."""
    with np.errstate(over="ignore"):  # 64-bit wrap-around is the point
        return _mix(key + (number + np.uint64(1)) * _GOLDEN)


def key(seed: int | Array, training_seed: int | None, purpose: str, *counters: int) -> Array:
    """The key of one purpose: () for one network's seed, (S,) for a stack's seeds, uint64.

    `training_seed=None` adds nothing: a network's own seed then decides all. Counters (an epoch, a step, a layer)
    are folded in, in order.

    >>> int(key(0, None, "order", 3)) == int(key(np.array([7, 0]), None, "order", 3)[1])
    True
    """
    folded = _fold(np.uint64(0), np.asarray(seed).astype(np.uint64))
    if training_seed is not None:
        folded = _fold(folded, np.uint64(training_seed))
    folded = _fold(folded, np.uint64(zlib.crc32(purpose.encode())))
    for counter in counters:
        folded = _fold(folded, np.uint64(counter))
    return folded


def bits(key: Array, rows: int, columns: int = 1) -> Array:
    """64 random bits for each (row, column) of each key: () -> (rows, columns), (S,) -> (S, rows, columns), uint64.

    >>> bits(key(0, None, "example"), 4, 2).shape
    (4, 2)
    """
    counter = np.arange(rows * columns, dtype=np.uint64).reshape(rows, columns)
    return _fold(key[..., None, None], counter)


def uniforms(key: Array, first: int, rows: int) -> Array:
    """A number in [0, 1) for each of so many rows from `first` on, (rows,): a row's does not depend on the others.

    >>> bool(uniforms(key(0, None, "split"), 3, 2)[0] == uniforms(key(0, None, "split"), 0, 4)[3])
    True
    """
    numbers = np.arange(first, first + rows, dtype=np.uint64)
    return (_fold(key, numbers) >> np.uint64(11)) * 2.0**-53  # as many bits as a float64 holds


def order(key: Array, rows: int) -> Array:
    """A random order of the rows for each key: () -> (rows,), (S,) -> (S, rows); the ranks of random bits.

    >>> order(key(0, None, "order"), 5)
    array([...])
    """
    return np.argsort(bits(key, rows)[..., 0], axis=-1)


def generator(seed: int, purpose: str) -> np.random.Generator:
    """NumPy's generator for what is drawn once, from a seed and a purpose.

    >>> generator(0, "data").random() == generator(0, "data").random()
    True
    """
    return np.random.default_rng(int(key(seed, None, purpose)))


def require_seed(argument: str, seed: object) -> int:
    """The seed as an int, if it is a whole number from 0 to 2⁶³ - 1."""
    number = require_integer(argument, seed, at_least=0)
    if number >= 2**63:
        raise ValueError(f"{argument} is {number}; expected a whole number below 2**63")
    return number


def require_seeds(argument: str, seeds: object) -> int | Array:
    """One seed as an int, or the seeds of a stack as an (S,) array.

    >>> require_seeds("seed", range(3))
    array([0, 1, 2])
    """
    if isinstance(seeds, np.ndarray) and seeds.ndim == 0:
        seeds = seeds[()]  # NumPy calls it iterable, and then does not iterate over it
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        stack = [require_seed(argument, each) for each in seeds]
        if not stack:
            raise ValueError(f"{argument} is empty; a stack needs at least one seed, such as range(10)")
        return np.array(stack, dtype=np.int64)
    return require_seed(argument, seeds)
