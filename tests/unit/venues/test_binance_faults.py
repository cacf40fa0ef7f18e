"""What one odd answer, one bug or one wrong clock does to Binance's other calls: nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, OrderRequest, OrderType, OrderView, Side
from copydesk.venues import PoolLimits, VenueUrls
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.spot_orders import order_view
from raw_exchange import SILENCE, RawExchange, Reply, Script, ok, raw_exchange
from venue_symbols import known_symbols

KEY = Credentials(1, "key", "secret")
FILL = {"price": "4", "qty": "1", "commission": "0", "commissionAsset": "USDT", "tradeId": 56}
FILLED: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "cd-0", "transactTime": 1507725176595, "origQty": "1",
    "executedQty": "1", "cummulativeQuoteQty": "4", "status": "FILLED", "side": "BUY", "fills": [FILL],
}  # fmt: skip
TIMELESS = {key: value for key, value in FILLED.items() if key != "transactTime"}
CLOCK_REFUSED = b'{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'


def refused(body: bytes) -> Reply:
    return ok(body, status="400 Bad Request")


def exchange_time(ahead_s: float = 0.0) -> Reply:
    return ok(orjson.dumps({"serverTime": int((time.time() + ahead_s) * 1000)}))


def orders(count: int) -> list[tuple[Credentials, OrderRequest]]:
    requests = [OrderRequest(f"cd-{n}", "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal(1)) for n in range(count)]
    return [(KEY, request) for request in requests]


def answer_to(request: str, **changed: Any) -> bytes:
    form = parse_qs(request.rsplit("\r\n", 1)[1])
    return orjson.dumps(FILLED | {"clientOrderId": form["newClientOrderId"][0]} | changed)


@asynccontextmanager
async def venue_on(script: Script, connections_max: int = 1) -> AsyncIterator[tuple[Binance, RawExchange]]:
    async with raw_exchange(script) as exchange:
        limits = PoolLimits(connections_max=connections_max)
        urls = VenueUrls.lab("binance", exchange.url, "ws://127.0.0.1:9")
        venue = Binance(urls, limits=limits, symbols=known_symbols())
        try:
            yield venue, exchange
        finally:
            await venue.aclose()


def clock_asked(exchange: RawExchange) -> int:
    return sum(request.startswith("GET /api/v3/time") for request in exchange.requests)


def test_a_sender_that_cannot_say_whether_it_may_send_hangs_nobody() -> None:
    asked = 0

    def may_send() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise RuntimeError("our bug")
        return True

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with venue_on(lambda request: ok(answer_to(request))) as (venue, _):
            outcomes = await venue.submit_many(orders(3), may_send=may_send)
            assert [type(outcome.result) for outcome in outcomes] == [OrderView, Unavailable, OrderView]
            assert outcomes[1].sent_at is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        TIMELESS,
        FILLED | {"transactTime": 10**20},
        FILLED | {"transactTime": -(10**18)},
        FILLED | {"executedQty": "NaN"},
    ],
    ids=["no time", "far future", "far past", "no number"],
)
def test_an_order_that_cannot_be_read_raises_what_the_caller_expects(answer: dict[str, Any]) -> None:
    with pytest.raises((ValueError, ArithmeticError, OSError)):
        order_view(answer, "BTC/USDT")


@pytest.mark.parametrize(
    "changed",
    [
        {"transactTime": None},
        {"transactTime": 10**20},
        {"transactTime": -(10**18)},
        {"executedQty": "NaN"},
        {"fills": [FILL | {"qty": "NaN"}]},
        {"fills": [None]},
        {"status": {}},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_an_unreadable_answer_makes_its_own_order_unknown_and_no_other(changed: dict[str, Any]) -> None:
    def script(request: str) -> Reply:
        return ok(answer_to(request, **(changed if "cd-1" in request else {})))

    async def run() -> None:
        async with venue_on(script) as (venue, _):
            outcomes = await venue.submit_many(orders(3))
            assert [type(outcome.result) for outcome in outcomes] == [OrderView, OutcomeUnknown, OrderView]

    asyncio.run(run())


def test_a_header_with_an_absurd_number_hangs_nobody() -> None:
    absurd = ok(b'{"code":-2010,"msg":"?"}', f"x-mbx-used-weight-1m: {'9' * 5000}", status="400 Bad Request")

    async def run() -> None:
        async with venue_on(lambda _: absurd) as (venue, _):
            (outcome,) = await venue.submit_many(orders(1))
            assert isinstance(outcome.result, VenueRefused)

    asyncio.run(run())


def test_only_the_exchange_s_word_for_an_unknown_order_means_that_none_is_open() -> None:
    messages = ["Unknown order sent.", "Order was not canceled due to cancel restrictions."]
    answers = iter(refused(orjson.dumps({"code": -2011, "msg": message})) for message in messages)

    async def run() -> None:
        async with venue_on(lambda _: next(answers)) as (venue, _):
            assert await venue.cancel(KEY, "BTC/USDT", "cd-0") is None
            with pytest.raises(VenueRefused, match="cancel restrictions"):
                await venue.cancel(KEY, "BTC/USDT", "cd-0")

    asyncio.run(run())


def stamped_ahead(request: str) -> bool:
    """Tell whether a request bears the time of an exchange whose clock is an hour ahead."""
    stamp = parse_qs(request.replace("?", "&").replace(" ", "&").replace("\r\n", "&"))["timestamp"][0]
    return int(stamp) / 1000 > time.time() + 1800


def ahead_script(accepts: Callable[[str], bytes], *, honest_times: int = 0) -> Script:
    """An exchange whose clock is an hour ahead, but tells our time for that many requests."""
    told = 0

    def script(request: str) -> Reply:
        nonlocal told
        if request.startswith("GET /api/v3/time"):
            told += 1
            return exchange_time(ahead_s=0 if told <= honest_times else 3600)
        return ok(accepts(request)) if stamped_ahead(request) else refused(CLOCK_REFUSED)

    return script


def test_a_refused_time_sets_the_clock_right_for_the_orders_that_still_wait() -> None:
    async def run() -> None:
        async with venue_on(ahead_script(answer_to)) as (venue, exchange):
            results = [outcome.result for outcome in await venue.submit_many(orders(20))]
            assert isinstance(results[0], Unavailable)
            assert isinstance(results[-1], OrderView)
            assert clock_asked(exchange) == 1

    asyncio.run(run())


def test_many_refused_times_at_once_ask_for_the_clock_once() -> None:
    async def run() -> None:
        async with venue_on(ahead_script(answer_to, honest_times=1), connections_max=20) as (venue, exchange):
            assert await venue.spot.client.warm(20) == 20
            await venue.submit_many(orders(20))
            await exchange.until(lambda: venue.spot.client.timestamp_ms() / 1000 > time.time() + 1800)
            assert isinstance(await venue.submit(*orders(1)[0]), OrderView)
            assert clock_asked(exchange) == 2  # One for warming, one for twenty refusals.

    asyncio.run(run())


def test_a_read_whose_time_was_refused_sets_the_clock_right_as_well() -> None:
    async def run() -> None:
        async with venue_on(ahead_script(lambda _: b'{"balances":[]}')) as (venue, exchange):
            with pytest.raises(Unavailable, match="-1021"):
                await venue.balances(KEY)
            await exchange.until(lambda: venue.spot.client.timestamp_ms() / 1000 > time.time() + 1800)
            assert await venue.balances(KEY) == {}

    asyncio.run(run())


def test_a_clock_that_cannot_be_asked_leaves_nothing_behind() -> None:
    def script(request: str) -> Reply:
        return SILENCE if request.startswith("GET /api/v3/time") else refused(CLOCK_REFUSED)

    async def run() -> None:
        async with venue_on(script, connections_max=2) as (venue, exchange):
            with pytest.raises(Unavailable, match="-1021"):
                await venue.submit(*orders(1)[0])
            await exchange.until(lambda: clock_asked(exchange) == 1)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_warming_a_warm_venue_costs_one_small_request_and_no_connection() -> None:
    async def run() -> None:
        async with venue_on(lambda _: exchange_time(), connections_max=5) as (venue, exchange):
            assert await venue.spot.client.warm(5) == 5
            for minute in range(2, 5):
                assert await venue.spot.client.warm(5) == 5
                assert (exchange.accepted, len(exchange.requests)) == (5, minute)

    asyncio.run(run())


def test_warming_again_dials_what_the_exchange_closed_and_sets_the_clock_anew() -> None:
    ahead_s = 0.0

    async def run() -> None:
        nonlocal ahead_s
        async with venue_on(lambda _: exchange_time(ahead_s), connections_max=5) as (venue, exchange):
            await venue.spot.client.warm(5)
            exchange.hang_up_all()
            await exchange.until(lambda: not exchange.open)
            ahead_s = 3600.0
            assert await venue.spot.client.warm(5) == 5
            await exchange.until(lambda: exchange.accepted == 10)
            assert venue.spot.client.timestamp_ms() / 1000 > time.time() + 1800

    asyncio.run(run())
