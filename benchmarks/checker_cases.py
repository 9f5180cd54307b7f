"""Random networks and data, each right and with one planted mistake: what `gradient_checkers.py` has judged."""

from typing import Any, NamedTuple

import numpy as np

import handgrad as hg
from handgrad.activations import activations
from handgrad.arrays import Array
from handgrad.gradcheck.mistakes import MISTAKES, Mistake, squared_softmax
from handgrad.losses import losses

LEAST = 1e-6  # a mistake counts if it changes some parameter's gradient by this much of its norm
KINKED = ("relu", "leaky_relu")
_ROWS = (1, 3, 5, 8, 17, 32)  # not 2: a factor B that is 2 could not be told from a factor 2
_TRIES, _FITTING = 2000, 20


class Case(NamedTuple):
    """A network and its data; `kinks`: some pre-activations are exactly zero, where relu has no derivative."""

    number: int
    net: hg.Network
    data: dict[str, Any]
    kinks: bool
    mistake: Mistake


def case(number: int, seed: int) -> Case:
    """Case of that number; every third lies on kinks, and the mistakes of the catalogue take turns.

    Networks are drawn until the mistake applies and matters there; some never do, rounding to float32 for one.
    """
    mistake = list(MISTAKES.values())[number % len(MISTAKES)]
    generator = np.random.default_rng([seed, number])
    kinks = number // len(MISTAKES) % 3 == number % 3  # over three turns each mistake is on kinks once
    drawn: list[Case] = []
    for _ in range(_TRIES):
        net = _network(generator, kinks)
        if mistake.applies(net):
            drawn.append(Case(number, net, _data(net, generator, kinks), kinks, mistake))
            if matters(drawn[-1]) or len(drawn) == _FITTING:
                return drawn[-1]
    raise RuntimeError(f"only {len(drawn)} of {_TRIES} networks have a place for {mistake}")


def planted(case: Case) -> hg.Network:
    """The network with its mistake, after one gradient elsewhere: what a mistake remembers is then there."""
    twin = case.mistake.plant(case.net)
    twin.params = 1.1 * case.net.params + 0.01
    twin.gradient(**case.data)
    twin.params = case.net.params
    return twin


def matters(case: Case) -> bool:
    """Whether the mistake changes the gradient of some parameter by LEAST of its norm, or the parameters themselves."""
    twin = planted(case)
    _, right = case.net.gradient(**case.data)
    _, wrong = twin.gradient(**case.data)
    if not np.array_equal(twin.params, case.net.params):
        return True
    floor = 1e-6 * np.linalg.norm(right)  # what is smaller is rounding: a bias before batch norm
    pairs = zip(case.net.layout.views(right).values(), case.net.layout.views(wrong).values(), strict=True)
    return any(not np.linalg.norm(b - a) < LEAST * max(np.linalg.norm(a), floor) for a, b in pairs)


def _network(generator: np.random.Generator, kinks: bool) -> hg.Network:
    inputs, depth = int(generator.integers(2, 7)), int(generator.integers(1, 5))
    widths = [int(width) for width in generator.integers(2, 8, depth)]
    if generator.random() < 0.5:
        widths = widths[:1] * depth
    formulas = _formulas(generator, depth, kinks)
    biased = bool(generator.random() < 0.85) or kinks  # without biases nothing moves a row of zeros off its kinks
    norms = [_norm(generator) for _ in widths]
    if kinks:
        norms[0] = None
    rate = float(generator.uniform(0.1, 0.5)) if generator.random() < 0.3 else 0.0
    layers: list[Any] = []
    for fan_in, width, formula, norm in zip([inputs, *widths], widths, formulas, norms, strict=False):
        layers.append(hg.Dense(fan_in, width, bias=biased))
        layers += [norm(width)] if norm else []
        layers.append(hg.Activation(formula))
        layers += [hg.Dropout(rate)] if rate else []
        if generator.random() < 0.15:
            layers.append(hg.Residual([hg.Dense(width, width, bias=biased), hg.Activation(formula)]))
    loss = generator.choice([*losses, squared_softmax])
    outputs = int(generator.integers(2 if loss.target == "classes" else 1, 5))
    layers.append(hg.Dense(widths[-1], outputs))
    l2 = float(generator.choice([0.0, 0.0, 1e-3, 1e-2, 0.1]))
    init = str(generator.choice(["glorot_uniform", "he_normal", "normal(0.1)", "normal(1.0)"]))
    net = hg.Network(layers, loss=loss, l2=l2, init=init, seed=int(generator.integers(1 << 30)))
    _away_from_round_values(net, generator, kinks)
    return net


def _formulas(generator: np.random.Generator, depth: int, kinks: bool) -> list[str]:
    names = [rule.name for rule in activations]
    formulas = [str(name) for name in generator.choice(names, depth)]
    if generator.random() < 0.6:
        formulas = formulas[:1] * depth
    if kinks:
        formulas[0] = str(generator.choice(KINKED))
    return formulas


def _norm(generator: np.random.Generator) -> Any:
    return generator.choice(np.array([None, None, None, hg.BatchNorm, hg.LayerNorm], dtype=object))


def _away_from_round_values(net: hg.Network, generator: np.random.Generator, kinks: bool) -> None:
    """Biases, gains, shifts and running statistics; on kinks the biases stay zero."""
    for name in net.parameter_names:
        if not name.endswith(".W") and not (kinks and name.endswith(".b")):
            net[name] = net[name] + 0.3 * generator.standard_normal(net[name].shape)
    net.state = np.abs(net.state + 0.3 * generator.standard_normal(net.state.shape)) + 0.1


def _data(net: hg.Network, generator: np.random.Generator, kinks: bool) -> dict[str, Any]:
    rows = int(generator.choice(_ROWS))
    training = bool(generator.random() < 0.85)
    if training and any(isinstance(leaf.layer, hg.BatchNorm) for leaf in net.leaves):
        rows = max(rows, 5)  # with one row its output is the shift, whatever comes in
    X = generator.standard_normal((rows, net.fan_in or 1)) * generator.choice([0.3, 1.0, 1.0, 5.0])
    if kinks:
        X[: 1 + rows // 8] = 0  # and the biases are: the first Z of these rows is 0
    weights = generator.random(rows) + 0.1 if generator.random() < 0.3 else None
    return {
        "X": X,
        "y": _targets(net, rows, generator),
        "sample_weight": weights,
        "training": training,
        "step": int(generator.integers(1000)),
    }


def _targets(net: hg.Network, rows: int, generator: np.random.Generator) -> Array:
    outputs = net.fan_out or 1
    if net.loss_rule.target == "classes":
        return generator.integers(0, outputs, rows)
    if net.loss_rule.target == "labels":
        return generator.integers(0, 2, (rows, outputs)).astype(float)
    if net.loss_rule.target == "counts":
        return generator.poisson(2.0, (rows, outputs)).astype(float)
    return generator.standard_normal((rows, outputs))
