"""The lab's HTTP server: order of answers, held answers, bodies that are too long."""

from __future__ import annotations

import asyncio
import time

import pytest
from copydesk.venues.lab.holds import HoldQueue
from copydesk.venues.lab.server import BODY_LEN_MAX, TURN_LEN, Answer, HttpServer, Request


def echo(request: Request) -> Answer:
    hold_ms = float(request.query or 0)
    return Answer(
        200, request.path.encode(), request.headers.get(b"x-name", b"").join((b"X-Echo: ", b"\r\n")), hold_ms=hold_ms
    )


async def _talk(sent: bytes, answers: int) -> list[bytes]:
    """Send to a fresh server and return the bodies of that many answers."""
    server, bodies = HttpServer(echo), []
    await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(sent)
        for _ in range(answers):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            bodies.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(length))
    finally:
        writer.close()
        await writer.wait_closed()
        await server.stop()
    return bodies


def test_pipelined_requests_are_answered_in_their_order() -> None:
    count = 3 * TURN_LEN + 1
    sent = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % i for i in range(count))
    assert asyncio.run(_talk(sent, count)) == [b"HTTP/1.1 200 OK /%d" % i for i in range(count)]


def test_equally_held_answers_keep_their_order() -> None:
    sent = b"".join(b"GET /%d?5 HTTP/1.1\r\n\r\n" % i for i in range(40))
    assert asyncio.run(_talk(sent, 40)) == [b"HTTP/1.1 200 OK /%d" % i for i in range(40)]


def test_a_body_that_is_too_long_is_refused() -> None:
    body = b"x" * (BODY_LEN_MAX + 1)
    sent = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with pytest.raises(asyncio.IncompleteReadError):
        asyncio.run(_talk(sent, 2))


def test_a_hold_queue_calls_back_in_order_of_time_and_never_early() -> None:
    async def run() -> list[tuple[int, bool]]:
        queue, done = HoldQueue(), asyncio.Event()
        now_s, called = time.monotonic(), []
        for name, after_s in ((3, 0.02), (1, 0.005), (2, 0.005)):
            queue.put(
                now_s + after_s, lambda n, due_s: called.append((n, time.monotonic() >= due_s)), name, now_s + after_s
            )
        queue.put(now_s + 0.025, done.set)
        await done.wait()
        return called

    assert asyncio.run(run()) == [(1, True), (2, True), (3, True)]


def test_what_comes_due_earlier_overtakes_the_line_and_equal_times_keep_their_order() -> None:
    async def run() -> list[str]:
        queue, done, called = HoldQueue(), asyncio.Event(), list[str]()
        now_s = time.monotonic()
        for name, after_s in (("c", 0.02), ("d", 0.02), ("a", 0.005), ("e", 0.02), ("b", 0.01), ("f", 0.03)):
            queue.put(now_s + after_s, called.append, name)
        queue.put(now_s + 0.03, done.set)
        await done.wait()
        return called

    assert asyncio.run(run()) == ["a", "b", "c", "d", "e", "f"]


def test_what_must_be_settled_is_so_once_before_all_that_comes_due_together() -> None:
    async def run() -> list[str]:
        called, done = list[str](), asyncio.Event()
        queue, now_s = HoldQueue(lambda: called.append("settled")), time.monotonic()
        for name in ("a", "b"):
            queue.put(now_s + 0.005, called.append, name)
        queue.put(now_s + 0.005, done.set)
        await done.wait()
        return called

    assert asyncio.run(run()) == ["settled", "a", "b"]


def test_a_closed_hold_queue_forgets_what_waits() -> None:
    async def run() -> list[str]:
        queue, called = HoldQueue(), list[str]()
        queue.put(time.monotonic(), called.append, "late")
        queue.close()
        await asyncio.sleep(0)
        return called

    assert asyncio.run(run()) == []
