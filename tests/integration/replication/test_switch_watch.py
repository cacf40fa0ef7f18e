"""A process sees every change of a switch by itself, is nudged by Redis, and keeps what it knows through an outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from copydesk.db import Database
from copydesk.kernel import Unavailable
from copydesk.risk import Reach, Stops, SwitchesNow, ThrownSwitch
from copydesk.risk.switches import NewSwitch, Subjects, confirm, lift, nudge, throw
from copydesk.workers.switchboard import SwitchWatch
from desk_site import Site
from redis import Redis

DEADLINE_S = 30
Watches = Callable[..., SwitchWatch]


class Desk:
    """Notes what a watch has carried out; the first tries may break off."""

    def __init__(self, breaks_off: int = 0) -> None:
        self.done: list[tuple[int, bool, bool]] = []
        self.breaks_off = breaks_off

    def carry_out(self, switch: ThrownSwitch) -> None:
        if self.breaks_off:
            self.breaks_off -= 1
            raise Unavailable("not now")
        self.done.append((switch.id, switch.closes, switch.lifted_at is None))


@pytest.fixture
def watches(database_url: str, site: Site) -> Iterator[Watches]:
    """Make watches of the site's brand, and close them after the test."""
    opened: list[SwitchWatch] = []

    def watch(now: SwitchesNow, desk: Desk, **terms: float) -> SwitchWatch:
        opened.append(SwitchWatch(database_url, lambda: [site.tenant_id], now, desk.carry_out, **terms))
        return opened[-1]

    yield watch
    for one in opened:
        one.close()


def throw_one(site: Site) -> ThrownSwitch:
    with site.db.tenant(site.tenant_id) as session:
        return throw(session, NewSwitch(Reach.TENANT, "", Stops.OPENS, "drill", "Mara"), Subjects())


def wait_for(holds: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        pause.wait(0.01)


def brand_ids(now: SwitchesNow, site: Site) -> list[int]:
    return [switch.id for switch in now.board.brands.get(site.tenant_id, ())]


def test_a_switch_is_seen_without_redis_and_carried_out_once(watches: Watches, site: Site) -> None:
    now, desk = SwitchesNow(), Desk()
    watch = watches(now, desk)
    watch.look()
    watch.start()
    switch = throw_one(site)
    wait_for(lambda: desk.done == [(switch.id, False, True)])
    assert brand_ids(now, site) == [switch.id]
    with site.db.tenant(site.tenant_id) as session:
        lift(session, switch.id, "Mara")
    wait_for(lambda: desk.done == [(switch.id, False, True), (switch.id, False, False)])
    assert brand_ids(now, site) == []


def test_a_brand_that_is_served_later_comes_with_the_switches_that_are_on_already(
    database_url: str, site: Site
) -> None:
    now, served = SwitchesNow(), set[int]()
    switch = throw_one(site)
    watch = SwitchWatch(database_url, lambda: served, now)
    watch.look()
    assert brand_ids(now, site) == []
    served.add(site.tenant_id)
    assert watch.look()
    assert brand_ids(now, site) == [switch.id]
    assert not watch.look()
    watch.close()


def test_a_nudge_is_enough(watches: Watches, site: Site, redis_url: str) -> None:
    now = SwitchesNow()
    with closing(Redis.from_url(redis_url)) as redis:
        watch = watches(now, Desk(), look_every_s=3_600)
        watch.look()
        watch.start(redis)
        wait_for(lambda: redis.pubsub_numsub("copydesk:switches")[0][1] == 1)
        switch = throw_one(site)
        nudge(redis)
        wait_for(lambda: brand_ids(now, site) == [switch.id])
        watch.close()


def test_what_is_known_holds_while_postgresql_is_away(
    watches: Watches, site: Site, owner_url: str, db: Database
) -> None:
    now = SwitchesNow()
    watch = watches(now, Desk())
    switch = throw_one(site)
    watch.look()
    watch.start()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for _ in range(3):
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert brand_ids(now, site) == [switch.id]
    db.engine.dispose()
    with site.db.tenant(site.tenant_id) as session:
        lift(session, switch.id, "Mara")
    wait_for(lambda: brand_ids(now, site) == [])


def test_what_breaks_off_is_carried_out_with_the_next_look(watches: Watches, site: Site) -> None:
    now, desk = SwitchesNow(), Desk(breaks_off=2)
    watch = watches(now, desk)
    switch = throw_one(site)
    for _ in range(2):
        with suppress(Unavailable):
            watch.look()
            watch.settle()
    assert (desk.done, brand_ids(now, site)) == ([], [switch.id])
    watch.settle()
    assert desk.done == [(switch.id, False, True)]
    assert not watch.look()


def test_a_confirmation_is_carried_out_as_closing(watches: Watches, site: Site) -> None:
    now, desk = SwitchesNow(), Desk()
    watch = watches(now, desk)
    with site.db.installation() as session:
        switch = throw(session, NewSwitch(Reach.ALL, "", Stops.ALL, "drill", "Mara"), Subjects())
    watch.look()
    watch.settle()
    with site.db.installation() as session:
        confirm(session, switch.id, "Omar")
    watch.look()
    watch.settle()
    assert desk.done == [(switch.id, False, True), (switch.id, True, True)]
    with site.db.installation() as session:
        lift(session, switch.id, "Omar")
