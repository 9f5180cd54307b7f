"""The steps from the last layer's output Z to the objective, and back to dZ.

An elementwise loss is written as its own record computes it; softmax with cross-entropy mixes the outputs and is
written out here as it is in `handgrad.losses`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.tracing.steps import Step, Term, elementwise, in_words, make_step
from handgrad.tracing.writing import Working, as_working, mean, total

LAYER = "loss"
OWN = "a loss of your own: how its numbers come about, its evaluate says"
_PLAIN = 40.0  # up to such logits exp(Z) is no trouble to a pocket calculator, and no probability is 0 in float32


@dataclass(frozen=True, eq=False)
class Judged:
    """The last output, the targets, and what the loss makes of them."""

    net: Network  # with parameters of its own, that no training will move
    Z: Term
    T: Term
    dZ: Array
    data_loss: float
    weights: Array | None  # as the user gave them
    shares: Array | None

    @property
    def rule(self) -> Loss:
        """The network's loss."""
        return self.net.loss_rule

    @property
    def is_softmax(self) -> bool:
        """Whether the loss is softmax with cross-entropy."""
        return type(self.rule).evaluate is SoftmaxCrossEntropy.evaluate

    @property
    def is_elementwise(self) -> bool:
        """Whether the loss is its formula, averaged over the outputs."""
        return type(self.rule).evaluate is Loss.evaluate

    @property
    def parameters(self) -> dict[str, Term]:
        """Those of the loss: delta, q."""
        return {name: Term(name, f"loss.{name}", np.asarray(each)) for name, each in self.rule.parameters.items()}


def loss_steps(judged: Judged) -> Iterator[Step]:
    """From Z to the objective."""
    l = Term("l", "loss.l", judged.rule.evaluate(judged.Z.value, judged.T.value)[0])
    if judged.is_softmax:
        yield from _softmax(judged, l)
    elif judged.is_elementwise:
        yield from _elementwise(judged, l)
    else:
        yield _step(f"loss of each row, {judged.rule}", "l = l(Z, T)", l.of, l.value, (judged.Z, judged.T), note=OWN)
    yield from _objective(judged, l)


def gradient_steps(judged: Judged) -> Iterator[Step]:
    """Back to dZ."""
    Z, T = judged.Z, judged.T
    if judged.is_softmax:
        P = _probabilities(judged)
        yield _weighed(judged, "(P - T)", (P, T), lambda r, j: P[r, j] - T[r, j], 1)
    elif judged.is_elementwise:
        slope = Term("E'", "loss.E'", judged.rule.df(Z.value, T.value, **judged.rule.parameters))
        title = f"slope of {judged.rule} for each output"
        yield _backward(title, "E' = ?", slope.of, slope.value, *_applied(judged, judged.rule.df))
        yield _weighed(judged, "E'", (slope,), lambda r, j: slope[r, j], Z.shape[1])
    else:
        formula = "dZ = as the loss's evaluate gives it"
        yield _backward("gradient by the last output", formula, Z.of, judged.dZ, (Z, T), note=OWN)


def _step(
    title: str,
    formula: str,
    of: str,
    value: Any,
    terms: Sequence[Term],
    entry: Callable[..., Working] | None = None,
    note: str = "",
) -> Step:
    return make_step(LAYER, "loss", title, formula, of, value, terms, entry, note)


def _backward(
    title: str,
    formula: str,
    of: str,
    value: Any,
    terms: Sequence[Term],
    entry: Callable[..., Working] | None = None,
    note: str = "",
) -> Step:
    return make_step(LAYER, "backward", title, formula, of, value, terms, entry, note)


# --- the loss of each row ---------------------------------------------------------------------------------------------


def _softmax(judged: Judged, l: Term) -> Iterator[Step]:
    """The probabilities, and the loss of each row."""
    Z, T, P = judged.Z, judged.T, _probabilities(judged)
    outputs, title = Z.shape[1], "loss of each row: cross-entropy"
    if np.abs(Z.value).max() > _PLAIN:
        yield from _shifted_softmax(judged, l)
        return

    def probability(r: int, j: int) -> Working:
        return np.exp(Z[r, j]) / total((np.exp(Z[r, k]) for k in range(outputs)), outputs)

    def loss(r: int) -> Working:
        return -total((T[r, j] * np.log(P[r, j]) for j in range(outputs)), outputs)

    yield _step("probabilities: softmax", "P = exp(Z) / Σ exp(Z)", P.of, P.value, (Z,), probability)
    yield _step(title, "l = -Σ T ln(P)", l.of, l.value, (T, P), loss)


def _shifted_softmax(judged: Judged, l: Term) -> Iterator[Step]:
    """The same of logits less the row's largest, which changes nothing and keeps exp in bounds."""
    Z, T, P = judged.Z, judged.T, _probabilities(judged)
    outputs, title = Z.shape[1], "loss of each row: cross-entropy"
    m = Term("m", "loss.m", Z.value.max(axis=1, keepdims=True))

    def powers(r: int) -> Working:
        return total((np.exp(Z[r, k] - m[r, 0]) for k in range(outputs)), outputs)

    def loss(r: int) -> Working:
        return np.log(powers(r)) - total((T[r, j] * (Z[r, j] - m[r, 0]) for j in range(outputs)), outputs)

    note = "taken from all logits of its row, which leaves softmax as it is and exp in bounds"
    yield _step("the largest logit of each row", "m = max(Z)", m.of, m.value, (Z,), note=note)
    yield _step(
        "probabilities: softmax",
        "P = exp(Z - m) / Σ exp(Z - m)",
        P.of,
        P.value,
        (Z, m),
        lambda r, j: np.exp(Z[r, j] - m[r, 0]) / powers(r),
    )
    yield _step(title, "l = ln(Σ exp(Z - m)) - Σ T ⊙ (Z - m)", l.of, l.value, (T, Z, m), loss)


