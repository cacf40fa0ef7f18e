"""A leader's orders are stored in their newest state, whatever the stream repeats, reorders or forgets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.replication import end_missing
from copydesk.trading import OrderStatus, OrderType, Side
from copydesk.venues import OrderFact
from order_site import OrderSite

D = Decimal


def stored(desk: OrderSite) -> list[tuple[Any, ...]]:
    rows = desk.site.rows("SELECT status, px, cum_qty, version FROM leader_order ORDER BY id")
    return [(status, px.normalize(), cum_qty.normalize(), version) for status, px, cum_qty, version in rows]


def missing(desk: OrderSite, listed: list[OrderFact], *, ago_s: float = 0) -> None:
    as_of = utc_now() - timedelta(seconds=ago_s)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        end_missing(session, desk.site.leader, desk.symbol, listed, as_of=as_of)


def test_a_repeated_order_is_stored_and_delivered_once(db: Database) -> None:
    desk = OrderSite(db)
    assert len(desk.place("1", Side.BUY, "1", "49000")) == 1
    assert desk.store(desk.facts["1"], desk.facts["1"]) == []
    assert stored(desk) == [("accepted", D(49000).normalize(), D(0), 1)]


def test_an_order_is_a_signal_of_its_placing_that_moves_no_book(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("1", Side.BUY, "1", "49000")
    row = desk.site.one("SELECT cum_qty, qty, position_before, position_after FROM signal")
    assert tuple(row) == (0, 1, 0, 0)
    assert desk.site.rows("SELECT 1 FROM delivery") == []


def test_an_older_state_of_an_order_changes_nothing(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("1", Side.BUY, "1", "49000")
    old = desk.facts["1"]
    desk.change("1", px=D(48000))
    assert desk.store(old) == []
    desk.cancel("1")
    assert desk.store(old._replace(at_ms=desk.at_ms + 5)) == []
    assert stored(desk) == [("canceled", D(48000).normalize(), D(0), 3)]


def test_fills_only_grow_whatever_comes_late(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("1", Side.BUY, "1", "49000")
    half = desk.facts["1"]._replace(cum_qty=D("0.5"), status=OrderStatus.PARTIALLY_FILLED)
    desk.tell(half._replace(cum_qty=D("0.8")))
    assert desk.store(half) == []
    assert stored(desk)[0][2] == D("0.8")


def test_an_order_that_is_listed_no_more_has_ended_as_its_executions_say(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("1", Side.BUY, "1", "49000")
    desk.place("2", Side.BUY, "1", "48000")
    desk.place("3", Side.BUY, "1", "47000")
    desk.fill("2", "1", told=False)
    missing(desk, [desk.facts["3"]])
    assert [(status, cum_qty) for status, _, cum_qty, _ in stored(desk)] == [
        ("canceled", 0),
        ("filled", 1),
        ("accepted", 0),
    ]


def test_an_order_that_was_told_after_the_list_was_asked_for_is_not_missing(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("1", Side.BUY, "1", "49000")
    missing(desk, [], ago_s=5)
    assert stored(desk)[0][0] == "accepted"


def test_what_a_conditional_order_placed_is_no_order_of_its_own(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("stop", Side.BUY, "1", "52100", type=OrderType.STOP_LIMIT, trigger_px=D(52000))
    child = desk.facts["stop"]._replace(venue_order_id="child", placed_by="stop", type=OrderType.LIMIT)
    desk.tell(child._replace(cum_qty=D("0.4"), status=OrderStatus.PARTIALLY_FILLED))
    assert stored(desk) == [("partially_filled", D(52100).normalize(), D("0.4"), 2)]
    assert desk.site.one("SELECT placed_id, trigger_px FROM leader_order") == ("child", 52000)
    missing(desk, [child])
    assert stored(desk)[0][0] == "partially_filled"
