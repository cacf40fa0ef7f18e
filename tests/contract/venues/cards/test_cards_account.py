"""Cards 50-54: what an exchange lists, what an account owns, has traded, and moves between its wallets."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from card_desk import BUY, QTY, RIGHTS, SELL, D, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, PositionSide
from copydesk.venues import Feature, Wallet


async def test_card_50_an_instrument_is_listed_with_the_steps_that_the_exchange_trades_in(desk: Desk) -> None:
    listed, prices = await desk.venue.instruments(), await desk.venue.prices()
    assert set(prices) == set(listed)
    instrument = listed[desk.symbol]
    assert (instrument.venue, instrument.base, instrument.quote) == (desk.seat.exchange, "BTC", "USDT")
    assert instrument.perpetual is desk.perpetual
    assert instrument.trading and instrument.qty_step > 0 and instrument.px_tick > 0
    assert instrument.qty_min % instrument.qty_step == 0 and instrument.qty_min <= QTY < instrument.qty_max
    assert (instrument.settle, instrument.leverage_max >= 20) == (("USDT", True) if desk.perpetual else ("", False))
    (book,) = [
        book
        for book in desk.lab.control("GET", "books", venue=desk.seat.exchange)["books"]
        if (book["symbol"], book["market"]) == (instrument.venue_symbol, desk.market_in_lab)
    ]
    assert prices[desk.symbol] == D(book["last_px"])


async def test_card_51_a_balance_tells_what_is_free_and_what_an_open_order_holds(desk: Desk) -> None:
    await desk.submit(desk.resting())
    await desk.done(desk.order(BUY))
    told = await desk.venue.balances(desk.key)
    for currency in ("USDT", "BTC"):
        assert told[currency].free + told[currency].locked == desk.holding(currency)
    if not desk.perpetual:
        assert told["USDT"].locked == QTY * 50000
    if Wallet.FUTURES in desk.purses:
        futures = (await desk.venue.balances(desk.key, Wallet.FUTURES))["USDT"]
        assert futures.free + futures.locked == D(desk.state()["futures"]["wallet"])


async def test_card_52_executions_are_read_back_as_they_were_recorded(desk: Desk) -> None:
    since_ms = int(time.time() * 1000) - 1000
    desk.harm("partial_fill", parts=3, times=1)
    for side in (BUY, SELL):
        await desk.submit(desk.order(side, 3 * QTY))
    trades = await desk.venue.trades_since(desk.key, desk.symbol, since_ms)
    recorded = desk.executions()
    assert [(t.side.value, t.qty, t.px, t.fee, t.fee_currency) for t in trades] == [
        (r["side"], D(r["qty"]), D(r["px"]), D(r["fee"]), r["fee_currency"]) for r in recorded
    ]
    assert len({t.trade_id for t in trades}) == len(recorded) >= 4
    assert {(t.symbol, t.position_side) for t in trades} == {(desk.symbol, PositionSide.NET)}
    assert [t.at_ms for t in trades] == sorted(t.at_ms for t in trades)
    assert await desk.venue.trades_since(desk.key, desk.symbol, trades[-1].at_ms + 1) == []


async def test_card_53_money_moves_between_the_wallets_of_one_account(desk: Desk) -> None:
    away = desk.second_purse
    key = desk.lab.key(desk.account.name, (*RIGHTS, "transfer"), ("127.0.0.1",))
    before = purses(desk)

    async def ask() -> None:
        await desk.venue.transfer(key, "USDT", D("12.5"), Wallet.SPOT, away)

    if await desk.lacks(Feature.TRANSFER, ask):
        return
    await ask()
    after = purses(desk)
    moved = {wallet: after[wallet] - before[wallet] for wallet in after}
    assert moved == dict.fromkeys(moved, 0) | {Wallet.SPOT: D("-12.5"), away: D("12.5")}
    for wallet in (Wallet.SPOT, away):
        told = await desk.venue.balances(key, wallet)
        assert told["USDT"].free + told["USDT"].locked == after[wallet]


async def test_card_54_a_transfer_of_more_than_there_is_is_refused_and_one_within_a_purse_is_nothing(
    desk: Desk,
) -> None:
    key = desk.lab.key(desk.account.name, (*RIGHTS, "transfer"), ("127.0.0.1",))
    before = purses(desk)

    async def ask() -> None:
        await desk.venue.transfer(key, "USDT", D(10_000_000), Wallet.SPOT, desk.second_purse)

    if await desk.lacks(Feature.TRANSFER, ask):
        return
    with pytest.raises(VenueRefused) as refusal:
        await ask()
    assert refusal.value.code == Denial.INSUFFICIENT_BALANCE.value
    if desk.traits.unified:
        await desk.venue.transfer(key, "USDT", D(1), Wallet.SPOT, Wallet.FUTURES)
    assert purses(desk) == before


def purses(desk: Desk) -> dict[Wallet, Decimal]:
    """Return the dollars of every wallet that the exchange keeps apart."""
    state = desk.state()
    held = {Wallet.SPOT: desk.holding("USDT"), Wallet.FUNDING: D(state["funding"].get("USDT", 0))}
    return held | ({Wallet.FUTURES: D(state["futures"]["wallet"])} if Wallet.FUTURES in desk.purses else {})
