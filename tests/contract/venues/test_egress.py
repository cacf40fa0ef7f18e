"""Several outgoing addresses: keys bound to one work from it alone, and each has budgets of its own at the exchange."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from copydesk.kernel import VenueRefused
from copydesk.venues import EXCHANGES, PoolLimits, StreamState, open_stream, open_venue
from venue_lab import LabProcess

RIGHTS = ("read", "trade")
BOUND, OTHER = "127.0.0.2", "127.0.0.3"


async def reading(lab: LabProcess, venue: str, egress: str, ips: tuple[str, ...]) -> None:
    """Read balances from an address with a key that is bound to some."""
    account = lab.account(permissions=RIGHTS, ips=ips, venue=venue)
    opened = open_venue(venue, lab.urls_of(venue), limits=PoolLimits(connections_max=2, egress=egress))
    try:
        await opened.instruments()
        await opened.balances(account.credentials)
    finally:
        await opened.aclose()


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_key_that_is_bound_to_an_address_works_from_there(lab: LabProcess, venue: str) -> None:
    asyncio.run(reading(lab, venue, BOUND, (BOUND,)))


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_key_that_is_bound_to_an_address_is_refused_from_another(lab: LabProcess, venue: str) -> None:
    for elsewhere in (OTHER, ""):
        with pytest.raises(VenueRefused):
            asyncio.run(reading(lab, venue, elsewhere, (BOUND,)))


async def first_said(lab: LabProcess, venue: str, egress: str) -> str:
    """Return what a leader's stream says first when it leaves from an address; the key is bound to `BOUND`."""
    account = lab.account(permissions=RIGHTS, ips=(BOUND,), venue=venue)
    opened = open_venue(venue, lab.urls_of(venue), limits=PoolLimits(connections_max=2, egress=egress))
    try:
        await opened.instruments()
        async with aclosing(open_stream(opened).trades(account.credentials)) as events:
            return (await anext(events)).state
    except VenueRefused:
        return "refused"
    finally:
        await opened.aclose()


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_leaders_stream_leaves_from_the_address_of_its_key(lab: LabProcess, venue: str) -> None:
    assert asyncio.run(first_said(lab, venue, BOUND)) == StreamState.CONNECTED
    assert asyncio.run(first_said(lab, venue, OTHER)) in ("refused", StreamState.LOST)


def test_the_exchange_counts_each_address_by_itself(lab: LabProcess) -> None:
    after = len(lab.journal("request"))
    for egress in (BOUND, OTHER):
        asyncio.run(reading(lab, "binance", egress, ()))
    rows = [row for row in lab.journal("request")[after:] if row["path"] == "/api/v3/account"]
    assert [row["ip"] for row in rows] == [BOUND, OTHER]
