"""Initialisers: how weights are drawn. A name tells the distribution; `help` of a record tells variance and paper.

Scale decides whether signals survive depth: with Z = A W and independent weights, Var[z] = fan_in · Var[w] · E[a²].
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.rules import Bounds, Registry, Rule


class Initializer(Rule):
    """A record: draw(generator, shape, fan_in, fan_out, gain, **parameters) -> values of that shape, float64.

    `shape` is (fan_in, fan_out) for weights and (1, fan_out) for biases; `gain` is that of the activation which
    follows the layer (`Formula.gain`: √2 for relu, 1 for identity), for those initialisers that use it; for
    `critical` a network passes the critical sigma_w instead.

    >>> ones = Initializer("ones", draw=lambda generator, shape, fan_in, fan_out, gain: np.ones(shape))
    """

    def __init__(
        self,
        name: str,
        draw: Callable[..., Array],
        *,
        bounds: Bounds | None = None,
        doc: str | None = None,
        **parameters: float,
    ) -> None:
        super().__init__(name, {"draw(generator, shape, fan_in, fan_out, gain)": draw}, parameters, bounds, doc)
        self._draw = draw

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int, gain: float = 1.0
    ) -> Array:
        """Values of that shape, drawn with this record's parameters."""
        return self._draw(generator, shape, fan_in, fan_out, gain, **self.parameters)


def _normal(generator: np.random.Generator, shape: tuple[int, int], variance: float) -> Array:
    return generator.standard_normal(shape) * np.sqrt(variance)


def _uniform(generator: np.random.Generator, shape: tuple[int, int], variance: float) -> Array:
    return (2 * generator.random(shape) - 1) * np.sqrt(3 * variance)  # U(-l, l) has variance l² / 3


