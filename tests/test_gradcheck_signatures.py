"""Every kind of mistake has its example here: planted in a network written by hand it is named, without it nothing is.

The networks are what people write: two layers over a dict of arrays, with weights (fan_in, fan_out) or turned round.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import handgrad as hg
from handgrad.arrays import Array
from handgrad.gradcheck import Report, check_gradient, check_network
from handgrad.gradcheck.signatures import (
    SIGNATURES,
    arrangement,
    backward,
    biases,
    factors,
    memory,
    penalties,
    precision,
    shapes,
)
from handgrad.gradcheck.signatures import activations as of_activations
from handgrad.gradcheck.signatures import losses as of_losses

Arrays = dict[str, Array]
ROWS = 11


def sigmoid(Z: Array) -> Array:
    return 1 / (1 + np.exp(-Z))


def softmax(Z: Array) -> Array:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


class Activation(NamedTuple):
    """f, and f' in terms of Z and A = f(Z)."""

    f: Callable[[Array], Array]
    df: Callable[[Array, Array], Array]


ACTIVATIONS = {
    "tanh": Activation(np.tanh, lambda Z, A: 1 - A**2),
    "sigmoid": Activation(sigmoid, lambda Z, A: A * (1 - A)),
    "relu": Activation(lambda Z: np.maximum(Z, 0), lambda Z, A: (Z > 0) * 1.0),
}


class Output(NamedTuple):
    """The mean loss, and its derivative by the logits."""

    loss: Callable[[Array, Array], Any]
    by_logits: Callable[[Array, Array], Array]


def squares_by_probabilities(P: Array, T: Array) -> Array:
    return 2 * (P - T) / P.size


def squares_by_logits(Z: Array, T: Array) -> Array:
    P = softmax(Z)
    dP = squares_by_probabilities(P, T)
    return P * (dP - (P * dP).sum(axis=1, keepdims=True))


OUTPUTS = {
    "cross-entropy": Output(
        lambda Z, T: -np.mean((T * np.log(softmax(Z))).sum(axis=1)), lambda Z, T: (softmax(Z) - T) / len(Z)
    ),
    "binary": Output(
        lambda Z, T: np.mean((np.logaddexp(0, Z) - T * Z).sum(axis=1)), lambda Z, T: (sigmoid(Z) - T) / len(Z)
    ),
    "squares of softmax": Output(lambda Z, T: np.mean((softmax(Z) - T) ** 2), squares_by_logits),
    "squares": Output(lambda Z, T: np.mean((Z - T) ** 2), lambda Z, T: 2 * (Z - T) / Z.size),
}


