"""What a network answers, in the form in which exports give it.

A network for classes gives a label (its name, where the network carries names) and probabilities; one for values gives
values. Where names are carried, probabilities have one column for each name, so that a network with one sigmoid output
gives two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.compiled.expressions import Expression
from handgrad.interchange.formulas import output_expression
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network


@dataclass(frozen=True)
class Answers:
    """Which answers a network gives: `task` is "classes" (one of several), "labels" (yes or no each) or "values"."""

    task: str
    outputs: int
    names: tuple[str, ...] | None  # of the classes
    output: Expression | None  # the output function, elementwise in z; None: softmax

    @property
    def named_pair(self) -> bool:
        """Whether one sigmoid output tells two named classes apart."""
        return self.task == "labels" and self.names is not None

    def expected(self, net: Network, X: Array) -> tuple[Array | None, Array]:
        """Labels and probabilities, or None and values, as an export of the network should give them."""
        if self.task == "values":
            return None, net.predict(X)
        label, probabilities = net.predict(X), net.predict_proba(X)
        if self.named_pair:
            label, probabilities = label[:, 0], np.hstack([1 - probabilities, probabilities])
        return (label if self.names is None else np.array(self.names, dtype=object)[label]), probabilities


def answers_of(net: Network) -> Answers:
    """The answers of a network.

    Raises
    ------
    TypeError
        The loss is of a class of your own, which may do anything.
    ValueError
        Its output function cannot be traced, or there are class names for another number of classes.
    """
    loss, outputs = net.loss_rule, net.fan_out or 0
    if type(loss) is SoftmaxCrossEntropy:
        return Answers("classes", outputs, _names(net, outputs), None)
    if type(loss) is not Loss or loss.target == "classes":
        raise TypeError(f"net has a loss of your own class, {loss!r}, which only Python runs; expected a Loss record")
    output = output_expression(loss)
    if loss.target == "labels":
        return Answers("labels", outputs, _names(net, 2) if outputs == 1 else None, output)
    return Answers("values", outputs, None, output)


def _names(net: Network, classes: int) -> tuple[str, ...] | None:
    preprocessing: Any = net.preprocessing
    names: tuple[str, ...] | None = None if preprocessing is None else preprocessing.class_names
    if names is not None and len(names) != classes:
        raise ValueError(f"net.preprocessing has {len(names)} class names but the network tells {classes} classes")
    return names
