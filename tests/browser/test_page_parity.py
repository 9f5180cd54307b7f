"""What is shown is what the library computes for the same document: losses, weights, maps, outputs, gradients."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

import handgrad as hg

from . import reference
from .page import Playground

DOCUMENTS: dict[str, dict[str, Any]] = {
    "classes": {
        "data": {"name": "gaussians", "n": 120, "classes": 3},
        "network": {"hidden_sizes": [5, 4], "activation": "relu"},
    },
    "numbers": {"data": {"name": "regression_plane", "n": 100}, "training": {"learning_rate": 0.01}},
    "inputs": {
        "data": {"name": "circles", "n": 150, "noise": 0.1},
        "inputs": ["x1", "x2", "x1_squared", "product", "sin_x1"],
        "network": {"hidden_sizes": [3], "activation": "sigmoid", "l2": 0.001},
        "training": {"optimizer": "adam", "learning_rate": 0.02, "batch_size": 32},
    },
}
EPOCHS = 3


@pytest.fixture(params=DOCUMENTS)
def trained(play: Playground, request: pytest.FixtureRequest) -> tuple[Playground, hg.Network, reference.Rows]:
    """A page after some epochs, the library's network and its rows."""
    play.open(DOCUMENTS[request.param])
    play.step(EPOCHS)
    return play, reference.trained(play.document, EPOCHS), reference.rows(play.document)


def test_weights_losses_and_maps(trained: tuple[Playground, hg.Network, reference.Rows]) -> None:
    play, net, rows = trained
    np.testing.assert_array_equal(play.params, net.params)
    losses(play, net, rows)
    maps(play, net)


def losses(play: Playground, net: hg.Network, rows: reference.Rows) -> None:
    """The losses that are shown, and those behind them."""
    metrics = play.header["metrics"]
    for part, (X, y) in {"train": (rows.X, rows.y), "test": (rows.X_test, rows.y_test)}.items():
        loss = net.loss(X, y)
        assert metrics[f"{part}_loss"] == pytest.approx(loss, rel=1e-12)
        assert play.number(f"{part}-loss") == pytest.approx(loss, abs=6e-5)
    if rows.classes:
        share = float(np.mean(net.predict(rows.X) == rows.y))
        assert metrics["train_metric"] == share
        expect(play.get("train-metric")).to_have_text(f"{100 * share:.1f} %")


def maps(play: Playground, net: hg.Network) -> None:
    """Every unit's map, and the picture of the outputs."""
    window, inputs = play.state["scene"]["window"], play.document["inputs"]
    found = play.array("maps")
    X = hg.datasets.plane_inputs(reference.grid(window, found.shape[-1]), inputs)
    expected = np.concatenate([A.T for A in hidden(net, X)]).reshape(found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    output = play.array("output")
    X = hg.datasets.plane_inputs(reference.grid(window, output.shape[-1]), inputs)
    answers = net.predict_proba(X) if play.state["scene"]["classes"] else net.forward(X)
    np.testing.assert_allclose(output, answers.T.reshape(output.shape), rtol=1e-6, atol=1e-6)


def hidden(net: hg.Network, X: np.ndarray) -> list[np.ndarray]:
    """The values of each hidden layer, by the equations."""
    functions = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    names = [name.removesuffix(".W") for name in net.parameter_names if name.endswith(".W")]
    formulas = [layer.formula.name for layer in net.layers if isinstance(layer, hg.layers.Activation)]
    found, A = [], X
    for name, formula in zip(names[:-1], formulas, strict=True):
        A = functions[formula](A @ net[f"{name}.W"] + net[f"{name}.b"])
        found.append(A)
    return found


def test_gradients(trained: tuple[Playground, hg.Network, reference.Rows]) -> None:
    play, net, rows = trained
    document = play.document
    document["network"]["l2"] = 0.0
    free = reference.network(document)
    free.params = net.params
    _, gradient = free.gradient(rows.X, rows.y)
    play.until("store.signals && store.signals.epoch === given", EPOCHS)
    signals = {each["layer"]: each for each in play.store("store.signals.layers")}
    for segment in free.layout.segments:
        layer, _, kind = segment.name.partition(".")
        if kind == "W":
            expected = float(np.linalg.norm(gradient[segment.start : segment.stop]))
            assert signals[layer]["weight_gradient"] == pytest.approx(expected, rel=1e-9)
            assert signals[layer]["weight"] == pytest.approx(float(np.linalg.norm(net[segment.name])), rel=1e-9)
    table = play.page.get_by_role("tabpanel").locator("tbody tr")
    expect(table).to_have_count(len(signals))
    for name, told in signals.items():
        shown = table.filter(has_text=name).locator("td").first
        assert float((shown.text_content() or "").replace("\u2212", "-")) == pytest.approx(told["mean"], abs=6e-4)


def test_the_curves_are_the_history(play: Playground) -> None:
    play.step(4)
    rows = reference.rows(play.document)
    nets = [reference.trained(play.document, epoch) for epoch in range(5)]
    curves = play.store("store.curves")
    assert curves["epoch"] == [0, 1, 2, 3, 4]
    assert curves["train_loss"] == pytest.approx([net.loss(rows.X, rows.y) for net in nets], rel=1e-12)
    assert curves["test_loss"] == pytest.approx([net.loss(rows.X_test, rows.y_test) for net in nets], rel=1e-12)


def test_a_curve_that_is_drawn_is_the_networks(play: Playground) -> None:
    play.open({"data": {"name": "regression_curve", "n": 80}, "training": {"learning_rate": 0.05}})
    play.step(2)
    net = reference.trained(play.document, 2)
    output = play.array("output")
    x = reference.grid(play.state["scene"]["window"], output.shape[-1])[: output.shape[-1], :1]
    np.testing.assert_allclose(output[0, 0], net.forward(x)[:, 0], rtol=1e-5, atol=1e-6)


def test_a_unit_is_painted_in_the_colours_of_its_values(play: Playground) -> None:
    play.step(2)
    painted = play.pixels(play.get("unit-1-0").locator("canvas"))
    values = play.array("maps")[4].ravel()
    blue = painted[:, 2].astype(int) - painted[:, 0]
    sure = np.abs(values) > 0.1
    np.testing.assert_array_equal(np.sign(blue[sure]), np.sign(values[sure]))
    assert np.all(painted[:, 3] == 255)


def test_the_plane_is_painted_in_the_colours_of_the_classes(play: Playground) -> None:
    play.run_to(60)
    canvas = play.page.locator("canvas.plane-field")
    painted = play.pixels(canvas)
    side = canvas.evaluate("(canvas) => [canvas.height, canvas.width]")
    output = play.array("output")[1]
    rows = (np.arange(side[0]) * output.shape[0]) // side[0]
    columns = (np.arange(side[1]) * output.shape[1]) // side[1]
    shown = output[np.ix_(rows, columns)].ravel()
    blue = painted[:, 2].astype(int) - painted[:, 0]
    sure = np.abs(shown - 0.5) > 0.2
    assert sure.mean() > 0.3
    assert np.mean(np.sign(blue[sure]) == np.sign(shown[sure] - 0.5)) > 0.99
