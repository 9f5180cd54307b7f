"""hg.trace: its numbers are the gradient's, and every written-out entry evaluates to the number beside it."""

import html
import html.parser
import json
import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import special

import handgrad as hg
import proofs
from handgrad.activations import activations
from handgrad.layers import Layer
from handgrad.losses import Loss, losses
from handgrad.tracing import Trace

CASES = proofs.pairwise(proofs.FACTORS | {"networks": [None], "rows": [1, 3]})


class Weighed:
    """A number with the size of what was added up to make it, against which rounding is judged."""

    def __init__(self, value: float, size: float | None = None) -> None:
        self.value, self.size = value, abs(value) if size is None else size

    def __add__(self, other: Any) -> "Weighed":
        return Weighed(self.value + weighed(other).value, self.size + weighed(other).size)

    def __sub__(self, other: Any) -> "Weighed":
        return self + -weighed(other)

    def __neg__(self) -> "Weighed":
        return Weighed(-self.value, self.size)

    def __mul__(self, other: Any) -> "Weighed":
        return Weighed(self.value * weighed(other).value, self.size * weighed(other).size)

    def __truediv__(self, other: Any) -> "Weighed":
        divisor = weighed(other)
        return Weighed(self.value / divisor.value, self.size / abs(divisor.value) * divisor.size / abs(divisor.value))

    def __pow__(self, exponent: Any) -> "Weighed":
        power = weighed(exponent).value
        return Weighed(self.value**power, self.size**power)

    def __radd__(self, other: Any) -> "Weighed":
        return weighed(other) + self

    def __rsub__(self, other: Any) -> "Weighed":
        return weighed(other) - self

    def __rmul__(self, other: Any) -> "Weighed":
        return weighed(other) * self

    def __rtruediv__(self, other: Any) -> "Weighed":
        return weighed(other) / self


def weighed(value: Any) -> Weighed:
    return value if isinstance(value, Weighed) else Weighed(float(value))


def function(f: Any) -> Any:
    """A function of a number that passes on an error of its argument, as its slope does."""

    def of(x: Any) -> Weighed:
        x, h = weighed(x), 1e-6
        slope = abs(f(x.value + h) - f(x.value)) / h if f(x.value) == f(x.value) else 0.0
        return Weighed(f(x.value), abs(f(x.value)) + slope * x.size)

    return of


def extreme(pick: Any) -> Any:
    return lambda a, b: pick(weighed(a), weighed(b), key=lambda each: each.value)


CALCULATOR = {
    "exp": function(math.exp),
    "ln": function(math.log),
    "sqrt": function(math.sqrt),
    "tanh": function(math.tanh),
    "erfc": function(lambda x: float(special.erfc(x))),
    "max": extreme(max),
    "min": extreme(min),
}


def evaluated(symbols: str, terms: list[dict[str, Any]]) -> Weighed:
    """What a pocket calculator makes of the symbols, with the numbers of the terms."""
    values = {term["name"]: term["value"] for term in terms}
    names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))

    def number(found: re.Match[str]) -> str:
        value = values[found[1]]
        for index in re.findall(r"\d+", found[2] or ""):
            value = value[int(index)]
        return f"weighed({value!r})"

    code = re.sub(rf"(?<![\w.'])({names})(\[[\d,]+\])?(?![A-Za-z0-9_('\[])", number, symbols) if values else symbols
    code = code.replace("·", "*").replace("²", "**2").replace("^", "**")
    return weighed(eval(code, {"weighed": weighed, **CALCULATOR}))


def assert_written_right(found: Trace, relative: float = 1e-12) -> int:
    """Every entry that is written in full evaluates to its number; gives how many those are."""
    count = 0
    for step in found.to_dict()["steps"]:
        flat = np.ravel(step["value"])
        for place, product in enumerate(step["products"]):
            assert product["value"] == flat[place]
            if not product["left_out"]:
                result = evaluated(product["symbols"], step["terms"])
                assert abs(result.value - product["value"]) <= relative * result.size, (
                    step["formula"],
                    product["text"],
                )
                count += 1
    return count


def assert_equals_the_gradient(found: Trace, net: hg.Network, arguments: dict[str, Any]) -> None:
    loss, gradient = net.gradient(**arguments)
    assert found.loss == loss
    assert [float(step.value) for step in found.steps if step.of == "loss"] == [pytest.approx(loss, rel=1e-15)]
    for name, expected in net.named(gradient).items():
        np.testing.assert_array_equal(found[name].value, expected)
    np.testing.assert_array_equal(found["X"].value, net.input_gradient(**arguments))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_the_numbers_are_the_gradients_and_every_product_evaluates_to_its_entry(case: dict[str, Any]) -> None:
    net, arguments = proofs.network(case), proofs.data(case)
    found = hg.trace(net, **arguments)
    assert_equals_the_gradient(found, net, arguments)
    assert assert_written_right(found) > 50
    assert [step.note for step in found.steps if step.note and not step.products and "drawn" not in step.note] == []


