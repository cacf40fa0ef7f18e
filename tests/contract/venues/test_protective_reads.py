"""A stop that rests at an exchange is taken, shown, filled and canceled in the same way on every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.replication import Filled, Progress, Protective, after_look, after_placing
from copydesk.risk.protection import Protection, ProtectiveState
from copydesk.trading import Credentials, MarginMode, OrderRequest, OrderType, PositionSide, Side
from copydesk.venues import Venue, client_order_id
from venue_lab import LabProcess, lab_process

D = Decimal
PERP = "BTC/USDT:USDT"
RIGHTS = ("read", "trade", "perp")
KINDS = ("binance", "bybit", "okx", "bitget", "bitget-uta")
HELD, FALLEN = D(100_000), D(90_000)
QTY = D("0.02")
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def quiet_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """A lab of this module's own, whose price is set by hand."""
    with lab_process(tmp_path_factory.mktemp("quiet")) as lab:
        yield lab


async def placed(venue: Venue, key: Credentials, name: str, margin_mode: MarginMode = MarginMode.CROSS) -> Protective:
    """Hold a long, let a stop rest for it, and return it as it is known then."""
    await venue.set_margin_mode(key, PERP, margin_mode, 5)
    cid = client_order_id("cd", name * 32, venue.traits)
    await venue.submit(key, OrderRequest(cid, PERP, Side.BUY, OrderType.MARKET, QTY, margin_mode=margin_mode))
    terms = Protection(Side.SELL, QTY, D(95_000))
    cid = client_order_id("cd", (name + "f") * 16, venue.traits)
    stop = Protective(
        1, 1, 1, "lab:0", PERP, PositionSide.NET, 1, terms, cid, ProtectiveState.PLACING, proof_at=now() + MINUTE,
        margin_mode=margin_mode,
    )  # fmt: skip
    (outcome,) = await venue.submit_many([(key, stop.request())])
    found = after_placing(stop, outcome, now(), MINUTE)
    assert isinstance(found, Progress), found
    assert found.state is not ProtectiveState.REFUSED, found.reason
    return await known(venue, key, found.now, ProtectiveState.RESTING)


async def known(venue: Venue, key: Credentials, stop: Protective, state: ProtectiveState) -> Protective:
    """Ask until the exchange shows the stop in a state."""
    found = await asked(venue, key, stop)
    for _ in range(200):
        if isinstance(found, Progress) and found.state is state:
            return found.now
        await asyncio.sleep(0.05)
        found = await asked(venue, key, stop)
    raise AssertionError(f"expected {state}, found {found}")


async def asked(venue: Venue, key: Credentials, stop: Protective) -> Progress | Filled:
    view = await venue.query(key, PERP, stop.client_order_id, conditional=True)
    return after_look(stop, view, now(), MINUTE)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("mode", MarginMode)
@pytest.mark.parametrize("kind", KINDS)
def test_a_resting_stop_closes_what_is_held_and_tells_all_of_its_fills(
    quiet_lab: LabProcess, kind: str, mode: MarginMode
) -> None:
    account = quiet_lab.account(permissions=RIGHTS, venue=kind)

    async def story(venue: Venue) -> None:
        stop = await placed(venue, account.credentials, "1", mode)
        quiet_lab.control("POST", "marks", symbol="BTCUSDT", px=str(FALLEN))
        found = await asked(venue, account.credentials, stop)
        for _ in range(200):
            if isinstance(found, Filled):
                break
            await asyncio.sleep(0.05)
            found = await asked(venue, account.credentials, stop)
        assert isinstance(found, Filled), found
        assert sum(fill.qty for fill in found.view.fills) == found.view.cum_qty == QTY
        assert await venue.positions(account.credentials, PERP) == []

    quiet_lab.control("POST", "marks", symbol="BTCUSDT", px=str(HELD))
    quiet_lab.play(kind, story)


@pytest.mark.parametrize("kind", KINDS)
def test_a_canceled_stop_is_over_and_what_is_held_stays(quiet_lab: LabProcess, kind: str) -> None:
    account = quiet_lab.account(permissions=RIGHTS, venue=kind)

    async def story(venue: Venue) -> None:
        stop = await placed(venue, account.credentials, "2")
        canceling = stop._replace(state=ProtectiveState.CANCELING)
        await venue.cancel(account.credentials, PERP, stop.client_order_id, conditional=True)
        found = await asked(venue, account.credentials, canceling)
        assert isinstance(found, Progress), found
        assert found.state in (ProtectiveState.CANCELED, ProtectiveState.ABSENT)
        quiet_lab.control("POST", "marks", symbol="BTCUSDT", px=str(FALLEN))
        (position,) = await venue.positions(account.credentials, PERP)
        assert position.qty == QTY

    quiet_lab.control("POST", "marks", symbol="BTCUSDT", px=str(HELD))
    quiet_lab.play(kind, story)