def _orthogonal(generator: np.random.Generator, shape: tuple[int, int], gain: float) -> Array:
    """Gain · Q, Q with orthonormal rows or columns, uniform over all such (Saxe et al. 2014; Mezzadri 2007)."""
    tall = generator.standard_normal((max(shape), min(shape)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.sign(np.diag(R))  # without this QR prefers some rotations
    return gain * (Q if shape[0] >= shape[1] else Q.T)


zeros = Initializer(
    "zeros", lambda generator, shape, fan_in, fan_out, gain: np.zeros(shape), doc="All 0: Var[w] = 0; for biases."
)

normal = Initializer(
    "normal",
    lambda generator, shape, fan_in, fan_out, gain, std: _normal(generator, shape, std**2),
    doc="N(0, std²): Var[w] = std**2; the same for every layer.",
    bounds={"std": {"at_least": 0}},
    std=0.01,
)

uniform = Initializer(
    "uniform",
    lambda generator, shape, fan_in, fan_out, gain, limit: _uniform(generator, shape, limit**2 / 3),
    doc="U(-limit, limit): Var[w] = limit**2 / 3; the same for every layer.",
    bounds={"limit": {"at_least": 0}},
    limit=0.05,
)

_GLOROT = """Var[w] = 2 / (fan_in + fan_out); Glorot & Bengio 2010, eq. 12 and 16.

A compromise between signals forward and gradients backward, for activations near the identity around 0 (tanh,
softsign).
"""

glorot_normal = Initializer(
    "glorot_normal",
    lambda generator, shape, fan_in, fan_out, gain: _normal(generator, shape, 2 / (fan_in + fan_out)),
    doc=f"Normal: {_GLOROT}",
)
glorot_uniform = Initializer(
    "glorot_uniform",
    lambda generator, shape, fan_in, fan_out, gain: _uniform(generator, shape, 2 / (fan_in + fan_out)),
    doc=f"Uniform: {_GLOROT}",
)

_HE = """Var[w] = 2 / ((1 + slope**2) * fan_in); He et al. 2015, eq. 10 and 15.

For relu (slope 0, the default) and leaky_relu. The slope is not taken from the activation that follows: for
leaky_relu(0.2) pass it, slope=0.2.
"""

he_normal = Initializer(
    "he_normal",
    lambda generator, shape, fan_in, fan_out, gain, slope: _normal(generator, shape, 2 / (1 + slope**2) / fan_in),
    doc=f"Normal: {_HE}",
    slope=0.0,
)
he_uniform = Initializer(
    "he_uniform",
    lambda generator, shape, fan_in, fan_out, gain, slope: _uniform(generator, shape, 2 / (1 + slope**2) / fan_in),
    doc=f"Uniform: {_HE}",
    slope=0.0,
)

_LECUN = "Var[w] = 1 / fan_in; LeCun et al. 1998, eq. 16; what selu needs (Klambauer et al. 2017)."

lecun_normal = Initializer(
    "lecun_normal",
    lambda generator, shape, fan_in, fan_out, gain: _normal(generator, shape, 1 / fan_in),
    doc=f"Normal: {_LECUN}",
)
lecun_uniform = Initializer(
    "lecun_uniform",
    lambda generator, shape, fan_in, fan_out, gain: _uniform(generator, shape, 1 / fan_in),
    doc=f"Uniform: {_LECUN}",
)

orthogonal = Initializer(
    "orthogonal",
    lambda generator, shape, fan_in, fan_out, gain: _orthogonal(generator, shape, gain),
    doc="""W Wᵀ = gain² I, or WᵀW: Var[w] = gain**2 / max(fan_in, fan_out); Saxe et al. 2014.

    The gain is that of the activation which follows (`Formula.gain`).
    """,
)

_before_lsuv = Initializer(
    "lsuv",
    lambda generator, shape, fan_in, fan_out, gain: _orthogonal(generator, shape, gain=1.0),
    doc="""Orthonormal weights: Var[w] = 1 / max(fan_in, fan_out); Mishkin & Matas 2016, algorithm 1.

    `handgrad.initializers.lsuv(net, X)` then rescales them when data is at hand.
    """,
)

critical = Initializer(
    "critical",
    lambda generator, shape, fan_in, fan_out, gain, sigma_b: _normal(generator, shape, gain**2 / fan_in),
    doc="""Normal, at the edge of chaos: Var[w] = gain**2 / fan_in; Schoenholz et al. 2017.

    A network gives it as gain the critical sigma_w (`handgrad.theory.critical_point`) of the activation whose signals
    the layer takes in; the first layer that of the one after it. It is made for biases N(0, sigma_b²): pass
    bias_init="normal(...)" of the same spread; 0, the default, goes with zeros. For relu it is he_normal.
    """,
    bounds={"sigma_b": {"at_least": 0}},
    sigma_b=0.0,
)

initializers = Registry(
    "initializer",
    Initializer,
    [
        zeros,
        normal,
        uniform,
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        lecun_normal,
        lecun_uniform,
        orthogonal,
        _before_lsuv,
        critical,
    ],
    aliases={
        "small": "normal(std=0.01)",
        "xavier": "glorot_normal",
        "xavier_normal": "glorot_normal",
        "xavier_uniform": "glorot_uniform",
        "he": "he_normal",
        "kaiming_normal": "he_normal",
        "kaiming_uniform": "he_uniform",
    },
)


class _Pausing(Protocol):
    """What `lsuv` needs of a network: its weights by name and the outputs of its Dense layers, in order."""

    awaits_data: Array

    def __getitem__(self, name: str) -> Any: ...
    def dense_outputs(self, X: Array) -> Any: ...


def lsuv(net: _Pausing, X: Array, tolerance: float = 0.02, attempts: int = 10) -> None:
    """Layer-sequential unit variance: rescale each weight matrix until its layer's output has variance 1 on X.

    Layer by layer, W ← W / sqrt(Var[Z]) until |Var[Z] - 1| <= tolerance, at most `attempts` times (Mishkin & Matas
    2016, algorithm 1). The network's weights change; biases do not. Networks of a stack are scaled each on its own.

    X : (B, D) or (S, B, D), a batch of data as the network will see it.

    >>> import handgrad as hg
    >>> net = hg.Network.mlp([4, 8, 8, 2], init="lsuv", seed=0)
    >>> X = np.random.default_rng(0).standard_normal((100, 4))
    >>> lsuv(net, X)
    >>> bool(abs((X @ net["dense1.W"] + net["dense1.b"]).var() - 1) < 0.02)
    True
    """
    for name in net.dense_outputs(X):
        for _ in range(attempts):
            variance = net.dense_outputs(X)[name].var(axis=(-2, -1), keepdims=True)
            settled = (np.abs(variance - 1) <= tolerance) | (variance == 0)
            if settled.all():
                break
            net[name][...] /= np.where(settled, 1, np.sqrt(variance))
    net.awaits_data[:] = False
