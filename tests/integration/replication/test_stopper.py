"""Stops are fired whether PostgreSQL answers, is away, or hangs; and what was sent is stored, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import utc_now
from copydesk.replication.exposure import read_exposures
from copydesk.replication.port import Timing
from copydesk.replication.stopper import Fire, Fired, Stopper
from copydesk.risk.acts import Act, ActState
from copydesk.risk.journal import Journal
from copydesk.trading import Side, SubscriptionState
from desk_site import LEASE_MS, SHARD, UNKNOWN_WAIT_MS, Site, Worker
from paper_exchange import PERPETUAL
from sqlalchemy.exc import OperationalError


class Fragile(Database):
    """A database that can be away, or hang until it is let go."""

    def __init__(self, real: Database) -> None:
        super().__init__(real.engine)
        self.away = False
        self.going_on = threading.Event()
        self.going_on.set()

    @contextmanager
    def tenant(self, tenant_id: int) -> Iterator[TenantSession]:
        if self.away:
            raise OperationalError("SELECT 1", {}, Exception("connection refused"))
        self.going_on.wait()
        with super().tenant(tenant_id) as session:
            yield session


class Guard:
    """A process that fires stops for a site's followers, with a journal that outlives it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.db = Fragile(site.db)
        self.worker = site.worker("guard")
        self.journal = Journal(folder / "acts.jsonl")
        timing = Timing(LEASE_MS, UNKNOWN_WAIT_MS)
        self.stopper = Stopper(self.db, self.worker.around, self.worker.clock, timing, self.journal)
        with site.db.tenant(site.tenant_id) as session:
            self.exposures = read_exposures(session)

    def fires(self) -> list[Fire]:
        return [
            Fire(
                Act(
                    f"{one.subscription_id}-1",
                    "subscription",
                    one.subscription_id,
                    one.subscription_id,
                    "loss > 20 % of equity -> close_and_disarm",
                    "close_and_disarm",
                    ActState.FIRING,
                    {"equity": "790"},
                    utc_now(),
                ),
                (one,),
                SubscriptionState.DISARMED,
                "risk_stop",
            )
            for one in self.exposures
        ]

    def fire(self) -> Fired:
        return self.stopper.fire(self.site.tenant_id, SHARD, self.fires())


@pytest.fixture
def guard(site: Site, tmp_path: Path) -> Iterator[Guard]:
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    site.worker().drain()
    made = Guard(site, tmp_path)
    yield made
    made.db.going_on.set()
    made.stopper.close()


def closes(site: Site) -> list[Any]:
    return [order for account in site.accounts for order in site.exchange.orders_of(account) if order.reduces]


def settled(site: Site) -> Worker:
    """Let a lane find out what became of everything."""
    site.expire_lease()
    worker = site.worker("two")
    for ahead_s in (0, 10, 20):
        worker.clock.ahead_s = ahead_s
        worker.reconcile()
    return worker


def test_a_stop_is_noted_sent_and_settled(guard: Guard) -> None:
    site = guard.site
    fired = guard.fire()
    assert (fired.sent, fired.unanswered, fired.stored) == (len(site.accounts), 0, True)
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.one("SELECT count(*) FROM risk_act WHERE state = 'firing'") == len(site.accounts)
    assert guard.journal.left == {}


def test_with_postgresql_away_closes_are_sent_and_stored_afterwards(guard: Guard) -> None:
    site = guard.site
    guard.db.away = True
    fired = guard.fire()
    assert (fired.sent, fired.stored) == (len(site.accounts), False)
    sent = sorted(order.client_order_id for order in closes(site))
    guard.db.away = False
    assert guard.stopper.catch_up() == len(site.accounts)
    assert sorted(row[0] for row in site.rows("SELECT client_order_id FROM copy WHERE leg = 'stop-1'")) == sent
    assert site.rows("SELECT DISTINCT state, state_reason FROM subscription") == [("disarmed", "risk_stop")]
    settled(site)
    assert sorted(order.client_order_id for order in closes(site)) == sent
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.books_are_sums()
    assert site.one("SELECT count(*) FROM risk_act WHERE state = 'closing'") == len(site.accounts)


def test_what_is_stored_too_late_is_not_sent_a_second_time(guard: Guard) -> None:
    site = guard.site
    guard.db.going_on.clear()
    fired = guard.fire()
    assert (fired.sent, fired.stored) == (len(site.accounts), False)
    guard.db.going_on.set()
    guard.stopper.close()
    assert site.one("SELECT count(*) FROM copy WHERE leg = 'stop-1'") == len(site.accounts)
    guard.stopper.catch_up()
    settled(site)
    assert len(closes(site)) == len(site.accounts)
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.books_are_backed()


def test_a_process_that_died_before_it_could_store_is_caught_up_with_by_the_next(guard: Guard, tmp_path: Path) -> None:
    site = guard.site
    guard.db.away = True
    guard.fire()
    following = Guard(site, tmp_path)
    assert following.journal.left.keys() == {f"{one}-1" for one in site.subscriptions}
    assert following.stopper.catch_up() == len(site.accounts)
    following.stopper.close()
    settled(site)
    assert len(closes(site)) == len(site.accounts)
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0


