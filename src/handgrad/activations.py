"""Activations: one rule each, f(z) and its derivative df(z, a) with a = f(z).

Every formula is elementwise, keeps float32 and float64, and is silent and correct on [-1000, 1000] and at 0.
Your own takes two one-line functions:

    swish2 = Formula("swish2", f=lambda z, beta: z * sigmoid(beta * z),
                     df=lambda z, a, beta: sigmoid(beta * z) * (1 + beta * (z - a)), beta=2.0)

`kinks` lists the points where the derivative jumps; numeric derivatives avoid them.
"""

from collections.abc import Callable

import numpy as np

from handgrad import elementary
from handgrad.arrays import Array
from handgrad.elementary import erfc, step
from handgrad.rules import Bounds, Registry, Rule
from handgrad.written import Written


class Formula(Rule):
    """An activation as a record: f(z, **parameters) and df(z, a, **parameters), elementwise, with a = f(z).

    Parameters are data, not new code: `leaky_relu(slope=0.2)` is the same formulas with another slope. Formulas are
    pure: the compiled engine calls them once, with symbols in place of arrays, and compiles what comes back.

    >>> cube = Formula("cube", f=lambda z: z**3, df=lambda z, a: 3 * z**2)
    >>> cube.derivative(np.array([2.0]))
    array([12.])
    """

    def __init__(
        self,
        name: str,
        f: Callable[..., Array],
        df: Callable[..., Array],
        *,
        kinks: tuple[float, ...] = (),
        bounds: Bounds | None = None,
        doc: str | None = None,
        **parameters: float,
    ) -> None:
        super().__init__(name, {"f(z)": f, "df(z, a)": df}, parameters, bounds, doc)
        self.f = f
        self.df = df
        self.kinks = tuple(kinks)

    def value(self, z: Array) -> Array:
        """f(z) with this record's parameters, elementwise, in the dtype of z even where a constant has another."""
        return np.asarray(self.f(z, **self.parameters), dtype=z.dtype)

    def derivative(self, z: Array, a: Array | None = None) -> Array:
        """df/dz at z; pass a = f(z) when it is already known."""
        return np.asarray(self.df(z, self.value(z) if a is None else a, **self.parameters), dtype=z.dtype)

    @property
    def gain(self) -> float:
        """The factor on weights that keeps the second moment of signals: 1 / sqrt(E[f(z)²]), z ~ N(0, 1).

        √2 for relu (He et al. 2015, eq. 10), sqrt(2 / (1 + slope²)) for leaky_relu (eq. 15), 1 for identity and
        selu. By Simpson's rule on [-12, 12], beyond which a normal variable does not venture.

        >>> round(relu.gain**2, 6)
        2.0
        """
        z = np.linspace(-12.0, 12.0, 2401)
        simpson = np.tile([2.0, 4.0], 1201)[:-1]
        simpson[[0, -1]] = 1.0
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        with np.errstate(all="ignore"):  # a formula may overflow out there, and its gain be nan; that of 0 is infinite
            second_moment = (self.value(z) ** 2 * density) @ simpson * (z[1] - z[0]) / 3
            return float(1 / np.sqrt(second_moment))


def written(f: str, df: str, name: str = "written") -> Formula:
    """An activation by the text of f(z) and of its derivative df(z, a), with a = f(z); see `handgrad.written`.

    >>> written("z * sigmoid(z)", "sigmoid(z) + a * sigmoid(-z)").derivative(np.array([0.0]))
    array([0.5])

    Raises
    ------
    ValueError
        A text holds something else than numbers, z (and a), arithmetic and the listed functions.
    """
    return Formula(name, Written(f, ("z",)), Written(df, ("z", "a")), doc=f"{f}, with derivative {df}.")


_SELU_SCALE = (
    1.0507009873554805  # λ and α of Klambauer et al. 2017, eq. 14: the fixed point (0, 1) of mean and variance
)
_SELU_ALPHA = 1.6732632423543772

