"""JAX's gradients: of any function, and so of one whose `custom_vjp` or `custom_jvp` rule was written by hand."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from handgrad.gradcheck.adapters.triple import Point, Triple, require, weights_of


def from_jax(function: Callable[[Any], Any], x: Any, *, seed: int = 0) -> Triple:
    """The triple (function, gradient, x) that proves what `jax.grad` gives for a function of arrays.

    Both sides are called in float64, whether or not JAX's `jax_enable_x64` is set, and leave that setting alone.

    Parameters
    ----------
    function
        From something like x to an array, or to a tuple, list or dict of arrays. One number is taken as it is;
        anything else is summed with fixed random weights, as a loss after it would.
    x
        The point: an array, or dicts, lists and tuples of arrays, as deep as you like (a pytree). Floats are what is
        differentiated by; anything else, integers among them, is passed on as it is.
    seed
        Of the weights.

    Returns
    -------
    (function, gradient, x)
        x holds float64 arrays by name, such as "W", "dense1.W", "x[0]", or "x" for an array alone.

    Raises
    ------
    ModuleNotFoundError
        JAX is not installed.
    TypeError
        Something to differentiate by is complex, or the function answers no floats or complex ones.

    Examples
    --------
    >>> import jax  # doctest: +SKIP
    >>> hg.check_gradient(*from_jax(jax.nn.softmax, np.ones(3))).passed  # doctest: +SKIP
    True
    """
    jax = require("jax", "from_jax", "JAX", "bench")
    leaves, structure = jax.tree_util.tree_flatten_with_path(x)
    names = [_name(path) for path, _ in leaves]
    if len(set(names)) < len(names):  # x["a.b"] and x["a"]["b"]
        names = [f"x{jax.tree_util.keystr(path)}" for path, _ in leaves]
    arrays = dict(zip(names, (leaf for _, leaf in leaves), strict=True))
    start = {name: _as_float64(name, leaf) for name, leaf in arrays.items() if not _is_constant(jax, leaf)}

    def number(variables: dict[str, Any]) -> Any:
        given = [variables.get(name, leaf) for name, leaf in arrays.items()]
        return _number(jax, function(jax.tree_util.tree_unflatten(structure, given)), seed)

    def value(point: Point) -> float:
        with _float64(jax):
            return float(number(jax.tree_util.tree_map(jax.numpy.asarray, point)))

    def gradient(point: Point) -> Point:
        with _float64(jax):
            grads = jax.grad(number)(jax.tree_util.tree_map(jax.numpy.asarray, point))
            return {name: np.array(grad) for name, grad in grads.items()}

    return value, gradient, start


def _number(jax: Any, answer: Any, seed: int) -> Any:
    """A function's answer as one number."""
    leaves = map(jax.numpy.asarray, jax.tree_util.tree_leaves(answer))
    outputs = [each for each in leaves if jax.numpy.issubdtype(each.dtype, np.inexact)]
    if any(map(np.iscomplexobj, outputs)):
        raise TypeError("the function answers complex numbers; expected floats (take their .real and .imag)")
    if not outputs:
        raise TypeError("the function answers no array of floats; there is nothing to differentiate")
    weights = weights_of([each.shape for each in outputs], seed)
    return sum((weight * each).sum() for weight, each in zip(weights, outputs, strict=True))


def _float64(jax: Any) -> Any:
    """A context in which JAX computes in float64; it moved out of `jax.experimental` when it became public."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return require("jax.experimental", "from_jax", "JAX", "bench").enable_x64()


def _is_constant(jax: Any, leaf: Any) -> bool:
    return not jax.numpy.issubdtype(jax.numpy.result_type(leaf), np.inexact)


def _as_float64(name: str, leaf: Any) -> Any:
    if np.iscomplexobj(leaf):
        raise TypeError(f"{name} is complex; expected real floats")
    return np.array(leaf, dtype=np.float64)


def _name(path: Iterable[Any]) -> str:
    """As Python writes it: "dense1.W" for x["dense1"]["W"], "x[0][1]" for x[0][1], "x" for x itself."""
    steps = [f"[{step.idx}]" if hasattr(step, "idx") else f".{_key(step)}" for step in path]
    name = "".join(steps)
    return name[1:] if name.startswith(".") else f"x{name}"


def _key(step: Any) -> Any:
    return getattr(step, "key", getattr(step, "name", step))
