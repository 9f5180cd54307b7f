"""Lessons open, and what they open with trains."""

import json
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from .conftest import Opener
from .page import Playground
from .serving import Server

_FOLDER = files("handgrad.playground") / "lessons"
LESSONS = sorted(each.name.removesuffix(".json") for each in _FOLDER.iterdir()) if _FOLDER.is_dir() else []


def test_there_are_lessons(play: Playground) -> None:
    assert len(LESSONS) >= 8
    values = play.get("lesson").locator("option").evaluate_all("(all) => all.map((each) => each.value)")
    assert set(LESSONS) <= set(values)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_opens_and_trains(play: Playground, name: str) -> None:
    told = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    play.choose("lesson", name)
    play.until_document("view.lesson", name)
    expect(play.get("lesson-card")).to_contain_text(told["title"])
    expect(play.get("lesson-card")).not_to_contain_text("[object")
    expect(play.get("lesson-card").locator("ol > li")).to_have_count(len(told["try"]))
    for section in ("data", "network"):
        for field, value in told["document"].get(section, {}).items():
            if not isinstance(value, str | list):
                assert play.document[section][field] == value
    play.step()
    expect(play.get("error")).to_be_hidden()


def test_a_lesson_is_left_and_what_it_opened_stays(play: Playground) -> None:
    name = LESSONS[-1]
    play.choose("lesson", name)
    play.until_document("view.lesson", name)
    expect(play.get("lesson-card")).to_be_visible()
    play.choose("lesson", "")
    play.until_document("view.lesson", None)
    expect(play.get("lesson-card")).to_be_hidden()


def test_a_trial_comes_out_as_its_lesson_says(play: Playground) -> None:
    play.choose("lesson", LESSONS[0])
    play.until_document("view.lesson", LESSONS[0])
    play.click("lesson-try-0")
    expect(play.get("lesson-card").locator(".outcome").first).to_have_class("outcome good")
    assert play.epoch > 0


def test_an_address_names_a_lesson_and_it_is_told_in_the_readers_language(visit: Opener, server: Server) -> None:
    name = LESSONS[3]
    play = visit(server, f"?lesson={name}", locale="de-DE")
    told = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    expect(play.page.locator("html")).to_have_attribute("lang", "de")
    expect(play.get("lesson")).to_have_value(name)
    assert play.document["network"]["hidden_sizes"] == told["document"]["network"]["hidden_sizes"]
    expect(play.get("lesson-card")).to_contain_text(told.get("de", told)["title"])
    expect(play.get("lesson-card")).not_to_contain_text("[object")


def test_a_lesson_that_there_is_not_is_told(visit: Opener, server: Server) -> None:
    play = visit(server, "?lesson=nonsense")
    expect(play.get("error")).to_contain_text("nonsense")
    expect(play.get("lesson-card")).to_be_hidden()
    assert all("404" in each for each in play.guard.wrong)
    play.guard.forget()
    play.step()