class Model:
    """Two layers by hand: each step of the way back can be replaced by a wrong one."""

    def __init__(
        self,
        activation: str = "tanh",
        output: str = "cross-entropy",
        sizes: tuple[int, int, int] = (4, 5, 3),
        *,
        flipped: bool = False,
        l2: float = 0.0,
        l1: float = 0.0,
        slope: Callable[[Array, Array], Array] | None = None,
        by_logits: Callable[[Array, Array], Array] | None = None,
        way_back: Callable[[Array, Array], Array] | None = None,
        finish: Callable[["Model", Arrays, Arrays], Any] | None = None,
        listen: Callable[[Arrays, Any], Any] | None = None,
    ) -> None:
        generator = np.random.default_rng([31, *sizes])
        self.act, self.output = ACTIVATIONS[activation], OUTPUTS[output]
        self.X = generator.standard_normal((ROWS, sizes[0]))
        self.T = np.eye(sizes[2])[np.arange(ROWS) % sizes[2]]
        self.flipped, self.l2, self.l1 = flipped, l2, l1
        self.learning_rate = 0.05
        self.slope, self.by_logits, self.way_back = slope, by_logits, way_back
        self.finish, self.listen = finish, listen
        self.calls: list[Any] = []
        self.chance = np.random.default_rng(32)
        shapes = [("W1", sizes[:2]), ("b1", sizes[1:2]), ("W2", sizes[1:]), ("b2", sizes[2:])]
        self.x = {name: generator.standard_normal(shape[::-1] if flipped else shape) for name, shape in shapes}

    def _turned(self, W: Array) -> Array:
        return W.T if self.flipped and W.ndim == 2 else W

    def function(self, p: Arrays) -> Any:
        W1, W2 = self._turned(p["W1"]), self._turned(p["W2"])
        Z = self.act.f(self.X @ W1 + p["b1"]) @ W2 + p["b2"]
        penalty = sum(0.5 * self.l2 * (W**2).sum() + self.l1 * np.abs(W).sum() for W in (W1, W2))
        value = self.output.loss(Z, self.T) + penalty
        return value if self.listen is None else self.listen(p, value)

    def gradient(self, p: Arrays) -> Any:
        W1, W2 = self._turned(p["W1"]), self._turned(p["W2"])
        Z1 = self.X @ W1 + p["b1"]
        A1 = self.act.f(Z1)
        dZ2 = (self.by_logits or self.output.by_logits)(A1 @ W2 + p["b2"], self.T)
        dA1 = self.way_back(dZ2, W2) if self.way_back else dZ2 @ W2.T
        dZ1 = dA1 * (self.slope or self.act.df)(Z1, A1)
        self.dZ1, self.dZ2 = dZ1, dZ2
        found = {
            "W1": self._turned(self.X.T @ dZ1 + self.l2 * W1 + self.l1 * np.sign(W1)),
            "b1": dZ1.sum(axis=0),
            "W2": self._turned(A1.T @ dZ2 + self.l2 * W2 + self.l1 * np.sign(W2)),
            "b2": dZ2.sum(axis=0),
        }
        return found if self.finish is None else self.finish(self, p, found)

    def check(self) -> Report:
        return check_gradient(self.function, self.gradient, self.x)


def put(name: str, change: Callable[[Model, Array], Any]) -> Callable[[Model, Arrays, Arrays], Arrays]:
    """One parameter's gradient, changed."""
    return lambda model, p, g: g | {name: change(model, g[name])}


def each(change: Callable[[Model, Array], Any]) -> Callable[[Model, Arrays, Arrays], Arrays]:
    """Every gradient, changed."""
    return lambda model, p, g: {name: change(model, values) for name, values in g.items()}


def hole(model: Model, g: Array) -> Array:
    g = g.copy()
    g[1, 2] = np.nan
    return g


def accumulated(model: Model, p: Arrays, g: Arrays) -> Arrays:
    model.calls.append(g)
    return {name: sum(call[name] for call in model.calls) for name in g}


def late(model: Model, p: Arrays, g: Arrays) -> Arrays:
    """The gradient of the call before."""
    model.calls.append(g)
    return model.calls[max(0, len(model.calls) - 2)]


def first_forever(model: Model, p: Arrays, g: Arrays) -> Arrays:
    model.calls.append(g)
    return g | {"W1": model.calls[0]["W1"]}


def step_taken(model: Model, p: Arrays, g: Arrays) -> Arrays:
    for name, values in g.items():
        p[name] -= model.learning_rate * values
    return g


def function_writes(p: Arrays, value: Any) -> Any:
    p["W1"][0, 0] += 1.0
    return value


class NoisyFunction(Model):
    def function(self, p: Arrays) -> Any:
        return super().function(p) + 1e-7 * self.chance.standard_normal()


class SingleInside(Model):
    """The way back computed in float32."""

    def gradient(self, p: Arrays) -> Any:
        twin = Model(sizes=(9, 8, 3))
        twin.X, twin.T = self.X.astype(np.float32), self.T.astype(np.float32)
        found = twin.gradient({name: values.astype(np.float32) for name, values in p.items()})
        return {name: values.astype(np.float64) * (1 + 2.0**-40) for name, values in found.items()}


class Planted(NamedTuple):
    """A wrong model, the right one, the parameters in which the mistake should be named, how, and the key figures."""

    kind: type[Any]
    wrong: Callable[[], Model]
    right: Callable[[], Model]
    where: tuple[str, ...]
    cause: str
    words: tuple[str, ...]


