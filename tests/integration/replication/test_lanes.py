"""One worker per lane: leases, fences, and what a new holder makes of an old one's leavings."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from copydesk.kernel import utc_now
from copydesk.replication.deliveries import Place, Stored, store_intents
from copydesk.replication.lease import take_lease
from copydesk.trading import Side
from desk_site import LEASE_MS, SHARD, Site


class Cut(RuntimeError):
    """A process that ends at this very point."""


def cut() -> None:
    raise Cut


def test_a_lane_is_taken_only_after_the_lease_has_run_out(site: Site) -> None:
    one, two = site.worker("one"), site.worker("two")
    first = one.lanes.hold(site.tenant_id, SHARD)
    assert first is not None
    assert two.lanes.hold(site.tenant_id, SHARD) is None
    site.expire_lease()
    second = two.lanes.hold(site.tenant_id, SHARD)
    assert second is not None
    assert second.epoch == first.epoch + 1


def test_a_holder_renews_without_a_new_epoch(site: Site) -> None:
    worker = site.worker()
    first = worker.lanes.hold(site.tenant_id, SHARD)
    assert first is not None
    worker.clock.ahead_s = LEASE_MS / 1000 * 0.9
    second = worker.lanes.hold(site.tenant_id, SHARD)
    assert second is not None
    assert (second.epoch, second.until > first.until) == (first.epoch, True)


def test_a_holder_that_overslept_begins_a_new_epoch(site: Site) -> None:
    worker = site.worker()
    first = worker.lanes.hold(site.tenant_id, SHARD)
    worker.clock.ahead_s = LEASE_MS / 1000 * 2
    second = worker.lanes.hold(site.tenant_id, SHARD)
    assert first is not None
    assert second is not None
    assert not worker.lanes.valid(first)
    assert not worker.lanes.may_send(site.tenant_id, SHARD, first)
    assert second.epoch == first.epoch + 1


def test_lanes_of_two_brands_do_not_share_a_lease(opens: Callable[..., Site]) -> None:
    ours, theirs = opens(), opens()
    assert ours.worker("one").lanes.hold(ours.tenant_id, SHARD) is not None
    assert theirs.worker("two").lanes.hold(theirs.tenant_id, SHARD) is not None


def crowd_version(site: Site) -> int:
    return int(site.one("SELECT version FROM crowd_version"))


def test_a_holder_of_an_old_epoch_stores_nothing(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    with site.db.tenant(site.tenant_id) as session:
        old = take_lease(session, shard=SHARD, holder="old", lease_ms=1, renews=False)
    site.expire_lease()
    with site.db.tenant(site.tenant_id) as session:
        take_lease(session, shard=SHARD, holder="new", lease_ms=LEASE_MS, renews=False)
    place = Place(SHARD, site.one("SELECT id FROM signal"), "BTC/USDT", "net")
    assert old is not None
    with site.db.tenant(site.tenant_id) as session:
        stored = store_intents(session, place, [], epoch=old, crowd_version=crowd_version(site), now=utc_now())
    assert stored is Stored.LOST
    assert site.one("SELECT drained_at FROM delivery") is None
    assert site.statuses() == []


def test_a_worker_that_lost_its_lane_while_planning_stores_and_sends_nothing(site: Site) -> None:
    """The race, held open at its worst moment: the lane changes hands after the old holder looked at its lease."""
    old, new = site.worker("old"), site.worker("new")
    site.trade(Side.BUY, "0.4")
    terms = old.around.terms

    def lose_the_lane(tenant_id: int, shard: str) -> object:
        site.expire_lease()
        new.drain()
        return terms(tenant_id, shard)

    old.around.terms = lose_the_lane  # type: ignore[assignment,method-assign]
    assert old.drain() == 0
    assert len(site.exchange.arrived) == 1
    assert site.statuses() == ["filled"]


def test_a_worker_whose_lease_ran_out_before_sending_sends_nothing_then(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    credentials = worker.around.credentials

    def slowly(tenant_id: int, account_ids: object) -> object:
        worker.clock.ahead_s += LEASE_MS / 1000 + 1
        return credentials(tenant_id, account_ids)  # type: ignore[arg-type]

    worker.around.credentials = slowly  # type: ignore[assignment,method-assign]
    worker.drain()
    assert site.exchange.arrived == []
    worker.around.credentials = credentials  # type: ignore[method-assign]
    settle_all(site, "one")
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1


def settle_all(site: Site, name: str) -> None:
    """Let a worker of this name look again, when "no such order" has become proof."""
    later = site.worker(name)
    site.expire_lease()
    later.drain()
    later.clock.ahead_s = 10
    later.reconcile()


@pytest.mark.parametrize("name", ["one", "two"], ids=["restarted under its name", "taken over by another"])
def test_copies_left_unsent_by_a_killed_worker_are_sent_once_by_the_next(site: Site, name: str) -> None:
    site.exchange.on_submit = cut
    site.trade(Side.BUY, "0.4")
    with pytest.raises(Cut):
        site.worker("one").drain()
    assert site.one("SELECT intents IS NOT NULL FROM delivery")
    site.exchange.on_submit = lambda: None
    settle_all(site, name)
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1


def test_a_worker_that_broke_off_takes_up_its_own_leavings(site: Site) -> None:
    """Its process lives on and its lease too, so nobody else would ever adopt them."""
    worker = site.worker()
    site.exchange.on_submit = cut
    site.trade(Side.BUY, "0.4")
    with pytest.raises(Cut):
        worker.drain()
    site.exchange.on_submit = lambda: None
    worker.drain()
    assert site.statuses() == ["in_flight"]
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.statuses() == ["filled"]
    assert site.exchange.duplicates == 0


def test_orders_that_arrived_before_the_worker_was_killed_are_found_and_not_sent_again(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "silent"}
    site.trade(Side.BUY, "0.4")
    site.worker("one").drain()
    site.act("UPDATE copy SET status = 'planned', next_check_at = NULL, proof_at = NULL")
    settle_all(site, "two")
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1
    assert site.books_are_sums()


def test_two_workers_draining_one_lane_at_once_store_and_send_each_copy_once(opens: Callable[..., Site]) -> None:
    site = opens(followers=20)
    workers = [site.worker(name) for name in ("one", "two")]
    for ago_s in range(5, 0, -1):
        site.trade(Side.BUY, "0.1", ago_s=ago_s)
    start = threading.Barrier(3)
    troubles: list[BaseException] = []

    def work(place: int) -> None:
        try:
            start.wait()
            while site.rows("SELECT 1 FROM delivery WHERE drained_at IS NULL"):
                workers[place].drain()
        except BaseException as trouble:  # noqa: BLE001 - shown by the test
            troubles.append(trouble)

    def steal() -> None:
        """Let the lease run out again and again, so that the lane changes hands in the middle of the work."""
        start.wait()
        while any(thread.is_alive() for thread in threads) and not troubles:
            site.expire_lease()

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    steal()
    for thread in threads:
        thread.join()
    assert troubles == []
    settle_all(site, "three")
    assert site.one("SELECT count(*) FROM copy") == 100
    assert site.exchange.duplicates == 0
    assert len(site.exchange.arrived) == 100
    assert set(site.statuses()) == {"filled"}
    assert site.books_are_sums()
    assert site.books_are_backed()


def test_a_delivery_that_is_drained_is_not_handed_out_for_sending_again(site: Site) -> None:
    """The last guard, should two plan the same signal under one epoch: the delivery takes intents once."""
    site.trade(Side.BUY, "0.4")
    hold = site.worker().lanes.hold(site.tenant_id, SHARD)
    assert hold is not None
    place = Place(SHARD, site.one("SELECT id FROM signal"), "BTC/USDT", "net")
    stored = []
    for _ in range(2):
        with site.db.tenant(site.tenant_id) as session:
            version = crowd_version(site)
            stored.append(store_intents(session, place, [], epoch=hold.epoch, crowd_version=version, now=utc_now()))
    assert stored == [Stored.STORED, Stored.LOST]