@pytest.mark.parametrize("loss", [rule.name for rule in losses])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_every_loss_with_one_output_and_several_and_large_logits(loss: str, outputs: int, scale: float) -> None:
    case = {"loss": loss, "rows": 3, "weighted": False, "training": True}
    net = hg.Network([hg.Dense(4, outputs)], loss=loss, l2=0.1)
    net["dense1.W"] *= scale
    arguments = proofs.data(case, outputs)
    found = hg.trace(net, **arguments)
    assert_equals_the_gradient(found, net, arguments)
    assert_written_right(found)
    assert all(step.products or "row, which leaves" in step.note or step.layer == "inputs" for step in found.steps)


def test_large_logits_are_shifted_before_softmax() -> None:
    net = hg.Network([hg.Dense(1, 3)])
    net["dense1.W"] = [[900.0, -900.0, 899.0]]
    found = hg.trace(net, [[1.0], [-0.5]], [0, 2])
    formulas = {step.symbol: step.formula for step in found.steps}
    assert formulas["P"] == "P = exp(Z - m) / Σ exp(Z - m)"
    assert formulas["l"] == "l = ln(Σ exp(Z - m)) - Σ T ⊙ (Z - m)"
    assert_written_right(found)


@pytest.mark.parametrize("rule", list(activations), ids=str)
def test_every_activation_is_written_as_its_formula_computes_it(rule: Any) -> None:
    Z = np.array([[-3.0, -0.7, 0.0, 0.2, 0.9, 2.5]])
    net = hg.Network([hg.Activation(rule)], loss="mse")
    found = hg.trace(net, Z, Z)
    assert all(len(step.products) == step.value.size for step in found.steps if step.layer == "activation1")
    assert_written_right(found)
    assert str(rule) in found.steps[1].title
    assert "?" not in "".join(step.formula for step in found.steps)


def test_the_formula_of_an_elementwise_step_is_read_off_its_entries() -> None:
    Z = np.array([[-1.0, 2.0]])

    def formulas(name: str) -> list[str]:
        found = hg.trace(hg.Network([hg.Activation(name)], loss="mse"), Z, Z)
        return [step.formula for step in found.steps if step.layer == "activation1"]

    assert formulas("tanh") == ["A = tanh(Z)", "f'(Z) = 1 - A · A", "dZ = dA ⊙ f'(Z)"]
    assert formulas("relu")[:2] == ["A = max(Z, 0)", "f'(Z) = 0 where Z ≤ 0; 1 where Z > 0"]
    assert formulas("leaky_relu")[0] == "A = slope · Z where Z ≤ 0; Z where Z > 0"
    assert formulas("sigmoid")[0] == "A = exp(Z) / (1 + exp(Z)) where Z < 0; 1 / (1 + exp(-Z)) where Z ≥ 0"


def test_a_pocket_calculator_gets_there_with_the_numbers_that_are_printed() -> None:
    net = hg.Network.mlp([2, 3, 2], activation="tanh", l2=0.01, seed=1)
    for step in hg.trace(net, [[0.5, -1.0], [1.0, 2.0]], [0, 1]).steps:
        for product in step.products:
            literals = re.sub(r"(?<![\d.e-])\d[\d.]*(e-?\d+)?", r"weighed(\g<0>)", product.numbers)
            result = evaluated(literals, [])
            assert abs(result.value - product.value) <= 2e-5 * result.size
            assert product.numbers in str(product)


def test_each_entry_in_symbols_and_in_numbers() -> None:
    net = hg.Network([hg.Dense(2, 2)])
    net["dense1.W"], net["dense1.b"] = [[0.5, -0.25], [0.0, 2.0]], [[0.0, -1.0]]
    found = hg.trace(net, [[1.0, -2.0], [0.5, 0.0]], [0, 1])
    texts = [str(product) for step in found.steps for product in step.products]
    assert "Z[0,1] = A[0,0] · W[0,1] + A[0,1] · W[1,1] + b[0,1] = 1 · (-0.25) + (-2) · 2 + (-1) = -5.25" in texts
    assert (
        "l[0] = -(T[0,0] · ln(P[0,0]) + T[0,1] · ln(P[0,1])) = -(1 · ln(0.996827) + 0 · ln(0.00317268)) = 0.00317773"
        in texts
    )
    assert "dZ[0,1] = (P[0,1] - T[0,1]) / 2 = (0.00317268 - 0) / 2 = 0.00158634" in texts
    assert "dW[1,0] = A[0,1] · dZ[0,0] + A[1,1] · dZ[1,0] = (-2) · (-0.00158634) + 0 · 0.399093 = 0.00317268" in texts


