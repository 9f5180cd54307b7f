"""The steps of each layer, forward and backward side by side, in the letters and the order of `handgrad.layers`.

A layer of somebody's own has its numbers shown as they are: how they come about, only its own code can tell.
"""

from collections.abc import Callable, Iterator
from typing import Any

from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from handgrad.rules import Rule
from handgrad.tracing import norms
from handgrad.tracing.steps import Step, Term, elementwise, in_words
from handgrad.tracing.visits import Skip, Visit
from handgrad.tracing.writing import total

OWN = "a layer of your own: how its numbers come about, its forward and backward say"


def forward(visit: Visit | Skip) -> Iterator[Step]:
    """The steps from a layer's input to its output."""
    if isinstance(visit, Skip):
        yield from _skip_forward(visit)
    else:
        yield from _LAYERS.get(type(visit.layer), _OWN)[0](visit)


def backward(visit: Visit | Skip) -> Iterator[Step]:
    """The steps from the gradient by a layer's output to those by its parameters and its input."""
    if isinstance(visit, Skip):
        yield from _skip_backward(visit)
    else:
        yield from _LAYERS.get(type(visit.layer), _OWN)[1](visit)


# --- Dense ------------------------------------------------------------------------------------------------------------


def _dense_forward(v: Visit) -> Iterator[Step]:
    A, W = Term("A", v.before, v.A), v.own("W", v.params["W"])
    fan_in = v.A.shape[1]

    def product(r: int, j: int) -> Any:
        return total((A[r, k] * W[k, j] for k in range(fan_in)), fan_in)

    if "b" not in v.params:
        yield v.forward("weighted sums", "Z = A W", v.after, v.Y, (A, W), product)
        return
    b = v.own("b", v.params["b"])
    yield v.forward(
        "weighted sums", "Z = A W + b", v.after, v.Y, (A, W, b), lambda r, j: product(r, j) + b[0, j]
    )  # b is the same for every row


def _dense_backward(v: Visit) -> Iterator[Step]:
    A, W, dZ = Term("A", v.before, v.A), v.own("W", v.params["W"]), Term("dZ", v.after, v.dY, gradient=True)
    rows, fan_out = v.dY.shape
    yield from v.learned("W", "Aᵀ dZ", (A, dZ), lambda i, j: total((A[r, i] * dZ[r, j] for r in range(rows)), rows))
    if "b" in v.params:
        yield from v.learned(
            "b", "Σ dZ over the rows", (dZ,), lambda _, j: total((dZ[r, j] for r in range(rows)), rows)
        )
    yield v.backward(
        "gradient by the input",
        "dA = dZ Wᵀ",
        v.before,
        v.dA,
        (dZ, W),
        lambda r, i: total((dZ[r, j] * W[i, j] for j in range(fan_out)), fan_out),
    )


# --- Activation -------------------------------------------------------------------------------------------------------


def _activation_forward(v: Visit) -> Iterator[Step]:
    rule, Z = _formula(v), Term("Z", v.before, v.A)
    parameters = _parameters(v, rule)
    entry = elementwise(rule.f, Z, **{name: each[()] for name, each in parameters.items()})
    yield v.forward(in_words(rule), "A = ?", v.after, v.Y, (Z, *parameters.values()), entry)


def _activation_backward(v: Visit) -> Iterator[Step]:
    rule, Z, A = _formula(v), Term("Z", v.before, v.A), Term("A", v.after, v.Y)
    dA = Term("dA", v.after, v.dY, gradient=True)
    parameters = _parameters(v, rule)
    entry = elementwise(rule.df, Z, A, **{name: each[()] for name, each in parameters.items()})
    slope = v.own("f'(Z)", rule.derivative(v.A, v.Y))
    terms = (Z, A, *parameters.values())
    yield v.backward(f"slope of {rule}", "f'(Z) = ?", slope.of, slope.value, terms, entry)
    yield v.backward(
        "gradient by the input", "dZ = dA ⊙ f'(Z)", v.before, v.dA, (dA, slope), lambda r, j: dA[r, j] * slope[r, j]
    )


def _formula(v: Visit) -> Any:
    return v.layer.formula  # type: ignore[attr-defined]


