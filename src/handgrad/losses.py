"""Losses, each fused with its output function, so that the two cancel where they can and nothing overflows.

A network's last layer gives Z, the logits. A loss knows the output function that turns Z into what `predict` reports
(softmax, sigmoid, exp, or Z itself), the loss of each example, and its derivative by Z in one stable formula.

An elementwise loss is a record of two formulas, f(z, t) and df(z, t) = ∂f/∂z, where t is the target; the example's
loss is their mean over the outputs. Softmax with cross-entropy mixes the outputs and is written out.
"""

from collections.abc import Callable

import numpy as np

from handgrad import elementary
from handgrad.arrays import Array, ArrayLike, require_finite, require_numeric
from handgrad.elementary import row_max, row_sum, softmax, step
from handgrad.rules import Bounds, Registry, Rule


class Loss(Rule):
    """An elementwise loss: f(z, t), its derivative df(z, t) by z, and the output function it is fused with.

    Letters: Z (..., B, C) logits, T (..., B, C) targets, l (..., B) the loss of each example, a mean over C.

    >>> cubed = Loss("cubed", f=lambda z, t: np.abs(z - t) ** 3, df=lambda z, t: 3 * (z - t) * np.abs(z - t))
    >>> cubed.evaluate(np.array([[3.0]]), np.array([[1.0]]))
    (array([8.]), array([[12.]]))
    """

    target = "values"  # what T holds: "values", "counts", "labels" (0 or 1 for each output) or "classes"

    def __init__(
        self,
        name: str,
        f: Callable[..., Array],
        df: Callable[..., Array],
        *,
        output: Callable[[Array], Array] = lambda Z: Z,
        target: str = "values",
        kinks: tuple[float, ...] = (),
        bounds: Bounds | None = None,
        doc: str | None = None,
        **parameters: float,
    ) -> None:
        super().__init__(name, {"f(z, t)": f, "df(z, t)": df}, parameters, bounds, doc)
        self.f = f
        self.df = df
        self.output = output
        self.target = target
        self.kinks = tuple(kinks)

    def evaluate(self, Z: Array, T: Array) -> tuple[Array, Array]:
        """The loss of each example and its derivative by the logits: (..., B) and (..., B, C)."""
        loss = row_sum(self.f(Z, T, **self.parameters)) / Z.shape[-1]  # (..., B)
        dZ = self.df(Z, T, **self.parameters) / Z.shape[-1]  # (..., B, C)
        return loss, dZ

    def kink_distances(self, Z: Array, T: Array) -> list[Array]:
        """Z - t - kink for each point where the derivative jumps; numeric derivatives avoid a change of sign."""
        return [Z - T - kink for kink in self.kinks]

    def predict(self, Z: Array) -> Array:
        """What `predict` reports: outputs (..., B, C); for labels 0 or 1."""
        if self.target == "labels":
            return np.greater(Z, 0).astype(np.int64)
        return self.output(Z)

    def encode(self, y: ArrayLike, outputs: int, rows: int, networks: int | None, dtype: np.dtype[np.generic]) -> Array:
        """Targets as T (B, C), or (S, B, C) when every network of a stack has its own, in the network's dtype.

        Raises
        ------
        ValueError
            y has another number of rows or outputs, is not finite, or has values that the loss cannot take.
        """
        y = require_numeric("y", y)
        if y.ndim in (1, 2) and outputs == 1 and y.shape in ((rows,), (networks, rows)):
            y = y[..., None]
        expected = [(rows, outputs), *([(networks, rows, outputs)] if networks else [])]
        if y.shape not in expected:
            raise _wrong_shape(y, rows, outputs, f"({rows}, {outputs})" + (f" or ({rows},)" if outputs == 1 else ""))
        T = require_finite("y", np.ascontiguousarray(y, dtype))
        if self.target == "labels" and ((T < 0) | (T > 1)).any():
            raise ValueError(f"y has values from {T.min():g} to {T.max():g}; {self.name} expects labels from 0 to 1")
        if self.target == "counts" and (T < 0).any():
            raise ValueError(f"y has the value {T.min():g}; {self.name} expects counts of at least 0")
        return T


