"""One server and one browser for all tests of a worker, and pages that look as new for each test."""

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


@pytest.fixture(scope="package")
def pages(browser: Any) -> Iterator[Any]:
    """The pages that tests share one after the other."""
    from .pages import Pages

    shared = Pages(browser)
    yield shared
    shared.close()


@pytest.fixture
def visit(pages: Any, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Opens pages, each in a context of its own, and looks at the end whether they behaved."""
    from .page import Playground

    opened: list[Playground] = []

    def open_page(server: Server, at: str | None = None, **options: Any) -> Playground:
        """The page as it is for somebody new, or, loaded from the first byte, at a query and a fragment."""
        if at is None:
            play: Playground = pages.take(server, options)
            opened.append(play)
        else:
            play = pages.new(server, options)
            opened.append(play)
            play.goto(at)
        return play

    yield open_page
    failed = request.node.stash.get(FAILED, False)
    for play in opened:
        try:
            play.guard.check(play.page.context)
            if failed:
                pages.forget(play)
            else:
                pages.give_back(play)
        except BaseException:
            pages.forget(play)
            raise


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Tell `visit` how its test ended."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def play(visit: Opener, server: Server) -> Any:
    """The page as it opens for somebody new."""
    return visit(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test may write."""
    return tmp_path