def _elementwise(judged: Judged, l: Term) -> Iterator[Step]:
    """What `predict` reports, the loss of each output, and their mean for each row."""
    rule, Z, T = judged.rule, judged.Z, judged.T
    P = _probabilities(judged)
    if not np.array_equal(P.value, Z.value):
        yield _step(
            "output function: what the network reports", "P = ?", P.of, P.value, (Z,), elementwise(rule.output, Z)
        )
    E = Term("E", "loss.E", rule.f(Z.value, T.value, **rule.parameters))
    yield _step(f"loss of each output, {in_words(rule)}", "E = ?", E.of, E.value, *_applied(judged, rule.f))
    outputs = Z.shape[1]
    yield _step(
        "loss of each row: the mean over its outputs",
        "l = mean(E)",
        l.of,
        l.value,
        (E,),
        lambda r: mean((E[r, j] for j in range(outputs)), outputs),
    )


def _probabilities(judged: Judged) -> Term:
    return Term("P", "loss.P", judged.rule.output(judged.Z.value))


def _applied(judged: Judged, formula: Callable[..., Any]) -> tuple[tuple[Term, ...], Callable[..., Working]]:
    """The terms and the entry of a formula of the loss."""
    Z, T, parameters = judged.Z, judged.T, judged.parameters
    entry = elementwise(formula, Z, T, **{name: each[()] for name, each in parameters.items()})
    return (Z, T, *parameters.values()), entry


# --- from the rows to the objective, and back -------------------------------------------------------------------------


def _objective(judged: Judged, l: Term) -> Iterator[Step]:
    """The mean over the rows, weighted if they have weights; and the penalty."""
    rows, l2 = l.shape[0], judged.net.l2
    letter, of = ("D", "loss.data") if l2 else ("L", "loss")
    D = Term(letter, of, np.asarray(judged.data_loss))
    if judged.weights is None or judged.shares is None:
        entry = lambda: mean((l[r,] for r in range(rows)), rows)  # noqa: E731
        yield _step("the mean over the rows", f"{letter} = mean(l)", of, D.value, (l,), entry)
    else:
        s, w = Term("s", "loss.s", judged.shares), Term("w", "sample_weight", judged.weights)
        weight = lambda r: w[r,] / total((w[i,] for i in range(rows)), rows)  # noqa: E731
        yield _step("the share of each row", "s = w / Σ w", s.of, s.value, (w,), weight)
        entry = lambda: total((s[r,] * l[r,] for r in range(rows)), rows)  # noqa: E731
        yield _step("the weighted mean over the rows", f"{letter} = Σ s l", of, D.value, (s, l), entry)
    if l2:
        yield from _penalised(judged.net, D)


def _penalised(net: Network, D: Term) -> Iterator[Step]:
    """l2 / 2 · Σ W² over all weights, and the objective."""
    weights = [Term(name, name, net[name]) for name in net.parameter_names if name.endswith(".W")]
    count = sum(W.value.size for W in weights)
    l2, R = Term("l2", "l2", np.asarray(net.l2)), Term("R", "loss.penalty", np.asarray(net.penalty()))

    def penalty() -> Working:
        squares = chain.from_iterable((np.square(W[i]) for i in np.ndindex(W.shape)) for W in weights)
        return l2[()] / 2 * total(squares, count)

    yield _step("penalty on the weights", "R = l2 / 2 · Σ W²", R.of, R.value, (l2, *weights), penalty)
    L = np.asarray(D.value + R.value)
    yield _step("objective: data loss and penalty", "L = D + R", "loss", L, (D, R), lambda: D[()] + R[()])


def _weighed(judged: Judged, slope: str, terms: tuple[Term, ...], entry: Callable[..., Working], outputs: int) -> Step:
    """dZ: what a row's loss gives, by the row's part in the objective, and by the output's part in the row."""
    rows = judged.Z.shape[0]
    if judged.shares is None:
        formula = f"dZ = {slope} / B" if judged.is_softmax else f"dZ = {slope} / (B C)"
        return _gradient(formula, judged, terms, lambda r, j: _over(entry(r, j), rows, outputs))
    s = Term("s", "loss.s", judged.shares)
    formula = f"dZ = s ⊙ {slope}" if judged.is_softmax else f"dZ = s ⊙ {slope} / C"
    return _gradient(formula, judged, (s, *terms), lambda r, j: _over(s[r,] * entry(r, j), 1, outputs))


def _gradient(formula: str, judged: Judged, terms: tuple[Term, ...], entry: Callable[..., Working]) -> Step:
    rows, outputs = judged.Z.shape
    title = f"gradient by the last output (B = {rows}, C = {outputs})"
    return _backward(title, formula, judged.Z.of, judged.dZ, terms, entry)


def _over(written: Working, rows: int, outputs: int) -> Working:
    """Divided by those of the two that are not 1."""
    if rows == 1 or outputs == 1:
        return written if rows * outputs == 1 else written / (rows * outputs)
    return written / (as_working(rows) * outputs)