ALL = ("W1", "b1", "W2", "b2")


def planted(
    kind: type[Any], where: str | tuple[str, ...], cause: str, *words: str, model: type[Model] = Model, **settings: Any
) -> Planted:
    mistakes = {"slope", "by_logits", "way_back", "finish", "listen"}
    right = {key: value for key, value in settings.items() if key not in mistakes}
    places = (where,) if isinstance(where, str) else where
    return Planted(kind, lambda: model(**settings), lambda: Model(**right), places, cause, words)


def both_ways(name: str, example: Callable[..., Planted]) -> dict[str, Planted]:
    """With weights (fan_in, fan_out), and turned round."""
    return {name: example(flipped=False), f"{name}, turned": example(flipped=True)}


SQUARE = (5, 5, 5)
PLANTED: dict[str, Planted] = {
    "NaN": planted(shapes.NotFinite, "W1", "not-finite", "1 of 20 entries", "nan at [1, 2]", finish=put("W1", hole)),
    "infinity": planted(
        shapes.NotFinite, "b2", "not-finite", "3 of 3", "inf at [0]", finish=put("b2", lambda model, g: g * np.inf)
    ),
    "another shape": planted(
        shapes.WrongShape, "b1", "wrong-shape", "(7,)", "expected (5,)", finish=put("b1", lambda model, g: np.ones(7))
    ),
    "never set back to zero": planted(
        memory.Accumulated, ALL, "accumulated", "once more the derivative", finish=accumulated
    ),
    "random": planted(
        memory.NonDeterministic,
        "W2",
        "non-deterministic",
        "two calls of the gradient",
        finish=put("W2", lambda model, g: g * (1 + 1e-3 * model.chance.standard_normal(g.shape))),
    ),
    "random function": planted(
        memory.NonDeterministic, ALL, "non-deterministic", "two calls of the function", model=NoisyFunction
    ),
    "of the call before": planted(memory.Stale, ALL, "stale", "point", "before", finish=late),
    "of the first call": planted(memory.Stale, "W1", "stale", "still the one from before", finish=first_forever),
    "updated inside": planted(memory.ChangesInput, ALL, "changes-input", "the gradient changed", finish=step_taken),
    "function writes": planted(
        memory.ChangesInput, ALL, "changes-input", "the function changed", listen=function_writes
    ),
    "not summed": planted(
        biases.NotSummed,
        "b1",
        "bias-not-summed",
        "(11, 5)",
        "each of 11 examples",
        finish=put("b1", lambda model, g: model.dZ1),
    ),
    "sum of all": planted(
        biases.Broadcast,
        "b2",
        "broadcast",
        "is the sum",
        finish=put("b2", lambda model, g: np.full(3, model.dZ2.sum())),
        output="squares",
    ),
    "mean of all": planted(
        biases.Broadcast,
        "b1",
        "broadcast",
        "is the mean",
        "all entries",
        finish=put("b1", lambda model, g: np.full(5, g.mean())),
    ),
    "a single number": planted(
        biases.Broadcast,
        "b1",
        "broadcast",
        "()",
        "(5,)",
        "summed over too much",
        finish=put("b1", lambda model, g: g.sum()),
    ),
    "square transposed": planted(
        arrangement.Transposed,
        "W1",
        "transposed",
        "is the transpose",
        finish=put("W1", lambda model, g: g.T),
        sizes=SQUARE,
    ),
    "shape transposed": planted(
        arrangement.Transposed, "W1", "transposed", "(5, 4)", "(4, 5)", finish=put("W1", lambda model, g: g.T)
    ),
    "reshaped": planted(
        arrangement.Transposed,
        "W1",
        "transposed",
        "reshaped from (5, 4)",
        finish=put("W1", lambda model, g: g.T.reshape(4, 5)),
    ),
    "square transposed beside a penalty": planted(
        arrangement.Transposed,
        "W2",
        "transposed",
        "is the transpose",
        "strength 0.1",
        finish=lambda model, p, g: g | {"W2": (g["W2"] - model.l2 * p["W2"]).T + model.l2 * p["W2"]},
        sizes=SQUARE,
        l2=0.1,
    ),
    "rows in another order": planted(
        arrangement.Permuted, "W1", "permuted", "rows", "3, 2, 1, 0", finish=put("W1", lambda model, g: g[::-1])
    ),
    "columns in another order": planted(
        arrangement.Permuted, "W2", "permuted", "columns", "1, 2, 0", finish=put("W2", lambda model, g: g[:, [1, 2, 0]])
    ),
    "entries in another order": planted(
        arrangement.Permuted,
        "W1",
        "permuted",
        "entries in another order",
        finish=put("W1", lambda model, g: np.random.default_rng(33).permutation(g.reshape(-1)).reshape(g.shape)),
    ),
    "another parameter's": planted(
        arrangement.Shared,
        "b1",
        "shared-gradient",
        "that of b2",
        finish=lambda model, p, g: g | {"b1": g["b2"]},
        sizes=SQUARE,
    ),
    "zero": planted(
        arrangement.Zero, "W1", "zero-gradient", "zero throughout", finish=put("W1", lambda model, g: np.zeros(g.shape))
    ),
    "summed over the batch": planted(
        factors.SumInsteadOfMean,
        ALL,
        "sum-instead-of-mean",
        "11 times",
        "rows of",
        finish=each(lambda model, g: ROWS * g),
    ),
    "forgotten two": planted(
        factors.ConstantFactor, "W2", "constant-factor", "0.5 times", finish=put("W2", lambda model, g: g / 2)
    ),
    "wrong sign": planted(
        factors.ConstantFactor,
        "W1",
        "constant-factor",
        "-1 times",
        "sign is wrong",
        finish=put("W1", lambda model, g: -g),
    ),
    "divided by the batch twice": planted(
        factors.ConstantFactor,
        "b1",
        "constant-factor",
        "0.0909091 times",
        "one over the rows",
        finish=put("b1", lambda model, g: g / ROWS),
    ),
    "learning rate inside": planted(
        factors.ConstantFactor,
        "W2",
        "constant-factor",
        "0.05 times",
        "learning_rate",
        finish=put("W2", lambda model, g: model.learning_rate * g),
    ),
    "factor beside a penalty": planted(
        factors.ConstantFactor,
        "W1",
        "constant-factor",
        "3 times",
        finish=lambda model, p, g: g | {"W1": 3 * (g["W1"] - model.l2 * p["W1"]) + model.l2 * p["W1"]},
        l2=0.2,
    ),
    "penalty missing": planted(
        penalties.MissingPenalty,
        "W1",
        "missing-penalty",
        "lacks 0.1 times the parameter:",
        finish=lambda model, p, g: g | {"W1": g["W1"] - model.l2 * p["W1"]},
        l2=0.1,
    ),
    "half a penalty": planted(
        penalties.MissingPenalty,
        ("W1", "W2"),
        "missing-penalty",
        "lacks 0.05 times the parameter:",
        finish=lambda model, p, g: g | {W: g[W] - 0.5 * model.l2 * p[W] for W in ("W1", "W2")},
        l2=0.1,
    ),
    "L1 missing": planted(
        penalties.MissingPenalty,
        "W2",
        "missing-penalty",
        "lacks 0.03 times the parameter's sign",
        finish=lambda model, p, g: g | {"W2": g["W2"] - model.l1 * np.sign(p["W2"])},
        l1=0.03,
    ),
    "penalty twice": planted(
        penalties.DoubledPenalty,
        "W1",
        "doubled-penalty",
        "has 0.1 times the parameter too much",
        finish=lambda model, p, g: g | {"W1": g["W1"] + model.l2 * p["W1"]},
        l2=0.1,
    ),
    "penalty on a bias": planted(
        penalties.DoubledPenalty,
        "b1",
        "doubled-penalty",
        "has 0.2 times the parameter too much",
        finish=lambda model, p, g: g | {"b1": g["b1"] + model.l2 * p["b1"]},
        l2=0.2,
    ),
    "cast to float16": planted(
        precision.Cast,
        "W1",
        "dtype-loss",
        "rounded to float16",
        finish=put("W1", lambda model, g: g.astype(np.float16)),
    ),
    "float32 inside": planted(
        precision.LowPrecision, "W1", "dtype-loss", "float32", model=SingleInside, sizes=(9, 8, 3)
    ),
    **both_ways(
        "target left out",
        lambda **way: planted(
            of_losses.TargetNotSubtracted,
            "b2",
            "target-not-subtracted",
            "subtracted",
            by_logits=lambda Z, T: softmax(Z) / len(Z),
            **way,
        ),
    ),
    **both_ways(
        "Jacobian missing",
        lambda **way: planted(
            of_losses.MissingSoftmaxJacobian,
            "b2",
            "missing-softmax-jacobian",
            "Jacobian is missing",
            by_logits=lambda Z, T: squares_by_probabilities(softmax(Z), T),
            output="squares of softmax",
            **way,
        ),
    ),
    "Jacobian's diagonal": planted(
        of_losses.MissingSoftmaxJacobian,
        "b2",
        "missing-softmax-jacobian",
        "only the diagonal p (1 - p)",
        by_logits=lambda Z, T: squares_by_probabilities(softmax(Z), T) * softmax(Z) * (1 - softmax(Z)),
        output="squares of softmax",
    ),
    "sigmoid's derivative where it cancels": planted(
        of_losses.OutputDerivative,
        "b2",
        "wrong-activation-derivative",
        "times that of sigmoid",
        by_logits=lambda Z, T: (sigmoid(Z) - T) / len(Z) * sigmoid(Z) * (1 - sigmoid(Z)),
        output="binary",
        sizes=(4, 5, 4),
    ),
    **{
        key: example
        for activation in ACTIVATIONS
        for key, example in both_ways(
            f"{activation}'s derivative missing",
            lambda activation=activation, **way: planted(
                of_activations.MissingDerivative,
                "b1",
                "missing-activation-derivative",
                "without f'(Z)",
                "but 1 was used",
                activation,
                slope=lambda Z, A: np.ones_like(Z),
                activation=activation,
                **way,
            ),
        ).items()
    },
    **both_ways(
        "tanh's derivative fed with Z",
        lambda **way: planted(
            of_activations.WrongPlace,
            "b1",
            "derivative-at-wrong-place",
            "derivative of tanh",
            "at Z by a formula that expects A",
            slope=lambda Z, A: 1 - Z**2,
            **way,
        ),
    ),
    **both_ways(
        "sigmoid's derivative at A",
        lambda **way: planted(
            of_activations.WrongPlace,
            "b1",
            "derivative-at-wrong-place",
            "derivative of sigmoid",
            "at A = f(Z) instead of Z",
            slope=lambda Z, A: sigmoid(A) * (1 - sigmoid(A)),
            activation="sigmoid",
            **way,
        ),
    ),
    **both_ways(
        "derivative twice",
        lambda **way: planted(
            of_activations.WrongDerivative,
            "b1",
            "wrong-activation-derivative",
            "is there twice",
            "tanh",
            slope=lambda Z, A: (1 - A**2) ** 2,
            **way,
        ),
    ),
    "another activation's derivative": planted(
        of_activations.WrongDerivative,
        "b1",
        "wrong-activation-derivative",
        "derivative of sigmoid was used",
        slope=lambda Z, A: sigmoid(Z) * (1 - sigmoid(Z)),
    ),
    "a derivative of its own": planted(
        of_activations.WrongDerivative,
        "b1",
        "wrong-activation-derivative",
        "derivative of the activation is wrong",
        slope=lambda Z, A: 1 - A**2 + 0.1 * Z,
    ),
    "back through W": planted(
        backward.TransposedWeights,
        ("W1", "b1"),
        "transposed-weights",
        "wrong way round",
        way_back=lambda dZ, W: dZ @ W,
        sizes=(4, 5, 5),
    ),
}
ELSEWHERE = {biases.OneRow, factors.FactorOfOne, arrangement.Unmoved}  # have a test of their own


