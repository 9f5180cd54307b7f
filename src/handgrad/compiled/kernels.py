"""Kernels: rules as C functions over whole arrays, generated from the rules' own formulas.

Each rule is traced into scalar code (`expressions`) and set into a loop that LLVM vectorises. Values lie
feature-major, (units, rows). A kernel's parameters (a slope, a momentum) are read from memory when it runs, so that
`leaky_relu(slope=0.2)` runs the code of `leaky_relu`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from handgrad.activations import Formula
from handgrad.compiled.expressions import NotCompilable, printed, symbols_of, trace
from handgrad.compiled.native import Numbers, generated
from handgrad.losses import Loss
from handgrad.optimizers import Optimizer


class Elementwise(NamedTuple):
    """The addresses of an activation's kernels; `keeps_z`: whether its derivative looks at z, or at a = f(z) only."""

    forward: int
    backward: int
    keeps_z: bool


def forward(
    A: Numbers,
    Y: Numbers,
    cache: Numbers,
    own: Numbers,
    state: Numbers,
    p: Numbers,
    key: int,
    extra: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
    training: int,
) -> None:
    """What every operation on units does forward, units start to stop: Y (units, rows) from A.

    `own` are its parameters (for an activation the bias, which it adds if `extra`), `p` its rule's, and `cache` is what
    backward needs.
    """


def backward(
    A: Numbers,
    Y: Numbers,
    cache: Numbers,
    D: Numbers,
    own: Numbers,
    gradient: Numbers,
    p: Numbers,
    key: int,
    extra: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
) -> None:
    """And backward: D (units, rows) is the gradient by Y and becomes that by A; `gradient` is that by `own`."""


def loss(
    Z: Numbers, target: Numbers, shares: Numbers, D: Numbers, scratch: Numbers, p: Numbers, units: int, rows: int
) -> float:
    """The data loss Σ sᵢ lᵢ of Z (units, rows), and its derivative D by Z; scratch holds three numbers a row."""
    return 0.0


def update(
    w: Numbers,
    g: Numbers,
    slots: Numbers,
    p: Numbers,
    result: Numbers,
    n: int,
    stride: int,
    l2: float,
    shrink: float,
    scale: float,
) -> None:
    """One step of a rule on n parameters; result: 0 times all that is new, and the squares of the old w, added up."""


_FORWARD = """
def {name}(Z, A, cache, bias, state, p, key, biased, units, start, stop, rows, training):
    # A = f(Z + bias), units start to stop; Z becomes Z + bias
    {parameters}
    runs, length = stop - start, rows
    if rows < 32:  # short runs would not fill a vector: take all units as one
        if biased and rows == 1:
            for u in range(start, stop):
                Z[u] += bias[u]
        elif biased:
            for u in range(start, stop):
                for i in range(u * rows, (u + 1) * rows):
                    Z[i] += bias[u]
        runs, length, biased = 1, runs * rows, 0
    for run in range(runs):
        shift = bias[start + run] if biased else T(0)
        begin = start * rows + run * length
        for i in range(begin, begin + length):
            z = Z[i] + shift
            {keep}
            {lines}
            {target}[i] = {value}
"""

_BACKWARD = """
def {name}(Z, A, cache, D, own, gradient, p, key, biased, units, start, stop, rows):
    # D = D f'(Z), where D is the gradient by A and becomes the gradient by Z
    {parameters}
    for i in range(start * rows, stop * rows):
        z = Z[i]
        a = A[i]
        {lines}
        D[i] = D[i] * {value}
"""

_LOSS = """
def {name}(Z, target, shares, D, scratch, p, units, rows):
    # the weighted mean over rows of the mean over units of f(z, t), and its derivative by Z
    {parameters}
    total = T(0)
    for u in range(units):
        for r in range(rows):
            z = Z[u * rows + r]
            t = target[u * rows + r]
            share = shares[r] / T(units)
            {lines}
            total += share * {value}
            D[u * rows + r] = share * {derivative}
    return total
"""

