"""The door of a network: what inputs, weights of rows and settings must be before anything is computed with them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_finite, require_number, require_numeric
from handgrad.rules import unknown

if TYPE_CHECKING:
    from handgrad.network.core import Core

ENGINES = ("auto", "numpy", "compiled")


def accept_inputs(net: "Core", X: ArrayLike) -> Array:
    """X (B, D), or (S, B, D) for a stack, in the network's dtype, or a clear error."""
    try:
        X = require_numeric("X", X)
    except TypeError as wrong:
        if net.preprocessing is None:
            raise
        raise TypeError(f"{wrong}; for raw rows write net.predict(net.preprocessing.transform(rows))") from wrong
    if X.ndim != 2 and not (X.ndim == 3 and net.size is not None):
        shapes = "(B, D)" if net.size is None else f"(B, D) or ({net.size}, B, D)"
        raise ValueError(f"X has shape {X.shape}; expected {shapes}: rows of examples" + _reshape_hint(X))
    if X.ndim == 3 and X.shape[0] != net.size:
        raise ValueError(f"X has data for {X.shape[0]} networks but the stack has {net.size}")
    if net.fan_in is not None and X.shape[-1] != net.fan_in:
        first = next(leaf for leaf in net.leaves if leaf.layer.width(None) is not None)
        hint = "; did you pass the target column too?" if X.shape[-1] == net.fan_in + 1 else ""
        raise ValueError(
            f"X has {X.shape[-1]} columns but the network expects {net.fan_in} "
            f"(layer {first.name}, fan_in={net.fan_in}){hint}"
        )
    if X.shape[-2] == 0:
        raise ValueError("X is empty; expected at least one row")
    return require_finite("X", np.ascontiguousarray(X, dtype=net.dtype))


def accept_shares(sample_weight: ArrayLike | None, rows: int, dtype: np.dtype[Any]) -> Array | None:
    """Shares wᵢ / Σ wᵢ (B,) of the rows, None where all count the same, or a clear error."""
    if sample_weight is None:
        return None
    weights = accept_weights(sample_weight, rows, dtype)
    return weights / weights.sum()


def accept_weights(sample_weight: ArrayLike, rows: int, dtype: np.dtype[Any]) -> Array:
    """Weights (B,) of the rows in that dtype, or a clear error."""
    weights = require_numeric("sample_weight", sample_weight).astype(dtype)
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}; expected ({rows},), one weight for each row of X")
    require_finite("sample_weight", weights)
    if (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must be at least 0 everywhere and above 0 somewhere")
    return weights / weights.max()  # only shares matter, and a sum of these cannot overflow


def require_engine(engine: object) -> str:
    """The name of an engine that there is."""
    if engine not in ENGINES:
        raise unknown("engine", str(engine), ENGINES)
    return str(engine)


def require_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)  # not None, which equals float64
    if found not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'")
    return found


def require_l2(l2: Any, size: int | None, dtype: np.dtype[Any]) -> Any:
    """One strength as a float, or one for each network of a stack as (S,)."""
    if np.ndim(l2) == 0:
        number = require_number("l2", l2, at_least=0)
        return number if size is None else np.full(size, number, dtype)
    if size is None or len(l2) != size:
        has = "one network; give seed a sequence to make a stack" if size is None else f"{size} networks"
        raise ValueError(f"l2 has {len(l2)} values for {has}")
    return np.array([require_number("l2", each, at_least=0) for each in l2], dtype)


def require_shape(argument: str, values: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Numbers in that shape, finite in that dtype."""
    array = require_numeric(argument, values)
    if array.shape != shape:
        raise ValueError(f"{argument} has shape {array.shape}; expected {shape}")
    with np.errstate(over="ignore"):  # what overflows in the dtype is refused as not finite
        return require_finite(argument, array.astype(dtype, copy=False))


def _reshape_hint(X: Array) -> str:
    return "; for one row write X[None, :], for one column X[:, None]" if X.ndim == 1 else ""