def test_every_signature_has_its_example() -> None:
    assert {example.kind for example in PLANTED.values()} | ELSEWHERE == {type(signature) for signature in SIGNATURES}
    assert all(example.cause == example.kind.cause for example in PLANTED.values())
    assert all(signature.cause and type(signature).evidence.__doc__ for signature in SIGNATURES)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name: str) -> None:
    """With the right cause and the key figure, and nothing else is named than what it spoils."""
    example = PLANTED[name]
    report = example.wrong().check()
    assert not report.passed
    assert not report.inconclusive
    findings = {finding.parameter: finding for finding in reversed(report.findings)}  # the first of each
    for parameter in example.where:
        assert parameter in findings, str(report)
        assert findings[parameter].cause == example.cause, str(report)
        assert all(word in findings[parameter].evidence for word in example.words), str(report)
    assert {finding.cause for finding in findings.values()} <= {example.cause, "unknown"}, str(report)
    if example.kind not in FAR_REACHING:
        assert set(findings) == set(example.where), str(report)


FAR_REACHING = {  # what they spoil goes on to the layers before
    precision.Cast,
    precision.LowPrecision,
    of_losses.TargetNotSubtracted,
    of_losses.MissingSoftmaxJacobian,
    of_losses.OutputDerivative,
    of_activations.MissingDerivative,
    of_activations.WrongPlace,
    of_activations.WrongDerivative,
    backward.TransposedWeights,
}


