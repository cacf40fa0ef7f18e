"""Both kinds of Bitget account against the simulated exchange, where they differ from the cards of all exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, OrderRequest, OrderStatus, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues import Amendment, Venue, Wallet, open_venue
from copydesk.workers.account import read_account
from venue_lab import LabAccount, LabProcess

T = TypeVar("T")
D = Decimal
RIGHTS = ("read", "trade", "perp")
SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
KINDS = ("bitget", "bitget-uta")


def opened(lab: LabProcess, kind: str, permissions: tuple[str, ...] = RIGHTS) -> LabAccount:
    """Open an account of one kind with 200,000 USDT and 2 BTC, whatever its purses."""
    if kind == "bitget":
        return lab.account(venue="bitget", permissions=permissions)
    lab.accounts += 1
    name = f"contract-{lab.accounts}"
    lab.control("POST", "accounts", account=name, venue=kind, balances={"USDT": "200000", "BTC": "2"})
    return LabAccount(name, lab.key(name, permissions))


def run(lab: LabProcess, story: Callable[[Venue], Awaitable[T]]) -> T:
    async def told() -> T:
        venue = open_venue("bitget", lab.urls_of("bitget"))
        try:
            await venue.instruments()
            return await story(venue)
        finally:
            await venue.aclose()

    return asyncio.run(told())


def order(name: str, symbol: str = PERP, side: Side = Side.BUY, **more: Any) -> OrderRequest:
    words: dict[str, Any] = {"type": OrderType.LIMIT, "qty": D("0.01"), "px": D(60600)} | more
    if words["type"] is OrderType.LIMIT:
        words.setdefault("time_in_force", TimeInForce.IOC)
    return OrderRequest(name, symbol, side, **words)


def market(name: str, side: Side, **more: Any) -> OrderRequest:
    return order(name, side=side, type=OrderType.MARKET, px=None, **more)


def test_one_fan_out_serves_both_kinds(lab: LabProcess) -> None:
    accounts = [opened(lab, kind) for kind in (*KINDS, *KINDS)]

    async def story(venue: Venue) -> list[str]:
        orders = [(a.credentials, order(f"both{lab.accounts}n{n}")) for n, a in enumerate(accounts)]
        for outcome in await venue.submit_many(orders):
            outcome.view()
        views = [await venue.query(key, one.symbol, one.client_order_id) for key, one in orders]
        return [view.status.value for view in views if view is not None]

    assert run(lab, story) == ["filled"] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_account_is_worth_is_counted_once(lab: LabProcess, kind: str) -> None:
    account = opened(lab, kind)
    reading = run(lab, lambda venue: read_account(venue, account.credentials, perpetuals=True))
    assert reading.equity({}, "USDT") == 200_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_leader_s_trades_in_hedge_mode_name_their_position(lab: LabProcess, kind: str) -> None:
    account = opened(lab, kind)
    key, name = account.credentials, account.name.replace("-", "")
    legs = [
        (Side.BUY, PositionSide.LONG, False),
        (Side.SELL, PositionSide.SHORT, False),
        (Side.SELL, PositionSide.LONG, True),
        (Side.BUY, PositionSide.SHORT, True),
    ]

    async def story(venue: Venue) -> list[tuple[Side, PositionSide]]:
        await venue.set_position_mode(key, PERP, hedge=True)
        for number, (side, held, closes) in enumerate(legs):
            await venue.submit(key, market(f"{name}n{number}", side, position_side=held, reduces=closes))
        return [(t.side, t.position_side) for t in await venue.trades_since(key, PERP, _an_hour_ago_ms(venue))]

    assert run(lab, story) == [(side, held) for side, held, _ in legs]


def _an_hour_ago_ms(venue: Venue) -> int:
    client: Any = venue
    return int(client.public.timestamp_ms()) - 3_600_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("symbol", [SPOT, PERP])
def test_a_triggered_order_is_told_by_the_order_that_it_placed(lab: LabProcess, kind: str, symbol: str) -> None:
    account = opened(lab, kind)
    key, name = account.credentials, account.name.replace("-", "")
    stop = order(
        f"{name}stop", symbol, Side.SELL, type=OrderType.STOP_MARKET, px=None, trigger_px=D(59000), reduces=True
    )

    async def story(venue: Venue) -> None:
        (await venue.submit(key, order(f"{name}open", symbol)))
        await venue.submit(key, stop)
        waiting = await venue.query(key, symbol, stop.client_order_id, conditional=True)
        assert waiting is not None and waiting.status is OrderStatus.ACCEPTED
        assert await venue.query(key, symbol, stop.client_order_id) is None, "it is no plain order"
        lab.control("POST", "marks", symbol="BTCUSDT", px="58000")
        view = waiting
        while view.status is not OrderStatus.FILLED:
            found = await _settled(venue, key, stop)
            assert found is not None
            view = found
        assert (view.client_order_id, view.cum_qty) == (stop.client_order_id, D("0.01"))
        assert sum(fill.qty for fill in view.fills) == D("0.01")
        assert view.venue_order_id != waiting.venue_order_id

    run(lab, story)


async def _settled(venue: Venue, key: Credentials, stop: OrderRequest) -> Any:
    await asyncio.sleep(0.2)  # Two questions a look, of ten a second.
    return await venue.query(key, stop.symbol, stop.client_order_id, conditional=True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_is_never_amended_because_it_would_become_another(lab: LabProcess, kind: str) -> None:
    account = opened(lab, kind)
    key, name = account.credentials, account.name.replace("-", "")

    async def story(venue: Venue) -> None:
        resting = order(f"{name}rest", px=D(55000), time_in_force=TimeInForce.GTC)
        view = await venue.submit(key, resting)
        with pytest.raises(VenueRefused, match="under another id"):
            await venue.amend(key, Amendment(resting.client_order_id, PERP, Side.BUY, D("0.02"), D(55000)))
        (left,) = await venue.open_orders(key, PERP)
        assert (left.venue_order_id, left.qty) == (view.venue_order_id, D("0.01"))

    run(lab, story)


def test_money_moves_between_the_wallets_that_a_kind_has(lab: LabProcess) -> None:
    classic, unified = (opened(lab, kind, (*RIGHTS, "transfer")).credentials for kind in KINDS)

    async def story(venue: Venue) -> None:
        await venue.transfer(classic, "USDT", D(40_000), Wallet.SPOT, Wallet.FUTURES)
        assert (await venue.balances(classic, Wallet.FUTURES))["USDT"].free == 140_000
        for wallet in (Wallet.SPOT, Wallet.FUTURES):
            await venue.transfer(unified, "USDT", D(50_000), wallet, Wallet.FUNDING)
        assert (await venue.balances(unified, Wallet.FUNDING))["USDT"].free == 100_000
        assert (await venue.balances(unified))["USDT"].free == 100_000
        await venue.transfer(unified, "USDT", D(7), Wallet.SPOT, Wallet.FUTURES)
        assert (await venue.balances(unified))["USDT"].free == 100_000, "it is one purse"

    run(lab, story)
