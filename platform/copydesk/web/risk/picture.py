"""Puts together what the pages of the risk desk show: rows with their words, from what `replication` reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from flask import g

from copydesk.marks import place_name
from copydesk.replication import (
    Adrift,
    Held,
    Near,
    NewsKind,
    RiskPicture,
    StandingPicture,
    concerns,
    news_for,
    read_perpetuals,
    read_picture,
    read_standing,
    read_stop_fills,
    stop_standings,
    strategy_lines,
)
from copydesk.risk import ThrownSwitch
from copydesk.risk.acts import ActState
from copydesk.risk.gauge import Distance, fullness, nearest_first
from copydesk.risk.service import ground_of
from copydesk.risk.settings import protection_terms
from copydesk.risk.switches import read_board
from copydesk.tenancy import Tenant
from copydesk.web.act_words import Note, place_words, reach_words, standing_note, who_words
from copydesk.web.asking import transaction
from copydesk.web.database import whole_database
from copydesk.web.format import pair
from copydesk.web.market import market_of
from copydesk.web.news_words import news_words
from copydesk.web.risk.acts import ActLine, late_line, own_lines
from copydesk.web.risk.exchange_stops import ExchangeStops, OwnPerpetual, brand_stops, own_perpetual
from copydesk.web.risk.prices import Feed, Prices

ACTS_SHOWN = 50
# Whose acts are stops that have an end; what an exchange's stop closed is closed.
_HOLDERS = ("subscription", "account")


@dataclass(frozen=True)
class NearLine:
    """Who is close to a limit. `left` in quote currency, `ratio` of the equity; `full` is how far a bar is filled."""

    near: Near
    who: str
    strategy: str
    subscription_id: int | None
    full: Decimal | None


@dataclass(frozen=True)
class HeldLine:
    """What is held of one thing; the parts of its bar are shares of the largest in its table.

    `market` tells a perpetual from spot, where the thing is an instrument.
    """

    name: str
    held: Held
    long_share: Decimal
    short_share: Decimal
    market: str = ""


@dataclass(frozen=True)
class RiskDesk:
    """A brand's risk as its page shows it. `fired` has the flagged ones first; `hidden` more are not listed."""

    picture: RiskPicture
    currency: str
    read_at: datetime
    watched_at: datetime | None
    feeds: tuple[Feed, ...]
    near: tuple[NearLine, ...]
    by_strategy: tuple[HeldLine, ...]
    by_instrument: tuple[HeldLine, ...]
    by_exchange: tuple[HeldLine, ...]
    flagged: tuple[str, ...]
    fired: tuple[ActLine, ...]
    hidden: int
    warnings: int
    adrift: tuple[Adrift, ...]
    switches: tuple[tuple[str, ThrownSwitch], ...]
    stops: ExchangeStops


@dataclass(frozen=True)
class OwnRisk:
    """One subscription's risk as its follower's page shows it; the limits at prices have the closest first.

    `news` is what else happened to its strategy, as moments and sentences, `perpetuals` what may be liquidated;
    `guarded` tells whether the brand keeps stops at the exchange for these.
    """

    number: int
    picture: StandingPicture
    currency: str
    read_at: datetime
    feeds: tuple[Feed, ...]
    note: Note
    at_prices: tuple[Distance, ...]
    at_orders: tuple[Distance, ...]
    acts: tuple[ActLine, ...]
    news: tuple[tuple[datetime, str], ...] = ()
    perpetuals: tuple[OwnPerpetual, ...] = ()
    guarded: bool = True


