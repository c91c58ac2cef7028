"""Answers that are sent together: in order on each connection, and none is lost when the connection ends."""

from __future__ import annotations

import asyncio
import re

from eyeflow.server.protocol import Connections

REQUEST = b"GET /%b HTTP/1.1\r\nhost: localhost\r\n\r\n"
LAST = b"GET /%b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


class Socket(asyncio.Transport):
    """Notes what is written, each piece for itself."""

    def __init__(self, wrote):
        super().__init__()
        self.wrote, self.closed = wrote, False

    def write(self, data):
        assert not self.closed
        self.wrote.append(bytes(data))

    def pause_reading(self):
        """All that comes is given at once."""

    resume_reading = pause_reading

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True


class Echo:
    """Answers with the target: at once, or in pieces when it begins with `slow`."""

    def at_once(self, request, wire, spawn):
        if request.target.startswith(b"/slow"):
            return False
        return wire.whole(200, (), request.target)

    async def answer(self, request, wire):
        await wire.send({"type": "http.response.start", "status": 200})
        await wire.send({"type": "http.response.body", "body": request.target})


def opened(count=1):
    """So many connections of one process, each with its socket, and all that is written, in order."""
    connections, wrote, made = Connections(Echo(), asyncio.get_running_loop(), most=10), [], []
    for _ in range(count):
        connection, transport = connections.made(), Socket(wrote)
        connection.connection_made(transport)
        made.append((connection, transport))
    return made, wrote


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def paths(wrote):
    """The bodies of all answers, in the order of the bytes."""
    return re.findall(r"\n(/[a-z0-9]+)", b"".join(wrote).decode())


async def test_answers_of_one_turn_of_the_loop_are_sent_together():
    made, wrote = opened(3)
    for number, (connection, _) in enumerate(made):
        connection.data_received(REQUEST % str(number).encode())
    assert wrote == []
    await turns()
    assert paths(wrote) == ["/0", "/1", "/2"]


async def test_answers_of_one_connection_stay_in_order_whichever_way_they_are_written():
    ((connection, _),), wrote = opened()
    connection.data_received(REQUEST % b"a" + REQUEST % b"slow" + REQUEST % b"b" + LAST % b"c")
    await turns()
    assert paths(wrote) == ["/a", "/slow", "/b", "/c"]


async def test_an_answer_that_ends_its_connection_follows_those_before_it_and_waits_for_nothing():
    ((connection, transport),), wrote = opened()
    connection.data_received(REQUEST % b"a" + LAST % b"b")
    assert paths(wrote) == ["/a", "/b"] and transport.closed
    await turns()
    assert paths(wrote) == ["/a", "/b"]


async def test_what_is_held_is_sent_before_the_connection_is_closed_for_any_reason():
    for end in ("close", "shutdown", "eof_received"):
        ((connection, _),), wrote = opened()
        connection.data_received(REQUEST % b"a")
        getattr(connection, end)()
        assert paths(wrote) == ["/a"]
        await turns()
        assert paths(wrote) == ["/a"]


async def test_nothing_is_sent_to_a_caller_who_is_gone():
    ((connection, transport),), wrote = opened()
    connection.data_received(REQUEST % b"a")
    transport.closed = True
    connection.connection_lost(None)
    await turns()
    assert wrote == []
