"""A network as a plain function of its parameters and that function's gradient: for checkers that know no networks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from handgrad import blas
from handgrad.arrays import Array, ArrayLike
from handgrad.network import Network

Point = Mapping[str, Array]


class Functions(NamedTuple):
    """What `check_gradient` takes: a function, its gradient and a point."""

    function: Callable[[Point], float]
    gradient: Callable[[Point], dict[str, Array]]
    x: dict[str, Array]


def as_function(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
) -> Functions:
    """The loss as a function of a dict of parameters, its gradient as a dict, and the point where the network stands.

    Each works on a copy of the network of its own. If a backward pass writes into its parameters, the arrays that it
    was given show it, as they would if it had been called with them.

    Parameters
    ----------
    net
        A single network, right or with a planted mistake.
    X, y, sample_weight, training, seed, step
        As for `Network.gradient`.

    Raises
    ------
    TypeError
        The network is a stack.
    ValueError
        An argument does not fit the network, or, later, a point does not.

    >>> from handgrad.gradcheck import check_gradient
    >>> net = Network.mlp([2, 3, 2], activation="tanh")
    >>> check_gradient(*as_function(net, [[0.5, -1.0]], [1])).passed
    True
    """
    if net.size is not None:
        raise TypeError(f"as_function: expected a single network, not a stack of {net.size}; take one by its number")
    inputs, T, shares = net.accept(X, y, sample_weight)
    forward, backward = net.copy(), net.copy()
    told, told_back = (each.contexts(training, seed, step) for each in (forward, backward))

    def function(point: Point) -> float:
        _put(forward, point)
        with blas.single_threaded():
            return float(forward.objective(inputs, T, shares, told))

    def gradient(point: Point) -> dict[str, Array]:
        _put(backward, point)
        with blas.single_threaded():
            _, flat, _ = backward.backpropagate(inputs, T, shares, told_back)
        _show_traces(backward, point)
        return {name: view.copy() for name, view in backward.layout.views(flat).items()}

    return Functions(function, gradient, {name: net[name].copy() for name in net.parameter_names})


def _put(net: Network, point: Point) -> None:
    """Write the point into the network; whether it is finite is for the function's value to show."""
    for name in net.parameter_names:
        view, values = net[name], np.asarray(point[name])
        if values.shape != view.shape:
            raise ValueError(f"{name} has shape {values.shape}; expected {view.shape}")
        view[...] = values


def _show_traces(net: Network, point: Point) -> None:
    """What backward did to the network's parameters, done to the arrays of the point."""
    for name in net.parameter_names:
        if not np.array_equal(net[name], point[name], equal_nan=True):
            point[name][...] = net[name]
