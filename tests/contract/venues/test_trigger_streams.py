"""A leader's stop on OKX and Bitget: the stream tells its placing, amendment, cancellation and triggering.

Exits are amended as their owner would: our adapters amend limit orders alone.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, closing
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from hmac import digest
from typing import Any, NamedTuple

import orjson
import pytest
from copydesk.trading import Credentials, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from copydesk.venues import OrderFact, StreamEvent, StreamState, StreamTiming, Venue, open_stream, open_venue
from venue_lab import LabAccount, LabProcess

D = Decimal
PATIENT = StreamTiming(backoff_min_s=0.01)
SYMBOL = {"spot": "BTC/USDT", "perpetual": "BTC/USDT:USDT"}
PLACES = [(kind, market) for kind in ("okx", "bitget", "bitget-uta") for market in SYMBOL]
_SIZED = {"size": "0.01", "triggerPrice": "54000", "symbol": "BTCUSDT"}
# Where a stop is amended, and how its new trigger is named.
AMENDMENTS: dict[tuple[str, str], tuple[str, str, dict[str, str]]] = {
    ("okx", "spot"): ("/api/v5/trade/amend-algos", "algoId", {"instId": "BTC-USDT", "newSlTriggerPx": "54000"}),
    ("okx", "perpetual"): (
        "/api/v5/trade/amend-algos",
        "algoId",
        {"instId": "BTC-USDT-SWAP", "newSlTriggerPx": "54000"},
    ),
    ("bitget", "spot"): ("/api/v2/spot/trade/modify-plan-order", "orderId", _SIZED | {"orderType": "market"}),
    ("bitget", "perpetual"): (
        "/api/v2/mix/order/modify-tpsl-order",
        "orderId",
        _SIZED | {"productType": "USDT-FUTURES", "marginCoin": "USDT"},
    ),
    ("bitget-uta", "spot"): ("/api/v3/trade/modify-strategy-order", "orderId", {"triggerPrice": "54000"}),
    ("bitget-uta", "perpetual"): ("/api/v3/trade/modify-strategy-order", "orderId", {"stopLoss": "54000"}),
}


class Scene(NamedTuple):
    """One leader with his stream; `events` are taken one after another."""

    lab: LabProcess
    kind: str
    market: str
    account: LabAccount
    venue: Venue
    events: AsyncIterator[StreamEvent]

    @property
    def key(self) -> Credentials:
        return self.account.credentials

    @property
    def symbol(self) -> str:
        return SYMBOL[self.market]

    def name(self, what: str) -> str:
        return self.account.name.replace("-", "") + what

    async def submit(self, what: str, side: Side, kind: OrderType, **terms: Any) -> str:
        order = OrderRequest(self.name(what), self.symbol, side, kind, D("0.01"), **terms)
        return (await self.venue.submit(self.key, order)).venue_order_id

    async def stopped(self, trigger_px: int = 55_000) -> str:
        """Hold something, place its stop, and return the stop's id."""
        await self.submit("in", Side.BUY, OrderType.LIMIT, px=D(60_600), time_in_force=TimeInForce.IOC)
        return await self.submit("stop", Side.SELL, OrderType.STOP_MARKET, trigger_px=D(trigger_px), reduces=True)

    async def told(self, fits: Callable[[OrderFact], bool]) -> OrderFact:
        """Wait for the stream alone to tell of an order what fits."""
        event = await self.heard(lambda event: any(map(fits, event.orders)))
        return next(fact for fact in event.orders if fits(fact))

    async def heard(self, fits: Callable[[StreamEvent], bool]) -> StreamEvent:
        async with asyncio.timeout(10):
            while not fits(event := await anext(self.events)):
                pass
            return event

    async def listed(self) -> list[OrderFact]:
        return [fact._replace(at_ms=0) for fact in await self.venue.resting(self.key, self.symbol)]

    def post(self, path: str, params: dict[str, str]) -> Any:
        """Send what the owner of the key asks for, signed as both exchanges want it."""
        body = orjson.dumps(params).decode()
        prefix = "OK" if self.kind == "okx" else ""
        iso = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        stamp = iso if prefix else str(int(time.time() * 1000))
        signature = digest(self.key.secret.encode(), f"{stamp}POST{path}{body}".encode(), sha256)
        said = {"KEY": self.key.api_key, "SIGN": b64encode(signature).decode()}
        said |= {"TIMESTAMP": stamp, "PASSPHRASE": self.key.password}
        headers = {f"{prefix}-ACCESS-{name}".lstrip("-"): value for name, value in said.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.lab.rest_port, timeout=10)) as connection:
            connection.request("POST", path, body, headers | {"Content-Type": "application/json"})
            answer = orjson.loads(connection.getresponse().read())
        assert answer["code"] in ("0", "00000"), answer
        return answer


