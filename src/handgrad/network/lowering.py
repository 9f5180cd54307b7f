"""A network for the compiled engine: its plan, and why there is none where the engine does not know a part of it."""

import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from handgrad.arrays import Array, ArrayLike
from handgrad.network.door import accept_inputs, require_engine
from handgrad.network.layout import Layout, at, tree_of

if TYPE_CHECKING:
    from handgrad.compiled.plan import Plan
    from handgrad.compiled.predictor import Predictor
    from handgrad.network.core import Core

Made = TypeVar("Made")
OFTEN = 20  # predictions of one row, from which it pays to load the way that is quick for one row
_told: set[str] = set()


def plan_of(net: "Core", inputs: int, rows: int) -> "Plan":
    """The plan of a network for batches of so many rows; NotCompilable or ImportError where there is none."""
    from handgrad.compiled.plan import lower

    offsets, state_offsets = _offsets(net.layout), _offsets(net.state_layout)
    return lower(net.layers, net.loss_rule, offsets, state_offsets, inputs, rows, net.dtype)


def predictor_of(net: "Core", inputs: int) -> "Predictor | str":
    """What predicts for a network, or the reason why the engine cannot."""

    def make() -> "Predictor":
        from handgrad.compiled.predictor import Predictor

        return Predictor(plan_of(net, inputs, 1), net._params, net._state, net.size)

    return or_reason(make)


def predicted(net: "Core", X: ArrayLike, engine: str, what: str) -> Array | None:
    """The `logits` or `classes` that the compiled engine predicts for X; None where NumPy should."""
    if net._quick is not None and type(X) is np.ndarray and X.shape[:1] == (1,) and engine in ("auto", "compiled"):
        try:
            found: Array = getattr(net._quick, what)(X)
            return found
        except ImportError:
            net._quick = None  # without Numba there is the long way only
        except (TypeError, ValueError):
            pass  # not one row of finite numbers in this dtype: the long way takes more, and says what is wrong
    if require_engine(engine) == "numpy":
        return None
    X = accept_inputs(net, X)
    inputs = X.shape[-1]
    if inputs not in net._predictors:
        net._predictors[inputs] = predictor_of(net, inputs)
    predictor = settle(engine, net._predictors[inputs])
    if predictor is None:
        return None
    net._single_rows += net.size is None and len(X) == 1
    if net._single_rows == OFTEN:
        net._quick = predictor
    result: Array = getattr(predictor(X), what)
    return result[0] if net.size is None else result


def or_reason(make: Callable[[], Made]) -> Made | str:
    """What `make` makes of compiled code, or the reason why it cannot."""
    try:
        from handgrad.compiled.expressions import NotCompilable
    except ImportError as missing:
        return f"Numba cannot be imported ({missing})"
    try:
        return make()
    except NotCompilable as reason:
        return str(reason)
    except ImportError as missing:
        return f"Numba cannot be imported ({missing})"


def settle(engine: str, found: Any) -> Any:
    """What was found for the compiled engine, or None for NumPy: with one notice if asked for neither, else an error.

    Raises
    ------
    ValueError
        The engine is "compiled" and there is a reason why it cannot be.
    """
    if not isinstance(found, str):
        return found
    if engine == "compiled":
        raise ValueError(f"engine is 'compiled', but {found}; leave engine out to run it on NumPy")
    if found not in _told:
        _told.add(found)
        message = f"this network runs on NumPy, not on the compiled engine: {found} (engine='numpy' says nothing)"
        warnings.warn(message, stacklevel=_callers_level())
    return None


def _callers_level() -> int:
    """How far up the first caller outside this package is, as `warnings.warn` counts."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("handgrad."):
        frame, level = frame.f_back, level + 1
    return level


def _offsets(layout: Layout) -> list[Any]:
    """Where each array begins in the flat vector, in the shape of the layers."""
    tree = tree_of(layout.layers, lambda path, layer: {})
    for segment in layout.segments:
        at(tree, segment.leaf.path)[segment.key] = segment.start
    return tree
