"""What an account pays for funding, and its number, are told by every exchange as its own records have them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, OrderRequest, OrderType, PositionSide, Side
from copydesk.venues import Venue, client_order_id
from venue_lab import LabAccount, LabProcess, lab_process

D = Decimal
PERP = "BTC/USDT:USDT"
RIGHTS = ("read", "trade", "perp")
KINDS = ("binance", "bybit", "okx", "bitget", "bitget-uta")
# A funding period of eight hours in about three seconds.
HURRY = 10_000
LOOKS_MAX = 300


@pytest.fixture(scope="module")
def hasty_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """A lab of this module's own, whose market may be hurried."""
    with lab_process(tmp_path_factory.mktemp("hasty")) as lab:
        yield lab


async def let_a_period_end(lab: LabProcess, account: LabAccount) -> None:
    """Hurry the market until the account has paid, and let it go at its own pace again."""
    lab.control("POST", "speed", speed=HURRY)
    try:
        for _ in range(LOOKS_MAX):
            if lab.journal("funding", account.name):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("no funding was charged")
    finally:
        lab.control("POST", "speed", speed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_funding_is_told_as_the_exchange_has_charged_it(hasty_lab: LabProcess, kind: str) -> None:
    account = hasty_lab.account(permissions=RIGHTS, venue=kind)
    since_ms = int(time.time() * 1000) - 1000

    async def story(venue: Venue) -> None:
        name = client_order_id("cd", "1" * 32, venue.traits)
        order = OrderRequest(name, PERP, Side.BUY, OrderType.MARKET, D("0.02"), position_side=PositionSide.NET)
        assert await venue.funding(account.credentials, since_ms) == []
        await venue.submit(account.credentials, order)
        await let_a_period_end(hasty_lab, account)
        told = await venue.funding(account.credentials, since_ms)
        charged = hasty_lab.journal("funding", account.name)
        assert [payment.amount for payment in told] == [D(record["delta"]) for record in charged]
        assert {(payment.symbol, payment.currency) for payment in told} == {(PERP, "USDT")}
        assert len({payment.payment_id for payment in told}) == len(told) >= 1
        assert await venue.funding(account.credentials, told[-1].at_ms + 1) == []

    hasty_lab.play(kind, story)


async def patient_uid(venue: Venue, key: Credentials) -> str:
    """Ask again where the exchange counts all keys of an account together: Bitget answers once a second."""
    for _ in range(LOOKS_MAX):
        try:
            return await venue.account_uid(key)
        except Unavailable:
            await asyncio.sleep(0.05)
    raise AssertionError("the exchange stays busy")


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_an_account_names_the_same_account_and_no_other(hasty_lab: LabProcess, kind: str) -> None:
    one, other = hasty_lab.account(permissions=RIGHTS, venue=kind), hasty_lab.account(permissions=RIGHTS, venue=kind)
    second = hasty_lab.key(one.name, ("read", "trade"))

    async def story(venue: Venue) -> None:
        uids = [await patient_uid(venue, key) for key in (one.credentials, second, other.credentials)]
        assert uids[0] == uids[1] != uids[2]
        assert uids[0].isdecimal()

    hasty_lab.play(kind, story)
