"""Building the network in its drawing, and setting its weights by hand."""

import numpy as np
import pytest
from playwright.sync_api import expect

import handgrad as hg

from . import reference
from .page import Playground


def sizes(play: Playground) -> list[int]:
    """Units of each drawn layer, the output last."""
    return [each["units"] for each in play.state["layers"]]


def same_as_library(play: Playground, epochs: int = 2) -> None:
    """What was built trains as the library's network of the same document does."""
    play.step(epochs)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, epochs).params)


def test_add_a_layer(play: Playground) -> None:
    play.click("add-layer")
    play.until_document("network.hidden_sizes", [4, 3, 3])
    expect(play.get("layer-2")).to_be_visible()
    expect(play.get("unit-2-2")).to_be_visible()
    assert sizes(play) == [4, 3, 3, 2]
    same_as_library(play)


def test_remove_a_layer(play: Playground) -> None:
    play.click("remove-layer-0")
    play.until_document("network.hidden_sizes", [3])
    expect(play.get("layer-1")).to_have_count(0)
    same_as_library(play)


def test_without_hidden_layers_it_is_a_linear_model(play: Playground) -> None:
    play.click("remove-layer-1")
    play.until_document("network.hidden_sizes", [4])
    play.click("remove-layer-0")
    play.until_document("network.hidden_sizes", [])
    assert play.parameter("dense1.W").shape == (2, 2)
    same_as_library(play)


def test_add_and_remove_units(play: Playground) -> None:
    play.click("add-unit-0")
    play.until_document("network.hidden_sizes", [5, 3])
    expect(play.get("unit-0-4")).to_be_visible()
    play.click("remove-unit-1")
    play.until_document("network.hidden_sizes", [5, 2])
    expect(play.get("unit-1-2")).to_have_count(0)
    assert play.parameter("dense2.W").shape == (5, 2)
    same_as_library(play)


def test_each_layer_has_its_own_activation(play: Playground) -> None:
    play.choose("activation-1", "relu")
    play.until_document("network.activation", ["tanh", "relu"])
    same_as_library(play)


def test_an_activation_has_parameters(play: Playground) -> None:
    play.choose("activation-0", "leaky_relu")
    play.until_document("network.activation[0]", "leaky_relu(slope=0.01)")
    play.click("activation-open-0")
    field = play.get("activation-editor").get_by_role("textbox")
    field.fill("0.25")
    field.press("Enter")
    play.until_document("network.activation[0]", "leaky_relu(slope=0.25)")
    same_as_library(play)


def test_a_formula_is_typed_and_trains(play: Playground) -> None:
    play.choose("activation-0", "formula")
    play.get("formula-f").fill("z / (1 + exp(-z))")
    play.get("formula-df").fill("sigmoid(z) + a * (1 - sigmoid(z))")
    play.click("formula-use")
    play.until_document("network.activation[0]", {"f": "z / (1 + exp(-z))", "df": "sigmoid(z) + a * (1 - sigmoid(z))"})
    play.step(2)
    mine = hg.activations.written("z / (1 + exp(-z))", "sigmoid(z) + a * (1 - sigmoid(z))")
    document = play.document
    document["network"]["activation"] = [mine, "tanh"]
    np.testing.assert_array_equal(play.params, reference.trained(document, 2, engine="numpy").params)


def test_a_formula_takes_the_place_of_a_rule_with_parameters(play: Playground) -> None:
    play.choose("activation-0", "leaky_relu")
    play.until_document("network.activation[0]", "leaky_relu(slope=0.01)")
    play.choose("activation-0", "formula")
    expect(play.get("formula-f")).to_be_focused()


def test_what_is_refused_does_not_stay_on_display(play: Playground) -> None:
    play.fill("learning-rate", "-1")
    expect(play.get("error")).to_be_visible()
    expect(play.get("learning-rate")).to_have_value("0.1")
    play.click("mistake")
    play.choose("mistake-choice", "derivative missing")
    play.click("mistake-plant")
    play.until_document("mistake", "derivative missing")
    for layer in (0, 1):
        play.choose(f"activation-{layer}", "identity")
    expect(play.get("error")).to_be_visible()
    expect(play.get("activation-1")).to_have_value("tanh")


def test_a_number_has_all_its_digits(play: Playground) -> None:
    play.open({"seed": 12345678})
    expect(play.get("seed")).to_have_value("12345678")


def test_what_is_no_number_is_grey_and_has_no_percentage(play: Playground) -> None:
    play.open({"network": {"hidden_sizes": [1], "activation": {"f": "log(0 * z - 1)", "df": "0 * z"}}})
    colours = play.pixels(play.page.locator("canvas.plane-field"))[:, :3]
    assert np.ptp(colours, axis=1).max() < 20
    play.get("plane").hover()
    expect(play.get("reading")).to_contain_text("nan")
    expect(play.get("reading")).not_to_contain_text("%")


def test_a_wrong_formula_is_told_of_where_it_was_typed(play: Playground) -> None:
    before = play.document["network"]["activation"]
    play.choose("activation-0", "formula")
    play.get("formula-f").fill("z * __import__('os')")
    play.click("formula-use")
    expect(play.get("formula").get_by_role("alert")).not_to_be_empty()
    assert play.document["network"]["activation"] == before


