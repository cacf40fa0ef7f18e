"""The trading side of the port, held against the simulated exchange and its journal."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused, derived_id
from copydesk.trading import Credentials, Denial, OrderRequest, OrderStatus, OrderType, OrderView, Side, TimeInForce
from copydesk.venues import BinanceSpot, Outcome, PoolLimits, VenueUrls, client_order_id
from venue_lab import LabAccount, LabProcess

QTY = Decimal("0.01")
ORDER_PATH = {"method": "POST", "path": "/api/v3/order"}


def order(
    name: str,
    side: Side = Side.BUY,
    qty: Decimal = QTY,
    px: str | None = None,
    tif: TimeInForce | None = None,
    *,
    reduces: bool = False,
) -> OrderRequest:
    kind = OrderType.MARKET if px is None else OrderType.LIMIT
    text = client_order_id("x-TKT5PX2F", derived_id(name, length=26))
    return OrderRequest(text, "BTCUSDT", side, kind, qty, Decimal(px) if px else None, tif, reduces)


@asynccontextmanager
async def venue_on(lab: LabProcess, *, ahead_s: float = 0.0) -> AsyncIterator[BinanceSpot]:
    limits = PoolLimits(connections_max=50)
    venue = BinanceSpot(lab.urls, limits=limits, now=lambda: time.time() + ahead_s)
    try:
        yield venue
    finally:
        await venue.aclose()


def test_card_10_a_market_order_is_filled_and_its_answer_carries_the_fills(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> OrderView:
        async with venue_on(lab) as venue:
            return await venue.submit(account.credentials, order("card 10"))

    view = asyncio.run(run())
    assert (view.status, view.cum_qty, view.side) == (OrderStatus.FILLED, QTY, Side.BUY)
    assert sum(fill.qty for fill in view.fills) == QTY
    assert {fill.fee_currency for fill in view.fills} == {"BTC"}
    executed = lab.journal("execution", account.name)
    assert [str(record["trade_id"]) for record in executed] == [fill.trade_id for fill in view.fills]
    assert {record["client_order_id"] for record in executed} == {view.client_order_id}


def test_card_11_a_resting_order_is_open_until_it_is_canceled(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            resting = order("card 11", px="50000", tif=TimeInForce.GTC)
            view = await venue.submit(account.credentials, resting)
            assert (view.status, view.cum_qty, view.avg_px) == (OrderStatus.ACCEPTED, 0, None)
            open_orders = await venue.open_orders(account.credentials)
            assert [o.client_order_id for o in open_orders] == [resting.client_order_id]
            canceled = await venue.cancel(account.credentials, "BTCUSDT", resting.client_order_id)
            assert canceled is not None
            assert (canceled.client_order_id, canceled.status) == (resting.client_order_id, OrderStatus.CANCELED)
            assert await venue.open_orders(account.credentials, "BTCUSDT") == []
            found = await venue.query(account.credentials, "BTCUSDT", resting.client_order_id)
            assert found is not None and found.status is OrderStatus.CANCELED

    asyncio.run(run())


def test_card_12_an_ioc_order_that_finds_nobody_expires_unfilled(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> OrderView:
        async with venue_on(lab) as venue:
            return await venue.submit(account.credentials, order("card 12", px="59000", tif=TimeInForce.IOC))

    view = asyncio.run(run())
    assert (view.status, view.cum_qty, view.fills) == (OrderStatus.EXPIRED, 0, ())


def test_card_13_an_order_that_never_arrived_does_not_exist(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            assert await venue.query(account.credentials, "BTCUSDT", "never-sent") is None
            assert await venue.cancel(account.credentials, "BTCUSDT", "never-sent") is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("wrong", "denial"),
    [
        (order("card 14a", Side.SELL, Decimal(50)), Denial.INSUFFICIENT_BALANCE),
        (order("card 14b", qty=Decimal("0.00001")), Denial.BELOW_NOTIONAL_MIN),
        (order("card 14c", qty=Decimal("0.000000001")), Denial.VENUE_REFUSED),
        (order("card 14d", px="60000.001", tif=TimeInForce.GTC), Denial.VENUE_REFUSED),
        (OrderRequest("card-14e", "NOSUCH", Side.BUY, OrderType.MARKET, QTY), Denial.INSTRUMENT_UNMAPPED),
    ],
    ids=["balance", "notional", "precision", "tick", "symbol"],
)
def test_card_14_a_refusal_has_its_name_and_executes_nothing(
    lab: LabProcess, account: LabAccount, wrong: OrderRequest, denial: Denial
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            with pytest.raises(VenueRefused) as refusal:
                await venue.submit(account.credentials, wrong)
            assert refusal.value.code == denial.value
            assert await venue.trades_since(account.credentials, "BTCUSDT", 0) == []

    asyncio.run(run())


def test_card_15_a_halted_pair_says_so(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            with pytest.raises(VenueRefused) as refusal:
                await venue.submit(account.credentials, order("card 15"))
            assert refusal.value.code == Denial.INSTRUMENT_HALTED.value

    lab.control("POST", "halt", symbol="BTCUSDT", halted=True)
    try:
        asyncio.run(run())
    finally:
        lab.control("POST", "halt", symbol="BTCUSDT", halted=False)


def test_card_16_an_order_that_was_executed_but_not_answered_is_unknown_until_asked_for(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            sent = order("card 16")
            with pytest.raises(OutcomeUnknown):
                await venue.submit(account.credentials, sent)
            found = await venue.query(account.credentials, "BTCUSDT", sent.client_order_id)
            assert found is not None
            assert (found.status, found.cum_qty) == (OrderStatus.FILLED, QTY)
            assert sum(fill.qty for fill in found.fills) == QTY

    lab.control("POST", "faults", harm="execute_then_drop", account=account.name, times=1, **ORDER_PATH)
    asyncio.run(run())
    assert len({record["order_id"] for record in lab.journal("execution", account.name)}) == 1


def test_card_17_an_order_that_was_lost_on_the_way_is_unknown_and_then_found_not_to_exist(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            sent = order("card 17")
            with pytest.raises(OutcomeUnknown):
                await venue.submit(account.credentials, sent)
            assert await venue.query(account.credentials, "BTCUSDT", sent.client_order_id) is None

    lab.control("POST", "faults", harm="drop", account=account.name, times=1, **ORDER_PATH)
    asyncio.run(run())
    assert lab.journal("execution", account.name) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"harm": "status", "status": 503},
        {"harm": "status", "status": 502, "body": "<html>Bad Gateway</html>"},
        {"harm": "status", "status": 408, "body": '{"code":-1007,"msg":"Timeout waiting for response."}'},
        {"harm": "garbage"},
        {"harm": "status", "status": 200, "body": '{"symbol":"BTCUSDT"}'},
        {"harm": "delay", "delay_ms": 4000},
    ],
    ids=["503", "html", "408", "garbage", "half-an-order", "late"],
)
def test_card_18_an_answer_that_proves_nothing_is_unknown(
    lab: LabProcess, account: LabAccount, fault: dict[str, object]
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            with pytest.raises(OutcomeUnknown):
                await venue.submit(account.credentials, order("card 18"))

    lab.control("POST", "faults", account=account.name, times=1, **ORDER_PATH, **fault)
    asyncio.run(run())


def test_card_19_a_second_order_with_an_open_order_s_id_is_unknown_not_refused(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            resting = order("card 19", px="50000", tif=TimeInForce.GTC)
            await venue.submit(account.credentials, resting)
            with pytest.raises(OutcomeUnknown, match="Duplicate order sent"):
                await venue.submit(account.credentials, resting)
            assert len(await venue.open_orders(account.credentials, "BTCUSDT")) == 1

    asyncio.run(run())


def test_card_20_a_key_that_may_not_trade_here_is_rejected(lab: LabProcess, account: LabAccount) -> None:
    good = account.credentials
    keys = [
        Credentials(1, good.api_key, "not the secret"),
        Credentials(1, "x" * 64, good.secret),
        lab.key(account.name, ("read",)),
        lab.key(account.name, ("read", "trade"), ("10.0.0.1",)),
    ]

    async def run() -> None:
        async with venue_on(lab) as venue:
            for key in keys:
                with pytest.raises(VenueRefused) as refusal:
                    await venue.submit(key, order("card 20"))
                assert refusal.value.code == Denial.KEY_REJECTED.value

    asyncio.run(run())


def test_card_21_rate_limits_are_provably_not_executed_and_stop_the_address(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            with pytest.raises(Unavailable) as first:
                await venue.submit(account.credentials, order("card 21"))
            assert first.value.retry_after_s > 0
            with pytest.raises(Unavailable, match="rate budget"):
                await venue.submit(account.credentials, order("card 21 again"))

    body = '{"code":-1003,"msg":"Too much request weight used."}'
    lab.control("POST", "faults", harm="status", status=429, body=body, account=account.name, **ORDER_PATH)
    asyncio.run(run())
    assert len(lab.journal("fault", account.name)) == 1
    assert lab.journal("order", account.name) == []


def test_card_22_nobody_listening_means_provably_not_sent(account: LabAccount) -> None:
    async def run() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        venue = BinanceSpot(VenueUrls.lab(f"http://127.0.0.1:{port}", "ws://127.0.0.1:1"))
        with pytest.raises(Unavailable, match="cannot connect"):
            await venue.submit(account.credentials, order("card 22"))
        await venue.aclose()

    asyncio.run(run())


def test_card_23_a_wrong_clock_is_told_and_warming_sets_it_right(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with venue_on(lab, ahead_s=-30.0) as venue:
            with pytest.raises(Unavailable, match="-1021"):
                await venue.submit(account.credentials, order("card 23"))
            assert await venue.warm(3) >= 3
            assert (await venue.submit(account.credentials, order("card 23"))).status is OrderStatus.FILLED

    asyncio.run(run())


def test_card_24_a_fan_out_reports_every_order_once_and_sends_closes_first(lab: LabProcess) -> None:
    accounts = [lab.account() for _ in range(120)]
    orders = [
        (a.credentials, order(f"card 24 {i}", Side.SELL if i % 3 == 0 else Side.BUY, reduces=i % 3 == 0))
        for i, a in enumerate(accounts)
    ]

    async def run() -> list[Outcome]:
        async with venue_on(lab) as venue:
            await venue.warm(50)
            return await venue.submit_many(orders)

    outcomes = asyncio.run(run())
    assert len(outcomes) == len(orders)
    sent: list[tuple[float, bool]] = []
    for index, (_, request) in enumerate(orders):
        outcome = outcomes[index]
        assert outcome.view().client_order_id == request.client_order_id
        assert outcome.sent_at is not None and outcome.acked_at is not None and outcome.sent_at <= outcome.acked_at
        sent.append((outcome.sent_at, request.reduces))
    assert max(at for at, reduces in sent if reduces) <= min(at for at, reduces in sent if not reduces)
    names = {a.name for a in accounts}
    executed = [r["order_id"] for r in lab.journal("execution") if r["account"] in names]
    assert len(set(executed)) == len(orders)


def test_card_25_the_account_reads_back_what_was_traded(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            since_ms = int(time.time() * 1000) - 1000
            bought = await venue.submit(account.credentials, order("card 25 buy"))
            sold = await venue.submit(account.credentials, order("card 25 sell", Side.SELL))
            trades = await venue.trades_since(account.credentials, "BTCUSDT", since_ms)
            assert [t.trade_id for t in trades] == [f.trade_id for v in (bought, sold) for f in v.fills]
            assert {t.side for t in trades} == {Side.BUY, Side.SELL}
            assert {t.venue_order_id for t in trades} == {bought.venue_order_id, sold.venue_order_id}
            balances = await venue.balances(account.credentials)
            assert balances["BTC"].free == 2 - sum((f.fee for f in bought.fills), Decimal(0))
            assert balances["USDT"].locked == 0

    asyncio.run(run())


def test_card_26_instruments_and_prices_agree_on_their_names(lab: LabProcess) -> None:
    async def run() -> None:
        async with venue_on(lab) as venue:
            prices = await venue.prices()
            instruments = await venue.instruments()
            assert set(prices) == set(instruments)
            bitcoin = instruments["BTC/USDT"]
            assert (bitcoin.venue_symbol, bitcoin.base, bitcoin.quote) == ("BTCUSDT", "BTC", "USDT")
            assert bitcoin.trading and bitcoin.qty_min > 0 and bitcoin.px_tick > 0 and bitcoin.notional_min > 0
            assert abs(prices["BTC/USDT"] - 60000) < 600

    asyncio.run(run())


def test_card_27_a_key_s_rights_are_told(lab: LabProcess, account: LabAccount) -> None:
    reader = lab.key(account.name, ("read",))
    dangerous = lab.key(account.name, ("read", "trade", "withdraw"), ("127.0.0.1",))

    async def run() -> None:
        async with venue_on(lab) as venue:
            scope = await venue.key_scope(account.credentials)
            assert (scope.can_read, scope.can_trade, scope.can_withdraw, scope.ip_bound) == (True, True, False, False)
            assert (await venue.key_scope(reader)).can_trade is False
            bound = await venue.key_scope(dangerous)
            assert (bound.can_withdraw, bound.ip_bound) == (True, True)
            with pytest.raises(VenueRefused):
                await venue.key_scope(Credentials(1, "x" * 64, "y"))

    asyncio.run(run())
