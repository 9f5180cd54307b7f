"""The conversation with one tab over its WebSocket: messages go to the lane, answers and frames come back.

Neither side can fill the memory: what is asked faster than it can be answered is refused, and a tab that does not read
what it is sent is closed.
"""

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from typing import Any

import anyio
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from handgrad.playground.frames import to_json
from handgrad.playground.lane import Lane, Seat
from handgrad.playground.limits import Limits

GONE, REFUSED, BUSY = 1001, 1008, 1013  # codes of a closed WebSocket
_FAREWELL = 1.0  # seconds for telling a tab that it is closed: it may not read


class Ended(Exception):
    """The conversation is over for a reason of ours: the code and the reason that the tab is told."""


class Outbox:
    """What a tab is still to be sent, in order; `put` may be called from any thread and never waits."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._waiting: deque[str | bytes] = deque()
        self._loop, self._news, self._full = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def put(self, what: str | bytes) -> None:
        """Add something to be sent."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, what)

    async def send_to(self, socket: WebSocket) -> None:
        """Send what there is, and what comes."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                what = self._waiting.popleft()
                await (socket.send_text(what) if isinstance(what, str) else socket.send_bytes(what))
                self.size -= len(what)

    async def require_reader(self) -> None:
        """Wait until more is to be sent than a tab that reads would ever let come together."""
        await self._full.wait()
        raise Ended(REFUSED, "this tab does not read what it is sent")

    def _put(self, what: str | bytes) -> None:
        self._waiting.append(what)
        self.size += len(what)
        self._news.set()
        if self.size > self.most:
            self._full.set()


async def converse(socket: WebSocket, lane: Lane, hello: str, limits: Limits) -> None:
    """One tab, until it goes, has been idle for too long, or does not read."""
    await socket.accept()
    outbox = Outbox(limits.unread_bytes)
    try:
        seat = await asyncio.to_thread(lane.enter, outbox.put)
    except ValueError as full:
        await _part(socket, BUSY, words=_error(full, "open"))
        return
    outbox.put(hello)
    try:
        async with anyio.create_task_group() as all_of_it:
            all_of_it.start_soon(outbox.send_to, socket)
            all_of_it.start_soon(outbox.require_reader)
            all_of_it.start_soon(_listen, socket, lane, seat, limits, outbox)
    except* WebSocketDisconnect:
        pass
    except* Ended as ended:
        await _part(socket, *ended.exceptions[0].args)
    finally:
        lane.leave(seat)


async def _part(socket: WebSocket, code: int, reason: str = "", words: str | None = None) -> None:
    """Close it, with last words; the tab may not read, or be gone already."""
    with anyio.move_on_after(_FAREWELL), suppress(WebSocketDisconnect, RuntimeError):
        if words is not None:
            await socket.send_text(words)
        await socket.close(code, reason)


async def _listen(socket: WebSocket, lane: Lane, seat: Seat, limits: Limits, outbox: Outbox) -> None:
    while True:
        message = await _next(socket, limits.idle_seconds)
        _require_awake(seat, limits)  # before it is asked: a frame that is drawn is no question
        if message is not None:
            try:
                lane.ask(seat, *_read(message, limits))
            except (ValueError, RecursionError) as wrong:
                outbox.put(_error(wrong, None))


async def _next(socket: WebSocket, seconds: float) -> Message | None:
    """The next message, if there is one within that time."""
    message = None
    with anyio.move_on_after(seconds):
        message = await socket.receive()
    if message is not None and message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", GONE))
    return message


def _require_awake(seat: Seat, limits: Limits) -> None:
    if time.monotonic() - seat.heard > limits.idle_seconds:
        raise Ended(GONE, "nothing was asked for too long")


def _read(message: Message, limits: Limits) -> tuple[Any, int]:
    """The message, and how many characters it has."""
    text = message.get("text")
    if text is None:
        raise ValueError("messages are text; this one is binary")
    limits.require("message_bytes", len(text), f"this message has {len(text):,} characters")
    try:
        return json.loads(text, parse_constant=_no_constant), len(text)
    except json.JSONDecodeError as wrong:
        raise ValueError(f"this message is no JSON ({wrong})") from wrong


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _error(wrong: Exception, doing: str | None) -> str:
    return to_json({"kind": "error", "message": str(wrong), "doing": doing, "document": None})
