"""Lessons open, and what they open with trains."""

import json
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from .conftest import Opener
from .page import Playground, link_to
from .serving import Server

_FOLDER = files("handgrad.playground") / "lessons"
LESSONS = sorted(each.name.removesuffix(".json") for each in _FOLDER.iterdir()) if _FOLDER.is_dir() else []


def test_there_are_lessons(play: Playground) -> None:
    assert len(LESSONS) >= 8
    values = play.get("lesson").locator("option").evaluate_all("(all) => all.map((each) => each.value)")
    assert set(LESSONS) <= set(values)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_opens_and_trains(visit: Opener, server: Server, name: str) -> None:
    told = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    play = visit(server, link_to(told["document"] | {"view": {"lesson": name}}))
    expect(play.get("lesson")).to_have_value(name)
    expect(play.get("lesson-card")).to_contain_text(told["title"])
    expect(play.get("lesson-card")).not_to_contain_text("[object")
    expect(play.get("lesson-card").locator("ol > li")).to_have_count(len(told["try"]))
    for section in ("data", "network"):
        for field, value in told["document"].get(section, {}).items():
            if not isinstance(value, str | list):
                assert play.document[section][field] == value
    play.step()
    expect(play.get("error")).to_be_hidden()


def test_a_lesson_is_chosen_and_left(play: Playground) -> None:
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


def test_lessons_in_german_have_german_words(visit: Opener, server: Server) -> None:
    play = visit(server, link_to({"view": {"lesson": LESSONS[0]}}), locale="de-DE")
    told = json.loads((_FOLDER / f"{LESSONS[0]}.json").read_text("utf-8"))
    expect(play.get("lesson-card")).to_contain_text(told.get("de", told)["title"])
    expect(play.get("lesson-card")).not_to_contain_text("[object")
