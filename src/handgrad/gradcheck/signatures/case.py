"""What a signature may look at: the pairs of analytic and measured derivatives, and the function at other points."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.elementary import softmax
from handgrad.gradcheck.examining import Examined
from handgrad.gradcheck.subjects import Point

_EXPLAINED = 1e-4  # of the difference: a mistake is named only if it leaves less than this unexplained


class Pair(NamedTuple):
    """One parameter: its gradient, the measured one (NaN where it was not), its error bars, and its value."""

    analytic: Array
    numeric: Array
    bars: Array
    x: Array

    @property
    def difference(self) -> Array:
        """Analytic minus measured."""
        return self.analytic - self.numeric

    def is_explained_by(self, expected: Array) -> bool:
        """Whether the gradient is `expected` (NaN: cannot tell), so closely that hardly any difference is left."""
        if expected.shape != self.analytic.shape:
            return False
        known = np.isfinite(expected) & np.isfinite(self.numeric)
        if known.sum() < min(2, self.x.size):  # one number fits any factor
            return False
        left = np.linalg.norm((self.analytic - expected)[known])
        bars = self.bars[np.isfinite(self.bars) & known]
        allowed = _EXPLAINED * np.linalg.norm(self.difference[known]) + np.linalg.norm(bars) * max(
            1.0, _ratio(expected[known], self.numeric[known])
        )
        return bool(left <= min(allowed, 0.1 * np.linalg.norm(self.difference[known])))


class Curve(NamedTuple):
    """An activation seen from outside: pre-activations z, its derivative there, and the one that the gradient used."""

    z: Array
    measured: Array
    used: Array


class Logits(NamedTuple):
    """The loss by the logits, row by row: logits, its derivative, the one used, and targets if known. All (R, C)"""

    Z: Array
    measured: Array
    used: Array
    targets: Array | None = None  # times the rows' weights

    @property
    def P(self) -> Array:
        """The softmax of the logits."""
        return softmax(self.Z)


@dataclass(frozen=True)
class Case:
    """A gradient that failed its check, with what is known about it."""

    examined: Examined
    constants: Mapping[str, float] = field(default_factory=dict)  # numbers that may have slipped in, by name
    near: Examined | None = None  # the same check at another point, done later
    changed: frozenset[str] = frozenset()  # "function", "gradient": which wrote into their argument
    curves: Callable[[str], Sequence[Curve]] = lambda name: ()  # what the activation behind a parameter may be
    logits: Callable[[str], Logits | None] = lambda name: None  # if the parameter is the last bias, before a softmax
    backward: Callable[[str], bool] = lambda name: False  # whether W stands in for Wᵀ on the way to that parameter
    upstream: Array | None = None  # dY (B, units), of a layer on its own
    strengths: tuple[float, ...] = ()  # that an L2 penalty, which is right, may have
    penalty: float = 0.0  # the strength of a penalty that pairs are looked at without

    @property
    def names(self) -> list[str]:
        """The parameters, in order."""
        return list(self.examined.point)

    @property
    def accused(self) -> list[str]:
        """The parameters whose gradient is wrong."""
        return [name for name, verdict in self.examined.verdicts.items() if verdict == "WRONG"]

    def pair(self, name: str) -> Pair | None:
        """The pair of a parameter, if its gradient could be compared."""
        if name not in self.examined.measured:
            return None
        examined, x = self.examined, self.examined.point[name]
        penalty = self.penalty * x if self.penalty and is_weight(x) else 0.0
        return Pair(examined.given[name] - penalty, examined.numeric(name) - penalty, examined.bars(name), x)

    @property
    def stands_still(self) -> bool:
        """Whether the loss moves with no parameter at all."""
        return not any(np.any(measured.numeric) for measured in self.examined.measured.values())

    @property
    def given(self) -> Point:
        """The gradient as it came, in whatever shape."""
        return self.examined.given


class Signature(Protocol):
    """A kind of mistake: its slug, and what speaks for it in a case."""

    cause: str

    def evidence(self, case: Case, name: str) -> str | None:
        """What shows that the gradient of this parameter has this mistake; None if it does not."""
        raise NotImplementedError


def is_weight(x: Array) -> bool:
    """Whether an array looks like weights, which people penalise, and not like a bias."""
    return x.ndim == 2 and x.shape[0] > 1


def factor_between(a: Array, n: Array) -> float:
    """The c for which c · n is closest to a, over entries where both are known; NaN where n is 0."""
    known = np.isfinite(a) & np.isfinite(n)
    size = float(np.sum(n[known] ** 2))
    return float(np.sum(a[known] * n[known])) / size if size > 0 else np.nan


def _ratio(a: Array, b: Array) -> float:
    size = float(np.linalg.norm(b))
    return float(np.linalg.norm(a)) / size if size > 0 else 1.0