def test_every_quantity_comes_up_once_forward_and_its_gradient_once_backward() -> None:
    inner = [hg.Dense(4, 4), hg.Activation("tanh")]
    net = hg.Network([hg.Residual([hg.Residual(inner), hg.LayerNorm(4)]), hg.Dropout(0.2), hg.Dense(4, 2)])
    found = hg.trace(net, np.ones((2, 4)), [0, 1])
    forward = [step.of for step in found.steps if step.direction == "forward"]
    backward = [step.of for step in found.steps if step.gradient]
    assert len(set(forward)) == len(forward)
    assert len(set(backward)) == len(backward)
    learned = set(net.parameter_names)
    helpers = {"dropout1.M", "layernorm1.μ", "layernorm1.σ"}
    assert set(backward) - learned == set(forward) - helpers
    directions = [step.direction for step in found.steps]
    changes = [a for a, b in pairwise([*directions, "end"]) if a != b]
    assert changes == ["forward", "loss", "backward"]


def test_a_skip_connection_adds_what_the_next_layer_gets() -> None:
    inner = [hg.Dense(3, 3), hg.Activation("tanh")]
    net = hg.Network([hg.Dense(2, 3), hg.Residual([hg.Residual(inner), hg.Dense(3, 3)]), hg.Dense(3, 2)])
    X = np.array([[0.3, -1.0], [2.0, 0.1], [0.0, 0.5]])
    found, recording = hg.trace(net, X, [0, 1, 1]), hg.record(net, X, [0, 1, 1])
    (joined,) = (step for step in found.steps if step.of == "residual1.Y" and step.direction == "forward")
    np.testing.assert_array_equal(joined.value, recording.inputs["dense4"])
    np.testing.assert_array_equal(found["dense1.Z"].value, recording.gradients["dense1"])


def test_the_penalty_is_a_step_of_its_own() -> None:
    net = hg.Network.mlp([2, 3, 2], l2=0.5)
    found = hg.trace(net, [[1.0, 2.0]], [1])
    data, whole = found["dense1.W_data"], found["dense1.W"]
    np.testing.assert_array_equal(whole.value, data.value + 0.5 * net["dense1.W"])
    assert whole.formula == "dW = dW_data + l2 W"
    assert "dense1.b_data" not in {step.of for step in found.steps}
    assert [step.symbol for step in found.steps if step.direction == "loss"] == ["P", "l", "D", "R", "L"]


def test_weights_of_rows_are_shown_as_they_were_given() -> None:
    net = hg.Network.mlp([2, 2])
    found = hg.trace(net, [[1.0, 2.0], [0.0, 1.0]], [1, 0], sample_weight=[6.0, 2.0])
    texts = [str(product) for step in found.steps for product in step.products]
    assert "s[0] = w[0] / (w[0] + w[1]) = 6 / (6 + 2) = 0.75" in texts
    assert found["dense1.Z"].formula == "dZ = s ⊙ (P - T)"


def test_dropout_drops_in_training_mode_only_and_as_seed_and_step_say() -> None:
    net = hg.Network([hg.Dropout(0.5), hg.Dense(6, 2)])
    X = np.ones((2, 6))

    def dropped(**mode: Any) -> Any:
        steps = hg.trace(net, X, [0, 1], **mode).steps
        (step,) = (each for each in steps if each.of == "dropout1.Y" and not each.gradient)
        return step

    assert not np.array_equal(dropped(step=0).value, dropped(step=1).value)
    assert not np.array_equal(dropped(seed=0).value, dropped(seed=1).value)
    np.testing.assert_array_equal(dropped(step=1).value, hg.record(net, X, [0, 1], step=1).outputs["dropout1"])
    assert dropped(training=False).formula == "Y = A"
    np.testing.assert_array_equal(dropped(training=False).value, X)


def test_batch_norm_of_one_row_in_training_mode_has_a_note() -> None:
    net = hg.Network.mlp([2, 3, 2], norm="batch")
    assert "one row" in hg.trace(net, [[1.0, 2.0]], [1]).notes[0]
    assert hg.trace(net, [[1.0, 2.0]], [1], training=False).notes == ()
    assert hg.trace(net, [[1.0, 2.0], [2.0, 1.0]], [1, 0]).notes == ()


