"""Proving, breaking, tracing and comparing: what the page says is what the library says."""

import math
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import handgrad as hg
from handgrad.gradcheck.mistakes import MISTAKES

from . import reference
from .page import Playground


def prove(play: Playground) -> dict[str, object]:
    """Prove the network on screen, and give the checker's answer."""
    play.click("prove")
    play.until("store.last.proof && store.last.proof.finished")
    return play.store("store.last.proof")


def test_the_network_on_screen_is_proved(play: Playground) -> None:
    play.step(2)
    proof = prove(play)
    expect(play.get("verdict")).to_have_attribute("data-verdict", re.compile("pass", re.IGNORECASE))
    expect(play.get("proof")).to_contain_text(str(proof["headline"]))
    rows = proof["rows"]
    assert isinstance(rows, list)
    assert {each["name"] for each in rows} >= {"dense1.W", "dense1.b", "dense3.W"}
    for each in rows:
        expect(play.get("proof")).to_contain_text(each["name"])


@pytest.mark.parametrize("mistake", ["factor 2", "no 1/B"])
def test_a_planted_mistake_is_found_and_named(play: Playground, mistake: str) -> None:
    play.click("mistake")
    known = {each["name"]: each for each in play.store("store.hello.catalogue.mistakes")}
    name = mistake if mistake in known else sorted(known)[0]
    play.choose("mistake-choice", name)
    play.click("mistake-plant")
    play.until_document("mistake", name)
    play.click("mistake-prove")
    play.until("store.last.proof && store.last.proof.finished")
    proof = play.store("store.last.proof")
    expect(play.get("verdict")).to_have_attribute("data-verdict", re.compile("fail", re.IGNORECASE))
    assert known[name]["cause"] in {each["cause"] for each in proof["findings"]}
    first = proof["findings"][0]
    expect(play.get("proof")).to_contain_text(first["parameter"])
    play.click("mistake")
    play.click("mistake-mend")
    play.until_document("mistake", None)
    play.store("delete store.last.proof")
    prove(play)
    expect(play.get("verdict")).to_have_attribute("data-verdict", re.compile("pass", re.IGNORECASE))


def test_a_planted_mistake_is_told_of_on_each_tab_and_taken_out_there(play: Playground) -> None:
    expect(play.get("mistake-planted")).to_be_hidden()
    play.open({"mistake": "factor 2"})
    for tab in ("signals", "prove", "compare"):
        play.click(tab)
        expect(play.get("mistake-planted")).to_contain_text("A mistake is planted: factor 2")
    play.click("mistake-out")
    play.until_document("mistake", None)
    expect(play.get("mistake-planted")).to_be_hidden()


def test_only_mistakes_that_have_a_place_in_the_network_are_offered(play: Playground) -> None:
    play.click("mistake")
    everything = {each["name"] for each in play.store("store.hello.catalogue.mistakes")}
    for document in ({}, {"network": {"norm": "layer", "activation": "relu"}, "training": {"optimizer": "adam"}}):
        play.open(document)
        offered = set(play.get("mistake-choice").locator("option").all_text_contents())
        net = reference.network(play.document)
        assert offered == {each.name for each in MISTAKES.values() if each.applies(net)}
        assert offered < everything


def test_a_mistake_changes_training_and_not_the_loss(play: Playground) -> None:
    before = play.header["metrics"]["train_loss"]
    play.click("mistake")
    play.choose("mistake-choice", play.get("mistake-choice").locator("option").first.get_attribute("value") or "")
    play.click("mistake-plant")
    play.until("store.state.document.mistake !== null")
    assert play.header["metrics"]["train_loss"] == before
    play.step(2)
    right = reference.trained(play.document, 2).params
    assert not np.array_equal(play.params, right)


