"""`hg.trace`: one batch followed forward and back through a network, as formulas, shapes and numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.arrays import ArrayLike
from handgrad.layers import BatchNorm
from handgrad.network import Network
from handgrad.network.recording import record_pass
from handgrad.rules import unknown
from handgrad.tracing import layers
from handgrad.tracing.losses import Judged, gradient_steps, loss_steps
from handgrad.tracing.page import trace_page
from handgrad.tracing.steps import PRODUCTS, Step, Term, make_step
from handgrad.tracing.text import trace_text
from handgrad.tracing.visits import INPUT, Arrangement, Skip, Visit
from handgrad.tracing.writing import DIGITS, SUMMANDS

ROWS = 16  # of a batch that is traced


@dataclass(frozen=True, eq=False)
class Trace:
    """The steps of one pass, forward, loss and backward in their order; print it to read it. Made by `hg.trace`."""

    network: str
    layers: tuple[tuple[str, str], ...]  # name and description, first to last
    rows: int
    training: bool
    loss: float
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Step:
        """The step that gives the gradient by a quantity, such as "dense1.W", "dense1.Z" or "X"."""
        found = {step.of: step for step in self.steps if step.direction == "backward"}
        if name not in found:
            raise unknown("quantity", name, found)
        return found[name]

    def __str__(self) -> str:
        return trace_text(self)

    def to_html(self) -> str:
        """A page of its own, without scripts, for light and dark screens; large matrices are cut, and it says so."""
        return trace_page(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: all numbers of all steps; null where one is not finite."""
        from handgrad.health.measuring import plain

        return {
            "network": self.network,
            "layers": [{"name": name, "description": words} for name, words in self.layers],
            "rows": self.rows,
            "training": self.training,
            "loss": plain(self.loss),
            "limits": {"products": PRODUCTS, "summands": SUMMANDS, "digits": DIGITS},
            "notes": list(self.notes),
            "steps": [step.to_dict() for step in self.steps],
        }


def trace(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = True,
    seed: int | None = None,
    step: int = 0,
) -> Trace:
    """Follow a few rows forward and back through the network, with a pocket calculator's arithmetic for every entry.

    The numbers are those of `Network.gradient`, as it came by them; the arithmetic is written beside them.

    Parameters
    ----------
    net
        One network; of a stack trace one member, `stack[0]`.
    X, y
        At most 16 rows, and their targets.
    sample_weight, training, seed, step
        As for `Network.gradient`: how much each row counts, and the mode; `training=False` is how the network predicts.

    Returns
    -------
    Trace
        `steps` in order, each with its formula, terms and value, and `products`: what each entry is made of, for the
        first 64 entries of a step and the first 16 summands of a sum. `trace["dense1.W"]` is the step that gives the
        gradient by that quantity. `str`, `to_html` and `to_dict` show it all.

    Raises
    ------
    TypeError, ValueError
        As `Network.gradient`; and for a stack, or for more than 16 rows.

    Examples
    --------
    >>> import handgrad as hg
    >>> net = hg.Network([hg.Dense(2, 1)], loss="mse")
    >>> net["dense1.W"] = [[0.5], [-0.25]]
    >>> found = hg.trace(net, [[1.0, 2.0]], [3.0])
    >>> [step.formula for step in found.steps if step.layer == "dense1"]
    ['Z = A W + b', 'dW = Aᵀ dZ', 'db = Σ dZ over the rows', 'dA = dZ Wᵀ']
    >>> for product in found["dense1.W"].products:
    ...     print(product)
    dW[0,0] = A[0,0] · dZ[0,0] = 1 · (-6) = -6
    dW[1,0] = A[0,1] · dZ[0,0] = 2 · (-6) = -12
    """
    if net.size is not None:
        raise TypeError(f"net is a stack of {net.size} networks; trace one network: trace(stack[0], X, y)")
    X, T, shares = net.accept(X, y, sample_weight)
    if len(X) > ROWS:
        raise ValueError(f"X has {len(X)} rows; a trace shows {ROWS} at most: X[:{ROWS}] and y[:{ROWS}]")
    net, X, T = net.copy(), X.copy(), T.copy()  # a trace stays as it is when these change
    mode = {"training": training, "seed": seed, "step": step}
    loss, gradient = net.gradient(X, y, sample_weight=sample_weight, **mode)  # type: ignore[arg-type]
    data_loss, recording = record_pass(net, X, T, shares, net.contexts(training, seed, step))
    visits = Arrangement(net, recording, net.layout.views(gradient), bool(training)).visits()
    Z, dZ = Term("Z", visits[-1].after, visits[-1].Y), visits[-1].dY
    weights = None if sample_weight is None else np.asarray(sample_weight, float)
    judged = Judged(net, Z, Term("T", "y", T), dZ, data_loss, weights, shares)
    return Trace(
        network=repr(net),
        layers=tuple((leaf.name, str(leaf.layer)) for leaf in net.leaves),
        rows=len(X),
        training=bool(training),
        loss=loss,
        steps=tuple(_steps(X, visits, judged)),
        notes=tuple(_notes(net, X, training)),
    )


def _steps(X: Any, visits: list[Visit | Skip], judged: Judged) -> Iterator[Step]:
    yield make_step("inputs", "forward", "the inputs, a row for each example", INPUT, INPUT, X)
    for visit in visits:
        yield from layers.forward(visit)
    yield from loss_steps(judged)
    yield from gradient_steps(judged)
    for visit in reversed(visits):
        yield from layers.backward(visit)


def _notes(net: Network, X: Any, training: bool) -> Iterator[str]:
    if training and len(X) == 1 and any(isinstance(leaf.layer, BatchNorm) for leaf in net.leaves):
        yield (
            "Batch norm in training mode takes the mean of one row, which is the row itself: N is 0, and no gradient "
            "passes. Trace several rows, or training=False."
        )
