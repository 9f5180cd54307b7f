"""Lessons: a text, a state to begin from, and what to try, as JSON files beside this module."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _all() -> dict[str, dict[str, Any]]:
    folder = files("handgrad.playground") / "lessons"
    found = {each.name.removesuffix(".json"): each for each in folder.iterdir() if each.name.endswith(".json")}
    return {name: json.loads(found[name].read_text("utf-8")) for name in sorted(found)}


def lessons() -> list[dict[str, str]]:
    """Name and title of each, in their order."""
    return [{"name": name, "title": str(each["title"])} for name, each in _all().items()]


def lesson(name: str) -> dict[str, Any] | None:
    """The lesson of that name, if there is one."""
    return _all().get(name)
