"""What the adapters share: the triple that they give, and the weights of the sum that makes a number of an output."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.randomness import generator

Point = dict[str, Array]
Triple = tuple[Callable[[Point], float], Callable[[Point], Point], Point]
"""(function, gradient, x), as `check_gradient` takes them; x holds float64 arrays by name."""


def weights_of(shapes: list[tuple[int, ...]], seed: int) -> list[Array]:
    """Fixed random weights for outputs of these shapes; 1 if there is but one number.

    Σ weight · output is a number that each entry of each output moves by an amount of its own. The plain sum would not
    do: its gradient through softmax or a normalisation is zero, and would prove nothing of them. Nor would weights from
    `default_rng(seed)` itself: an input A that the caller drew so equals them, and A.T @ A hides a wrong transpose.
    """
    if len(shapes) == 1 and np.prod(shapes[0]) == 1:
        return [np.ones(shapes[0])]
    draws = generator(seed, "output weights")
    return [np.asarray(draws.standard_normal(shape)) for shape in shapes]


def require(module: str, adapter: str, library: str, extra: str) -> Any:
    """That module, or an error that says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module:  # it is there, but something that it needs is not
            raise
        raise ModuleNotFoundError(
            f"{adapter} needs {library}, which is not installed: pip install 'handgrad[{extra}]'", name=module
        ) from missing