def test_an_activation_and_a_loss_of_your_own_are_written_from_their_formulas() -> None:
    bell = hg.activations.Formula("bell", f=lambda z: np.exp(-z * z), df=lambda z, a: -2 * z * a)
    cubed = Loss("cubed", f=lambda z, t: np.abs(z - t) ** 3, df=lambda z, t: 3 * (z - t) * np.abs(z - t))
    net = hg.Network.mlp([2, 3, 1], activation=bell, loss=cubed)
    found = hg.trace(net, [[1.0, 2.0], [0.5, -1.0]], [0.5, -3.0])
    assert "f'(Z) = (-2) · Z · A" in [step.formula for step in found.steps]
    assert_written_right(found)


def test_an_activation_that_is_given_as_text_is_written_out_too() -> None:
    rule = hg.activations.written("where(z > 0, z**2, 0.5 * z)", "where(z > 0, 2 * z, 0.5)")
    found = hg.trace(hg.Network([hg.Activation(rule)], loss="mse"), [[-1.0, 3.0]], [[0.0, 1.0]])
    formulas = [step.formula for step in found.steps if step.layer == "activation1"]
    assert formulas[:2] == ["A = 0.5 · Z where Z ≤ 0; Z² where Z > 0", "f'(Z) = 0.5 where Z ≤ 0; 2 · Z where Z > 0"]
    assert_written_right(found)


def test_a_formula_that_is_not_elementary_leaves_its_entries_out_and_says_why() -> None:
    wave = hg.activations.Formula("wave", f=np.sin, df=lambda z, a: np.cos(z))
    ranked = hg.activations.Formula("ranked", f=lambda z: z * len(z.shape), df=lambda z, a: np.full_like(z, 2.0))
    for rule, reason in ((wave, "it uses sin"), (ranked, "it is not elementwise (AttributeError")):
        found = hg.trace(hg.Network([hg.Activation(rule)], loss="mse"), [[1.0, 2.0]], [[0.0, 1.0]])
        assert reason in found.steps[1].note
        assert found.steps[1].products == ()
        assert_written_right(found)


class Doubling(Layer):
    """A layer of somebody's own."""

    def parameter_shapes(self) -> dict[str, tuple[int, int]]:
        return {"W": (1, 1)}

    def forward(self, params: Any, A: Any, context: Any) -> Any:
        return 2 * A + params["W"], None

    def backward(self, params: Any, dY: Any, cache: Any) -> Any:
        return 2 * dY, {"W": dY.sum(keepdims=True)}


class Halving(Loss):
    """A loss of somebody's own that is neither elementwise nor softmax."""

    def evaluate(self, Z: Any, T: Any) -> Any:
        return ((Z - T) ** 2).sum(axis=-1) / 2, Z - T


def test_layers_and_losses_of_your_own_have_their_numbers_shown() -> None:
    net = hg.Network([Doubling(), hg.Dense(2, 2)], loss=Halving("halving", lambda z, t: z, lambda z, t: z), l2=0.1)
    arguments = {"X": [[1.0, 2.0]], "y": [[0.5, 0.0]]}
    found = hg.trace(net, **arguments)
    assert_equals_the_gradient(found, net, arguments)
    assert_written_right(found)
    notes = {step.symbol: step.note for step in found.steps if step.note}
    assert set(notes) == {"Y", "l", "dZ", "dW_data", "dA"}
    assert str(found)


def test_limits_are_kept_and_told() -> None:
    net = hg.Network.mlp([40, 30, 2])
    found = hg.trace(net, np.ones((2, 40)), [0, 1])
    dW = found["dense1.W"]
    assert (len(dW.products), dW.left_out, dW.value.shape) == (64, 1200 - 64, (40, 30))
    Z = found.steps[1].products[0]
    assert Z.left_out == 40 - 16
    assert "A[0,15] · W[15,0] + … (24 more) + b[0,0] = " in str(Z)
    text = str(found)
    assert "(first 8 of 40 rows and 8 of 30 columns)" in text
    assert "… and 1188 more" in text
    plain = found.to_dict()["steps"][1]
    assert np.shape(plain["value"]) == (2, 30)
    assert plain["products_left_out"] == 0
    shapes = {term["name"]: tuple(term["shape"]) for term in plain["terms"]}
    assert shapes == {"A": (2, 40), "W": (40, 30), "b": (1, 30)}


