"""Copies of unknown outcome are asked about, never blindly resent; books above their target are brought down."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import OrderStatus, Side
from desk_site import Site, Worker
from paper_exchange import D, view_of


def opened(site: Site, mood: str) -> Worker:
    """Let the leader open while the follower's exchange is in that mood; then it recovers."""
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: mood}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    return worker


def test_an_order_that_did_arrive_is_found_and_not_sent_again(site: Site) -> None:
    worker = opened(site, "silent")
    assert site.statuses() == ["in_flight"]
    worker.clock.ahead_s = 10
    assert worker.reconcile() == 1
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1
    assert site.books_are_sums()


def test_no_such_order_is_proof_only_after_the_receive_window(site: Site) -> None:
    worker = opened(site, "lost")
    worker.clock.ahead_s = 0.1
    worker.reconcile()
    assert site.statuses() == ["in_flight"]
    assert site.exchange.asked != []
    assert site.exchange.arrived == []
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.statuses() == ["filled"]
    (order,) = site.exchange.orders_of(site.accounts[0])
    assert order.client_order_id == site.exchange.asked[0]


def test_an_open_that_never_arrived_and_is_too_old_now_ends_as_expired(site: Site) -> None:
    worker = opened(site, "lost")
    worker.clock.ahead_s = 60
    worker.reconcile()
    assert site.one("SELECT status, reason FROM copy") == ("expired", "signal_too_old")
    assert site.book() == (0, 0, 0)
    assert site.exchange.arrived == []


