"""For every reader: themes, languages, small screens, the keyboard, assistive technology, slow lines."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from .conftest import Opener
from .page import Playground, link_to
from .pages import DESK, PHONE
from .serving import Server

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LOOKS: dict[str, dict[str, Any]] = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE}
FILLED = {"trace": "store.last.trace", "prove": "store.last.proof?.finished", "mistake": "true", "compare": "true"}
WORDS = Path(__file__).parents[2] / "src" / "handgrad" / "playground" / "static" / "words"


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_stands_in_the_way_of_assistive_technology(visit: Opener, server: Server, look: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; see tests/browser/install")
    play = visit(server, **LOOKS[look])
    play.choose("lesson", "03-prove-it")
    play.until_document("view.lesson", "03-prove-it")
    play.step()
    play.page.evaluate(AXE.read_text())
    assert serious(play) == {}
    for tab, filled in FILLED.items():
        play.click(tab)
        expect(play.get(tab)).to_have_attribute("aria-selected", "true")
        play.until(filled)
        assert serious(play, "[data-testid=workbench]") == {}
    play.click("share")
    expect(play.get("share-link")).to_have_value(re.compile("#"))
    assert serious(play, "dialog") == {}


def serious(play: Playground, within: str = "body") -> dict[str, list[str]]:
    """What axe finds that is serious or critical: rule, and where."""
    found = play.page.evaluate("(within) => axe.run(within, { resultTypes: ['violations'] })", within)
    return {
        each["id"]: [str(node["target"]) for node in each["nodes"]]
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    }


def test_a_theme_is_chosen_and_kept(play: Playground) -> None:
    page = play.page
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    before = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
    plane = play.pixels(page.locator("canvas.plane-field"))
    play.click("theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor") != before
    assert not np.array_equal(play.pixels(page.locator("canvas.plane-field")), plane)
    page.reload()
    play.until("store.state && store.frame")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_page_speaks_german(play: Playground) -> None:
    play.choose("language", "de")
    expect(play.page.locator("html")).to_have_attribute("lang", "de")
    words = json.loads((WORDS / "de.json").read_text("utf-8"))
    expect(play.get("step")).to_have_attribute("aria-label", words["control.step"])
    expect(play.page.get_by_role("heading", name=words["plane.title"], exact=True)).to_be_visible()
    play.page.reload()
    play.until("store.state && store.frame")
    expect(play.get("step")).to_have_attribute("aria-label", words["control.step"])


def test_languages_have_the_same_words() -> None:
    english, german = (json.loads((WORDS / f"{name}.json").read_text("utf-8")) for name in ("en", "de"))
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", german[key])), key


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_no_sideways_scrolling(play: Playground, width: int) -> None:
    play.page.set_viewport_size({"width": width, "height": 740})
    play.step()
    for tab in ("signals", "trace", "prove", "mistake", "compare"):
        play.click(tab)
        assert play.page.evaluate("document.scrollingElement.scrollWidth") <= width
    play.open({"network": {"hidden_sizes": [8, 8, 8, 8]}})
    assert play.page.evaluate("document.scrollingElement.scrollWidth") <= width
    play.click("signals")
    cut_off = play.page.locator("#panel-signals").evaluate("(panel) => panel.scrollWidth > panel.clientWidth")
    assert cut_off == (width < 768)  # a telephone's reader pushes the table aside
    play.page.set_viewport_size(DESK["viewport"])


def test_a_finger_runs_and_builds(visit: Opener, server: Server) -> None:
    play = visit(server, **PHONE)
    play.get("add-unit-0").tap()
    play.until_document("network.hidden_sizes", [5, 3])
    play.get("run").tap()
    play.until("store.frame.header.epoch >= 2")
    play.get("pause").tap()
    play.until("!store.frame.header.running")


def test_an_address_hides_controls(visit: Opener, server: Server) -> None:
    play = visit(server, "?hide=optimizer,share" + link_to({"view": {"hide": ["brush", "noise", "trace"]}}))
    for name in ("optimizer", "share", "brush", "noise", "trace"):
        expect(play.get(name)).to_be_hidden()
    expect(play.get("n")).to_be_visible()


def test_a_teacher_hides_a_control_and_shares_the_page(play: Playground, visit: Opener) -> None:
    play.click("hide")
    play.get("show-optimizer").uncheck()
    play.until_document("view.hide", ["optimizer"])
    play.page.keyboard.press("Escape")
    expect(play.get("optimizer")).to_be_hidden()
    play.click("share")
    expect(play.get("share-link")).to_have_value(re.compile("#"))
    address = play.get("share-link").input_value()
    other = visit(play.server, address.removeprefix(play.server.address))
    expect(other.get("optimizer")).to_be_hidden()


def test_a_logarithmic_loss(play: Playground) -> None:
    play.step(5)
    chart = play.page.locator(".curves canvas").first
    expect(chart).to_be_visible()
    before = chart.evaluate("(canvas) => canvas.toDataURL()")
    play.get("log").check()
    play.until_document("view.log", True)
    play.until("document.querySelector('.curves canvas')?.toDataURL() !== given", before)


def test_the_page_is_light(visit: Opener, server: Server) -> None:
    play = visit(server, "")
    play.page.wait_for_load_state("networkidle")
    sizes = {answer.url: len(answer.body()) for answer in play.guard.answers}
    assert len(sizes) > 10
    assert sum(sizes.values()) < 400_000


# --- the keyboard alone ---


def tab_to(play: Playground, name: str, most: int = 120) -> None:
    """Press the tab key until the control of that name has the focus."""
    for _ in range(most):
        play.page.keyboard.press("Tab")
        if play.page.evaluate("document.activeElement?.dataset?.testid ?? ''") == name:
            return
    raise AssertionError(f"{name} is not reached by {most} tabs")


def test_running_by_keyboard(play: Playground) -> None:
    tab_to(play, "run")
    play.page.keyboard.press("Enter")
    play.until("store.frame.header.running && store.frame.header.epoch >= 1")
    play.page.keyboard.press("Space")
    play.until("!store.frame.header.running")


def test_epochs_and_batches_are_stepped_by_keyboard_wherever_the_focus_is(play: Playground) -> None:
    for epoch, name in enumerate(("step", "signals", "noise", "show-test"), start=1):
        play.get(name).focus()
        play.page.keyboard.press(".")
        play.until("store.frame.header.epoch === given", epoch)
    play.page.keyboard.press(",")
    play.until("store.frame.header.batch === 1")


def test_what_is_typed_steps_no_epoch(play: Playground) -> None:
    for name in ("learning-rate", "speed"):
        play.get(name).focus()
        play.page.keyboard.press(".")
    play.get("learning-rate").fill("")
    play.get("learning-rate").press_sequentially("0.5")
    play.page.keyboard.press("Enter")
    play.until_document("training.learning_rate", 0.5)
    assert (play.epoch, play.header["batch"]) == (0, 0)


def test_one_skips_to_the_network(play: Playground) -> None:
    play.page.get_by_role("link", name="Skip to the network").focus()
    play.page.keyboard.press("Enter")
    expect(play.get("network")).to_be_focused()
    play.page.keyboard.press("Space")
    play.until("store.frame.header.running")
    play.page.keyboard.press("Space")
    play.until("!store.frame.header.running")


def test_the_focus_goes_from_top_to_bottom(play: Playground) -> None:
    order = ["lesson", "share", "export", "reset", "run", "step", "step-batch", "dataset-moons", "noise"]
    for name in order:
        if play.get(name).is_visible():
            tab_to(play, name)


def test_a_focus_is_seen(play: Playground) -> None:
    tab_to(play, "step")
    outline = play.get("step").evaluate("(button) => getComputedStyle(button).outlineWidth")
    assert float(outline.removesuffix("px")) >= 2


def test_a_weight_is_edited_by_keyboard(play: Playground) -> None:
    tab_to(play, "weight-dense1.W-0-0")
    play.page.keyboard.press("ArrowDown")
    expect(play.get("weight-dense1.W-0-1")).to_be_focused()
    play.page.keyboard.press("Enter")
    expect(play.get("edit-value")).to_be_focused()
    play.page.keyboard.type("0.625")
    play.page.keyboard.press("Enter")
    play.until("store.parameter('dense1.W').values[1] === 0.625")
    play.page.keyboard.press("Escape")
    expect(play.get("editor")).to_have_count(0)
    expect(play.get("weight-dense1.W-0-1")).to_be_focused()


def test_a_layer_is_built_by_keyboard(play: Playground) -> None:
    tab_to(play, "add-layer")
    play.page.keyboard.press("Enter")
    play.until_document("network.hidden_sizes", [4, 3, 3])
    expect(play.get("add-layer")).to_be_focused()
    tab_to(play, "remove-layer-2")
    play.page.keyboard.press("Enter")
    play.until_document("network.hidden_sizes", [4, 3])


def test_the_plane_is_read_by_keyboard(play: Playground) -> None:
    play.get("plane").focus()
    for _ in range(3):
        play.page.keyboard.press("Shift+ArrowRight")
    expect(play.get("reading")).to_contain_text("→")
    left, right, bottom, top = play.state["scene"]["window"]
    x, y = (left + right) / 2 + 0.3 * (right - left), (bottom + top) / 2
    expect(play.get("reading")).to_contain_text(f"x₁ {x:.2f}")
    expect(play.get("reading")).to_contain_text(f"x₂ {y:.2f}")


def test_tabs_turn_by_arrow_keys(play: Playground) -> None:
    play.get("signals").focus()
    play.page.keyboard.press("ArrowRight")
    expect(play.get("trace")).to_be_focused()
    expect(play.get("trace")).to_have_attribute("aria-selected", "true")


def test_tabs_that_are_put_away_are_passed_over(visit: Opener, server: Server) -> None:
    play = visit(server, link_to({"view": {"hide": ["signals", "prove"]}}))
    expect(play.page.locator("#panel-signals")).to_be_hidden()
    expect(play.get("trace")).to_have_attribute("aria-selected", "true")
    play.get("trace").focus()
    play.page.keyboard.press("ArrowRight")
    expect(play.get("mistake")).to_be_focused()


def test_a_weight_that_has_the_focus_says_its_number(play: Playground) -> None:
    weight = play.get("weight-dense1.W-0-0")
    weight.focus()
    expect(weight).to_have_accessible_description(re.compile("="))


def test_still_pictures_for_who_wants_no_motion(visit: Opener, server: Server) -> None:
    play = visit(server, reduced_motion="reduce")
    durations = play.page.evaluate(
        "[...document.querySelectorAll('*')].map((each) => getComputedStyle(each).animationDuration)"
        ".filter((each) => parseFloat(each) > 0.01)"
    )
    assert durations == []
