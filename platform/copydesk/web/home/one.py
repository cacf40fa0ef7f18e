"""One subscription in full: how it stands and why, leader against me, stops, positions, orders, terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.performance.points import Owner, curve
from copydesk.replication.exposure import HeldBook
from copydesk.replication.own_copying import OwnAccount, OwnCopying
from copydesk.replication.own_detail import OwnDetail, own_detail
from copydesk.replication.own_standing import OwnStanding, own_standings, places_held, read_held
from copydesk.trading import SubscriptionState
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.home.blueprint import ground, home, marks_now, own
from copydesk.web.home.home_words import TONES, done_words
from copydesk.web.home.outages import Outage, outages
from copydesk.web.home.picture import why_words
from copydesk.web.page import render
from copydesk.web.public.lines import Lines, lines_of
from copydesk.web.risk.picture import OwnRisk, read_own_risk
from copydesk.web.risk.prices import PricesOnce, current_prices
from copydesk.web.site import current_site

PERIODS = {"30": 30, "90": 90, "all": None}
_POINTS_MAX = 200


@dataclass(frozen=True)
class BookLine:
    """One position: what it is worth now and what it has gained or lost against its cost; None without a price."""

    book: HeldBook
    px: Decimal | None

    @property
    def entry_px(self) -> Decimal | None:
        return self.book.cost / abs(self.book.qty) if self.book.qty else None

    @property
    def worth(self) -> Decimal | None:
        return None if self.px is None else abs(self.book.qty) * self.px

    @property
    def gained(self) -> Decimal | None:
        if self.worth is None:
            return None
        return self.worth - self.book.cost if self.book.qty > 0 else self.book.cost - self.worth


@dataclass(frozen=True)
class OnePicture:
    """One subscription that has not ended; `risk` is what its risk page shows, `standing` its worth."""

    copying: OwnCopying
    standing: OwnStanding
    risk: OwnRisk
    detail: OwnDetail
    books: tuple[BookLine, ...]
    tone: str
    why: str
    outages: tuple[Outage, ...]


@home.get("/copying/<int:subscription_id>")
@needs(Permission.SUBSCRIPTIONS_OWN)
def one(subscription_id: int) -> str:
    period = request.args.get("period", "all")
    period = period if period in PERIODS else "all"
    with transaction() as session:
        copying = own(session, subscription_id)
        drawn = against_leader(session, copying, period, current_time())
    values = {
        "copying": copying,
        "lines": drawn,
        "periods": [(f"?period={key}", _period_words(key), key == period) for key in PERIODS],
        "done": done_words(request.args.get("told")),
        "tone": TONES[copying.state],
        "currency": ground().currency,
    }
    if copying.state is SubscriptionState.ENDED:
        return render("home/ended.html", **values)
    return render("home/one.html", **(values | _values(read_one(subscription_id, current_time()))))


@home.get("/copying/<int:subscription_id>/now")
@needs(Permission.SUBSCRIPTIONS_OWN)
def one_now(subscription_id: int) -> str:
    """Give the page its figures anew, without the page around them."""
    with transaction() as session:
        copying = own(session, subscription_id)
    if copying.state is SubscriptionState.ENDED:
        return render("home/ended_now.html", copying=copying)
    picture = read_one(subscription_id, current_time())
    return render("home/one_now.html", currency=ground().currency, **_values(picture))


def read_one(subscription_id: int, now: datetime) -> OnePicture:
    """Read how one of the visitor's subscriptions stands; raises NotFound for anybody else's."""
    with transaction() as session:
        copying = own(session, subscription_id)
        held = read_held(session, [subscription_id])
        marks = marks_now(places_held(held))
        standing = own_standings(session, ground(), held, marks)[subscription_id]
        detail = own_detail(session, subscription_id, copying.shard)
        away = outages(session, [_account_of(copying)], now)
    lines = tuple(BookLine(book, marks.get((copying.place, book.symbol))) for book in standing.books if book.qty)
    risk = read_own_risk(current_site().tenant, subscription_id, PricesOnce(current_prices()), now)
    return OnePicture(copying, standing, risk, detail, lines, TONES[copying.state], why_words(copying), away)


def against_leader(session: TenantSession, copying: OwnCopying, period: str, now: datetime) -> Lines | None:
    """Draw the trader's curve and the follower's, each 100 where the follower's begins in this time."""
    days = PERIODS[period]
    since = copying.created_at if days is None else max(copying.created_at, now - timedelta(days=days))
    until = copying.ended_at
    theirs = curve(session, Owner.STRATEGY, copying.strategy_id, since=since, until=until, points_max=_POINTS_MAX)
    mine = curve(session, Owner.SUBSCRIPTION, copying.id, since=since, until=until, points_max=_POINTS_MAX)
    return lines_of([(gettext("You"), mine), (copying.strategy, theirs)])


def _account_of(copying: OwnCopying) -> OwnAccount:
    reason = copying.account_reason
    place = (copying.venue, copying.environment, copying.shard)
    return OwnAccount(copying.account_id, copying.account, *place, copying.usable, reason, copies=True)


def _values(picture: OnePicture) -> dict[str, object]:
    copying = picture.copying
    return {
        "copying": copying,
        "picture": picture,
        "own": picture.risk,
        "tone": picture.tone,
        "note": picture.risk.note if copying.state is not SubscriptionState.SYNCED else None,
    }


def _period_words(key: str) -> str:
    words = {"30": gettext("30 days"), "90": gettext("90 days"), "all": gettext("Since the start")}
    return str(words[key])