@pytest.mark.parametrize("name", PLANTED)
def test_without_the_mistake_nothing_is_named(name: str) -> None:
    report = PLANTED[name].right().check()
    assert report.passed, str(report)
    assert not report.findings


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("flipped", [False, True])
def test_right_networks_of_all_kinds(activation: str, output: str, flipped: bool) -> None:
    for sizes in ((4, 5, 3), SQUARE, (3, 1, 2)):
        report = Model(activation, output, sizes, flipped=flipped, l2=0.1, l1=0.01).check()
        assert report.passed, str(report)


# --- those that need other surroundings ---------------------------------------------------------------------------


class OneRowDense(hg.Dense):
    """A bias whose gradient is that of row 0."""

    def parameter_gradients(self, dZ: Array, A: Array) -> dict[str, Array]:
        return super().parameter_gradients(dZ, A) | {"b": dZ[..., :1, :]}


def test_one_row_instead_of_the_sum() -> None:
    generator = np.random.default_rng(34)
    X, y = generator.standard_normal((6, 3)), np.arange(6) % 2
    wrong = hg.Network([OneRowDense(3, 4), hg.Activation("tanh"), hg.Dense(4, 2)], seed=35, bias_init="normal(0.1)")
    right = hg.Network([hg.Dense(3, 4), hg.Activation("tanh"), hg.Dense(4, 2)], seed=35, bias_init="normal(0.1)")
    assert check_network(right, X, y).passed
    (finding,) = check_network(wrong, X, y).findings
    assert finding.cause == biases.OneRow.cause
    assert finding.parameter.endswith(".b")
    assert "row 0 of dY" in finding.evidence


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_factor_of_a_single_number_is_the_last_resort(shape: tuple[int, ...]) -> None:
    x = {"scale": np.full(shape, 0.7), "W": np.random.default_rng(36).standard_normal((3, 2))}

    def function(p: Arrays) -> Any:
        return (np.sin(p["W"]) * p["scale"].reshape(())).sum()

    def gradient(p: Arrays, factor: float = 1.0) -> Arrays:
        by_scale = np.full(shape, factor * np.sin(p["W"]).sum())
        return {"scale": by_scale, "W": np.cos(p["W"]) * p["scale"].reshape(())}

    assert check_gradient(function, gradient, x).passed
    (finding,) = check_gradient(function, lambda p: gradient(p, 3.0), x).findings
    assert (finding.parameter, finding.cause) == ("scale", factors.FactorOfOne.cause)
    assert "3 times the derivative" in finding.evidence
    (zero,) = check_gradient(function, lambda p: gradient(p, 0.0), x).findings
    assert zero.cause == "zero-gradient"
    (hole,) = check_gradient(function, lambda p: gradient(p, np.nan), x).findings
    assert hole.cause == "not-finite"