def test_float32_stays_and_its_products_hold_to_its_precision() -> None:
    net = hg.Network.mlp([3, 4, 2], dtype="float32", norm="layer", l2=0.1)
    arguments = {"X": np.random.default_rng(0).normal(size=(3, 3)), "y": [0, 1, 1]}
    found = hg.trace(net, **arguments)
    for name, expected in net.named(net.gradient(**arguments)[1]).items():
        np.testing.assert_array_equal(found[name].value, expected)
    assert_written_right(found, 3e-6)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_trace_stays_as_it_is_when_the_network_and_the_data_change() -> None:
    net, X = hg.Network.mlp([2, 3, 2]), np.array([[1.0, 2.0]])
    found = hg.trace(net, X, [1])
    before = found.to_dict()
    net.params += 1
    X += 1
    assert found.to_dict() == before
    with pytest.raises(ValueError, match="read-only"):
        found.steps[1].value[0, 0] = 1.0


def test_plain_values_are_json_also_where_numbers_are_not_finite() -> None:
    net = hg.Network.mlp([1, 1], loss="mse")
    net["dense1.W"] = [[1e200]]
    with np.errstate(all="ignore"):
        found = hg.trace(net, [[1e100]], [0.0])
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["loss"] is None
    assert "inf" in str(found)


STACK = hg.Network.mlp([2, 3, 2], seed=range(3))
WRONG = {
    "a stack": (lambda net: (STACK, [[1.0, 2.0]], [1]), TypeError, r"trace\(stack\[0\], X, y\)"),
    "many rows": (lambda net: (net, np.ones((17, 2)), [0] * 17), ValueError, "X has 17 rows; a trace shows 16 at most"),
    "one row flat": (lambda net: (net, [1.0, 2.0], [1]), ValueError, r"for one row write X\[None, :\]"),
    "columns": (lambda net: (net, [[1.0, 2.0, 3.0]], [1]), ValueError, "X has 3 columns but the network expects 2"),
    "a class too many": (lambda net: (net, [[1.0, 2.0]], [2]), ValueError, "expected class indices from 0 to 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused(case: str) -> None:
    arguments, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        hg.trace(*arguments(hg.Network.mlp([2, 3, 2])))


def test_a_step_is_found_by_the_quantity_and_another_name_is_refused() -> None:
    found = hg.trace(hg.Network.mlp([2, 3, 2]), [[1.0, 2.0]], [1])
    assert found["dense2.b"].formula == "db = Σ dZ over the rows"
    with pytest.raises(ValueError, match=r"unknown quantity 'dense1\.w'; did you mean 'dense1\.W'"):
        found["dense1.w"]


def test_the_page_shows_every_step_and_escapes_what_it_is_given() -> None:
    net = hg.Network.mlp([2, 3, 2], l2=0.1, norm="layer", dropout=0.2)
    found = hg.trace(net, [[1.0, 2.0], [0.5, -1.0]], [1, 0])
    page = found.to_html()
    assert page.count("<article") == len(found.steps)
    assert page.count("<li>") == sum(len(step.products) for step in found.steps)
    assert [page.count(f'<section id="{each}"') for each in ("forward", "loss", "backward")] == [1, 1, 1]
    for step in found.steps:
        assert html.escape(step.formula) in page
    assert "prefers-color-scheme: dark" in page
    assert "<script" not in page
    parser = html.parser.HTMLParser()
    parser.feed(page)
    hostile = hg.activations.Formula("bell", f=lambda z: z, df=lambda z, a: 1 + 0 * z, doc="<script>alert(1)</script>")
    assert "<script" not in hg.trace(hg.Network([hg.Activation(hostile)], loss="mse"), [[1.0]], [[2.0]]).to_html()


def test_large_matrices_are_cut_on_the_page_and_it_says_so() -> None:
    page = hg.trace(hg.Network.mlp([40, 30, 2]), np.ones((2, 40)), [0, 1]).to_html()
    assert "(first 8 of 40 rows and 8 of 30 columns)" in page
    assert "1,136 more entries are not written out" in page
    assert len(page) < 400_000


def test_the_text_shows_a_quantity_where_it_comes_up_and_not_again() -> None:
    text = str(hg.trace(hg.Network([hg.Dense(2, 2)], l2=0.5), [[0.5, 0.25]], [0]))
    assert [text.count(f"\n   {name} = ") for name in ("X", "W", "b", "T")] == [1, 1, 1, 1]
    assert [line for line in text.splitlines() if line.isupper() and line.isalpha()] == ["FORWARD", "LOSS", "BACKWARD"]
    assert "Z = A W + b   where A (1, 2) is X; W (2, 2) is dense1.W; b (1, 2) is dense1.b" in text
    assert "dA = dZ Wᵀ   where dZ (1, 2) by dense1.Z; W (2, 2) is dense1.W" in text
