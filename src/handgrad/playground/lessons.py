"""Lessons: a text, a state to begin from, and what to try, as JSON files beside this module.

A lesson is one object. `title` and `text` (paragraphs) are needed, the others may be missing::

    {"title": "Initialisation",
     "text": ["Five hidden layers ...", "..."],
     "document": {"network": {"init": "zeros"}},
     "try": [{"text": "Run it.", "document": {"seed": 1}, "do": {"do": "run"}, "expect": {"epochs": 100, ...}}],
     "more": ["What to read next."],
     "de": {"title": "Anfangsgewichte", "text": ["..."], "try": ["..."], "more": ["..."]}}

Texts are plain; what stands between backticks is shown as code. `document` is a partial state (`document.py`); what is
missing has its default. A `try` begins from the lesson's document with its own `document` laid over it, section by
section (`opened`), never from what is on screen; `do` is one message for the server then, one of `MESSAGES`.

`expect` is what its text claims, for the page and the tests to check: after so many `epochs` from the start (0 if
missing), within [low, high] (null: no bound) are

- `train_loss`, `test_loss`, `train_metric`, `test_metric`, and in `signals` figures such as "activation1.dead";
- `doctor`: slugs that are among the findings ([]: it is healthy); `diverged`: whether training had to stop by then;
- `proof`: the verdict of the checker, and `cause`: one of its findings; `verdict`: words of the comparison that `do`
  asks for; `formulas`: formulas of the trace that it asks for.

A key of two letters is a language: title, paragraphs, the texts of `try` in their order, and `more` in that language.
What is missing there is shown as it is.

Lessons are named by their files, and stand in the order of these names. Those in the folder that HANDGRAD_LESSONS
names come after our own; one of the same name takes its place.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from handgrad.playground.document import Document
from handgrad.playground.reading import read_object
from handgrad.rules import unknown

MESSAGES = ("run", "step", "trace", "prove", "compare")
BOUNDED = ("train_loss", "test_loss", "train_metric", "test_metric")
EXPECTED = ("epochs", *BOUNDED, "signals", "doctor", "diverged", "proof", "cause", "verdict", "formulas")
SECTIONS = ("data", "network", "training", "view")


def lessons() -> list[dict[str, str]]:
    """Name and title of each, in their order, and the title in other languages."""
    return [{"name": name, "title": each["title"], **_titles(each)} for name, each in _all().items()]


def lesson(name: str) -> dict[str, Any] | None:
    """The lesson of that name, if there is one."""
    return _all().get(name)


def read_lesson(given: Any) -> dict[str, Any]:
    """A lesson from a JSON value, with all its keys; an error says what is wrong with it."""
    languages = [name for name in given if _is_language(name)] if isinstance(given, Mapping) else []
    values = read_object("the lesson", given, ("title", "text", "document", "try", "more", *languages))
    if not isinstance(values.get("title"), str) or not values["title"].strip():
        raise ValueError(f"title is {values.get('title')!r}; expected a text")
    found: dict[str, Any] = {
        "title": values["title"],
        "text": _paragraphs("text", values.get("text")),
        "document": values.get("document", {}),
        "try": values.get("try", []),
        "more": _paragraphs("more", values.get("more", [])),
    }
    Document.from_json(found["document"])
    if not isinstance(found["try"], list):
        raise ValueError("try is no list")
    found["try"] = [_trial(f"try[{number}]", each) for number, each in enumerate(found["try"])]
    for number in range(len(found["try"])):
        try:
            Document.from_json(opened(found, number))
        except (TypeError, ValueError) as wrong:
            raise ValueError(f"try[{number}]: {wrong}") from wrong
    return found | {name: _translation(name, values[name], len(found["try"])) for name in languages}


def opened(lesson: Mapping[str, Any], number: int | None = None) -> dict[str, Any]:
    """The document that the lesson, or one of its tries, opens.

    >>> first = {"text": "With dropout", "document": {"network": {"dropout": 0.5}}}
    >>> opened({"document": {"network": {"l2": 0.1}, "seed": 1}, "try": [first]}, 0)
    {'network': {'l2': 0.1, 'dropout': 0.5}, 'seed': 1}
    """
    document = dict(lesson["document"])
    changes = {} if number is None else lesson["try"][number].get("document") or {}
    for name, value in changes.items():
        document[name] = {**document.get(name, {}), **value} if name in SECTIONS else value
    return document


def read_folder(folder: Path) -> dict[str, dict[str, Any]]:
    """The lessons in a folder by their names; raises ValueError, which names the file, where one is wrong."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = read_lesson(json.loads(path.read_text("utf-8")))
        except (TypeError, ValueError) as wrong:
            raise ValueError(f"lesson {path.name}: {wrong}") from wrong
    return found


@cache
def _all() -> dict[str, dict[str, Any]]:
    found = read_folder(Path(str(files("handgrad.playground"))) / "lessons")
    folder = os.environ.get("HANDGRAD_LESSONS")
    if folder:
        if not Path(folder).is_dir():
            raise ValueError(f"HANDGRAD_LESSONS is {folder!r}; expected a folder")
        found |= read_folder(Path(folder))
    return found


def _titles(lesson: Mapping[str, Any]) -> dict[str, str]:
    return {name: lesson[name]["title"] for name in lesson if _is_language(name) and "title" in lesson[name]}


def _is_language(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch("[a-z]{2}", name) is not None


def _paragraphs(place: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{place} is no list of paragraphs, each a text")
    return given


def _trial(place: str, given: Any) -> dict[str, Any]:
    values = read_object(place, given, ("text", "document", "do", "expect"))
    if not isinstance(values.get("text"), str):
        raise ValueError(f"{place}.text is {values.get('text')!r}; expected a text")
    document = values.get("document")
    for name in SECTIONS:
        if not isinstance((document or {}).get(name, {}), dict):
            raise ValueError(f"{place}.document.{name} is no object")
    message = values.get("do")
    if message is not None and (not isinstance(message, dict) or message.get("do") not in MESSAGES):
        raise unknown(f"message in {place}.do", str(message), MESSAGES)
    expect = values.get("expect")
    if expect is not None:
        _expectation(f"{place}.expect", expect)
    return {"text": values["text"], "document": document, "do": message, "expect": expect}


def _translation(language: str, given: Any, tries: int) -> dict[str, Any]:
    values = read_object(language, given, ("title", "text", "try", "more"))
    if not isinstance(values.get("title", ""), str):
        raise ValueError(f"{language}.title is {values['title']!r}; expected a text")
    for name in ("text", "try", "more"):
        _paragraphs(f"{language}.{name}", values.get(name, []))
    if len(values.get("try", [])) not in (0, tries):
        raise ValueError(f"{language}.try has {len(values['try'])} texts; expected {tries}, one for each try")
    return values


def _expectation(place: str, given: Any) -> None:
    expect = read_object(place, given, EXPECTED)
    bounds = {name: expect[name] for name in BOUNDED if name in expect} | dict(expect.get("signals", {}))
    for name, pair in bounds.items():
        if not isinstance(pair, list) or len(pair) != 2 or not all(each is None or _is_number(each) for each in pair):
            raise ValueError(f"{place}.{name} is {pair!r}; expected [low, high], null for no bound")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
