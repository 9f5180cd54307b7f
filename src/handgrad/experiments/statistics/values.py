"""The door of the statistics: values over seeds, finite, of one length where they are paired."""

from collections.abc import Mapping

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_numeric

LEVEL = 0.95  # of intervals, and 1 - LEVEL of all tests of a comparison together


def require_values(argument: str, values: ArrayLike, each: str = "seed") -> Array:
    """The values as floats (S,), if there are any and all are finite.

    A run that failed has no value, and leaving it out would flatter its setting: who asks must say what it is worth.

    >>> require_values("accuracy", [0.9, float("nan")])
    Traceback (most recent call last):
        ...
    ValueError: accuracy has nan for seed 1 (1 of 2 is not finite); a failed run is not left out: give it a value ...
    """
    array = require_numeric(argument, values).astype(np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{argument} has shape {array.shape}; expected one value for each {each}, shape (S,), S ≥ 1")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{argument} has {array[bad[0]]} for {each} {bad[0]} ({len(bad)} of {len(array)} "
            f"{'is' if len(bad) == 1 else 'are'} not finite); a failed run is not left out: give it a value of its "
            "own, such as the accuracy of guessing"
        )
    return array


def require_paired(values: Mapping[str, ArrayLike], each: str = "seed") -> dict[str, Array]:
    """The values by setting, if all are finite and of one length.

    >>> require_paired({"relu": [0.9, 0.8], "tanh": [0.9]})
    Traceback (most recent call last):
        ...
    ValueError: 'tanh' has 1 value but 'relu' has 2; settings are compared seed by seed, so each needs the same seeds
    """
    checked = {name: require_values(repr(name), array, each) for name, array in values.items()}
    first = next(iter(checked), "")
    for name, array in checked.items():
        if len(array) != len(checked[first]):
            count = f"{len(array)} value{'s' * (len(array) != 1)}"
            raise ValueError(
                f"{name!r} has {count} but {first!r} has {len(checked[first])}; settings are compared {each} by "
                f"{each}, so each needs the same {each}s"
            )
    return checked
