"""Answers are written once: fills are booked once, targets follow what was not filled, ended copies stay ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from copydesk.kernel import utc_now
from copydesk.replication.settle import Settlement, settle
from copydesk.trading import Fill, OrderStatus, Side
from desk_site import Site
from paper_exchange import PX, D


def settled(site: Site, *settlements: Settlement, epoch: int = 1) -> None:
    with site.db.tenant(site.tenant_id) as session:
        settle(session, settlements, epoch=epoch)


@pytest.fixture
def resting(site: Site) -> tuple[Site, int, Fill]:
    """A brand whose only copy, of 0.004, was accepted and rests; and one execution of it."""
    site.exchange.mood = {site.accounts[0]: "rest"}
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    assert site.statuses() == ["accepted"]
    fill = Fill("t1", D("0.004"), PX, D("0.000004"), "BTC", utc_now())
    return site, site.one("SELECT id FROM copy"), fill


def test_an_answer_that_comes_twice_books_its_fills_once(resting: tuple[Site, int, Fill]) -> None:
    site, copy, fill = resting
    answer = Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, avg_px=PX, fills=(fill,))
    settled(site, answer)
    settled(site, answer)
    settled(site, answer, answer)
    assert site.book() == (D("0.003996"), D("0.003996"), D(200))
    assert site.books_are_sums()


def test_fills_told_one_by_one_and_again_together_add_up(resting: tuple[Site, int, Fill]) -> None:
    site, copy, fill = resting
    half = [fill._replace(trade_id=name, qty=D("0.002"), fee=D("0.000002")) for name in ("t1", "t2")]
    settled(site, Settlement(copy, OrderStatus.PARTIALLY_FILLED, cum_qty=D("0.002"), fills=(half[0],)))
    assert site.book()[0] == D("0.001998")
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=D("0.004"), fills=tuple(half)))
    assert site.book()[0] == D("0.003996")
    assert site.statuses() == ["filled"]


def test_an_older_answer_does_not_take_a_filled_copy_back(resting: tuple[Site, int, Fill]) -> None:
    site, copy, fill = resting
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill,)))
    settled(site, Settlement(copy, OrderStatus.REJECTED, reason="venue_refused"))
    assert site.one("SELECT status, reason, cum_qty FROM copy") == ("filled", None, fill.qty)
    assert site.book()[1] == D("0.003996")


def test_an_answer_under_an_epoch_that_is_over_changes_nothing(resting: tuple[Site, int, Fill]) -> None:
    """Booked without moving its copy, a fill would count twice: as held and as still on its way."""
    site, copy, fill = resting
    site.act("UPDATE copy SET epoch = 2")
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill,)), epoch=1)
    assert site.statuses() == ["accepted"]
    assert site.book()[0] == 0
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill,)), epoch=2)
    assert site.statuses() == ["filled"]
    assert site.book()[0] == D("0.003996")


def test_a_fill_that_overtook_a_cancel_is_booked_and_leaves_more_than_the_target(
    resting: tuple[Site, int, Fill],
) -> None:
    site, copy, fill = resting
    settled(site, Settlement(copy, OrderStatus.CANCELED, reason="price_moved"))
    assert site.book() == (0, 0, 0)
    settled(site, Settlement(copy, OrderStatus.CANCELED, cum_qty=fill.qty, fills=(fill,)))
    qty, target, _ = site.book()
    assert qty == D("0.003996")
    assert target == 0
    assert site.books_are_sums()


def test_a_shortfall_that_is_known_only_after_the_close_leaves_no_negative_target(
    resting: tuple[Site, int, Fill],
) -> None:
    site, copy, _ = resting
    site.trade(Side.SELL, "0.4")
    site.worker().drain()
    settled(site, Settlement(copy, OrderStatus.EXPIRED, reason="price_moved"))
    assert site.book() == (0, 0, 0)


def test_an_open_that_proves_absent_after_a_half_close_leaves_what_is_held_as_the_target(
    resting: tuple[Site, int, Fill],
) -> None:
    site, copy, fill = resting
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill,)))
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    in_doubt, held = site.one("SELECT max(id) FROM copy"), site.book()[0]
    site.exchange.mood.clear()
    site.trade(Side.SELL, "0.4")
    site.worker().drain()
    absent = Settlement(in_doubt, OrderStatus.EXPIRED, reason="never_arrived")
    settled(site, absent, epoch=site.one("SELECT epoch FROM shard_lease"))
    qty, target, _ = site.book()
    assert 0 < qty < held
    assert target == qty


def test_a_fee_in_another_currency_leaves_the_book_whole(resting: tuple[Site, int, Fill]) -> None:
    site, copy, fill = resting
    settled(site, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill._replace(fee_currency="BNB"),)))
    assert site.book()[:2] == (D("0.004"), D("0.004"))


def test_one_brands_answers_do_not_touch_anothers_copies(
    resting: tuple[Site, int, Fill], opens: Callable[..., Site]
) -> None:
    site, copy, fill = resting
    stranger = opens()
    settled(stranger, Settlement(copy, OrderStatus.FILLED, cum_qty=fill.qty, fills=(fill,)))
    assert site.statuses() == ["accepted"]
    assert site.book()[0] == 0