def test_a_close_that_never_arrived_is_sent_however_late(site: Site) -> None:
    worker = opened(site, "fill")
    site.exchange.mood = {site.accounts[0]: "lost"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.clock.ahead_s = 3600
    worker.reconcile()
    assert site.statuses() == ["filled", "filled"]
    assert [order.side for order in site.exchange.orders_of(site.accounts[0])] == [Side.BUY, Side.SELL]


def test_an_open_that_never_arrived_is_not_sent_after_the_leader_closed(site: Site) -> None:
    worker = opened(site, "lost")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.exchange.arrived == []
    assert site.statuses() == ["expired", "denied"]
    assert site.book() == (0, 0, 0)


def test_an_exchange_that_was_busy_gets_the_same_order_later(site: Site) -> None:
    worker = opened(site, "busy")
    assert site.one("SELECT status, reason FROM copy") == ("in_flight", "venue_unavailable")
    worker.clock.ahead_s = 5
    worker.reconcile()
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1


@pytest.mark.parametrize(
    "trouble",
    [OutcomeUnknown("?"), Unavailable("busy"), VenueRefused("no", code="venue_refused")],
    ids=lambda trouble: type(trouble).__name__,
)
def test_trouble_in_asking_decides_nothing(site: Site, trouble: Exception) -> None:
    worker = opened(site, "silent")
    cid = site.one("SELECT client_order_id FROM copy")
    site.exchange.answers[cid] = trouble  # type: ignore[assignment]
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.statuses() == ["in_flight"]
    site.exchange.answers.clear()
    worker.clock.ahead_s = 60
    worker.reconcile()
    assert site.statuses() == ["filled"]
    assert len(site.exchange.arrived) == 1


def test_an_accepted_order_that_the_exchange_does_not_find_is_not_sent_again(site: Site) -> None:
    """Right after its acceptance an order may not be found yet; sent again it could fill twice."""
    worker = opened(site, "rest")
    hidden = dict(site.exchange.orders)
    site.exchange.orders.clear()
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.statuses() == ["accepted"]
    assert len(site.exchange.arrived) == 1
    site.exchange.orders.update(hidden)


@pytest.mark.parametrize(
    ("share", "ends", "held"),
    [
        (D(0), ("canceled", "order_forgotten"), D(0)),
        (D("0.5"), ("canceled", "order_forgotten"), D("0.001998")),
        (D(1), ("filled", None), D("0.003996")),
    ],
    ids=["unfilled", "partly", "filled"],
)
def test_an_order_that_the_exchange_has_forgotten_ends_by_its_executions(
    site: Site, share: Decimal, ends: tuple[str, str | None], held: Decimal
) -> None:
    worker = opened(site, "rest")
    (order,) = site.exchange.orders_of(site.accounts[0])
    ended = view_of(order, share)._replace(status=OrderStatus.CANCELED)
    site.exchange.orders[order.client_order_id] = ended
    site.exchange.forgotten.add(order.client_order_id)
    worker.clock.ahead_s = 590
    worker.reconcile()
    assert site.statuses() == ["accepted"], "so soon it may only not be found yet"
    worker.clock.ahead_s = 700
    site.exchange.answers["1"] = Unavailable("busy")
    worker.reconcile()
    assert site.statuses() == ["accepted"], "not asked in vain, but not answered"
    site.exchange.answers.clear()
    worker.clock.ahead_s = 800
    worker.reconcile()
    assert site.one("SELECT status, reason FROM copy") == ends
    assert site.book()[:2] == (held, held)
    assert site.books_are_sums()
    assert len(site.exchange.arrived) == 1
    assert site.one("SELECT next_check_at FROM copy") is None


def test_an_ended_order_whose_fills_lag_behind_is_asked_about_until_they_are_all_told(site: Site) -> None:
    worker = opened(site, "silent")
    cid = site.one("SELECT client_order_id FROM copy")
    whole = site.exchange.orders[cid]
    site.exchange.orders[cid] = whole._replace(fills=())
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.statuses() == ["partially_filled"]
    assert site.book()[0] == 0
    site.exchange.orders[cid] = whole
    worker.clock.ahead_s = 20
    worker.reconcile()
    assert site.statuses() == ["filled"]
    assert site.book()[0] == D("0.003996")
    assert site.books_are_sums()


def test_a_resting_order_is_followed_until_it_ends(site: Site) -> None:
    worker = opened(site, "rest")
    cid = site.one("SELECT client_order_id FROM copy")
    site.exchange.orders[cid] = site.exchange.orders[cid]._replace(status=OrderStatus.CANCELED)
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.one("SELECT status, reason FROM copy") == ("canceled", "price_moved")
    assert site.book() == (0, 0, 0)


def test_a_close_that_filled_in_part_is_finished_by_a_correction(site: Site) -> None:
    worker = opened(site, "fill")
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    site.exchange.mood = {}
    assert worker.reconcile() == 1
    assert [row[0] for row in site.rows("SELECT leg FROM copy ORDER BY id")] == ["open", "close", "fix-1"]
    assert site.book()[0] < D("0.00001")
    assert worker.reconcile() == 0
    assert site.books_are_sums()


def test_a_book_that_two_corrections_did_not_mend_goes_out_of_sync_and_opens_nothing(site: Site) -> None:
    worker = opened(site, "fill")
    site.exchange.mood = {site.accounts[0]: "miss"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    legs = []
    for _ in range(4):
        worker.reconcile()
        legs.append(site.one("SELECT count(*) FROM copy WHERE leg LIKE 'fix-%'"))
    assert legs == [1, 2, 2, 2]
    assert site.one("SELECT state, state_reason FROM subscription") == ("out_of_sync", "close_failed")
    site.exchange.mood = {}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert site.one("SELECT status, reason FROM copy ORDER BY id DESC LIMIT 1") == ("denied", "subscription_disarmed")


def test_a_follower_who_is_out_of_sync_is_still_closed(site: Site) -> None:
    worker = opened(site, "fill")
    site.act("UPDATE subscription SET state = 'out_of_sync'")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert site.statuses() == ["filled", "filled"]


def test_a_book_at_its_target_and_one_with_dust_need_no_correction(site: Site) -> None:
    worker = opened(site, "fill")
    assert worker.reconcile() == 0
    site.act("UPDATE book SET target_qty = target_qty - 0.00009")
    assert worker.reconcile() == 0
    site.act("UPDATE book SET target_qty = 0")
    assert worker.reconcile() == 1


def test_no_correction_overtakes_an_order_in_flight(site: Site) -> None:
    worker = opened(site, "fill")
    site.exchange.mood = {site.accounts[0]: "rest"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    worker.reconcile()
    assert site.one("SELECT count(*) FROM copy WHERE leg LIKE 'fix-%'") == 0


def test_a_position_that_its_owner_sold_puts_the_copy_out_of_sync_until_it_is_back(site: Site) -> None:
    worker = opened(site, "fill")
    state = "SELECT state, state_reason FROM subscription"
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003")}
    worker.reconcile()
    assert site.one(state) == ("out_of_sync", "position_missing")
    site.exchange.sold_by_hand = {}
    worker.clock.ahead_s = 3600
    worker.reconcile()
    assert site.one(state) == ("synced", None)


def test_what_an_owner_holds_besides_is_the_owners_own(site: Site) -> None:
    worker = opened(site, "fill")
    site.exchange.sold_by_hand = {site.accounts[0]: D(-5)}
    worker.reconcile()
    assert site.one("SELECT state FROM subscription") == "synced"
    assert len(site.exchange.arrived) == 1


def test_another_worker_leaves_the_lane_alone_while_the_lease_holds(site: Site) -> None:
    worker = opened(site, "lost")
    assert site.worker("two").reconcile() == 0
    assert site.exchange.asked == []
    assert worker.lanes is not None


def test_each_round_is_noted_for_operators(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    worker = opened(site, "lost")
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert site.one("SELECT resolved, corrected FROM reconcile_run") == (1, 0)
    worker.reconcile()
    assert site.one("SELECT resolved, corrected FROM reconcile_run") == (0, 0)


def test_a_long_story_with_every_kind_of_trouble_ends_with_books_that_are_their_fills(
    opens: Callable[..., Site],
) -> None:
    site = opens(followers=6, allocation=Decimal(5000))
    moods = ("fill", "half", "miss", "lost", "silent", "busy")
    site.exchange.mood = dict(zip(site.accounts, moods, strict=True))
    worker = site.worker()
    for side, qty in ((Side.BUY, "0.4"), (Side.BUY, "0.3"), (Side.SELL, "0.2"), (Side.SELL, "0.5")):
        site.trade(side, qty)
        worker.drain()
        worker.clock.ahead_s += 5
        worker.reconcile()
    site.exchange.mood = {}
    for _ in range(4):
        worker.clock.ahead_s += 40
        worker.reconcile()
    open_copies = "SELECT count(*) FROM copy WHERE status IN ('planned', 'in_flight', 'accepted', 'partially_filled')"
    assert site.one(open_copies) == 0
    assert site.books_are_sums()
    assert site.books_are_backed()
    assert site.exchange.duplicates == 0
    assert site.one("SELECT max(qty) FROM book") < D("0.0001")
    assert site.one("SELECT min(qty) FROM book") >= 0