def test_a_trace_is_the_librarys(play: Playground) -> None:
    play.step(2)
    play.click("trace")
    play.until("store.last.trace && store.last.trace.row === 0")
    rows = reference.rows(play.document)
    expected = hg.trace(reference.trained(play.document, 2), rows.X[:1], rows.y[:1]).to_dict()
    found = play.store("store.last.trace.trace")
    assert same(found, expected)
    for step in found["steps"][:4]:
        result = play.get("trace-panel").locator(".result td.number")
        shown = result.evaluate_all("(cells) => cells.map((cell) => Number(cell.title))")
        assert shown == leaves(step["value"])
        play.click("trace-next")


def test_a_trace_follows_an_edit_and_a_batch(play: Playground) -> None:
    play.click("trace")
    play.until("store.last.trace")
    losses = [play.store("store.last.trace.trace.loss")]
    edit = 'store.do("edit", { parameter: "dense1.W", index: [0, 0], value: 5 })'
    for act in (edit, 'store.do("step", { unit: "batch" })'):
        play.store(act)
        play.until("store.last.trace.trace.loss !== given", losses[-1])
        losses.append(play.store("store.last.trace.trace.loss"))
    assert len(set(losses)) == 3


def test_an_entry_of_a_trace_is_opened_by_keyboard_and_keeps_the_focus(play: Playground) -> None:
    play.click("trace")
    play.until("store.last.trace")
    play.click("trace-next")
    entry = play.get("trace-panel").get_by_test_id("entry-0-1")
    entry.focus()
    play.page.keyboard.press("Enter")
    expect(entry).to_be_focused()
    expect(entry).to_have_attribute("aria-pressed", "true")
    expect(play.get("trace-written")).to_contain_text("[0,1]")


def test_a_trace_asks_for_rows_that_are_there(play: Playground) -> None:
    play.click("trace")
    play.until("store.last.trace")
    play.get("trace-part").select_option("test")
    play.fill("trace-row", "100000")
    rows = play.state["scene"]["rows"]["test"]
    play.until("store.last.trace.part === 'test' && store.last.trace.row === given - 1", rows)
    expect(play.get("error")).to_be_hidden()


def test_a_trace_is_stepped_through_to_its_end(play: Playground) -> None:
    play.click("trace")
    play.until("store.last.trace")
    steps = play.store("store.last.trace.trace.steps")
    expect(play.get("trace-previous")).to_be_disabled()
    for _ in steps[1:]:
        play.click("trace-next")
    expect(play.get("trace-next")).to_be_disabled()
    expect(play.get("trace-panel")).to_contain_text(steps[-1]["formula"])


def test_a_row_is_picked_on_the_plane(play: Playground) -> None:
    x, y = play.state["scene"]["train"]["points"][5]
    box = play.get("plane").bounding_box()
    assert box is not None
    at = play.page.evaluate(
        """async ([x, y]) => {
          const { planeView } = await import("/js/plane-view.js");
          const plane = document.querySelector("[data-testid=plane]");
          const view = planeView(window.handgrad.store.state.scene, plane.clientWidth, plane.clientHeight);
          return [view.toX(x), view.toY(y)];
        }""",
        [x, y],
    )
    play.page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    play.until("store.last.trace && store.last.trace.part === 'train'")
    row = play.store("store.last.trace.row")
    points = np.array(play.state["scene"]["train"]["points"])
    assert np.hypot(*(points[row] - [x, y])) < 0.05
    expect(play.get("trace-row")).to_have_value(str(row))