_UPDATE = """
def {name}(w, g, slots, p, result, n, stride, l2, shrink, scale):
    # one step of the rule on n parameters; result adds up 0 times all that is new, and the squares of the old w
    {parameters}
    finite, squares = T(0), T(0)
    for i in range(n):
        old = w[i]
        gradient = (g[i] + l2 * old) * scale
        weight = old * shrink
        {read}
        {lines}
        {write}
        finite += {all_new} * T(0)
        squares += old * old
    result[0] = finite
    result[1] = squares
"""


def activation_kernels(formula: Formula, dtype: np.dtype[Any]) -> Elementwise:
    """Kernels of an activation's formulas, for a dtype."""
    value = _traced(formula.name, formula.f, ["z"], formula.parameters)
    derivative = _traced(formula.name, formula.df, ["z", "a"], formula.parameters)
    keeps_z = "z" in symbols_of(derivative)
    forwards = _filled(
        _FORWARD,
        f"{formula.name}_forward",
        value,
        formula.parameters,
        keep="Z[i] = z" if keeps_z else "",
        target="A" if keeps_z else "Z",  # where z is not needed again, A lies in the place of Z
    )
    backwards = _filled(_BACKWARD, f"{formula.name}_backward", derivative, formula.parameters)
    return Elementwise(generated(forwards, forward, dtype), generated(backwards, backward, dtype), keeps_z)


def loss_kernel(rule: Loss, dtype: np.dtype[Any]) -> int:
    """The kernel of a loss that is written as two formulas, for a dtype."""
    value = _traced(rule.name, rule.f, ["z", "t"], rule.parameters)
    derivative = _traced(rule.name, rule.df, ["z", "t"], rule.parameters)
    lines, names = printed([*value, *derivative])
    text = _text(_LOSS, f"{rule.name}_loss", lines, rule.parameters, value=names[0], derivative=names[1])
    return generated(text, loss, dtype)


def update_kernel(optimizer: Optimizer, coefficients: Sequence[str], dtype: np.dtype[Any]) -> int:
    """The kernel of an optimiser's rule, for a dtype; its parameters are the coefficients of a step, in order."""
    rule, slots = optimizer.update(), [f"s{k}" for k in range(len(optimizer.slots))]
    lines, names = printed(
        _traced(f"the optimizer {type(optimizer).__name__}", rule, ["weight", "gradient", *slots], coefficients)
    )
    places = [f"slots[{k} * stride + i]" for k in range(len(slots))]
    text = _text(
        _UPDATE,
        type(optimizer).__name__.lower(),
        lines,
        coefficients,
        read=[f"{slot} = {place}" for slot, place in zip(slots, places, strict=True)],
        write=[f"{place} = {name}" for place, name in zip(["w[i]", *places], names, strict=True)],
        all_new=f"({' + '.join(names)})",
    )
    return generated(text, update, dtype)


def _traced(name: str, formula: Callable[..., Any], symbols: Sequence[str], parameters: Iterable[str]) -> Any:
    try:
        expressions = trace(formula, symbols, parameters)
        printed(expressions)  # which refuses what tracing let pass
        return expressions
    except NotCompilable as reason:
        raise NotCompilable(f"{name}: {reason}") from reason


def _filled(template: str, name: str, expressions: Any, parameters: Iterable[str], **parts: Any) -> str:
    lines, names = printed(expressions)
    return _text(template, name, lines, parameters, value=names[0], **parts)


def _text(template: str, name: str, lines: Sequence[str], parameters: Iterable[str], **parts: Any) -> str:
    """The template with its parts set in, each as deep as its place."""
    parts |= {"lines": lines, "parameters": [f"p_{each} = p[{k}]" for k, each in enumerate(parameters)], "name": name}
    written = []
    for line in template.strip().splitlines():
        alone = line.strip()
        if alone.startswith("{") and alone.endswith("}") and alone[1:-1] in parts:
            inside = parts[alone[1:-1]]
            several = [inside] if isinstance(inside, str) else inside
            written += [line.replace(alone, each) for each in several if each]
        else:
            written.append(line.format(**parts))
    return "\n".join(written) + "\n"
