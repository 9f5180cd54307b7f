"""A plan: a network as a table of numbers that the engine runs, one row for each operation.

Lowering walks through the layers once and gives every value a place. Places are counted in units: the values of a
batch lie at (offset · rows). Activations whose derivative looks at a = f(z) only are computed in place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.activations import Formula
from handgrad.arrays import Array
from handgrad.compiled.expressions import NotCompilable
from handgrad.compiled.kernels import activation_kernels, loss_kernel
from handgrad.compiled.native import address
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.losses import Loss, SoftmaxCrossEntropy

# What an operation is: DENSE multiplies, UNITS works on each unit alone, ROWS on all units of a row,
# SPLIT and ADD are the two ends of a residual connection, COPY keeps what the next would overwrite.
DENSE, UNITS, ROWS, SPLIT, ADD, COPY = range(6)

# The columns of the table. INPUT, OUTPUT, CACHE: places of values; BY_OUTPUT, BY_INPUT, SAVED: places of gradients;
# OWN, BIAS, STATE: offsets into the flat vectors (BIAS -1: none); RULE: where a rule's parameters begin.
(CODE, FAN_IN, FAN_OUT, OWN, BIAS, STATE, INPUT, OUTPUT, CACHE, FORWARD, BACKWARD, RULE, LAYER, EXTRA, BY_OUTPUT,
 BY_INPUT, SAVED, CHUNK_IN, CHUNK_OUT, ADDS_BIAS) = range(20)  # fmt: skip
COLUMNS = 20
FROM_X = -1  # the place of the inputs

PART = 128  # units that are worth a part of their own in a forward product
MOST_PARTS = 8  # of a layer: so many threads can share it
LARGE_PART = 256  # and in a gradient, where there is other work to share out too
WORTH_SHARING = 2e7  # multiplications and additions in a step, from which a network is worth more than one core


@dataclass
class Plan:
    """The table, the parameters of its rules, the loss's kernel, and how many units of work space a row needs."""

    operations: Array
    rule_parameters: Array
    loss: int
    loss_parameters: int
    first: int  # the first operation that has parameters: below it nothing is differentiated
    inputs: int
    outputs: int
    widest: int
    value_units: int
    gradient_units: int
    worth_sharing: bool


def lower(
    layers: Sequence[Layer],
    loss: Loss,
    offsets: Sequence[Any],
    state_offsets: Sequence[Any],
    inputs: int,
    rows: int,
    dtype: np.dtype[Any],
) -> Plan:
    """The plan of layers and a loss for batches of so many rows.

    `offsets` and `state_offsets` have the shape of the layers: for each a dict of the places of its arrays in the flat
    vectors, or a list again.

    Raises
    ------
    NotCompilable
        A layer, an activation or the loss is something that the engine does not know.
    """
    lowering = _Lowering(dtype, inputs)
    lowering.walk(layers, offsets, state_offsets)
    return lowering.finished(loss, rows)