def test_two_settings_are_compared(play: Playground) -> None:
    play.fill("epochs", "20")
    play.until_document("training.epochs", 20)
    play.click("compare")
    play.choose("compare-field", "network.init")
    play.choose("compare-value", "zeros")
    play.get("compare-seeds").fill("6")
    play.click("compare-go")
    play.until("store.last.comparison && store.last.comparison.finished")
    found = play.store("store.last.comparison")
    assert found["seeds"] == 6
    assert len(found["settings"]) == 2
    assert found["verdict"]
    expect(play.get("comparison-verdict")).to_have_text(found["verdict"])
    for text, setting in zip(play.get("comparison-mean").all_text_contents(), found["settings"], strict=True):
        figures = [float(each) for each in re.findall(r"\d[\d.]*", text)]
        interval = [setting["interval"][each] for each in ("value", "low", "high")]
        np.testing.assert_allclose(figures[-4:], [*interval, 95], rtol=2e-3)
    expect(play.get("comparison").locator("svg")).to_have_count(2)
    expect(play.get("comparison").locator("canvas")).to_have_count(2)
    play.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    play.get("comparison").locator("summary").click()
    play.click("comparison-copy")
    assert "zeros" in found["code"]
    expect(play.get("comparison-copy")).to_have_text("Copied.")
    assert play.page.evaluate("navigator.clipboard.readText()") == found["code"]


def test_one_setting_over_many_seeds(play: Playground) -> None:
    play.step(3)
    play.click("compare")
    play.get("compare-seeds").fill("4")
    play.click("compare-go")
    play.until("store.last.comparison && store.last.comparison.finished")
    found = play.store("store.last.comparison")
    assert found["epochs"] == 3
    assert len(found["settings"]) == 1
    low, middle, high = (found["settings"][0]["loss"][name][-1] for name in ("low", "middle", "high"))
    assert low <= middle <= high
    assert play.epoch == 3


def test_what_diverged_for_all_seeds_is_said_and_not_measured(play: Playground) -> None:
    play.open({"data": {"name": "regression_plane"}, "training": {"learning_rate": 1e6, "epochs": 3}})
    play.click("compare")
    play.get("compare-seeds").fill("3")
    play.click("compare-go")
    play.until("store.last.comparison && store.last.comparison.finished")
    assert play.store("store.last.comparison.settings[0].diverged") == 3
    expect(play.get("comparison-verdict")).to_contain_text("All 3 networks diverged")


def test_a_decimal_comma_is_compared_with(play: Playground) -> None:
    play.fill("epochs", "2")
    play.until_document("training.epochs", 2)
    play.click("compare")
    play.choose("compare-field", "network.l2")
    play.get("compare-seeds").fill("3")
    play.get("compare-typed").fill("much")
    play.click("compare-go")
    expect(play.get("compare-typed")).to_have_attribute("aria-invalid", "true")
    play.get("compare-typed").fill("0,25")
    play.click("compare-go")
    play.until("store.last.comparison && store.last.comparison.finished")
    assert "0.25" in play.store("store.last.comparison.code")


def test_a_comparison_is_stopped(play: Playground) -> None:
    play.fill("epochs", "20000")
    play.until_document("training.epochs", 20_000)
    play.click("compare")
    play.get("compare-seeds").fill("100")
    play.click("compare-go")
    play.until("store.frame.header.busy === 'compare'")
    play.click("compare-stop")
    play.until("store.frame.header.busy === null")
    expect(play.get("compare-go")).to_be_enabled()
    play.step()


def test_what_was_said_of_another_network_goes_when_a_document_is_opened(play: Playground) -> None:
    prove(play)
    expect(play.get("verdict")).to_be_visible()
    play.click("trace")
    play.until("store.last.trace")
    play.click("trace-next")
    play.open({"network": {"hidden_sizes": [2]}})
    play.until("store.last.trace && !store.last.proof")  # the panel in front is filled anew
    expect(play.get("trace-panel")).to_contain_text("1 of")
    expect(play.get("trace-panel").locator(".outline")).not_to_contain_text("dense3")
    expect(play.get("verdict")).to_have_count(0)


def leaves(value: object) -> list[float]:
    """All numbers of nested lists."""
    return [each for part in value for each in leaves(part)] if isinstance(value, list) else [float(value)]  # type: ignore[arg-type]


def same(found: object, expected: object) -> bool:
    """Whether two nested values are the same, floats to the last bit."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() == expected.keys() and all(same(found[each], expected[each]) for each in expected)
    if isinstance(expected, list | tuple) and isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float) and not math.isfinite(expected):
        return found is None
    return found == expected
