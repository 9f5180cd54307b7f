"""The server: the page and its files, and one WebSocket for each tab. It trusts nothing that comes in.

Only hosts it was started for are answered (no DNS rebinding), only pages it served itself may open a socket (Origin),
and from other machines only those who have the token that was printed at the start.
"""

import asyncio
import hmac
import json
import secrets
import time
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
from starlette.websockets import WebSocket, WebSocketDisconnect

from handgrad import __version__
from handgrad.playground.catalogue import catalogue
from handgrad.playground.document import Document
from handgrad.playground.frames import to_json
from handgrad.playground.lane import Lane, Seat
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
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_GONE, _REFUSED, _BUSY = 1001, 1008, 1013  # codes of a closed WebSocket


def new_token() -> str:
    """A secret for the address."""
    return secrets.token_urlsafe(16)


def make_app(limits: Limits, hosts: tuple[str, ...] = _LOOPBACK, token: str | None = None) -> Starlette:
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
        if not _same_origin(socket) or (token is not None and not hmac.compare_digest(given, token)):
            await socket.close(_REFUSED)
            return
        await _converse(socket, socket.app.state.lane, found["hello"], limits)

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
    session = Session(limits)
    session.handle({"do": "run"})
    session.train(0)
    session.frame()


async def _converse(socket: WebSocket, lane: Lane, hello: str, limits: Limits) -> None:
    """One tab, until it goes or has been idle for too long."""
    await socket.accept()
    loop, outbox = asyncio.get_running_loop(), asyncio.Queue[str | bytes]()

    def send(what: str | bytes) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(outbox.put_nowait, what)

    try:
        seat = await asyncio.to_thread(lane.enter, send)
    except ValueError as full:
        await socket.send_text(to_json({"kind": "error", "message": str(full), "doing": "open", "document": None}))
        await socket.close(_BUSY)
        return
    outbox.put_nowait(hello)
    speaking = asyncio.create_task(_speak(socket, outbox))
    try:
        await _listen(socket, lane, seat, limits, outbox)
    except WebSocketDisconnect:
        pass
    finally:
        speaking.cancel()
        lane.leave(seat)


async def _speak(socket: WebSocket, outbox: "asyncio.Queue[str | bytes]") -> None:
    while True:
        what = await outbox.get()
        await (socket.send_text(what) if isinstance(what, str) else socket.send_bytes(what))


async def _listen(
    socket: WebSocket, lane: Lane, seat: Seat, limits: Limits, outbox: "asyncio.Queue[str | bytes]"
) -> None:
    while True:
        try:
            message = await asyncio.wait_for(socket.receive(), limits.idle_seconds)
        except TimeoutError:
            if time.monotonic() - seat.heard < limits.idle_seconds:
                continue
            await socket.close(_GONE, "nothing was asked for too long")
            return
        if message["type"] == "websocket.disconnect":
            return
        try:
            lane.ask(seat, _read(message, limits))
        except (ValueError, RecursionError) as wrong:
            outbox.put_nowait(to_json({"kind": "error", "message": str(wrong), "doing": None, "document": None}))


def _read(message: Message, limits: Limits) -> Any:
    text = message.get("text")
    if text is None:
        raise ValueError("messages are text; this one is binary")
    limits.require("message_bytes", len(text), f"this message has {len(text):,} characters")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as wrong:
        raise ValueError(f"this message is no JSON ({wrong})") from wrong


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _same_origin(socket: WebSocket) -> bool:
    """Whether a page of this very server asks; programs that are no browsers send no origin."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


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
                await send({"type": "websocket.close", "code": _REFUSED})
                return
            await refuse(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, with_headers)
