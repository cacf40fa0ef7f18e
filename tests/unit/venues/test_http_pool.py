"""What the order path's HTTP client promises: who waits, and what each failure proves."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from copydesk.kernel import NotPermitted, OutcomeUnknown, Unavailable
from copydesk.venues.client.http_pool import HttpPool, PoolLimits
from copydesk.venues.client.http_wire import Call, Postponed
from copydesk.venues.client.wire import header_of
from copydesk.venues.traits import Endpoint
from raw_exchange import HANG_UP, SILENCE, RawExchange, Reply, ok, raw_exchange

READ = Endpoint("GET", "/read")
ORDER = Endpoint("POST", "/order")
FAST = PoolLimits(connections_max=2, wait_max_s=0.2, answer_max_s=0.1, connect_max_s=0.5)


class Asked(Call):
    __slots__ = ("body_text", "end", "refusal")

    def __init__(self, endpoint: Endpoint, body_text: str = "", *, urgent: bool = False) -> None:
        super().__init__(endpoint, urgent=urgent)
        self.body_text = body_text
        self.refusal: Exception | None = None
        self.end: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()

    def render(self, now: float) -> tuple[str, str, bytes]:
        if self.refusal is not None:
            raise self.refusal
        return ("", "", self.body_text.encode()) if self.endpoint.mutates else (self.body_text, "", b"")

    def finished(self) -> None:
        self.end.set_result(self)


@asynccontextmanager
async def pool_on(exchange: RawExchange, limits: PoolLimits = FAST) -> AsyncIterator[HttpPool]:
    pool = HttpPool(exchange.url, [READ, ORDER], limits=limits)
    try:
        yield pool
    finally:
        await pool.aclose()


async def ask(pool: HttpPool, call: Asked) -> Asked:
    pool.start(call)
    return await call.end


def test_a_connection_is_used_again_and_the_answer_is_whole() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b'{"a":1}', "X-Seen: yes")) as exchange, pool_on(exchange) as pool:
            for _ in range(3):
                call = await ask(pool, Asked(READ, "q=1"))
                assert (call.status, call.body, header_of(call.head, b"x-seen")) == (200, b'{"a":1}', b"yes")
                assert call.sent_at is not None and call.acked_at is not None and call.sent_at <= call.acked_at
            assert exchange.accepted == 1
            assert exchange.requests[0].startswith("GET /read?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("POST", "", "0"), ("PUT", "", "0"), ("DELETE", "", None), ("POST", "a=é", "4"), ("PUT", "ab", "2"),
     ("DELETE", "abc", "3")],
)  # fmt: skip
def test_a_body_tells_its_length_in_bytes(method: str, body: str, length: str | None) -> None:
    async def run() -> None:
        endpoint = Endpoint(method, "/thing")
        async with raw_exchange(lambda _: ok(b"1")) as exchange:
            pool = HttpPool(exchange.url, [endpoint], limits=FAST)
            await ask(pool, Asked(endpoint, body))
            await pool.aclose()
        head, _, sent = exchange.requests[0].partition("\r\n\r\n")
        told = [line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Content-Length")]
        assert (told, sent) == ([length] if length else [], body)

    asyncio.run(run())


def test_a_chunked_answer_in_small_pieces_is_whole() -> None:
    async def run() -> None:
        chunked = Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        async with raw_exchange(lambda _: chunked) as exchange, pool_on(exchange) as pool:
            assert (await ask(pool, Asked(READ))).body == b"abcde"
            assert (await ask(pool, Asked(READ))).body == b"abcde"

    asyncio.run(run())


def test_an_unlisted_endpoint_is_refused_before_anything_is_sent() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"")) as exchange, pool_on(exchange) as pool:
            with pytest.raises(NotPermitted, match="/sapi/v1/capital/withdraw/apply"):
                pool.start(Asked(Endpoint("POST", "/sapi/v1/capital/withdraw/apply")))
            with pytest.raises(NotPermitted):
                pool.start(Asked(Endpoint("DELETE", "/order")))
            assert exchange.requests == []

    asyncio.run(run())


def test_an_order_to_a_closed_port_is_provably_not_sent() -> None:
    async def run() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pool = HttpPool(f"http://127.0.0.1:{port}", [ORDER], limits=FAST)
        call = await ask(pool, Asked(ORDER, "x"))
        assert isinstance(call.failure, Unavailable)
        assert call.sent_at is None
        await pool.aclose()

    asyncio.run(run())


def test_an_order_that_found_no_free_connection_is_provably_not_sent() -> None:
    async def run() -> None:
        limits = PoolLimits(connections_max=1, wait_max_s=0.05, answer_max_s=5.0)
        async with raw_exchange(lambda _: SILENCE) as exchange, pool_on(exchange, limits) as pool:
            stuck = Asked(ORDER, "stuck")
            pool.start(stuck)
            late = await ask(pool, Asked(ORDER, "late"))
            assert isinstance(late.failure, Unavailable)
            assert all("late" not in request for request in exchange.requests)
            await pool.aclose()
            assert isinstance((await stuck.end).failure, OutcomeUnknown)

    asyncio.run(run())


@pytest.mark.parametrize(
    "reply",
    [
        SILENCE,
        HANG_UP,
        Reply(b"this is not HTTP at all\r\n\r\n"),
        Reply(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"cut":', hang_up=True),
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
    ],
    ids=["silence", "hang-up", "garbage", "truncated", "headers-only"],
)
def test_an_order_without_a_whole_answer_is_unknown_and_never_resent(reply: Reply) -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: reply) as exchange, pool_on(exchange) as pool:
            call = await ask(pool, Asked(ORDER, "x"))
            assert isinstance(call.failure, OutcomeUnknown)
            assert len(exchange.requests) == 1
            await exchange.until(lambda: not exchange.open)

    asyncio.run(run())


def test_a_read_without_an_answer_is_unavailable() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: HANG_UP) as exchange, pool_on(exchange) as pool:
            assert isinstance((await ask(pool, Asked(READ))).failure, Unavailable)

    asyncio.run(run())


def test_an_idle_connection_that_the_exchange_closed_is_not_used() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange) as pool:
            await ask(pool, Asked(ORDER, "first"))
            exchange.hang_up_all()
            for connection in list(exchange.open):
                descriptor = os.dup(connection.transport.get_extra_info("socket").fileno())
                with socket.socket(fileno=descriptor) as sock:
                    sock.shutdown(socket.SHUT_WR)  # At once, before our loop can hear of it.
            call = await ask(pool, Asked(ORDER, "second"))
            assert call.failure is None
            assert exchange.accepted == 2

    asyncio.run(run())


def test_an_order_on_a_reused_connection_that_dies_is_unknown_while_a_read_is_repeated_once() -> None:
    async def run() -> None:
        replies = iter([ok(b"1"), HANG_UP, ok(b"2"), HANG_UP, ok(b"3")])
        async with raw_exchange(lambda _: next(replies)) as exchange, pool_on(exchange) as pool:
            await ask(pool, Asked(READ))
            assert isinstance((await ask(pool, Asked(ORDER, "x"))).failure, OutcomeUnknown)
            await ask(pool, Asked(READ))
            assert (await ask(pool, Asked(READ))).body == b"3"
            assert sum(r.startswith("POST") for r in exchange.requests) == 1

    asyncio.run(run())


def test_a_surplus_answer_never_meets_the_next_request() -> None:
    async def run() -> None:
        first = ok(b"1").data + ok(b"stray").data
        replies = iter([Reply(first), ok(b"2")])
        async with raw_exchange(lambda _: next(replies)) as exchange, pool_on(exchange) as pool:
            assert (await ask(pool, Asked(ORDER, "a"))).body == b"1"
            assert (await ask(pool, Asked(ORDER, "b"))).body == b"2"
            assert exchange.accepted == 2

    asyncio.run(run())


def test_closes_overtake_waiting_opens_and_the_rest_keeps_its_order() -> None:
    async def run() -> None:
        limits = PoolLimits(connections_max=1)
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange, limits) as pool:
            await pool.warm(1)
            calls = [Asked(ORDER, text, urgent=text == "close") for text in ("one", "two", "three", "close")]
            for call in calls:
                pool.start(call)
            await asyncio.gather(*(call.end for call in calls))
            sent = [request.rsplit("\r\n", 1)[1] for request in exchange.requests]
            assert sent == ["one", "close", "two", "three"]

    asyncio.run(run())


def test_a_request_that_may_not_be_sent_after_all_gives_its_turn_to_the_next() -> None:
    async def run() -> None:
        limits = PoolLimits(connections_max=1)
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange, limits) as pool:
            calls = [Asked(ORDER, text) for text in ("one", "two", "three")]
            calls[1].refusal = Unavailable("rate budget spent", retry_after_s=3)
            for call in calls:
                pool.start(call)
            await asyncio.gather(*(call.end for call in calls))
            assert calls[1].failure is calls[1].refusal and calls[1].sent_at is None
            assert calls[2].body == b"1"
            assert len(exchange.requests) == 2

    asyncio.run(run())


def test_a_request_that_cannot_be_made_ends_alone_and_is_provably_not_sent() -> None:
    async def run() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        limits = PoolLimits(connections_max=1)
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange, limits) as pool:
            calls = [Asked(ORDER, text) for text in ("one", "two", "three", "four")]
            bugs = [calls[0], calls[2]]  # The first is met when dialing, the other when an answer frees the connection.
            for call in bugs:
                call.refusal = RuntimeError("our bug")
            for call in calls:
                pool.start(call)
            await asyncio.gather(*(call.end for call in calls))
            assert [call.status for call in calls] == [0, 200, 0, 200]
            assert all(isinstance(call.failure, Unavailable) and call.sent_at is None for call in bugs)
            assert [context["exception"] for context in told] == [call.refusal for call in bugs]
            assert (len(exchange.requests), exchange.accepted) == (2, 1)

    asyncio.run(run())


def test_a_mistake_of_one_caller_keeps_no_answer_from_the_others() -> None:
    class Mistaken(Asked):
        def finished(self) -> None:
            super().finished()
            raise RuntimeError("our bug")

    async def run() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange) as pool:
            await pool.warm(2)
            calls = [Mistaken(ORDER, "one"), Asked(ORDER, "two"), Asked(ORDER, "three")]
            for call in calls:
                pool.start(call)
            await asyncio.gather(*(call.end for call in calls))
            assert [call.body for call in calls] == [b"1", b"1", b"1"]
            assert len(told) == 1

    asyncio.run(run())


def test_a_postponed_request_gives_its_connection_to_the_next_and_may_be_started_again() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange) as pool:
            await pool.warm(1)
            later, next_ = Asked(ORDER, "later"), Asked(ORDER, "next")
            later.refusal = Postponed()
            pool.start(later)
            assert (await ask(pool, next_)).body == b"1"
            assert not later.end.done() and exchange.accepted == 1
            later.refusal = None
            assert (await ask(pool, later)).body == b"1"
            assert len(exchange.requests) == 2

    asyncio.run(run())


def test_warming_replaces_a_connection_whose_end_the_event_loop_has_not_heard_of() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange) as pool:
            assert await pool.warm(2) == 2
            await exchange.until(lambda: exchange.accepted == 2)
            for connection in exchange.open:
                descriptor = os.dup(connection.transport.get_extra_info("socket").fileno())
                with socket.socket(fileno=descriptor) as sock:
                    sock.shutdown(socket.SHUT_WR)
            assert await pool.warm(2) == 2
            await exchange.until(lambda: exchange.accepted == 4)
            assert await pool.warm(2) == 2
            assert exchange.accepted == 4

    asyncio.run(run())


def test_an_order_waits_less_for_its_answer_than_a_read() -> None:
    """An order without an answer is unknown, and reconcile can only ask once we have stopped waiting."""
    limits = PoolLimits()
    assert limits.answer_max_s == 3.0
    assert limits.read_max_s > limits.answer_max_s


def test_warming_opens_connections_again_that_the_exchange_closed() -> None:
    async def run() -> None:
        limits = PoolLimits(connections_max=60)
        async with raw_exchange(lambda _: ok(b"1")) as exchange, pool_on(exchange, limits) as pool:
            assert await pool.warm(60) == 60
            await exchange.until(lambda: exchange.accepted == 60)
            exchange.hang_up_all()
            await exchange.until(lambda: pool.open_connections == 0)
            assert await pool.warm(10) == 10

    asyncio.run(run())


def test_a_connection_whose_answer_says_close_is_not_used_again() -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"1", "Connection: close")) as exchange, pool_on(exchange) as pool:
            await ask(pool, Asked(ORDER, "a"))
            await ask(pool, Asked(ORDER, "b"))
            assert exchange.accepted == 2

    asyncio.run(run())
