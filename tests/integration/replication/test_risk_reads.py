"""What is read for the risk desk and for replays is what really happened: on trades that a lane copied."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from copydesk.replication import RiskPicture, liquidations_since, read_past, read_picture, standing_now
from copydesk.replication.liquidations import liquidations_of
from copydesk.risk.grammar import parse
from copydesk.risk.history import Mark, Move
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.replay import Terms
from copydesk.risk.simulate import simulate
from copydesk.trading import Side
from desk_site import Opens, Site
from paper_exchange import PERPETUAL, PX, D

EVER = datetime(2000, 1, 1, tzinfo=UTC)
LIMIT = Scoped(Scope.PLATFORM, parse("loss > 50 % of equity -> close"))


def pictured(site: Site, px: Decimal | None) -> RiskPicture:
    def marks_of(place: str, symbols: Collection[str]) -> Mapping[str, Decimal]:
        assert place == "binance-lab"
        return {} if px is None else dict.fromkeys(symbols, px)

    with site.db.tenant(site.tenant_id) as session:
        return read_picture(session, [LIMIT], marks_of, currency="USDT")


def test_what_was_copied_is_held_at_marks_and_counted_exactly(opens: Opens) -> None:
    site = opens(followers=3)
    worker = site.worker()
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    picture = pictured(site, PX / 2)
    held = site.one("SELECT sum(qty) FROM book")
    for shown in (picture.by_strategy, picture.by_instrument, picture.by_exchange):
        assert [(one.long, one.short, one.books) for one in shown] == [(held * PX / 2, D(0), 3)]
    for near in picture.near:
        row = site.rows("SELECT allocation + sum(cash) + sum(qty) * :px FROM book JOIN subscription ON "
                        "subscription.id = subscription_id WHERE subscription_id = :id GROUP BY allocation",
                        px=PX / 2, id=near.number)[0]  # fmt: skip
        assert near.equity == row[0]
    assert len(picture.near) == 3
    assert (picture.alive, picture.unpriced) == (False, 0)


def test_a_short_loses_what_a_long_gains(site: Site) -> None:
    site.act("UPDATE subscription SET allocation = 5000")
    worker = site.worker()
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    (held,) = pictured(site, PX).by_instrument
    assert (held.long, held.short) == (D(0), -site.one("SELECT qty FROM book") * PX)
    assert pictured(site, PX * 2).near[0].equity < pictured(site, PX).near[0].equity


def test_the_past_has_every_signal_with_its_price_in_the_order_of_time(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.1")
    counted: list[tuple[int, int]] = []
    with site.db.tenant(site.tenant_id) as session:
        past = read_past(
            session, site.leader.strategy_id, since=EVER, progress=lambda done, whole: counted.append((done, whole))
        )
    moves = [event for event in past.events if isinstance(event, Move)]
    assert [(move.position_before, move.position_after) for move in moves] == [
        (D(0), moves[0].position_after),
        (moves[0].position_after, moves[1].position_after),
    ]
    assert [type(event) for event in past.events] == [Mark, Move, Mark, Move]
    assert (past.signals, counted[-1], past.listings) == (2, (2, 2), {("binance-lab", "BTC/USDT")})
    told = simulate(past.events, Terms(D(1000), ZoneInfo("UTC")), LimitSet())
    assert len(told.without.fills) == 2


def test_what_is_older_than_asked_for_is_left_out(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    since = site.one("SELECT max(venue_at) FROM signal") + timedelta(seconds=1)
    with site.db.tenant(site.tenant_id) as session:
        past = read_past(session, site.leader.strategy_id, since=since, progress=lambda done, whole: None)
    assert (past.events, past.signals) == ((), 0)


def test_where_positions_would_be_liquidated_is_read_as_reconcile_has_seen_it(opens: Opens) -> None:
    site = opens()
    worker = site.worker()
    site.exchange.liquidation_px = PX * D("0.9")
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    worker.reconcile()
    with site.db.tenant(site.tenant_id) as session:
        (seen,) = liquidations_since(session, EVER)
        assert liquidations_since(session, seen.at) == []
        assert liquidations_of(session, site.accounts[0]) == [seen]
    assert (seen.account_id, seen.symbol, seen.short) == (site.accounts[0], PERPETUAL, False)
    assert (seen.px, seen.mark_px) == (PX * D("0.9"), PX)


def test_the_distance_to_a_liquidation_is_shown_at_the_price_of_today(opens: Opens) -> None:
    site = opens()
    worker = site.worker()
    site.exchange.liquidation_px = PX * D("0.9")
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    worker.reconcile()
    number = site.subscriptions[0]
    with site.db.tenant(site.tenant_id) as session:
        dearer = standing_now(session, number, lambda place, symbol: PX * D("1.2"), currency="USDT")
        unknown = standing_now(session, number, lambda place, symbol: None, currency="USDT")
    assert dearer.standing.account_equity.margin_distance == D("0.25")
    assert unknown.standing.account_equity.margin_distance == D("0.1")
