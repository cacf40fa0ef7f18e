"""What a leader does without trading, as the listener notes it: told once, in order, and over a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from copydesk.bootstrap import Runtime
from copydesk.kernel import Unavailable
from copydesk.replication import NewsKind, news_of_strategy
from copydesk.trading import Credentials, MarginMode, PositionSide
from copydesk.venues import FundingPayment, Position, Venue
from copydesk.workers.leader_events import LeaderEvents
from desk_site import Site
from paper_exchange import PERPETUAL, PX, D

KEY = Credentials(1, "key", "secret")
HELD = Position(PERPETUAL, PositionSide.NET, D(1), PX, PX, 100, MarginMode.ISOLATED, D(0), D(49_700), D(500))
MORE = HELD._replace(margin=D(800), liquidation_px=D(49_400))


class Listener:
    """One process that reads a leader's account; `paid` is the funding that the exchange tells of."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.announced: list[Mapping[str, Any]] = []
        self.paid: list[FundingPayment] = []
        self.busy = False
        self.asked = 0
        runtime = SimpleNamespace(db=site.db, announce=lambda _, event: self.announced.append(event))
        self._events = LeaderEvents(cast(Runtime, runtime), site.leader, cast(Venue, self))

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        self.asked += 1
        if self.busy:
            raise Unavailable("busy")
        return self.paid

    async def read(self, *positions: Position, began_at: float | None = None) -> None:
        at = time.monotonic() if began_at is None else began_at
        await self._events.note(positions, KEY, began_at=at)


def told(site: Site) -> list[tuple[NewsKind, Any]]:
    with site.db.tenant(site.tenant_id) as session:
        return [(one.kind, one.facts["amount"]) for one in reversed(news_of_strategy(session, site.leader.strategy_id))]


def test_margin_that_is_added_is_stored_once_and_announced_with_its_number(site: Site) -> None:
    listener = Listener(site)

    async def story() -> None:
        for seen in (HELD, MORE, MORE):
            await listener.read(seen)

    asyncio.run(story())
    assert told(site) == [(NewsKind.MARGIN, "300")]
    (announced,) = listener.announced
    assert (announced["type"], announced["strategy_id"]) == ("margin", site.leader.strategy_id)
    assert announced["symbol"] == PERPETUAL
    assert listener.asked == 1, "funding is asked for only where a margin has moved"


def test_a_new_process_goes_on_from_what_was_seen_last(site: Site) -> None:
    asyncio.run(Listener(site).read(HELD))
    asyncio.run(Listener(site).read(HELD))
    assert told(site) == []
    asyncio.run(Listener(site).read(MORE))
    asyncio.run(Listener(site).read(MORE))
    assert told(site) == [(NewsKind.MARGIN, "300")]


def test_a_reading_that_overlaps_the_last_one_is_passed_over(site: Site) -> None:
    listener = Listener(site)

    async def story() -> None:
        await listener.read(HELD)
        began_at = time.monotonic()
        await listener.read(MORE)
        await listener.read(HELD, began_at=began_at)
        await listener.read(MORE)

    asyncio.run(story())
    assert told(site) == [(NewsKind.MARGIN, "300")]


def test_funding_is_no_news_and_where_it_is_not_told_nothing_is_judged_yet(site: Site) -> None:
    listener = Listener(site)
    after = HELD._replace(margin=D(490), liquidation_px=D(49_710))

    async def story() -> None:
        await listener.read(HELD)
        listener.busy = True
        await listener.read(after)
        listener.busy = False
        listener.paid = [FundingPayment("1", PERPETUAL, D(-10), "USDT", 0)]
        await listener.read(after)
        listener.paid = []
        await listener.read(after)

    asyncio.run(story())
    assert told(site) == []
    with site.db.tenant(site.tenant_id):
        assert site.one("SELECT margin FROM leader_position") == 490


def test_a_position_that_is_closed_is_forgotten(site: Site) -> None:
    listener = Listener(site)

    async def story() -> None:
        await listener.read(HELD)
        await listener.read()
        await listener.read(MORE)

    asyncio.run(story())
    assert told(site) == []
    assert site.one("SELECT margin FROM leader_position") == 800


@pytest.mark.parametrize("leverage", [50, 125])
def test_another_leverage_is_told_with_both(site: Site, leverage: int) -> None:
    listener = Listener(site)

    async def story() -> None:
        await listener.read(HELD)
        await listener.read(HELD._replace(leverage=leverage, margin=D(900)))

    asyncio.run(story())
    assert [kind for kind, _ in told(site)] == [NewsKind.LEVERAGE]
    assert listener.announced[0]["type"] == "leverage"