def read_risk_desk(tenant: Tenant, prices: Prices, now: datetime) -> RiskDesk:
    """Read how a brand stands now."""
    ground = ground_of(tenant)
    with transaction() as session:
        picture = read_picture(session, ground.limits, prices.of, currency=ground.currency)
        names = {line.id: (line.slug, line.name) for line in strategy_lines(session)}
        told = [act for act in picture.acts if act.state is not ActState.WARNED]
        told.sort(key=lambda act: act.state is not ActState.FLAGGED)
        closed = read_stop_fills(session, [act.reference for act in told[:ACTS_SHOWN]])
        stops = brand_stops(stop_standings(session), wanted=protection_terms(tenant) is not None)
    by_slug = dict(names.values())
    by_id = {number: name for number, (_, name) in names.items()}
    return RiskDesk(
        picture,
        ground.currency,
        now,
        None if picture.watch is None else now - timedelta(seconds=picture.watch.age_s),
        prices.feeds(_places(tenant), now),
        tuple(_near_line(near, by_slug) for near in picture.near),
        _held_lines(picture.by_strategy, by_slug),
        tuple(
            replace(line, market=market_of(line.held.name))
            for line in _held_lines(
                picture.by_instrument, {held.name: pair(held.name) for held in picture.by_instrument}
            )
        ),
        _held_lines(picture.by_exchange, {held.name: place_words(held.name) for held in picture.by_exchange}),
        tuple(who_words(scope, number) for scope, number in picture.flagged),
        tuple(late_line(act, closed, by_id) for act in told[:ACTS_SHOWN]),
        max(len(told) - ACTS_SHOWN, 0),
        len(picture.acts) - len(told),
        tuple(one._replace(strategy=by_slug.get(one.strategy, one.strategy)) for one in picture.adrift),
        _switches_on(by_id),
        stops,
    )


def read_own_risk(tenant: Tenant, subscription_id: int, prices: Prices, now: datetime) -> OwnRisk:
    """Read how one subscription stands now; raises NotFound."""
    ground = ground_of(tenant)
    with transaction() as session:
        picture = read_standing(session, ground, subscription_id, prices.one)
        perpetuals = read_perpetuals(session, prices.of, prices.coming.read, subscription_id=subscription_id)
        stops = stop_standings(session, subscription_id)
        news = [one for one in news_for(session, subscription_id) if one.kind is not NewsKind.SUSPENDED]
    newest = next((act.state for act in picture.acts if act.scope in _HOLDERS), None)
    about = picture.about
    return OwnRisk(
        subscription_id,
        picture,
        ground.currency,
        now,
        prices.feeds(_places(tenant), now),
        standing_note(about.state, about.state_reason, newest),
        tuple(nearest_first(picture.at_prices)),
        picture.at_orders,
        tuple(own_lines(picture.acts, picture.closed, about.strategy)),
        tuple((one.at, news_words(one)) for one in news),
        tuple(own_perpetual(one, stops) for one in perpetuals),
        protection_terms(tenant) is not None,
    )


def _near_line(near: Near, names: dict[str, str]) -> NearLine:
    own = near.scope == "subscription"
    full = fullness(near.scoped.limit, now=near.level.now, at=near.level.at, balance=near.balance)
    strategy = names.get(near.strategy, near.strategy)
    return NearLine(near, who_words(near.scope, near.number), strategy, near.number if own else None, full)


def _held_lines(held: tuple[Held, ...], names: dict[str, str]) -> tuple[HeldLine, ...]:
    most = max((one.gross for one in held), default=Decimal(0)) or Decimal(1)
    return tuple(HeldLine(names.get(one.name, one.name), one, one.long / most, one.short / most) for one in held)


def _switches_on(names: dict[int, str]) -> tuple[tuple[str, ThrownSwitch], ...]:
    """Return every switch that holds in this brand, with what it is about, the platform's first."""
    tenant_id: int = g.tenant_id
    found = [switch for switch in read_board(whole_database(), [tenant_id]) if concerns(switch, tenant_id)]
    return tuple((reach_words(switch.reach, _subject(switch, names)), switch) for switch in found)


def _subject(switch: ThrownSwitch, names: dict[int, str]) -> str:
    named = switch.subject.isdecimal() and switch.tenant_id is not None
    return names.get(int(switch.subject), switch.subject) if named else switch.subject


def _places(tenant: Tenant) -> list[str]:
    return [place_name(exchange.venue, exchange.environment) for exchange in tenant.config.exchanges]