def test_square_weights_turned_round() -> None:
    model = Model(sizes=(4, 5, 5), flipped=True, way_back=lambda dZ, W: dZ @ W)
    assert {finding.cause for finding in model.check().findings} == {backward.TransposedWeights.cause}


def test_a_cast_to_float32_is_within_the_tolerance_unless_that_is_smaller() -> None:
    model = Model(finish=put("W1", lambda model, g: g.astype(np.float32)))
    assert model.check().passed
    (finding,) = check_gradient(model.function, model.gradient, model.x, tolerance=1e-9).findings
    assert (finding.parameter, finding.cause) == ("W1", precision.Cast.cause)
    assert "rounded to float32" in finding.evidence


# --- what is no mistake of a kind ---------------------------------------------------------------------------------


def cause_of(change: Callable[[Model, Array], Any], name: str = "W1", **settings: Any) -> str:
    (finding,) = Model(finish=put(name, change), **settings).check().findings
    return finding.cause


def test_what_has_no_pattern_is_unknown() -> None:
    for seed in range(4):
        error = np.random.default_rng([37, seed]).standard_normal((4, 5))
        assert cause_of(lambda model, g: g + 0.1 * error) == "unknown"  # noqa: B023
        assert cause_of(lambda model, g: g * (1 + error)) == "unknown"  # noqa: B023


