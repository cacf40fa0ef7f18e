"""What breaks at the desk: over one key it leaves the others, and nothing that waits is forgotten."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.keys import Handed, IntakeState, Trouble
from copydesk.replication import Whereabouts
from copydesk.venues import Venue
from copydesk.workers.key_desk import KeyDesk
from key_people import HandClock, KeySite
from lab_desk import DeskRuntime


class Stumbling(HandClock):
    """A clock that cannot be read at the so-manyeth time."""

    falls_at = 0

    def now(self) -> datetime:
        self.falls_at -= 1
        if self.falls_at == 0:
            raise Unavailable("no time")
        return super().now()


def test_what_breaks_over_one_key_leaves_the_others_and_ends_it_after_an_hour(
    site: KeySite, runtime: DeskRuntime, clock: HandClock
) -> None:
    owner, handed = site.person(), Handed("a-key-of-somebody", "a-secret-of-somebody", "phrase")
    numbers = [site.hand_in(owner, venue, handed) for venue in ("okx", "bitget", "binance")]

    async def open_venue(where: Whereabouts) -> Venue:
        troubles = {"okx": KeyError("px"), "bitget": VenueRefused("odd")}
        raise troubles.get(where.venue, Unavailable("away"))

    desk = KeyDesk(runtime, open_venue, clock=clock, probes_per_s=1_000)
    asyncio.run(desk.look())
    assert {site.intake(owner, number).state for number in numbers} == {IntakeState.WAITING}
    clock.wait(minutes=61)
    asyncio.run(desk.look())
    assert {site.intake(owner, number).reason for number in numbers} == {Trouble.UNREACHABLE}
    assert all(site.sealed(number) == (None, None) for number in numbers)


def test_a_look_that_breaks_off_is_made_again(site: KeySite, runtime: DeskRuntime) -> None:
    """Nothing else tells of a key that waits: the number was seen already."""
    clock = Stumbling(site.clock.now())

    async def open_venue(where: Whereabouts) -> Venue:
        raise Unavailable("away")

    desk = KeyDesk(runtime, open_venue, clock=clock, probes_per_s=1_000)
    asyncio.run(desk.look())
    owner = site.person()
    number = site.hand_in(owner, "okx", Handed("a-key-of-somebody", "a-secret-of-somebody", "phrase"))
    clock.falls_at = 2
    with pytest.raises(Unavailable):
        asyncio.run(desk.look())
    asyncio.run(desk.look())
    assert site.intake(owner, number).reason == Trouble.UNREACHABLE
