"""Which kind of account a key belongs to: asked once, remembered, and asked again when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, OrderRequest, OrderType, OrderView, Side
from copydesk.venues import VenueUrls, Wallet
from copydesk.venues.bitget.adapter import Bitget
from raw_exchange import RawExchange, Reply, ok, raw_exchange
from venue_symbols import BTC, known_symbols

T = TypeVar("T")
KEY = Credentials(1, "key-1", "s" * 32, "phrase")
OTHER = Credentials(2, "key-2", "s" * 32, "phrase")
SETTINGS = "GET /api/v3/account/settings"
UNIFIED = ok(b'{"code":"00000","msg":"success","data":{"holdMode":"one_way_mode"}}')
CLASSIC = ok(b'{"code":"40084","msg":"You are in Classic Account mode","data":null}', status="400 Bad Request")
WRONG_ON_V2 = ok(b'{"code":"40085","msg":"You are in Unified Account mode","data":null}', status="400 Bad Request")
COINS = ok(b'{"code":"00000","data":[{"coin":"USDT","available":"7","frozen":"1","locked":"0"}]}')
ASSETS = ok(b'{"code":"00000","data":{"assets":[{"coin":"USDT","balance":"9","available":"8"}]}}')
SELL = OrderRequest("cd1", BTC.symbol, Side.SELL, OrderType.MARKET, Decimal("0.1"), reduces=True)


def told(answer: Callable[[str, int], Reply], ask: Callable[[Bitget], Awaitable[T]]) -> tuple[T | Exception, list[str]]:
    """Ask a venue of a scripted exchange; return what came of it, and the first line of every request."""
    lines: list[str] = []

    def script(request: str) -> Reply:
        line = request.partition(" HTTP/")[0].partition("?")[0]
        lines.append(line)
        return answer(request, lines.count(line))

    async def run() -> T | Exception:
        async with raw_exchange(script) as exchange:
            return await _asked(exchange, ask)

    return asyncio.run(run()), lines


async def _asked(exchange: RawExchange, ask: Callable[[Bitget], Awaitable[T]]) -> T | Exception:
    rest = dict.fromkeys(("classic", "unified"), exchange.url)
    venue = Bitget(VenueUrls("bitget", rest, {}), symbols=known_symbols())
    try:
        return await ask(venue)
    except (VenueRefused, Unavailable) as failure:
        return failure
    finally:
        await venue.aclose()


def of_kind(kind: Reply) -> Callable[[str, int], Reply]:
    def answer(request: str, _: int) -> Reply:
        if SETTINGS in request:
            return kind
        return ASSETS if "/api/v3/" in request else COINS

    return answer


@pytest.mark.parametrize(
    ("kind", "path", "free"),
    [(CLASSIC, "GET /api/v2/spot/account/assets", 7), (UNIFIED, "GET /api/v3/account/assets", 8)],
    ids=["classic", "unified"],
)
def test_a_key_s_kind_is_asked_once_and_decides_how_it_is_spoken_to(kind: Reply, path: str, free: int) -> None:
    async def ask(venue: Bitget) -> Decimal:
        await venue.balances(KEY)
        return (await venue.balances(KEY))["USDT"].free

    result, lines = told(of_kind(kind), ask)
    assert result == free
    assert lines == [SETTINGS, path, path]


def test_a_unified_account_has_its_purse_in_spot_and_none_in_futures() -> None:
    result, lines = told(of_kind(UNIFIED), lambda venue: venue.balances(KEY, Wallet.FUTURES))
    assert result == {}
    assert lines == [SETTINGS]


def test_every_key_has_a_kind_of_its_own() -> None:
    def answer(request: str, _: int) -> Reply:
        return of_kind(CLASSIC if KEY.api_key in request else UNIFIED)(request, 1)

    async def ask(venue: Bitget) -> list[Decimal]:
        return [(await venue.balances(key))["USDT"].free for key in (KEY, OTHER, KEY)]

    assert told(answer, ask)[0] == [7, 8, 7]


def test_an_account_that_has_changed_is_asked_again_and_nothing_happened() -> None:
    def answer(request: str, count: int) -> Reply:
        if SETTINGS in request:
            return CLASSIC if count == 1 else UNIFIED
        return ASSETS if "/api/v3/" in request else WRONG_ON_V2

    async def ask(venue: Bitget) -> Decimal:
        with pytest.raises(Unavailable, match="changed between classic and unified"):
            await venue.balances(KEY)
        return (await venue.balances(KEY))["USDT"].free

    assert told(answer, ask)[0] == 8


def test_orders_of_unknown_keys_wait_for_their_kind_and_go_their_own_ways() -> None:
    def answer(request: str, _: int) -> Reply:
        if SETTINGS in request:
            return CLASSIC if KEY.api_key in request else UNIFIED
        return ok(b'{"code":"00000","data":{"orderId":"7","clientOid":"cd1"}}')

    async def ask(venue: Bitget) -> list[object]:
        outcomes = await venue.submit_many([(KEY, SELL), (OTHER, SELL), (KEY, SELL)])
        return [type(outcome.result) for outcome in outcomes]

    result, lines = told(answer, ask)
    assert result == [OrderView, OrderView, OrderView]
    assert lines[:2] == [SETTINGS, SETTINGS]
    assert sorted(lines[2:]) == [
        "POST /api/v2/spot/trade/place-order",
        "POST /api/v2/spot/trade/place-order",
        "POST /api/v3/trade/place-order",
    ]


def test_an_order_of_a_key_in_trouble_is_refused_by_name_and_never_sent() -> None:
    def answer(request: str, _: int) -> Reply:
        return ok(b'{"code":"40018","msg":"Invalid IP","data":null}', status="400 Bad Request")

    result, lines = told(answer, lambda venue: venue.submit(KEY, SELL))
    assert isinstance(result, VenueRefused)
    assert result.code == Denial.KEY_ADDRESS_REFUSED.value
    assert lines == [SETTINGS]


def test_an_order_sent_by_the_wrong_kind_may_be_sent_again() -> None:
    def answer(request: str, count: int) -> Reply:
        if SETTINGS in request:
            return CLASSIC if count == 1 else UNIFIED
        if "/api/v2/" in request:
            return WRONG_ON_V2
        return ok(b'{"code":"00000","data":{"orderId":"7","clientOid":"cd1"}}')

    async def ask(venue: Bitget) -> OrderView:
        with pytest.raises(Unavailable, match="changed between classic and unified"):
            await venue.submit(KEY, SELL)
        return await venue.submit(KEY, SELL)

    result, _ = told(answer, ask)
    assert isinstance(result, OrderView) and result.venue_order_id == "7"


def test_trouble_with_asking_for_the_kind_proves_nothing_about_it() -> None:
    """A time-out or a busy exchange must not make a unified account a classic one."""
    busy = ok(b'{"code":"40015","msg":"System is abnormal","data":null}', status="500 Error")

    def answer(request: str, count: int) -> Reply:
        return busy if SETTINGS in request and count == 1 else of_kind(UNIFIED)(request, count)

    async def ask(venue: Bitget) -> Decimal:
        with pytest.raises(Unavailable):
            await venue.balances(KEY)
        return (await venue.balances(KEY))["USDT"].free

    assert told(answer, ask)[0] == 8


def test_no_more_keys_are_remembered_than_allowed() -> None:
    async def ask(venue: Bitget) -> list[bool]:
        kinds = type(venue.kinds)(venue.kinds.classic, venue.kinds.unified, keys_max=1)
        await kinds.of(KEY)
        await kinds.of(OTHER)
        return [kinds.known(key) is not None for key in (KEY, OTHER)]

    assert told(of_kind(CLASSIC), ask)[0] == [False, True]
