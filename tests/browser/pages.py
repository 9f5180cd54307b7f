"""Pages that stay open from test to test: to load one takes longer than most tests do.

A page is given to the next test only if it looks, to the last letter and field, as it did when it was loaded and
opened with the usual document; else it is loaded again. So no test meets what another one left behind.
"""

import json
from dataclasses import dataclass
from typing import Any

from .guard import Guard
from .page import WAIT, Playground
from .serving import Server

DESK = {"viewport": {"width": 1400, "height": 1000}, "accept_downloads": True}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "device_scale_factor": 2}
_SETTLE = """
() => {
  document.activeElement?.blur?.();
  document.getElementById("tab-signals")?.click();
  scrollTo(0, 0);
}
"""
_LOOK = """
() => {
  const { store } = window.handgrad;
  const away = (node) => node.hidden && node.getAttribute("role") !== "tabpanel";
  const usual = ({ name, value }) => (name === "class" && !value) || (name === "aria-invalid" && value === "false");
  const told = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.trim();
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    if (node.matches(".link, .chart, .chart-title")) return "";  // drawn a little later
    if (away(node)) return `<${node.tagName} hidden>`;
    const says = [...node.attributes].filter((each) => !usual(each)).map(({ name, value }) => `${name}=${value}`);
    const within = [...node.childNodes].map(told).join("");
    return `<${node.tagName} ${says.sort().join(" ")} ${node.value} ${node.checked}>${within}`;
  };
  const sheets = document.adoptedStyleSheets.map((sheet) => [...sheet.cssRules].map((rule) => rule.cssText));
  const last = Object.keys(store.last).filter((kind) => kind !== "file");
  const kept = [last, store.selection, store.wish, store.waiter, store.dirty, store.linked];
  const page = told(document.documentElement).replaceAll(/field-\\d+/g, "field");  // they are counted
  return JSON.stringify([location.href, { ...localStorage }, sheets, kept, page]);
}
"""


@dataclass
class _Page:
    play: Playground
    wishes: str
    look: str
    free: bool = False


class Pages:
    """All pages of one browser, each in a context of its own: for one another they are on different machines."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self._all: list[_Page] = []

    def take(self, server: Server, options: dict[str, Any]) -> Playground:
        """A page that looks as it does for somebody who opens it for the first time."""
        wishes = json.dumps([server.address, options], sort_keys=True)
        found = next((each for each in self._all if each.free and each.wishes == wishes), None)
        if found is None:
            found = _Page(self.new(server, options), wishes, "")
            self._all.append(found)
            found.play.goto()
            found.look = self._look(found.play)
        found.free = False
        return found.play

    def new(self, server: Server, options: dict[str, Any]) -> Playground:
        """A page of a new context that shows nothing yet."""
        context = self.browser.new_context(**DESK | options)
        context.set_default_timeout(WAIT)
        guard = Guard(context, server.address)
        return Playground(context.new_page(), server, guard)

    def give_back(self, play: Playground) -> None:
        """Make the page new for the next test; one that nobody took is closed."""
        found = next((each for each in self._all if each.play is play), None)
        if found is None:
            play.page.context.close()
            return
        if self._look(play) != found.look:
            play.page.evaluate("localStorage.clear()")
            play.goto()
            assert self._look(play) == found.look, "a page that is loaded again looks different"
        play.guard.check(play.page.context)
        play.guard.forget()
        found.free = True

    def forget(self, play: Playground) -> None:
        """Close a page that may be ill."""
        self._all = [each for each in self._all if each.play is not play]
        play.page.context.close()

    def close(self) -> None:
        """Close them all."""
        for each in self._all:
            each.play.page.context.close()

    @staticmethod
    def _look(play: Playground) -> str:
        play.page.mouse.move(0, 0)
        play.page.evaluate(_SETTLE)
        play.open({})
        return str(play.page.evaluate(_LOOK))