def _parameters(v: Visit, rule: Rule) -> dict[str, Term]:
    return {name: v.own(name, value) for name, value in rule.parameters.items()}


# --- Dropout ----------------------------------------------------------------------------------------------------------


def _dropout_forward(v: Visit) -> Iterator[Step]:
    A = Term("A", v.before, v.A)
    if v.cache is None:
        title = "dropout drops nothing" + ("" if v.training else " in prediction mode")
        yield v.forward(title, "Y = A", v.after, v.Y, (A,), lambda r, j: A[r, j])
        return
    rate = v.layer.rate  # type: ignore[attr-defined]
    M = v.own("M", v.cache)
    note = f"drawn: 0 with probability {rate:g}, else 1 / (1 - {rate:g})"
    yield v.forward("the mask of dropped units", "M = 0 or 1 / (1 - rate)", M.of, M.value, (), None, note)
    yield v.forward("dropout", "Y = A ⊙ M", v.after, v.Y, (A, M), lambda r, j: A[r, j] * M[r, j])


def _dropout_backward(v: Visit) -> Iterator[Step]:
    dY = Term("dY", v.after, v.dY, gradient=True)
    if v.cache is None:
        yield v.backward("gradient by the input", "dA = dY", v.before, v.dA, (dY,), lambda r, j: dY[r, j])
        return
    M = v.own("M", v.cache)
    yield v.backward("gradient by the input", "dA = dY ⊙ M", v.before, v.dA, (dY, M), lambda r, j: dY[r, j] * M[r, j])


# --- Residual ---------------------------------------------------------------------------------------------------------


def _skip_forward(s: Skip) -> Iterator[Step]:
    A = Term("A", s.before, s.A)
    yield s.step(
        "forward",
        "the input goes on two ways: through F, and past it",
        "A_F = A",
        f"{s.name}.A",
        s.A,
        (A,),
        lambda r, j: A[r, j],
    )
    for each in s.inside:
        yield from forward(each)
    F = Term("F", s.inside[-1].after, s.inside[-1].Y)
    yield s.step("forward", "both ways meet", "Y = A + F", s.after, s.Y, (A, F), lambda r, j: A[r, j] + F[r, j])


def _skip_backward(s: Skip) -> Iterator[Step]:
    dY, F = Term("dY", s.after, s.dY, gradient=True), s.inside[-1]
    yield s.step("backward", "a sum hands its gradient to both", "dF = dY", F.after, F.dY, (dY,), lambda r, j: dY[r, j])
    for each in reversed(s.inside):
        yield from backward(each)
    through = Term("dA_F", f"{s.name}.A", s.inside[0].dA, gradient=True)
    yield s.step(
        "backward",
        "gradients of both ways add up",
        "dA = dY + dA_F",
        s.before,
        s.dA,
        (dY, through),
        lambda r, j: dY[r, j] + through[r, j],
    )


# --- a layer of somebody's own ----------------------------------------------------------------------------------------


def _own_forward(v: Visit) -> Iterator[Step]:
    learned = [v.own(key, value) for key, value in (v.params | v.state).items()]
    yield v.forward(
        f"{v.layer.kind}, forward", "Y = F(A)", v.after, v.Y, (Term("A", v.before, v.A), *learned), note=OWN
    )


def _own_backward(v: Visit) -> Iterator[Step]:
    terms = (Term("A", v.before, v.A), Term("dY", v.after, v.dY, gradient=True))
    for key in v.params:
        yield from v.learned(key, "as its backward gives it", terms, note=OWN)
    yield v.backward(f"{v.layer.kind}, backward", "dA = as its backward gives it", v.before, v.dA, terms, note=OWN)


Steps = Callable[[Visit], Iterator[Step]]

_OWN: tuple[Steps, Steps] = (_own_forward, _own_backward)
_LAYERS: dict[type, tuple[Steps, Steps]] = {
    Dense: (_dense_forward, _dense_backward),
    Activation: (_activation_forward, _activation_backward),
    Dropout: (_dropout_forward, _dropout_backward),
    LayerNorm: (norms.layer_forward, norms.layer_backward),
    BatchNorm: (norms.batch_forward, norms.batch_backward),
}
