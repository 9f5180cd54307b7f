"""What no page of the playground may do, whatever a test asks of it: it is looked at after every test."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`),
);
"""
_LOST = ("WebSocket connection to", "Failed to load resource")  # said by the browser while a server is gone


class Guard:
    """Notes errors on the console, uncaught errors, broken policies and every request to anywhere else."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.wrong: list[str] = []
        self.answers: list[Response] = []
        self.forgives_losses = False  # in tests that end the server
        context.add_init_script(_WATCH)
        self._inside = re.compile(f"(https?|wss?)://{re.escape(self.host)}/|data:|blob:|about:")
        context.on("request", lambda request: self._asks(request.url))  # a route would turn the browser's cache off
        context.on("page", self._follow)

    def _asks(self, url: str) -> None:
        if not self._inside.match(url):
            self.wrong.append(f"a request to {url}")

    def _follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("websocket", lambda socket: self._asks(socket.url))
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("response", self._response)
        page.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        lost = self.forgives_losses and message.text.startswith(_LOST)
        if message.type in ("error", "warning") and not lost:
            self.wrong.append(f"{message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        self.answers.append(response)
        if response.status >= 400:
            self.wrong.append(f"{response.status} for {response.url}")

    def _failed(self, request: Request) -> None:
        if not self.forgives_losses:
            self.wrong.append(f"{request.url} failed: {request.failure}")

    def seen(self, context: BrowserContext) -> list[str]:
        """All that was wrong so far."""
        pages = [page for page in context.pages if not page.is_closed()]
        return self.wrong + [each for page in pages for each in page.evaluate("window.violations ?? []")]

    def forget(self) -> None:
        """Begin anew, for another test."""
        self.wrong.clear()
        self.answers.clear()

    def check(self, context: BrowserContext) -> None:
        """Fail if anything was wrong."""
        seen = self.seen(context)
        if seen:
            raise AssertionError(f"the page did what it may not: {seen}")