class SoftmaxCrossEntropy(Loss):
    """l = -Σⱼ tⱼ log pⱼ with p = softmax(z), so that ∂l/∂z = p - t (Bridle 1990).

    Targets are class indices (B,), or one-hot rows or probabilities (B, C).
    """

    def __init__(self) -> None:
        Rule.__init__(self, "softmax_cross_entropy", {}, {})
        self.output = softmax
        self.target = "classes"
        self.kinks = ()

    def evaluate(self, Z: Array, T: Array) -> tuple[Array, Array]:
        """The loss of each example and its derivative by the logits: (..., B) and (..., B, C)."""
        shifted = Z - row_max(Z)  # largest logit 0: no overflow, same softmax
        E = np.exp(shifted)
        total = row_sum(E)  # (..., B)
        loss = np.log(total) - row_sum(T * shifted)
        return loss, E / total[..., None] - T

    def predict(self, Z: Array) -> Array:
        """The most probable class, (..., B); the first of equals."""
        return Z.argmax(axis=-1)

    def encode(self, y: ArrayLike, outputs: int, rows: int, networks: int | None, dtype: np.dtype[np.generic]) -> Array:
        """Targets as probabilities T (B, C), or (S, B, C) when every network of a stack has its own."""
        y = require_numeric("y", y)
        own = networks is not None and y.dtype.kind in "bui" and y.shape == (networks, rows)
        if y.shape == (rows,) or own:
            return _one_hot(y, outputs, dtype)
        expected = [(rows, outputs), *([(networks, rows, outputs)] if networks else [])]
        if y.shape not in expected:
            raise _wrong_shape(y, rows, outputs, f"class indices ({rows},) or probabilities ({rows}, {outputs})")
        T = require_finite("y", np.ascontiguousarray(y, dtype))
        if (T < 0).any() or (np.abs(T.sum(axis=-1) - 1) > 1e-3).any():
            raise ValueError("y has rows that are not probabilities; expected values of at least 0 that sum to 1")
        return np.asarray(T / T.sum(axis=-1, keepdims=True))  # 0.333 thrice: p - t is the derivative if Σ t is 1


def _one_hot(y: Array, classes: int, dtype: np.dtype[np.generic]) -> Array:
    if (require_finite("y", y) != np.floor(y)).any():
        raise ValueError("y has fractions; expected whole class indices, or probabilities of shape (B, C)")
    lowest, highest = float(y.min()), float(y.max())
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"y has labels from {lowest:g} to {highest:g} but the network has {classes} outputs; "
            f"expected class indices from 0 to {classes - 1}"
        )
    return np.eye(classes, dtype=dtype)[y.astype(np.int64)]


def _wrong_shape(y: Array, rows: int, outputs: int, expected: str) -> ValueError:
    if y.ndim and y.shape[0] != rows:
        return ValueError(f"y has {y.shape[0]} rows but X has {rows}; each row of X needs one target")
    return ValueError(f"y has shape {y.shape} but the network has {outputs} outputs; expected {expected}")


softmax_cross_entropy = SoftmaxCrossEntropy()

sigmoid_cross_entropy = Loss(
    "sigmoid_cross_entropy",
    f=lambda z, t: elementary.softplus(z) - t * z,
    df=lambda z, t: elementary.sigmoid(z) - t,
    output=elementary.sigmoid,
    target="labels",
    doc="-t log σ(z) - (1 - t) log(1 - σ(z)), for one label or several.",
)

mse = Loss("mse", f=lambda z, t: (z - t) ** 2, df=lambda z, t: 2 * (z - t), doc="(z - t)², without a factor ½.")

mae = Loss("mae", f=lambda z, t: np.abs(z - t), df=lambda z, t: np.sign(z - t), kinks=(0.0,), doc="|z - t|.")

huber = Loss(
    "huber",
    f=lambda z, t, delta: np.minimum(np.abs(z - t), delta) * (np.abs(z - t) - 0.5 * np.minimum(np.abs(z - t), delta)),
    df=lambda z, t, delta: np.minimum(np.maximum(z - t, -delta), delta),
    doc="(z - t)² / 2 within delta of the target, linear beyond; its derivative is the clipped residual (Huber 1964).",
    bounds={"delta": {"above": 0}},
    delta=1.0,
)

quantile = Loss(
    "quantile",
    f=lambda z, t, q: np.maximum(q * (t - z), (q - 1) * (t - z)),
    df=lambda z, t, q: step(z - t) - q,
    kinks=(0.0,),
    doc="""q (t - z) or (q - 1) (t - z), whichever is larger: the "pinball" loss (Koenker & Bassett 1978).

    Its best constant prediction is the q-quantile of the targets.
    """,
    bounds={"q": {"above": 0, "below": 1}},
    q=0.5,
)

_LARGEST_LOG_MEAN = 50.0  # e⁵⁰ = 5e21 is beyond any count; from there eᶻ goes on as its tangent, and stays finite


def _poisson_mean(z: Array) -> Array:
    """eᶻ, continued by its tangent above z = 50."""
    return np.exp(np.minimum(z, _LARGEST_LOG_MEAN)) * (1 + np.maximum(z - _LARGEST_LOG_MEAN, 0))


poisson = Loss(
    "poisson",
    f=lambda z, t: _poisson_mean(z) - t * z,
    df=lambda z, t: np.exp(np.minimum(z, _LARGEST_LOG_MEAN)) - t,
    output=_poisson_mean,
    target="counts",
    doc="eᶻ - t z: negative log likelihood of a Poisson count with mean eᶻ, without log t!, which z does not move.",
)

losses = Registry(
    "loss",
    Loss,
    [softmax_cross_entropy, sigmoid_cross_entropy, mse, mae, huber, poisson, quantile],
    aliases={
        "cross_entropy": "softmax_cross_entropy",
        "binary_cross_entropy": "sigmoid_cross_entropy",
        "mean_squared_error": "mse",
        "mean_absolute_error": "mae",
        "pinball": "quantile",
    },
)