def play(lab: LabProcess, kind: str, market: str, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a story for a fresh account whose stream is confirmed."""

    async def played() -> None:
        exchange = kind.removesuffix("-uta")
        account = lab.account(permissions=("read", "trade", "perp"), venue=kind)
        venue = open_venue(exchange, lab.urls_of(exchange))
        try:
            async with aclosing(open_stream(venue, timing=PATIENT).trades(account.credentials)) as events:
                scene = Scene(lab, kind, market, account, venue, events)
                # OKX refuses connections of one test that follow those of another too soon.
                await scene.heard(lambda event: event.state is StreamState.CONNECTED)
                await story(scene)
        finally:
            await venue.aclose()

    asyncio.run(played())


@pytest.mark.parametrize(("kind", "market"), PLACES)
def test_a_stop_is_told_as_the_list_has_it_and_its_cancellation_at_once(
    lab: LabProcess, kind: str, market: str
) -> None:
    async def story(scene: Scene) -> None:
        stop = await scene.stopped()
        placed = await scene.told(lambda fact: fact.venue_order_id == stop)
        assert (placed.type, placed.trigger_px, placed.qty) == (OrderType.STOP_MARKET, D(55_000), D("0.01"))
        assert await scene.listed() == [placed._replace(at_ms=0)]
        await scene.venue.cancel(scene.key, scene.symbol, scene.name("stop"), conditional=True)
        canceled = await scene.told(lambda fact: fact.status is OrderStatus.CANCELED)
        assert (canceled.venue_order_id, await scene.listed()) == (stop, [])

    play(lab, kind, market, story)


@pytest.mark.parametrize(("kind", "market"), PLACES)
def test_an_amended_stop_is_told_with_its_new_trigger(lab: LabProcess, kind: str, market: str) -> None:
    async def story(scene: Scene) -> None:
        stop = await scene.stopped()
        path, named, change = AMENDMENTS[kind, market]
        scene.post(path, {named: stop} | change)
        amended = await scene.told(lambda fact: fact.trigger_px == 54_000)
        assert (amended.venue_order_id, amended.status) == (stop, OrderStatus.ACCEPTED)
        assert await scene.listed() == [amended._replace(at_ms=0)]

    play(lab, kind, market, story)


@pytest.mark.parametrize("market", SYMBOL)
def test_a_stop_on_okx_that_triggers_is_told_as_the_order_that_it_placed(lab: LabProcess, market: str) -> None:
    """The two connections tell it in any order; each names the stop, and neither leaves anything waiting."""

    async def story(scene: Scene) -> None:
        stop = await scene.stopped(59_500)
        scene.lab.control("POST", "marks", symbol="BTCUSDT", px="59000")
        found: list[OrderFact] = []
        while not {(True, OrderStatus.FILLED), (False, OrderStatus.ACCEPTED)} <= _kinds(found):
            found.append(await scene.told(lambda fact: fact.placed_by == stop))
        assert len({fact.venue_order_id for fact in found}) == 1
        assert await scene.listed() == []

    play(lab, "okx", market, story)


def _kinds(facts: list[OrderFact]) -> set[tuple[bool, OrderStatus]]:
    """Say of facts which connection told them: the private one has no triggers."""
    return {(fact.trigger_px is None, fact.status) for fact in facts}


@pytest.mark.parametrize(("kind", "market"), [place for place in PLACES if place[0] != "okx"])
def test_a_stop_on_bitget_that_triggers_is_told_as_over(lab: LabProcess, kind: str, market: str) -> None:
    async def story(scene: Scene) -> None:
        stop = await scene.stopped(59_500)
        scene.lab.control("POST", "marks", symbol="BTCUSDT", px="59000")
        over = await scene.told(lambda fact: fact.venue_order_id == stop and fact.status is not OrderStatus.ACCEPTED)
        assert (over.status, over.cum_qty) == (OrderStatus.CANCELED, 0)
        sold = await scene.heard(lambda event: any(trade.side is Side.SELL for trade in event.trades))
        assert stop not in {trade.venue_order_id for trade in sold.trades}
        assert await scene.listed() == []

    play(lab, kind, market, story)


def test_a_pair_of_a_unified_account_is_told_as_the_list_has_it(lab: LabProcess) -> None:
    async def story(scene: Scene) -> None:
        await scene.submit("in", Side.BUY, OrderType.MARKET)
        words = {"category": "USDT-FUTURES", "symbol": "BTCUSDT", "type": "tpsl", "tpslMode": "partial"}
        words |= {"posSide": "long", "qty": "0.01", "takeProfit": "65000", "stopLoss": "55000"}
        scene.post("/api/v3/trade/place-strategy-order", words | {"clientOid": scene.name("pair")})
        stop = await scene.told(lambda fact: fact.type is OrderType.STOP_MARKET)
        assert stop._replace(at_ms=0) in await scene.listed()
        scene.lab.control("POST", "marks", symbol="BTCUSDT", px="54000")
        over = await scene.told(lambda fact: fact.venue_order_id == stop.venue_order_id and fact.at_ms > stop.at_ms)
        assert (over.status, await scene.listed()) == (OrderStatus.CANCELED, [])

    play(lab, "bitget-uta", "perpetual", story)