def test_answers_of_what_was_sent_from_memory_are_booked_with_its_rows(guard: Guard) -> None:
    site = guard.site
    guard.db.away = True
    guard.fire()
    guard.db.away = False
    guard.stopper.catch_up()
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.rows("SELECT DISTINCT status FROM copy WHERE leg = 'stop-1'") == [("filled",)]
    assert site.exchange.asked == []
    assert site.books_are_sums()


def test_answers_count_though_another_worker_takes_the_lane_meanwhile(guard: Guard) -> None:
    """Asking about hundreds of closes one by one takes an exchange's limits minutes."""
    site = guard.site

    def take_over() -> None:
        site.exchange.on_submit = lambda: None
        site.expire_lease()
        assert site.worker("two").lanes.hold(site.tenant_id, SHARD) is not None

    site.exchange.on_submit = take_over
    guard.fire()
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    settled(site)
    assert len(closes(site)) == len(site.accounts)
    assert site.books_are_sums()


def test_a_refusal_does_not_count_once_another_worker_has_the_lane(guard: Guard) -> None:
    """It may have sent the order again."""
    site = guard.site
    site.exchange.mood = dict.fromkeys(site.accounts, "strict")
    site.exchange.sold_by_hand = dict.fromkeys(site.accounts, site.exchange.position(site.accounts[0]))

    def take_over() -> None:
        site.exchange.on_submit = lambda: None
        site.expire_lease()
        site.worker("two").lanes.hold(site.tenant_id, SHARD)

    site.exchange.on_submit = take_over
    guard.fire()
    assert site.rows("SELECT DISTINCT status FROM copy WHERE leg = 'stop-1'") == [("in_flight",)]


def test_refusals_of_what_was_sent_from_memory_are_booked_with_its_rows(guard: Guard) -> None:
    """Nobody can have sent what nobody knew of."""
    site = guard.site
    site.exchange.mood = dict.fromkeys(site.accounts, "strict")
    site.exchange.sold_by_hand = dict.fromkeys(site.accounts, site.exchange.position(site.accounts[0]))
    guard.db.away = True
    guard.fire()
    guard.db.away = False
    guard.stopper.catch_up()
    rows = site.rows("SELECT DISTINCT status, reason FROM copy WHERE leg = 'stop-1'")
    assert rows == [("rejected", "nothing_to_reduce")]


def test_nothing_more_is_sent_for_what_was_sent_from_memory_until_that_is_stored(guard: Guard) -> None:
    site = guard.site
    guard.db.away = True
    guard.fire()
    guard.db.away = False
    assert guard.stopper.again(site.tenant_id, SHARD, guard.fires()) is None
    assert len(closes(site)) == len(site.accounts)
    guard.stopper.catch_up()
    again = guard.stopper.again(site.tenant_id, SHARD, guard.fires())
    assert again is not None
    assert len(closes(site)) == len(site.accounts)


def test_who_held_nothing_is_stopped_too_once_postgresql_is_back(guard: Guard) -> None:
    site = guard.site
    guard.exposures = [one._replace(books=()) for one in guard.exposures]
    guard.db.away = True
    assert guard.fire().sent == 0
    guard.db.away = False
    guard.stopper.catch_up()
    assert site.rows("SELECT DISTINCT state, state_reason FROM subscription") == [("disarmed", "risk_stop")]


def test_what_provably_did_not_leave_is_sent_again_at_once_and_by_nobody_else(guard: Guard) -> None:
    site = guard.site
    submits: list[int] = []

    def busy_twice() -> None:
        submits.append(len(submits))
        site.exchange.mood = dict.fromkeys(site.accounts, "busy") if len(submits) < 3 else {}

    site.exchange.on_submit = busy_twice
    fired = guard.fire()
    assert (fired.sent, fired.unanswered) == (len(site.accounts), 0)
    assert len(closes(site)) == len(site.accounts)
    assert site.exchange.duplicates == 0
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0


def test_firing_again_sends_nothing_for_what_is_closed_or_closing(guard: Guard) -> None:
    guard.fire()
    again = guard.stopper.again(guard.site.tenant_id, SHARD, guard.fires())
    assert again is not None
    assert list(again.batch) == []
    assert len(closes(guard.site)) == len(guard.site.accounts)


def test_what_missed_is_closed_by_firing_again(guard: Guard) -> None:
    site = guard.site
    site.exchange.mood = dict.fromkeys(site.accounts, "miss")
    guard.fire()
    site.exchange.mood = {}
    guard.stopper.again(site.tenant_id, SHARD, guard.fires())
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0


def test_what_is_just_being_fired_is_not_caught_up_with(guard: Guard) -> None:
    """Rows made of the journal meanwhile would keep the stop's own orders from being stored, and so from being sent."""
    caught_up: list[int] = []

    class Curious(Stopper):
        def _store(self, *told: Any) -> Any:
            caught_up.append(self.catch_up())
            return super()._store(*told)

    worker = guard.worker
    curious = Curious(guard.db, worker.around, worker.clock, Timing(LEASE_MS, UNKNOWN_WAIT_MS), guard.journal)
    fired = curious.fire(guard.site.tenant_id, SHARD, guard.fires())
    curious.close()
    assert (caught_up, fired.sent) == ([0], len(guard.site.accounts))