def test_a_weight_is_set_by_hand(play: Playground) -> None:
    play.get("weight-dense1.W-1-2").dispatch_event("click")
    play.fill("edit-value", "1.25")
    play.until("store.parameter('dense1.W').values[6] === 1.25")
    assert play.parameter("dense1.W")[1, 2] == 1.25
    net = reference.network(play.document)
    net["dense1.W"][1, 2] = 1.25
    np.testing.assert_array_equal(play.params, net.params)
    play.step()
    reference.training(play.document, net).run(epochs=1)
    np.testing.assert_array_equal(play.params, net.params)


def test_a_bias_is_set_by_hand(play: Playground) -> None:
    play.click("bias-1-2")
    play.fill("edit-value", "-0,5")
    play.until("store.parameter('dense2.b').values[2] === -0.5")
    assert play.parameter("dense2.b").ravel().tolist() == [0, 0, -0.5]


@pytest.mark.parametrize(("norm", "square"), [("layer", "shift"), ("batch", "bias")])
def test_the_shift_of_a_norm_is_set_by_hand(play: Playground, norm: str, square: str) -> None:
    play.open({"network": {"norm": norm}})
    play.click(f"{square}-1-1")
    play.fill("edit-value", "0.375")
    play.until(f"store.parameter('{norm}norm2.shift').values[1] === 0.375")


def test_a_weight_is_set_to_zero_and_its_sign_turned(play: Playground) -> None:
    before = play.parameter("dense1.W")[0, 0]
    play.get("weight-dense1.W-0-0").dispatch_event("click")
    buttons = play.get("editor").locator(".actions button")
    buttons.nth(1).click()
    play.until("store.parameter('dense1.W').values[0] === -given", before)
    buttons.nth(0).click()
    play.until("store.parameter('dense1.W').values[0] === 0")


def test_the_sign_of_a_large_weight_is_turned(play: Playground) -> None:
    play.get("weight-dense1.W-0-0").dispatch_event("click")
    play.fill("edit-value", "50")
    play.until("store.parameter('dense1.W').values[0] === 50")
    expect(play.get("edit-slide")).to_have_value("50")
    play.get("editor").locator(".actions button").nth(1).click()
    play.until("store.parameter('dense1.W').values[0] === -50")


def test_what_is_no_number_is_not_taken_for_a_weight(play: Playground) -> None:
    before = play.params
    play.click("bias-0-0")
    play.fill("edit-value", "much")
    expect(play.get("edit-value")).to_have_attribute("aria-invalid", "true")
    play.page.keyboard.press("Escape")
    expect(play.get("editor")).to_have_count(0)
    np.testing.assert_array_equal(play.params, before)


def test_a_frozen_layer_stays_as_it_is(play: Playground) -> None:
    frozen = play.parameter("dense1.W")
    moving = play.parameter("dense2.W")
    play.click("freeze-0")
    play.until_document("frozen", ["dense1"])
    expect(play.get("freeze-0")).to_have_attribute("aria-pressed", "true")
    play.step(3)
    np.testing.assert_array_equal(play.parameter("dense1.W"), frozen)
    assert not np.array_equal(play.parameter("dense2.W"), moving)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 3).params)
    play.click("freeze-0")
    play.until_document("frozen", [])
    play.step()
    assert not np.array_equal(play.parameter("dense1.W"), frozen)


def test_ready_made_inputs_enter_the_network(play: Playground) -> None:
    play.click("choose-x1_squared")
    play.until_document("inputs", ["x1", "x2", "x1_squared"])
    expect(play.get("input-x1_squared")).to_be_visible()
    assert play.parameter("dense1.W").shape == (3, 4)
    same_as_library(play)


def test_a_unit_opens_down_to_its_equation(play: Playground) -> None:
    play.click("unit-0-1")
    card = play.get("unit-card")
    weights = play.parameter("dense1.W")[:, 1]
    shown = card.locator("td.number").all_text_contents()
    assert [float(each.replace("\u2212", "-")) for each in shown] == pytest.approx([*weights, 0.0], abs=5e-5)
    expect(card).to_contain_text("tanh(z)")


@pytest.mark.parametrize(
    ("act", "value", "path", "expected"),
    [
        ("norm", "batch", "network.norm", "batch"),
        ("init", "he_normal", "network.init", "he_normal(slope=0.0)"),
        ("loss", "mse", "network.loss", "mse"),
    ],
)
def test_settings_of_the_network(play: Playground, act: str, value: str, path: str, expected: str) -> None:
    before = play.params
    play.choose(act, value)
    play.until_document(path, expected)
    play.step()
    assert len(play.params) != len(before) or not np.array_equal(play.params, before)
    expect(play.get("error")).to_be_hidden()


def test_skip_connections(play: Playground) -> None:
    play.open({"network": {"hidden_sizes": [4, 4]}})
    play.get("residual").check()
    play.until_document("network.residual", True)
    assert [each["residual"] for each in play.state["layers"]] == [False, True, False]
    same_as_library(play)