def test_one_wrong_entry_is_unknown_and_named() -> None:
    def wrong(model: Model, g: Array) -> Array:
        g = g.copy()
        g[2, 3] += 0.25
        return g

    (finding,) = Model(finish=put("W1", wrong)).check().findings
    assert finding.cause == "unknown"
    assert "W1[2, 3]" in finding.evidence


def test_a_factor_that_is_no_known_number_is_only_told() -> None:
    (finding,) = Model(finish=put("W1", lambda model, g: 1.2345 * g)).check().findings
    assert finding.cause == "constant-factor"
    assert finding.evidence == "the gradient is 1.2345 times the derivative"


def test_a_function_that_does_not_move_much_is_not_stale() -> None:
    """A linear function has the same derivative everywhere: a wrong gradient of it is wrong, not old."""
    x = np.random.default_rng(38).standard_normal(5)
    direction = np.array([1.0, 2.0, -0.5, 3.0, 0.25])
    assert check_gradient(lambda x: (direction * x).sum(), lambda x: direction, x).passed
    for wrong, cause in (
        (2 * direction, "constant-factor"),
        (0 * direction, "zero-gradient"),
        (direction[::-1], "permuted"),
    ):
        (finding,) = check_gradient(lambda x: (direction * x).sum(), lambda x: wrong, x).findings  # noqa: B023
        assert finding.cause == cause
    (finding,) = check_gradient(lambda x: (direction * x).sum(), lambda x: np.ones(7), x).findings
    assert finding.cause == "wrong-shape"


def test_two_mistakes_are_both_named() -> None:
    def wrong(model: Model, p: Arrays, g: Arrays) -> Arrays:
        return g | {"W1": g["W1"].T, "b2": -g["b2"]}

    report = Model(sizes=SQUARE, finish=wrong).check()
    assert {finding.parameter: finding.cause for finding in report.findings} == {
        "W1": "transposed",
        "b2": "constant-factor",
    }


def test_lists_and_tuples_are_diagnosed_like_dicts() -> None:
    model = Model(slope=lambda Z, A: np.ones_like(Z))
    names = list(model.x)

    def function(p: list[Array]) -> Any:
        return model.function(dict(zip(names, p, strict=True)))

    def gradient(p: list[Array]) -> list[Array]:
        return list(model.gradient(dict(zip(names, p, strict=True))).values())

    findings = check_gradient(function, gradient, list(model.x.values())).findings
    assert {finding.cause for finding in findings} == {"missing-activation-derivative"}
    assert {finding.parameter for finding in findings} == {"x[0]", "x[1]"}
