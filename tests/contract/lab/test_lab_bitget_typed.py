"""typed-bitget, a client that is not ccxt, against the lab: it checks each answer and push against documented types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bitget_lab import BitgetLab, Keys
from typed_bitget import Bitget
from typed_bitget.core.auth import Credentials
from typed_bitget.core.exc import AccountModeMismatch
from typed_bitget.core.transport.ws.classic import ClassicSocketStreamClient
from typed_bitget.core.transport.ws.uta import UtaSocketStreamClient
from typed_core.exceptions import ApiError

FUTURES, SYMBOL = "USDT-FUTURES", "BTCUSDT"
Ask = Callable[[Bitget], Awaitable[Any]]
TIMEOUT_S = 10


@asynccontextmanager
async def connected(lab: BitgetLab, keys: Keys) -> AsyncIterator[Bitget]:
    """Connect the client with the lab's addresses in place of the exchange's."""
    client = Bitget.new(access_key=keys.api_key, secret_key=keys.secret, passphrase=keys.passphrase)
    client.http_client.base_url = lab.rest
    credentials = client.http_client.credentials
    assert isinstance(credentials, Credentials)
    for made, version, name in (
        (ClassicSocketStreamClient, "v2", "classic_streams_client"),
        (UtaSocketStreamClient, "v3", "uta_streams_client"),
    ):
        urls = {f"{side}_url": f"{lab.ws}/{version}/ws/{side}" for side in ("public", "private")}
        setattr(client, name, made.new(**urls, credentials=credentials))
    async with client:
        yield client


def ask(lab: BitgetLab, keys: Keys, *asks: Ask) -> list[Any]:
    async def asking() -> list[Any]:
        async with connected(lab, keys) as client:
            return [await one(client) for one in asks]

    return asyncio.run(asking())


def _spot(**order: str) -> Ask:
    whole = {"symbol": SYMBOL, "side": "buy", "size": "0.01", "force": "gtc"} | _limit(order)
    return lambda c: c.classic.spot.order.place(whole)


def _limit(order: dict[str, str]) -> dict[str, str]:
    """Make it a limit order at 90,000 unless it says otherwise."""
    if order.get("orderType") == "market":
        return order
    return {"orderType": "limit", "price": "90000", **order}


def _mix(**order: str) -> Ask:
    whole = {
        "symbol": SYMBOL,
        "productType": FUTURES,
        "marginMode": "crossed",
        "marginCoin": "USDT",
        "size": "0.01",
        "side": "buy",
        "orderType": "market",
    }
    return lambda c: c.classic.mix.order.place({**whole, **order})


def _uta(category: str, **order: str) -> Ask:
    whole = {"category": category, "symbol": SYMBOL, "qty": "0.01", "side": "buy"} | _limit(order)
    return lambda c: c.uta.trade.order.place(whole)


async def _stop(client: Bitget) -> None:
    await _mix()(client)
    await client.classic.mix.order.tpsl.place(
        margin_coin="USDT",
        product_type=FUTURES,
        symbol=SYMBOL,
        plan_type="pos_loss",
        trigger_price="90000",
        hold_side="buy",
        size="0.01",
    )


async def _strategy(client: Bitget) -> None:
    await _uta(FUTURES, orderType="market")(client)
    await client.uta.strategy.place(
        {"category": FUTURES, "symbol": SYMBOL, "type": "tpsl", "stopLoss": "90000", "takeProfit": "110000"}
    )


CLASSIC_READS: dict[str, Ask] = {
    "time": lambda c: c.classic.common.time(),
    "trade rate": lambda c: c.classic.common.trade_rate(SYMBOL, business_type="mix"),
    "funding assets": lambda c: c.classic.common.funding_assets(),
    "symbols": lambda c: c.classic.spot.symbols(),
    "spot tickers": lambda c: c.classic.spot.tickers(),
    "spot book": lambda c: c.classic.spot.orderbook(SYMBOL),
    "spot trades": lambda c: c.classic.spot.historical_trades(symbol=SYMBOL),
    "key": lambda c: c.classic.spot.account.info(),
    "assets": lambda c: c.classic.spot.account.assets(),
    "spot open": lambda c: c.classic.spot.order.open(),
    "spot history": lambda c: c.classic.spot.order.history(),
    "spot fills": lambda c: c.classic.spot.order.fills(symbol=SYMBOL),
    "spot plans": lambda c: c.classic.spot.order.plan.current(symbol=SYMBOL),
    "contracts": lambda c: c.classic.mix.market.contracts(FUTURES),
    "ticker": lambda c: c.classic.mix.market.ticker(SYMBOL, product_type=FUTURES),
    "account": lambda c: c.classic.mix.account.get(symbol=SYMBOL, product_type=FUTURES, margin_coin="USDT"),
    "accounts": lambda c: c.classic.mix.account.list(FUTURES),
    "fills": lambda c: c.classic.mix.order.fills(product_type=FUTURES, symbol=SYMBOL),
    "positions": lambda c: c.classic.mix.position.list(FUTURES, margin_coin="USDT"),
    "position": lambda c: c.classic.mix.position.get(FUTURES, symbol=SYMBOL, margin_coin="USDT"),
    "plans": lambda c: c.classic.mix.order.plan.open(product_type=FUTURES, plan_type="profit_loss"),
}
UNIFIED_READS: dict[str, Ask] = {
    "settings": lambda c: c.uta.account.settings(),
    "key": lambda c: c.uta.account.info(),
    "assets": lambda c: c.uta.account.assets(),
    "funding assets": lambda c: c.uta.account.funding_assets(),
    "spot instruments": lambda c: c.uta.market.instruments("SPOT"),
    "instruments": lambda c: c.uta.market.instruments(FUTURES),
    "spot tickers": lambda c: c.uta.market.tickers("SPOT"),
    "tickers": lambda c: c.uta.market.tickers(FUTURES),
    "book": lambda c: c.uta.market.orderbook(FUTURES, symbol=SYMBOL),
    "trades": lambda c: c.uta.market.fills(FUTURES, symbol=SYMBOL),
    "open": lambda c: c.uta.trade.order.unfilled(category=FUTURES),
    "history": lambda c: c.uta.trade.order.history(FUTURES),
    "fills": lambda c: c.uta.trade.order.fills(category="SPOT"),
    "positions": lambda c: c.uta.position.current_positions(FUTURES),
    "strategies": lambda c: c.uta.strategy.unfilled(FUTURES),
}


@pytest.fixture(scope="module")
def classic(bitget_lab: BitgetLab) -> Keys:
    """A classic account that has traded on both markets, with orders and plans open."""
    keys = bitget_lab.open_account()
    ask(
        bitget_lab,
        keys,
        _spot(clientOid="typed-1"),
        _spot(orderType="market", size="1000"),
        _stop,
        _mix(orderType="limit", price="90000", force="gtc"),
    )
    return keys


@pytest.fixture(scope="module")
def unified(bitget_lab: BitgetLab) -> Keys:
    """A unified account that has traded on both markets, with orders open."""
    keys = bitget_lab.open_account(unified=True)
    market = {"orderType": "market"}
    ask(
        bitget_lab,
        keys,
        _uta("SPOT", **market, qty="1000"),
        _strategy,
        _uta(FUTURES, clientOid="typed-1"),
    )
    return keys


@pytest.mark.parametrize("name", CLASSIC_READS)
def test_a_classic_answer_is_of_the_documented_type(bitget_lab: BitgetLab, classic: Keys, name: str) -> None:
    (answer,) = ask(bitget_lab, classic, CLASSIC_READS[name])
    assert answer or name == "funding assets"


@pytest.mark.parametrize("name", UNIFIED_READS)
def test_a_unified_answer_is_of_the_documented_type(bitget_lab: BitgetLab, unified: Keys, name: str) -> None:
    (answer,) = ask(bitget_lab, unified, UNIFIED_READS[name])
    assert answer or name == "funding assets"


def test_a_classic_order_lives_from_placing_to_canceling(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    (placed,) = ask(bitget_lab, keys, _spot(clientOid="typed-2"))
    by_name, replaced = ask(
        bitget_lab,
        keys,
        lambda c: c.classic.spot.order.info(client_oid="typed-2"),
        lambda c: c.classic.spot.order.cancel_replace(
            symbol=SYMBOL, price="91000", size="0.02", order_id=placed["orderId"]
        ),
    )
    assert (by_name[0]["orderId"], by_name[0]["status"]) == (placed["orderId"], "live")
    assert replaced["success"] == "success"
    (canceled,) = ask(
        bitget_lab, keys, lambda c: c.classic.spot.order.cancel(symbol=SYMBOL, order_id=replaced["orderId"])
    )
    assert canceled["orderId"] == replaced["orderId"]
    (open_now,) = ask(bitget_lab, keys, lambda c: c.classic.spot.order.open())
    assert open_now == []


def test_a_futures_position_is_opened_and_closed(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    opened, detail = ask(
        bitget_lab,
        keys,
        _mix(clientOid="typed-3"),
        lambda c: c.classic.mix.order.detail(symbol=SYMBOL, product_type=FUTURES, client_oid="typed-3"),
    )
    assert (detail["orderId"], detail["state"], detail["posSide"]) == (opened["orderId"], "filled", "net")
    _, left = ask(
        bitget_lab,
        keys,
        _mix(side="sell", reduceOnly="YES"),
        lambda c: c.classic.mix.position.list(FUTURES, margin_coin="USDT"),
    )
    assert left == []


def test_each_generation_refuses_the_others_accounts(bitget_lab: BitgetLab, classic: Keys, unified: Keys) -> None:
    with pytest.raises(AccountModeMismatch) as raised:
        ask(bitget_lab, classic, lambda c: c.uta.account.settings())
    assert "40084" in str(raised.value)
    with pytest.raises(AccountModeMismatch):
        ask(bitget_lab, unified, lambda c: c.classic.spot.account.info())


def test_a_refusal_carries_code_and_text(bitget_lab: BitgetLab, classic: Keys) -> None:
    with pytest.raises(ApiError) as raised:
        ask(bitget_lab, classic, _spot(size="900"))
    assert "43012" in str(raised.value)


Open = Callable[[Bitget], Any]
CLASSIC_STREAMS: dict[str, tuple[Open, Ask]] = {
    "spot orders": (lambda c: c.classic_streams.orders("SPOT", inst_id=SYMBOL), _spot()),
    "spot fills": (lambda c: c.classic_streams.fill("SPOT", inst_id="default"), _spot(price="110000")),
    "spot account": (lambda c: c.classic_streams.account("SPOT", coin="default"), _spot()),
    "orders": (lambda c: c.classic_streams.orders(FUTURES, inst_id="default"), _mix()),
    "plans": (lambda c: c.classic_streams.plan_orders(FUTURES, inst_id="default"), _stop),
    "fills": (lambda c: c.classic_streams.fill(FUTURES, inst_id="default"), _mix()),
    "account": (lambda c: c.classic_streams.account(FUTURES, coin="default"), _mix()),
    "ticker": (lambda c: c.classic_streams.ticker(FUTURES, inst_id=SYMBOL), _mix()),
    "spot ticker": (lambda c: c.classic_streams.ticker("SPOT", inst_id=SYMBOL), _mix()),
    "trades": (lambda c: c.classic_streams.trade(FUTURES, inst_id=SYMBOL), _mix()),
    "book": (lambda c: c.classic_streams.orderbook(FUTURES, inst_id=SYMBOL, depth=""), _mix()),
    "five levels": (lambda c: c.classic_streams.orderbook("SPOT", inst_id=SYMBOL, depth="5"), _spot()),
    "candles": (lambda c: c.classic_streams.candle("SPOT", inst_id=SYMBOL, interval="1m"), _spot()),
}
UNIFIED_STREAMS: dict[str, tuple[Open, Ask]] = {
    "orders": (lambda c: c.uta_streams.orders("UTA"), _uta(FUTURES)),
    "fills": (lambda c: c.uta_streams.fill("UTA"), _uta("SPOT", price="110000")),
    "account": (lambda c: c.uta_streams.account("UTA"), _uta("SPOT")),
    "strategies": (lambda c: c.uta_streams.strategy_orders("UTA", symbol="default"), _strategy),
    "positions": (lambda c: c.uta_streams.positions("UTA"), _uta(FUTURES, price="110000")),
    "ticker": (lambda c: c.uta_streams.ticker("usdt-futures", symbol=SYMBOL), _uta(FUTURES)),
    "trades": (lambda c: c.uta_streams.trade("spot", symbol=SYMBOL), _uta("SPOT", price="110000")),
    "book": (lambda c: c.uta_streams.orderbook("spot", symbol=SYMBOL, depth=""), _uta("SPOT")),
    "candles": (lambda c: c.uta_streams.candle("spot", symbol=SYMBOL, interval="1m"), _uta("SPOT")),
}


def _first_push(lab: BitgetLab, keys: Keys, stream: Open, act: Ask) -> Any:
    async def listen() -> Any:
        async with connected(lab, keys) as client, stream(client) as pushes:
            await act(client)
            return await asyncio.wait_for(anext(aiter(pushes)), TIMEOUT_S)

    return asyncio.run(listen())


@pytest.mark.parametrize("name", CLASSIC_STREAMS)
def test_a_classic_push_is_of_the_documented_type(bitget_lab: BitgetLab, name: str) -> None:
    push = _first_push(bitget_lab, bitget_lab.open_account(), *CLASSIC_STREAMS[name])
    assert push["action"] in ("snapshot", "update")
    assert push["data"]


@pytest.mark.parametrize("name", UNIFIED_STREAMS)
def test_a_unified_push_is_of_the_documented_type(bitget_lab: BitgetLab, name: str) -> None:
    push = _first_push(bitget_lab, bitget_lab.open_account(unified=True), *UNIFIED_STREAMS[name])
    assert push["action"] in ("snapshot", "update")
    assert push["data"] or name == "positions"
