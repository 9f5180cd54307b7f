"""The guard notices what it is there for."""

import pytest

from .conftest import Opener
from .page import Playground
from .serving import Server


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("console.error('a complaint')", "a complaint"),
        ("setTimeout(() => { throw new Error('uncaught trouble'); })", "uncaught trouble"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "style-src"),
        ("fetch('/no-such-file').catch(() => {})", "404"),
        ("Object.assign(new Image(), { src: 'http://example.com/picture.png' })", "example.com"),
    ],
)
def test_a_page_that_misbehaves_is_noticed(visit: Opener, server: Server, deed: str, told: str) -> None:
    play: Playground = visit(server)
    play.page.evaluate(f"() => {{ {deed} }}")
    while told not in str(play.guard.seen(play.page.context)):
        play.page.evaluate("() => new Promise(requestAnimationFrame)")
    with pytest.raises(AssertionError, match=told):
        play.guard.check(play.page.context)
    play.guard.wrong.clear()
    play.page.evaluate("window.violations = []")
