"""What is stored about one subscription and one signal comes back whole, and belongs to one brand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from copydesk.kernel import NotFound
from copydesk.replication import Explanation, explanation_of, last_signal
from copydesk.replication.desk import recent_signals, signal_detail
from copydesk.replication.explain import Absence, Sizing
from copydesk.replication.model import Bound
from copydesk.trading import JoinMode, Side, SizePolicy
from desk_site import SHARD, Site
from life_site import join

if TYPE_CHECKING:
    from desk_site import Opens

D = Decimal


def explained(site: Site, signal_id: int, follower: int = 0) -> Explanation:
    with site.db.tenant(site.tenant_id) as session:
        return explanation_of(session, site.subscriptions[follower], signal_id)


def test_a_copy_is_explained_from_the_leaders_fill_to_its_last_execution(site: Site) -> None:
    (signal,) = site.trade(Side.BUY, "0.40007")
    site.worker().drain()
    told = explained(site, signal.id)
    assert (told.move.fact.position_after, told.move.strategy_slug, told.move.order_id) == (D("0.40007"), "s", "1")
    assert told.equity_share == D("0.40007") * 50_000 / 100_000
    assert (told.ratio, told.follower.shard, told.absence) == (D("0.01"), SHARD, None)
    (copy,) = told.copies
    assert copy.decision is not None
    assert (copy.decision.wanted_qty, copy.decision.qty, copy.decision.bound) == (
        D("0.0040007"),
        D("0.004"),
        Bound.STEP,
    )
    assert (copy.decision.allocation, copy.decision.book_qty) == (1000, 0)
    assert (copy.status, copy.cum_qty, copy.px) == ("filled", D("0.004"), D(50_250))
    assert [fill.qty for fill in copy.fills] == [D("0.004")]
    assert copy.slippage_bps == (copy.fills[0].px / 50_000 - 1) * 10_000
    assert copy.client_order_id.startswith("cd-")
    assert copy.order_id
    assert told.move.seen_ms <= copy.planned_ms <= copy.sent_ms <= copy.acked_ms


def test_a_denial_is_explained_with_what_was_wanted(opens: Opens) -> None:
    site = opens(allocation=D(5))
    (signal,) = site.trade(Side.BUY, "0.4")
    site.worker().drain()
    (copy,) = explained(site, signal.id).copies
    assert (copy.status, copy.reason, copy.fills) == ("denied", "below_notional_min", ())
    assert copy.decision is not None
    assert (copy.decision.wanted_qty, copy.decision.sizing) == (D("0.00002"), Sizing.NOTHING)


def test_what_is_kept_for_the_next_order_is_told_with_both(opens: Opens) -> None:
    site, worker = (opened := opens(allocation=D(20))), opened.worker()
    site.act("UPDATE subscription SET size_policy = :policy", policy=str(SizePolicy.ACCUMULATE))
    signals = [site.trade(Side.BUY, "0.4")[0].id]
    worker.drain()
    signals += [site.trade(Side.BUY, "0.6")[0].id]
    worker.drain()
    sizings = [explained(site, signal).copies[0].decision.sizing for signal in signals]  # type: ignore[union-attr]
    assert sizings == [Sizing.KEPT_FOR_NEXT, Sizing.CARRIED]


def test_both_legs_of_a_signal_and_a_second_try_are_told_in_their_order(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "half"}
    (signal,) = site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    copies = explained(site, signal.id).copies
    assert [(copy.leg, copy.status, copy.reason) for copy in copies] == [
        ("open", "expired", "price_moved"),
        ("top-up", "filled", None),
    ]
    assert copies[1].decision is not None
    assert copies[1].decision.wanted_qty == D("0.002")


def test_a_burst_is_explained_as_one_move_and_its_earlier_signals_name_it(site: Site) -> None:
    signals = [site.trade(Side.BUY, "0.1")[0].id for _ in range(3)]
    site.worker().drain()
    first, last = explained(site, signals[0]), explained(site, signals[-1])
    assert (first.copies, first.absence, first.joined_into) == ((), Absence.JOINED, signals[-1])
    assert [move.signal_id for move in last.together] == signals
    assert (last.whole.position_before, last.whole.position_after) == (0, D("0.3"))
    (copy,) = last.copies
    assert copy.decision is not None
    assert copy.decision.wanted_qty == D("0.003")


def test_the_desk_tells_which_signals_were_copied_together_at_their_average_price(site: Site) -> None:
    signals = [site.trade(Side.BUY, "0.1")[0].id for _ in range(3)]
    site.act("UPDATE signal SET px = px * 1.01 WHERE id = :id", id=signals[-1])
    site.worker().drain()
    with site.db.tenant(site.tenant_id) as session:
        listed = {receipt.signal_id: receipt for receipt in recent_signals(session, limit=10)}
        detail = signal_detail(session, signals[-1])
    assert [listed[signal].joined_into for signal in signals] == [signals[-1], signals[-1], None]
    assert detail.joined == 2
    (copy,) = detail.copies
    average = (D(50_000) * 2 + D(50_500)) / 3
    assert copy.slippage_bps is not None and copy.avg_px is not None
    assert abs(copy.slippage_bps - (copy.avg_px / average - 1) * 10_000) < D("0.0001")
    assert detail.receipt.slippage_bps_p50 == round(copy.slippage_bps, 2)


def test_who_subscribed_after_a_trade_reads_that(site: Site) -> None:
    (signal,) = site.trade(Side.BUY, "0.4")
    late, _ = join(site, JoinMode.IGNORE)
    site.worker().drain()
    with site.db.tenant(site.tenant_id) as session:
        assert explanation_of(session, late, signal.id).absence is Absence.NOT_SUBSCRIBED_YET


def test_a_signal_that_waits_for_its_worker_reads_so(site: Site) -> None:
    (signal,) = site.trade(Side.BUY, "0.4")
    assert explained(site, signal.id).absence is Absence.NOT_PLANNED_YET


def test_the_newest_signal_of_a_subscription_is_the_last_one_that_it_has_a_copy_of(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session, pytest.raises(NotFound, match="no signal yet"):
        last_signal(session, site.subscriptions[0])
    (first,) = site.trade(Side.BUY, "0.4")
    with site.db.tenant(site.tenant_id) as session:
        assert last_signal(session, site.subscriptions[0]) == first.id
    site.worker().drain()
    site.trade(Side.BUY, "0.1")
    with site.db.tenant(site.tenant_id) as session:
        assert last_signal(session, site.subscriptions[0]) == first.id


def test_ids_that_are_not_the_brands_are_not_found(site: Site, opens: Opens) -> None:
    other = opens()
    (signal,) = site.trade(Side.BUY, "0.4")
    (foreign,) = other.trade(Side.BUY, "0.4")
    with site.db.tenant(site.tenant_id) as session:
        with pytest.raises(NotFound, match=f"^There is no signal {foreign.id}.$"):
            explanation_of(session, site.subscriptions[0], foreign.id)
        with pytest.raises(NotFound, match=f"^There is no subscription {other.subscriptions[0]}.$"):
            explanation_of(session, other.subscriptions[0], signal.id)


def test_a_signal_of_another_strategy_is_refused_by_name(site: Site, opens: Opens) -> None:
    (signal,) = site.trade(Side.BUY, "0.4")
    site.act(
        "INSERT INTO strategy (tenant_id, trader_id, account_id, slug, name, summary) "
        "SELECT tenant_id, trader_id, :account, 'other', 'Other', 'x' FROM strategy",
        account=site.accounts[0],
    )
    site.act("UPDATE signal SET strategy_id = (SELECT id FROM strategy WHERE slug = 'other')")
    with pytest.raises(NotFound, match="is of the strategy other, which subscription"):
        explained(site, signal.id)
