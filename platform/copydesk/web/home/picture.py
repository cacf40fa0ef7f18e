"""Puts together what the home page shows: all subscriptions as one, and a card of each on this page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.performance.model import Point
from copydesk.performance.points import Owner
from copydesk.performance.sparks import sparks
from copydesk.performance.together import day_begun, drawdown_together, running
from copydesk.replication.own_copying import (
    PAGE,
    OwnCopying,
    OwnTogether,
    Worth,
    has_copied,
    own_accounts,
    own_copying,
    own_together,
    worth_of,
)
from copydesk.replication.own_standing import OwnStanding, own_standings, places_held, read_held
from copydesk.risk.gauge import Distance, nearest_first
from copydesk.trading import SubscriptionState
from copydesk.web.act_words import drift_words
from copydesk.web.asking import own_id, transaction
from copydesk.web.home.blueprint import ground, marks_now
from copydesk.web.home.home_words import TONES, leaving_words
from copydesk.web.home.outages import Outage, outages
from copydesk.web.reason_words import STATE_REASONS

STOPS_SHOWN = 3
SPARK_POINTS_MAX = 30


@dataclass(frozen=True)
class Card:
    """One subscription on the home page. `why` says what its state does not, `spark` are its line's corners."""

    copying: OwnCopying
    standing: OwnStanding
    tone: str
    why: str
    stops: tuple[Distance, ...]
    hidden: int
    spark: str


@dataclass(frozen=True)
class HomePicture:
    """Everything that somebody copies. `today` and `drawdown` are None where they cannot be told.

    `more` is the number below which older subscriptions follow, None where there are none. `ever` tells whether
    anything was ever copied, `keys` whether there is an exchange account to copy with.
    """

    currency: str
    read_at: datetime
    together: OwnTogether
    worth: Worth
    today: Decimal | None
    drawdown: Decimal | None
    cards: tuple[Card, ...]
    more: int | None
    outages: tuple[Outage, ...]
    ever: bool
    keys: bool

    @property
    def net(self) -> Decimal:
        return self.worth.equity - self.together.allocation

    @property
    def today_ratio(self) -> Decimal | None:
        """Return what was earned today as a share of what the day began with."""
        begun = None if self.today is None else self.worth.equity - self.today
        return self.today / begun if self.today is not None and begun and begun > 0 else None


def read_home(now: datetime, *, before: int | None = None, state: SubscriptionState | None = None) -> HomePicture:
    """Read how everything stands that the visitor copies; the number of statements does not depend on how much."""
    user_id, stands_on = own_id(), ground()
    with transaction() as session:
        accounts = own_accounts(session, user_id)
        together = own_together(session, user_id)
        found = own_copying(session, user_id, before=before, state=state, most=PAGE + 1)
        shown = found[:PAGE]
        held = read_held(session, [one.id for one in shown])
        places = places_held(held)
        for one in together.held:
            places.setdefault(one.place, set()).update({one.symbol} if one.positions else ())
        marks = marks_now(places)
        standings = own_standings(session, stands_on, held, marks)
        worth, mine = worth_of(together, marks), running(session, user_id)
        return HomePicture(
            stands_on.currency,
            now,
            together,
            worth,
            worth.equity - day_begun(session, mine) if mine else None,
            drawdown_together(session, mine, equity=worth.equity, now=now) if mine else None,
            _cards(session, shown, standings, now),
            shown[-1].id if len(found) > PAGE else None,
            outages(session, accounts, now),
            bool(together.count) or has_copied(session, user_id),
            bool(accounts),
        )


def _cards(
    session: TenantSession, shown: Sequence[OwnCopying], standings: dict[int, OwnStanding], now: datetime
) -> tuple[Card, ...]:
    started = {one.id: one.created_at for one in shown}
    lines = sparks(session, Owner.SUBSCRIPTION, started, points_max=SPARK_POINTS_MAX, now=now)
    # One that ended since the list was read has no card.
    return tuple(_card(one, standings[one.id], lines.get(one.id, ())) for one in shown if one.id in standings)


def _card(one: OwnCopying, standing: OwnStanding, spark: tuple[Point, ...]) -> Card:
    stops = nearest_first(standing.stops)
    shown = tuple(stops[:STOPS_SHOWN])
    return Card(one, standing, TONES[one.state], why_words(one), shown, len(stops) - len(shown), corners(spark))


def corners(spark: Sequence[Point]) -> str:
    """Return a small line's corners on a ground of 200 × 48, as SVG writes them; "" for less than two points. Pure."""
    values = [float(value) for _, value in spark]
    if len(values) < 2:
        return ""
    low, span = min(values), max(values) - min(values)
    step = 200 / (len(values) - 1)
    return " ".join(
        f"{place * step:.1f},{44 - (value - low) / span * 40 if span else 24:.1f}" for place, value in enumerate(values)
    )


def why_words(one: OwnCopying) -> str:
    """Say why a subscription does not run, as far as there is more to say than its state."""
    if one.state is SubscriptionState.ENDING:
        return leaving_words(one.end_mode)
    if one.state is SubscriptionState.OUT_OF_SYNC or (one.state_reason and one.state_reason in STATE_REASONS):
        return drift_words(one.state_reason)
    return ""
