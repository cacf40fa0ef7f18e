"""The demo's traders are strangers to the platform: plain ccxt, one of them on each market that the demo leads in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from copydesk.demo.cast import LEVERAGE, PERP, TRADERS, Trader
from copydesk.demo.lab_control import FUTURES, TRADING, LabControl
from copydesk.demo.seed import TraderSeat, write_seats
from copydesk.demo.traders import Rhythm, trade_all
from copydesk.venues import TRAITS
from lab_process import TOKEN, LabProcess

CAST = {trader.slug: trader for cast in TRADERS.values() for trader in cast}
ORDERS_MIN = 4


def wallet_of(trader: Trader) -> str:
    return FUTURES if trader.market == PERP and not TRAITS[trader.venue].unified else TRADING


def seat(control: LabControl, trader: Trader) -> TraderSeat:
    key = control.fund(trader.slug, trader.venue, wallet_of(trader), "USDT", "100000")
    return TraderSeat(trader.slug, trader.venue, trader.market, trader.plan, *key)


def orders(lab: LabProcess) -> dict[str, set[tuple[str, int]]]:
    """Return the orders of each trader that were filled."""
    found: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for record in lab.journal("execution"):
        found[record["account"]].add((record["symbol"], record["order_id"]))
    return found


async def perform(lab: LabProcess, seats: Path) -> None:
    """Let the traders trade until each of them has had some orders filled, at most for a while."""
    stop = asyncio.Event()
    playing = asyncio.create_task(trade_all(seats, (lab.ready["rest"], lab.ready["ws"]), Rhythm(0.3, 7), stop))
    async with asyncio.timeout(60):
        while any(len(orders(lab)[slug]) < ORDERS_MIN for slug in CAST) and not playing.done():
            await asyncio.wait({playing}, timeout=0.2)
    stop.set()
    await playing


def test_every_trader_of_the_demo_trades_its_market_by_plain_ccxt(own_lab: LabProcess, tmp_path: Path) -> None:
    control_url = f"http://127.0.0.1:{own_lab.control_port}"
    with LabControl(control_url, TOKEN) as control:
        write_seats(tmp_path / "traders.json", [seat(control, trader) for trader in CAST.values()])
        asyncio.run(perform(own_lab, tmp_path / "traders.json"))
        views = {slug: control.view(slug) for slug in CAST}
    for record in own_lab.journal("execution"):
        trader = CAST[record["account"]]
        assert (record["venue"], record["market"]) == (trader.venue, trader.market)
    assert {r["account"] for r in own_lab.journal("request") if str(r["status"]) in ("403", "418", "429")} == set()
    leverages = {p["leverage"] for slug, view in views.items() for p in view["positions"]}
    assert leverages == {LEVERAGE}


def test_an_account_is_funded_once_however_often_it_is_asked_for(own_lab: LabProcess) -> None:
    with LabControl(f"http://127.0.0.1:{own_lab.control_port}", TOKEN) as control:
        for venue, wallet in (("bitget", FUTURES), ("okx", TRADING)):
            keys = {control.fund(f"on-{venue}", venue, wallet, "USDT", "250") for _ in range(2)}
            assert len({key.api_key for key in keys}) == 2
            assert all(key.passphrase for key in keys)
        assert Decimal(control.view("on-bitget")[FUTURES]["wallet"]) == 250
        assert [Decimal(money) for money in control.view("on-okx")[TRADING]["USDT"]] == [250, 0]
        assert control.view("nobody") == {}
