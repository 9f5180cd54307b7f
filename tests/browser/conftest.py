"""One server and one browser for all tests of a worker, a fresh context for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .chromium import FLAGS, find_chromium
from .serving import Server

Opener = Callable[..., Any]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium; without one the tests are skipped, but for `make test`, which insists."""
    chromium = find_chromium()
    if chromium is None and os.environ.get("HANDGRAD_BROWSER") != "required":
        pytest.skip("no Chromium was found; see tests/browser/install")
    playwright = pytest.importorskip("playwright.sync_api")
    assert chromium is not None, "no Chromium was found; see tests/browser/install"
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=list(FLAGS), headless=True)
        yield running
        running.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share."""
    pytest.importorskip("uvicorn")
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def visit(browser: Any) -> Iterator[Opener]:
    """Opens pages, each in a context of its own, and looks at the end whether they behaved."""
    from .guard import Guard
    from .page import WAIT, Playground

    opened: list[tuple[Any, Guard]] = []

    def open_page(server: Server, at: str = "", document: dict[str, Any] | None = None, **options: Any) -> Playground:
        context = browser.new_context(
            **{"viewport": {"width": 1400, "height": 1000}, "accept_downloads": True} | options
        )
        context.set_default_timeout(WAIT)
        guard = Guard(context, server.address)
        opened.append((context, guard))
        play = Playground(context.new_page(), server, guard)
        play.goto(at)
        if document is not None:
            play.open(document)
        return play

    yield open_page
    for context, guard in opened:
        try:
            guard.check(context)
        finally:
            context.close()


@pytest.fixture
def play(visit: Opener, server: Server) -> Any:
    """The page as it opens for somebody new."""
    return visit(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test may write."""
    return tmp_path
