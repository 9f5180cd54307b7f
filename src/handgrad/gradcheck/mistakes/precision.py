"""Mistakes of precision: a backward pass that is computed in fewer digits than it is checked with."""

from functools import partial
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes.mistake import Mistake, of_the_gradient
from handgrad.gradcheck.mistakes.planting import Batch, Planted
from handgrad.network import Network
from handgrad.network.core import Core


def _computed_in(dtype: Any, net: Planted, gradient: Array, batch: Batch) -> Array:
    low = net._with(net.params.astype(dtype), net.state.astype(dtype), net.seed, net._l2, net.init, net.bias_init)
    low.dtype = np.dtype(dtype)
    X, T = batch.X.astype(dtype), batch.T.astype(dtype)
    shares = None if batch.shares is None else batch.shares.astype(dtype)
    with np.errstate(all="ignore"):
        _, lower, _ = Core.backpropagate(low, X, T, shares, batch.contexts)
    return lower.astype(gradient.dtype)


def _rounded_to(dtype: Any, net: Planted, gradient: Array, batch: Batch) -> Array:
    with np.errstate(all="ignore"):
        return gradient.astype(dtype).astype(gradient.dtype)


def _double(net: Network) -> bool:
    return net.dtype == np.float64


PRECISION: tuple[Mistake, ...] = (
    of_the_gradient("float32 inside", "dtype-loss", "computed in float32", partial(_computed_in, np.float32), _double),
    of_the_gradient("float16 inside", "dtype-loss", "computed in float16", partial(_computed_in, np.float16), _double),
    of_the_gradient("stored in float16", "dtype-loss", "kept in float16", partial(_rounded_to, np.float16), _double),
)