@dataclass
class _Lowering:
    dtype: np.dtype[Any]
    inputs: int
    rows: list[dict[int, int]] = field(default_factory=list)
    rule_parameters: list[float] = field(default_factory=list)
    learned: list[int] = field(default_factory=list)  # the operations that have parameters
    may_overwrite: bool = False  # whether nobody else needs the values that the last operation gave
    number: int = 0  # of the next layer, depth first
    depth: int = 0  # of residual connections that are open
    deepest: int = 0

    def __post_init__(self) -> None:
        self.width, self.place, self.used, self.widest = self.inputs, FROM_X, 0, self.inputs

    def walk(self, layers: Sequence[Layer], offsets: Sequence[Any], state_offsets: Sequence[Any]) -> None:
        for layer, own, state in zip(layers, offsets, state_offsets, strict=True):
            if type(layer) is Residual:
                self._residual(layer, own, state)
                continue
            lower_one = _LOWERED.get(type(layer))
            if lower_one is None:
                raise NotCompilable(f"it has a layer of another kind, {type(layer).__name__}")
            lower_one(self, layer, own, state)
            self.number += 1

    def dense(self, layer: Dense, own: Mapping[str, int], _: Any) -> None:
        bias = own.get("b", -1)
        self.learned.append(len(self.rows))
        self._add(DENSE, layer.fan_out, self._new(layer.fan_out), {OWN: own["W"], BIAS: bias, EXTRA: int(bias >= 0)})
        self.may_overwrite = True

    def activation(self, layer: Activation, _: Any, __: Any) -> None:
        formula = layer.formula
        if type(formula).value is not Formula.value or type(formula).derivative is not Formula.derivative:
            raise NotCompilable(f"the activation {formula.name} computes its values in a way of its own")
        compiled = activation_kernels(formula, self.dtype)
        if self.place == FROM_X or not (compiled.keeps_z or self.may_overwrite):  # X is the user's
            self._add(COPY, self.width, self._new(self.width), {})
        columns = {RULE: self._rule(formula.parameters.values()), EXTRA: 0}
        before = self.rows[-1] if self.rows else {}
        if before.get(CODE) == DENSE and before[BIAS] >= 0:
            columns |= {OWN: before[BIAS], EXTRA: 1, ADDS_BIAS: 1}  # the activation adds the bias of the layer before
            before[EXTRA] = 0
        place = self._new(self.width) if compiled.keeps_z else self.place
        self._kernel(UNITS, compiled.forward, compiled.backward, place, columns)

    def dropout(self, layer: Dropout, _: Any, __: Any) -> None:
        rule = self._rule([layer.rate])
        threshold = int(np.uint64(layer.rate * 2.0**64).view(np.int64))
        forward, backward = self._named("dropout")
        columns = {RULE: rule, EXTRA: threshold, CACHE: self._new(self.width)}
        self._kernel(UNITS, forward, backward, self._new(self.width), columns)

    def batchnorm(self, layer: BatchNorm, own: Mapping[str, int], state: Mapping[str, int]) -> None:
        rule = self._rule([layer.epsilon, layer.momentum])
        forward, backward = self._named("batchnorm")
        self.learned.append(len(self.rows))
        columns = {OWN: own["gain"], STATE: state["mean"], RULE: rule, CACHE: self._new(2 * self.width)}
        self._kernel(UNITS, forward, backward, self._new(self.width), columns)
        self.may_overwrite = True

    def layernorm(self, layer: LayerNorm, own: Mapping[str, int], _: Any) -> None:
        rule = self._rule([layer.epsilon])
        forward, backward = self._named("layernorm")
        self.learned.append(len(self.rows))
        columns = {OWN: own["gain"], RULE: rule, CACHE: self._new(self.width + 3)}
        self._kernel(ROWS, forward, backward, self._new(self.width), columns)
        self.may_overwrite = True

    def _residual(self, layer: Residual, own: Any, state: Any) -> None:
        source = self.place
        self._add(SPLIT, self.width, self.place, {SAVED: self.depth})
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        self.walk(layer.layers, own, state)
        self.depth -= 1
        self._add(ADD, self.width, self._new(self.width), {CACHE: source, SAVED: self.depth})

    def _kernel(self, code: int, forward: int, backward: int, place: int, columns: Mapping[int, int]) -> None:
        more = {FORWARD: forward, BACKWARD: backward, LAYER: self.number}
        self._add(code, self.width, place, {**columns, **more})

    def _add(self, code: int, width: int, place: int, columns: Mapping[int, int]) -> None:
        fixed = {CODE: code, FAN_IN: self.width, FAN_OUT: width, INPUT: self.place, OUTPUT: place}
        self.rows.append({BIAS: -1, **fixed, **columns})
        self.width, self.place, self.widest = width, place, max(self.widest, width)
        self.may_overwrite = code == COPY

    def _named(self, name: str) -> tuple[int, int]:
        return address(f"layers.{name}_forward", self.dtype), address(f"layers.{name}_backward", self.dtype)

    def _new(self, units: int) -> int:
        self.used += units
        return self.used - units

    def _rule(self, parameters: Any) -> int:
        start = len(self.rule_parameters)
        self.rule_parameters += [float(each) for each in parameters]
        return start

    def finished(self, loss: Loss, rows: int) -> Plan:
        """Places of gradients, parts, and the loss."""
        work = 6.0 * rows * sum(row[FAN_IN] * row[FAN_OUT] for row in self.rows if row[CODE] == DENSE)
        worth_sharing = work >= WORTH_SHARING
        here, other = 0, self.widest
        for row in reversed(self.rows):
            row[BY_OUTPUT] = here
            if row[CODE] == DENSE:
                here, other = other, here
            row[BY_INPUT] = here
            row[SAVED] = (2 + row.get(SAVED, 0)) * self.widest
            row[CHUNK_IN] = _chunk(row[FAN_IN], LARGE_PART) if worth_sharing else row[FAN_IN]
            shared = worth_sharing and row[CODE] != ROWS  # which takes all units of a row together
            row[CHUNK_OUT] = _chunk(row[FAN_OUT], PART) if shared else row[FAN_OUT]
        table = np.zeros((len(self.rows), COLUMNS), np.int64)
        for index, row in enumerate(self.rows):
            table[index, list(row)] = list(row.values())
        loss_parameters = self._rule(loss.parameters.values())
        return Plan(
            operations=table,
            rule_parameters=np.array([*self.rule_parameters, 0.0], self.dtype),
            loss=_loss(loss, self.dtype),
            loss_parameters=loss_parameters,
            first=min(self.learned, default=len(self.rows)),
            inputs=self.inputs,
            outputs=self.width,
            widest=self.widest,
            value_units=self.used,
            gradient_units=(2 + self.deepest) * self.widest,
            worth_sharing=worth_sharing,
        )


_LOWERED: dict[type[Layer], Any] = {
    Dense: _Lowering.dense,
    Activation: _Lowering.activation,
    Dropout: _Lowering.dropout,
    BatchNorm: _Lowering.batchnorm,
    LayerNorm: _Lowering.layernorm,
}


def _loss(loss: Loss, dtype: np.dtype[Any]) -> int:
    if type(loss) is SoftmaxCrossEntropy:
        return address("layers.softmax_cross_entropy", dtype)
    if type(loss).evaluate is not Loss.evaluate:
        raise NotCompilable(f"the loss {loss.name} computes its values in a way of its own")
    return loss_kernel(loss, dtype)


def _chunk(width: int, part: int) -> int:
    """Units of a part: two parts where they are worth it, and four or eight where they are even larger."""
    parts = 1
    while parts < MOST_PARTS and width >= 2 * parts * part * (1 if parts == 1 else 2):
        parts *= 2
    return -(-width // (4 * parts)) * 4
