"""A conversation ends when its tab does not read, and keeps the order of what it sends."""

import asyncio
import json

import pytest

pytest.importorskip("starlette")

from starlette.websockets import WebSocketDisconnect

from handgrad.playground.conversation import REFUSED, converse
from handgrad.playground.lane import Lane
from handgrad.playground.limits import Limits


class Socket:
    """A tab's end: it asks what it is to ask, and reads so many messages."""

    def __init__(self, asks, reads):
        self.asks, self.reads, self.read, self.closed = list(asks), reads, [], None
        self.enough = asyncio.Event()

    async def accept(self):
        pass

    async def receive(self):
        if self.asks:
            return {"type": "websocket.receive", "text": json.dumps(self.asks.pop(0))}
        await self.enough.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send_text(self, text):
        if len(self.read) == self.reads:
            await asyncio.Event().wait()  # for ever: its buffers are full
        self.read.append(json.loads(text))
        if self.read[-1]["kind"] == "columns":
            self.enough.set()

    async def send_bytes(self, content):
        if len(self.read) == self.reads:
            await asyncio.Event().wait()

    async def close(self, code, reason=""):
        self.closed = code


def spoken(asks, reads, limits):
    """A conversation with such a tab, to its end."""

    async def speak():
        socket, lane = Socket(asks, reads), Lane(limits)
        try:
            await asyncio.wait_for(converse(socket, lane, json.dumps({"kind": "hello"}), limits), 30)
            return socket, len(lane)
        finally:
            await asyncio.to_thread(lane.close)

    return asyncio.run(speak())


TABLES = [{"do": "columns", "csv": f"{'abcdefgh'[number]},y\n1,2\n"} for number in range(8)]


def test_answers_come_in_the_order_of_the_questions():
    socket, left = spoken([{"do": "open", "document": {}}, TABLES[3]], None, Limits())
    assert [each["kind"] for each in socket.read] == ["hello", "state", "columns"]
    assert (socket.closed, left) == (None, 0)


def test_a_tab_that_does_not_read_is_closed():
    socket, left = spoken([{"do": "open", "document": {}}, *TABLES], 1, Limits(unread_bytes=2_000))
    assert (socket.closed, left) == (REFUSED, 0)
    assert len(socket.read) == 1


def test_a_tab_that_goes_while_it_is_turned_away_is_no_fault():
    class Gone(Socket):
        async def send_text(self, text):
            raise WebSocketDisconnect(1006)

    async def speak():
        lane = Lane(Limits(sessions=0))
        try:
            await asyncio.wait_for(converse(Gone([], None), lane, "{}", Limits()), 30)
        finally:
            await asyncio.to_thread(lane.close)

    asyncio.run(speak())


def test_a_tab_that_goes_while_it_is_spoken_to_is_no_fault():
    class Gone(Socket):
        async def send_text(self, text):
            raise WebSocketDisconnect(1006)

    async def speak():
        lane = Lane(Limits())
        try:
            await asyncio.wait_for(converse(Gone([], None), lane, "{}", Limits()), 30)
            return len(lane)
        finally:
            await asyncio.to_thread(lane.close)

    assert asyncio.run(speak()) == 0
