"""The steps of layer norm and batch norm: N = (A - μ) / σ, Y = gain ⊙ N + shift, and back.

The two differ in what a mean goes over, the units of a row or the rows of a unit; in prediction mode batch norm has
no mean to move, for μ and σ are the running ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.tracing.steps import Step, Term
from handgrad.tracing.visits import Visit
from handgrad.tracing.writing import Working, mean, total

Entry = Callable[..., Working]


@dataclass(frozen=True)
class _Over:
    """What a mean goes over: `axis` 1, the units of each row, or `axis` 0, the rows of each unit."""

    axis: int
    words: str

    def at(self, r: int, j: int) -> tuple[int, int]:
        """Where the mean stands that entry [r, j] belongs to."""
        return (r, 0) if self.axis == 1 else (0, j)

    def mean(self, values: Array) -> Array:
        """The means, (B, 1) or (1, units)."""
        return np.asarray(values.mean(axis=self.axis, keepdims=True))

    def entry(self, shape: tuple[int, ...], of: Entry) -> Entry:
        """How one mean is written, of what `of(r, j)` writes."""
        count = shape[self.axis]
        if self.axis == 1:
            return lambda r, _: mean((of(r, k) for k in range(count)), count)
        return lambda _, j: mean((of(k, j) for k in range(count)), count)


_UNITS, _ROWS = _Over(1, "the units of each row"), _Over(0, "the rows")


def layer_forward(v: Visit) -> Iterator[Step]:
    """Forward, each row by its own mean and deviation."""
    yield from _measured(v, _UNITS)
    yield from _scaled(v, _UNITS)


def layer_backward(v: Visit) -> Iterator[Step]:
    """Backward, through the mean and the deviation of each row."""
    yield from _learned(v)
    yield from _through_both(v, _UNITS)


def batch_forward(v: Visit) -> Iterator[Step]:
    """Forward, each unit by the batch's mean and deviation, or by the running ones."""
    yield from _measured(v, _ROWS) if v.training else _remembered(v)
    yield from _scaled(v, _ROWS)


def batch_backward(v: Visit) -> Iterator[Step]:
    """Backward, through the batch's mean and deviation; the running ones do not move."""
    yield from _learned(v)
    if v.training:
        yield from _through_both(v, _ROWS)
        return
    dN, s = _gradient_by_normed(v), _deviation(v)
    yield v.backward("gradient by the input", "dA = dN / σ", v.before, v.dA, (dN, s), lambda r, j: dN[r, j] / s[0, j])


# --- forward ----------------------------------------------------------------------------------------------------------


def _measured(v: Visit, over: _Over) -> Iterator[Step]:
    A, m, epsilon = Term("A", v.before, v.A), _mean(v, over), _epsilon(v)
    yield v.forward(
        f"mean over {over.words}", "μ = mean(A)", m.of, m.value, (A,), over.entry(v.A.shape, lambda r, j: A[r, j])
    )
    variance = over.entry(v.A.shape, lambda r, j: np.square(A[r, j] - m[over.at(r, j)]))
    s = _deviation(v)
    yield v.forward(
        f"standard deviation over {over.words}",
        "σ = sqrt(mean((A - μ)²) + ε)",
        s.of,
        s.value,
        (A, m, epsilon),
        lambda r, j: np.sqrt(variance(r, j) + epsilon[()]),
    )


def _remembered(v: Visit) -> Iterator[Step]:
    variance, epsilon, s = v.own("variance", v.state["variance"]), _epsilon(v), _deviation(v)
    yield v.forward(
        "running standard deviation",
        "σ = sqrt(variance + ε)",
        s.of,
        s.value,
        (variance, epsilon),
        lambda r, j: np.sqrt(variance[r, j] + epsilon[()]),
    )


def _scaled(v: Visit, over: _Over) -> Iterator[Step]:
    A, m, s, N = Term("A", v.before, v.A), _mean(v, over), _deviation(v), _normed(v)
    yield v.forward(
        "standardised",
        "N = (A - μ) / σ",
        N.of,
        N.value,
        (A, m, s),
        lambda r, j: (A[r, j] - m[over.at(r, j)]) / s[over.at(r, j)],
    )
    gain, shift = v.own("gain", v.params["gain"]), v.own("shift", v.params["shift"])
    yield v.forward(
        "scaled and shifted",
        "Y = gain ⊙ N + shift",
        v.after,
        v.Y,
        (gain, N, shift),
        lambda r, j: gain[0, j] * N[r, j] + shift[0, j],
    )


# --- backward ---------------------------------------------------------------------------------------------------------


def _learned(v: Visit) -> Iterator[Step]:
    dY, N, gain = Term("dY", v.after, v.dY, gradient=True), _normed(v), v.own("gain", v.params["gain"])
    rows = v.dY.shape[0]
    yield from v.learned(
        "gain", "Σ dY ⊙ N over the rows", (dY, N), lambda _, j: total((dY[r, j] * N[r, j] for r in range(rows)), rows)
    )
    yield from v.learned(
        "shift", "Σ dY over the rows", (dY,), lambda _, j: total((dY[r, j] for r in range(rows)), rows)
    )
    dN = _gradient_by_normed(v)
    yield v.backward("gradient by N", "dN = dY ⊙ gain", dN.of, dN.value, (dY, gain), lambda r, j: dY[r, j] * gain[0, j])


def _through_both(v: Visit, over: _Over) -> Iterator[Step]:
    """μ and σ move with A: what points along 1 and along N is lost."""
    dN, N, s = _gradient_by_normed(v), _normed(v), _deviation(v)
    m1 = v.own("m1", over.mean(dN.value))
    m2 = v.own("m2", over.mean(dN.value * N.value))
    yield v.backward(
        f"mean of dN over {over.words}",
        "m1 = mean(dN)",
        m1.of,
        m1.value,
        (dN,),
        over.entry(v.dY.shape, lambda r, j: dN[r, j]),
    )
    yield v.backward(
        f"mean of dN ⊙ N over {over.words}",
        "m2 = mean(dN ⊙ N)",
        m2.of,
        m2.value,
        (dN, N),
        over.entry(v.dY.shape, lambda r, j: dN[r, j] * N[r, j]),
    )

    def entry(r: int, j: int) -> Working:
        place = over.at(r, j)
        return (dN[r, j] - m1[place] - N[r, j] * m2[place]) / s[place]

    yield v.backward("gradient by the input", "dA = (dN - m1 - N ⊙ m2) / σ", v.before, v.dA, (dN, m1, N, m2, s), entry)


# --- what the layer remembered ----------------------------------------------------------------------------------------


def _normed(v: Visit) -> Term:
    return v.own("N", v.cache[0])


def _deviation(v: Visit) -> Term:
    return v.own("σ", v.cache[1])


def _mean(v: Visit, over: _Over) -> Term:
    """Batch norm keeps it; of layer norm it is the mean of each row."""
    remembered = len(v.cache) > 2
    return v.own("μ", v.cache[2] if remembered else over.mean(v.A), "μ" if v.training or not remembered else "mean")


def _epsilon(v: Visit) -> Term:
    return v.own("ε", v.layer.epsilon)  # type: ignore[attr-defined]


def _gradient_by_normed(v: Visit) -> Term:
    return Term("dN", f"{v.name}.N", v.dY * v.params["gain"], gradient=True)
