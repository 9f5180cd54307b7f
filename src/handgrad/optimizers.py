"""Optimisers: how a gradient becomes an update.

A rule is elementwise over the flat vector: from a parameter w, its gradient g and the rule's own slots (a velocity,
a second moment) to their new values, with coefficients that are computed once a step in float64. The records below
hold the settings; each of them may be one number, or a sequence with one number for each network of a stack.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import Field, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from handgrad.arrays import Array, require_bool, require_integer, require_number
from handgrad.rules import by_name, parse, unknown

Setting = float | Sequence[float]
Update = Callable[..., tuple[Array, ...]]


def sgd(w: Array, g: Array, *, learning_rate: Any) -> tuple[Array]:
    """w ← w - η g."""
    return (w - learning_rate * g,)


def momentum(w: Array, g: Array, v: Array, *, learning_rate: Any, momentum: Any) -> tuple[Array, Array]:
    """v ← μ v - η g, w ← w + v (Polyak 1964; Sutskever et al. 2013, eq. 1 and 2)."""
    v = momentum * v - learning_rate * g
    return w + v, v


def nesterov(w: Array, g: Array, v: Array, *, learning_rate: Any, momentum: Any) -> tuple[Array, Array]:
    """v ← μ v - η g, w ← w + μ v - η g: a step ahead of the velocity (Sutskever et al. 2013, in Bengio's form)."""
    v = momentum * v - learning_rate * g
    return w + momentum * v - learning_rate * g, v


def rmsprop(
    w: Array, g: Array, s: Array, *, learning_rate: Any, rho: Any, fresh: Any, epsilon: Any
) -> tuple[Array, ...]:
    """s ← ρ s + (1 - ρ) g², w ← w - η g / (√s + ε) (Hinton 2012, lecture 6e)."""
    s = rho * s + fresh * g * g
    return w - learning_rate * g / (np.sqrt(s) + epsilon), s


def adagrad(w: Array, g: Array, s: Array, *, learning_rate: Any, epsilon: Any) -> tuple[Array, ...]:
    """s ← s + g², w ← w - η g / (√s + ε) (Duchi et al. 2011)."""
    s = s + g * g
    return w - learning_rate * g / (np.sqrt(s) + epsilon), s


def adam(
    w: Array,
    g: Array,
    m: Array,
    s: Array,
    *,
    learning_rate: Any,
    beta1: Any,
    beta2: Any,
    fresh1: Any,
    fresh2: Any,
    debias1: Any,
    debias2: Any,
    epsilon: Any,
) -> tuple[Array, ...]:
    """m ← β₁ m + (1 - β₁) g, s ← β₂ s + (1 - β₂) g², w ← w - η m̂ / (√ŝ + ε) (Kingma & Ba 2015, algorithm 1)."""
    m = beta1 * m + fresh1 * g
    s = beta2 * s + fresh2 * g * g
    return w - learning_rate * (m * debias1) / (np.sqrt(s * debias2) + epsilon), m, s


@dataclass(frozen=True)
class Optimizer:
    """What every optimiser record offers: its update rule, the names of its slots, its coefficients at a step."""

    learning_rate: Setting = 0.01

    slots: ClassVar[tuple[str, ...]] = ()
    decays: ClassVar[bool] = False  # whether weights shrink before the update
    unit_interval: ClassVar[tuple[str, ...]] = ("momentum", "rho", "beta1", "beta2")  # settings that live in [0, 1)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == Setting and np.ndim(value) > 0:
                for each in value:
                    self._accept(field, each)
            else:  # a plain number, which takes the dtype of the arrays it meets; a NumPy scalar would not
                object.__setattr__(self, field.name, self._accept(field, value))

    def _accept(self, field: Field[Any], value: object) -> Any:
        argument = f"{type(self).__name__}.{field.name}"
        if field.type is bool:
            return require_bool(argument, value)
        if field.type is int:
            return require_integer(argument, value)
        if field.name in self.unit_interval:
            return require_number(argument, value, at_least=0, below=1)
        if field.name in ("weight_decay", "tolerance", "decrease"):
            return require_number(argument, value, at_least=0)
        return require_number(argument, value, above=0)

    def update(self) -> Update:
        """The elementwise rule: (w, g, *slots, **coefficients) -> (w, *slots)."""
        raise NotImplementedError

    def coefficients(self, step: Any, rate: Any) -> Mapping[str, Any]:
        """The rule's coefficients at a step (counted from 1), in float64; `rate` is the scheduled learning rate.

        Or at several steps: (n,), with rates (n,) or (S, n).
        """
        raise NotImplementedError

    def shrink(self, rate: Any) -> Any:
        """The factor on all weights before the update, for optimisers that decay them."""
        raise NotImplementedError

    def for_stack(self, networks: int | None) -> "Optimizer":
        """This record with every sequence as an (S, 1) array; refuses sequences of another length."""
        arrays: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if np.ndim(value) == 0:
                continue
            if networks is None or len(value) != networks:
                has = "a single network" if networks is None else f"{networks} networks"
                raise ValueError(f"{type(self).__name__}.{field.name} has {len(value)} values for {has}; give one each")
            arrays[field.name] = np.asarray(value, dtype=float).reshape(-1, 1)
        stacked = copy(self)
        stacked.__dict__.update(arrays)
        return stacked


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, plain, with momentum, or with Nesterov's.

    >>> SGD(0.1, momentum=0.9, nesterov=True)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    """

    learning_rate: Setting = 0.01
    momentum: Setting = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not np.any(self.momentum):
            raise ValueError("SGD.nesterov is True but SGD.momentum is 0; give a momentum such as 0.9")

    @cached_property
    def slots(self) -> tuple[str, ...]:  # type: ignore[override]
        """A velocity, if there is momentum."""
        return ("velocity",) if np.any(self.momentum) else ()

    def update(self) -> Update:
        """`sgd`, `momentum` or `nesterov`."""
        if not self.slots:
            return sgd
        return nesterov if self.nesterov else momentum

    def coefficients(self, step: Any, rate: Any) -> Mapping[str, Any]:
        """η, and μ if there is momentum."""
        return {"learning_rate": rate, "momentum": self.momentum} if self.slots else {"learning_rate": rate}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradients divided by a running root mean square of themselves (Hinton 2012)."""

    learning_rate: Setting = 0.001
    rho: Setting = 0.9
    epsilon: Setting = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("square",)

    def update(self) -> Update:
        """`rmsprop`."""
        return rmsprop

    def coefficients(self, step: Any, rate: Any) -> Mapping[str, Any]:
        """η, ρ, 1 - ρ and ε."""
        rho: Any = self.rho
        return {"learning_rate": rate, "rho": rho, "fresh": 1 - rho, "epsilon": self.epsilon}


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares so far (Duchi et al. 2011)."""

    learning_rate: Setting = 0.01
    epsilon: Setting = 1e-10

    slots: ClassVar[tuple[str, ...]] = ("square",)

    def update(self) -> Update:
        """`adagrad`."""
        return adagrad

    def coefficients(self, step: Any, rate: Any) -> Mapping[str, Any]:
        """η and ε."""
        return {"learning_rate": rate, "epsilon": self.epsilon}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015)."""

    learning_rate: Setting = 0.001
    beta1: Setting = 0.9
    beta2: Setting = 0.999
    epsilon: Setting = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def update(self) -> Update:
        """`adam`."""
        return adam

    def coefficients(self, step: Any, rate: Any) -> Mapping[str, Any]:
        """η, the decays and what is fresh of each moment, and the corrections of their start at zero."""
        beta1: Any = self.beta1
        beta2: Any = self.beta2
        return {
            "learning_rate": rate,
            "beta1": beta1,
            "beta2": beta2,
            "fresh1": 1 - beta1,
            "fresh2": 1 - beta2,
            "debias1": 1 / (1 - _power(beta1, step)),
            "debias2": 1 / (1 - _power(beta2, step)),
            "epsilon": self.epsilon,
        }


def _power(base: Any, exponent: Any) -> Any:
    """The power of a number or of (S, 1), at one step or at (n,), with the same bits: NumPy's may round another way."""
    if np.ndim(base) == 0 and np.ndim(exponent) == 0:
        return base**exponent
    powers = [[float(each) ** int(step) for step in np.ravel(exponent)] for each in np.ravel(base)]
    return np.array(powers if np.ndim(base) else powers[0])


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: w ← (1 - η λ) w before the step, weights only (Loshchilov & Hutter 2019)."""

    weight_decay: Setting = 0.01

    decays: ClassVar[bool] = True

    def shrink(self, rate: Any) -> Any:
        """1 - η λ."""
        return 1 - rate * self.weight_decay


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with line search, full batches, one network (Liu & Nocedal 1989; SciPy's L-BFGS-B).

    `memory` is the number of past updates that are kept; training stops early when the largest entry of the gradient
    is at most `tolerance`, when an iteration lowers the loss by no more than its share `decrease`, or after
    `max_evaluations` of the loss. The line search sets the step, so `learning_rate` stays 1.
    """

    learning_rate: Setting = 1.0
    memory: int = 10
    tolerance: float = 1e-8
    decrease: float = 0.0
    max_evaluations: int = 15000

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.any(np.not_equal(self.learning_rate, 1)):
            raise ValueError(
                f"LBFGS.learning_rate is {self.learning_rate}; its line search sets the step: leave it out"
            )


_BY_NAME: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}


def find_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """The record for a name, a name with settings, or the record itself.

    >>> find_optimizer("adam(0.01)")
    Adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer is {optimizer!r}; expected a name such as 'adam' or a record such as Adam(0.001)")
    name, positional, named = parse(optimizer)
    if name.lower() not in _BY_NAME:
        raise unknown("optimizer", name, _BY_NAME)
    record = _BY_NAME[name.lower()]
    settings = [field.name for field in fields(record)]
    return record(**by_name("setting", name, settings, positional, named))
