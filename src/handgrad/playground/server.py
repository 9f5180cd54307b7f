"""The server: the page and its files, and one WebSocket for each tab. It trusts nothing that comes in.

Only hosts it was started for are answered (no DNS rebinding), only pages it served itself may open a socket (Origin),
and from other machines only those who have the token that was printed at the start.
"""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from handgrad import __version__
from handgrad.playground.catalogue import catalogue
from handgrad.playground.conversation import REFUSED, converse
from handgrad.playground.document import Document
from handgrad.playground.frames import to_json
from handgrad.playground.lane import Lane
from handgrad.playground.lessons import lesson, lessons
from handgrad.playground.limits import Limits
from handgrad.playground.session import Session

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def new_token() -> str:
    """A secret for the address."""
    return secrets.token_urlsafe(16)


def make_app(limits: Limits, hosts: tuple[str, ...] = LOOPBACK, token: str | None = None) -> Starlette:
    """The application for these names of this machine; with a token, its socket is opened to who has that only."""
    static = Path(str(files("handgrad.playground"))) / "static"
    found: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.lane = Lane(limits)
        found["hello"] = await asyncio.to_thread(_hello, limits)
        await asyncio.to_thread(_warm_up, limits)
        yield
        await asyncio.to_thread(app.state.lane.close)

    async def session(socket: WebSocket) -> None:
        given = socket.query_params.get("token", "")
        if not _same_origin(socket) or (token is not None and not hmac.compare_digest(given.encode(), token.encode())):
            await socket.close(REFUSED)
            return
        await converse(socket, socket.app.state.lane, found["hello"], limits)

    async def one_lesson(request: Request) -> Response:
        text = lesson(request.path_params["name"])
        return JSONResponse(text) if text is not None else PlainTextResponse("there is no such lesson", 404)

    return Starlette(
        routes=[
            WebSocketRoute("/session", session),
            Route("/lessons/{name}", one_lesson),
            Mount("/", StaticFiles(directory=static, html=True)),
        ],
        middleware=[Middleware(_Guard, hosts=hosts), Middleware(GZipMiddleware, minimum_size=1000)],
        lifespan=lifespan,
    )


def _hello(limits: Limits) -> str:
    return to_json(
        {
            "kind": "hello",
            "version": __version__,
            "catalogue": catalogue(),
            "limits": limits.to_dict(),
            "lessons": lessons(),
            "defaults": Document().to_json(),
        }
    )


def _warm_up(limits: Limits) -> None:
    """Load the engine and all else that the first tab would have to wait for."""
    for dtype in ("float64", "float32"):
        session = Session(limits)
        session.handle({"do": "open", "document": {"network": {"dtype": dtype}}})
        session.handle({"do": "run"})
        session.train(0)
        session.frame()


def _same_origin(socket: WebSocket) -> bool:
    """Whether a page of this very server asks; programs that are no browsers send no origin."""
    origin = socket.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == socket.headers.get("host")
    except ValueError:  # it is no address at all
        return False


class _Guard:
    """Answers the hosts it knows only, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if "*" not in self.hosts and name not in self.hosts:
            refuse: ASGIApp = PlainTextResponse(f"this server does not answer for the host {name!r}", 421)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": REFUSED})
                return
            await refuse(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, with_headers)