identity = Formula("identity", f=lambda z: z, df=lambda z, a: np.ones_like(z), doc="z.")

relu = Formula("relu", f=lambda z: np.maximum(z, 0), df=lambda z, a: step(z), kinks=(0.0,), doc="max(z, 0).")

leaky_relu = Formula(
    "leaky_relu",
    f=lambda z, slope: np.where(z > 0, z, slope * z),
    df=lambda z, a, slope: slope + (1 - slope) * step(z),
    kinks=(0.0,),
    doc="z where z > 0, else slope · z (Maas et al. 2013).",
    slope=0.01,
)

elu = Formula(
    "elu",
    f=lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
    df=lambda z, a, alpha: np.where(z > 0, 1, a + alpha),
    kinks=(0.0,),
    doc="z where z > 0, else α (eᶻ - 1); the derivative jumps at 0 unless α = 1 (Clevert et al. 2016, eq. 15 and 16).",
    bounds={"alpha": {"at_least": 0}},
    alpha=1.0,
)

selu = Formula(
    "selu",
    f=lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    df=lambda z, a: np.where(z > 0, _SELU_SCALE, a + _SELU_SCALE * _SELU_ALPHA),
    kinks=(0.0,),
    doc="λ z where z > 0, else λ α (eᶻ - 1), λ = 1.0507, α = 1.6733 (Klambauer et al. 2017, eq. 2).",
)

gelu = Formula(
    "gelu",
    f=lambda z: z * 0.5 * erfc(z * -(0.5**0.5)),
    df=lambda z, a: 0.5 * erfc(z * -(0.5**0.5)) + z * np.exp(-0.5 * z * z) * (2 * np.pi) ** -0.5,
    doc="z Φ(z), exact, Φ the normal distribution; the derivative is Φ(z) + z φ(z) (Hendrycks & Gimpel 2016).",
)

silu = Formula(
    "silu",
    f=lambda z: z * elementary.sigmoid(z),
    df=lambda z, a: elementary.sigmoid(z) * (1 + z * elementary.sigmoid(-z)),
    doc="z σ(z), also called swish (Elfwing et al. 2018).",
)

mish = Formula(
    "mish",
    f=lambda z: z * np.tanh(elementary.softplus(z)),
    df=lambda z, a: (
        np.tanh(elementary.softplus(z)) + z * elementary.sigmoid(z) * (1 - np.tanh(elementary.softplus(z)) ** 2)
    ),
    doc="z tanh(softplus(z)) (Misra 2020, eq. 1 and 3).",
)

softplus = Formula("softplus", f=elementary.softplus, df=lambda z, a: elementary.sigmoid(z), doc="log(1 + eᶻ).")

softsign = Formula(
    "softsign", f=lambda z: z / (1 + np.abs(z)), df=lambda z, a: 1 / (1 + np.abs(z)) ** 2, doc="z / (1 + |z|)."
)

tanh = Formula("tanh", f=np.tanh, df=lambda z, a: 1 - a * a, doc="(eᶻ - e⁻ᶻ) / (eᶻ + e⁻ᶻ).")

sigmoid = Formula("sigmoid", f=elementary.sigmoid, df=lambda z, a: a * (1 - a), doc="σ(z) = 1 / (1 + e⁻ᶻ).")

hard_tanh = Formula(
    "hard_tanh",
    f=lambda z: np.minimum(np.maximum(z, -1), 1),
    df=lambda z, a: step(1 - np.abs(z)),
    kinks=(-1.0, 1.0),
    doc="z, cut off at -1 and 1.",
)

activations = Registry(
    "activation",
    Formula,
    [
        identity,
        relu,
        leaky_relu,
        elu,
        selu,
        gelu,
        silu,
        mish,
        softplus,
        softsign,
        tanh,
        sigmoid,
        hard_tanh,
    ],
    aliases={"linear": "identity", "swish": "silu", "logistic": "sigmoid", "hardtanh": "hard_tanh"},
)
