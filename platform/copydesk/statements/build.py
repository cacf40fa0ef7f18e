"""Makes a statement of what was read: sums by subscription and strategy. Pure.

Every sum is of exact amounts; what is divided is said so. A subscription's opening worth, its flows and its result are
its closing worth, to the last digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT, Earnings
from copydesk.statements.follow import BookPart, follow, never_short
from copydesk.statements.model import (
    ClosedPosition,
    Held,
    Money,
    MonthLine,
    Movement,
    MovementKind,
    Outcome,
    Person,
    Statement,
    StrategyPart,
    SubscriptionPart,
)
from copydesk.statements.period import Period
from copydesk.statements.points import fall_in, last_before, months_of, ratio_in
from copydesk.statements.raw import Flow, Prices, RawStrategy, RawSubscription

OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a statement is made for. Money of other currencies than `currency` is told apart and not summed."""

    brand: str
    currency: str
    time_zone: str
    period: Period
    made_at: datetime


def built(
    person: Person, terms: Terms, subscriptions: Iterable[RawSubscription], strategies: Iterable[RawStrategy]
) -> Statement:
    """Make a person's statement."""
    return Statement(
        brand=terms.brand,
        person=person,
        period=terms.period,
        made_at=terms.made_at,
        time_zone=terms.time_zone,
        subscriptions=tuple(subscription_part(raw, terms) for raw in subscriptions),
        strategies=tuple(strategy_part(raw, terms) for raw in strategies),
    )


def subscription_part(raw: RawSubscription, terms: Terms) -> SubscriptionPart:
    """Tell one subscription's period."""
    period = terms.period
    parts = [follow(book, period) for book in raw.books]
    until = min(one for one in (period.until, raw.ended_at, terms.made_at) if one is not None)
    money = _money(raw, parts, terms)
    return SubscriptionPart(
        id=raw.id,
        strategy_slug=raw.strategy_slug,
        strategy_name=raw.strategy_name,
        trader_name=raw.trader_name,
        exchange=raw.exchange,
        account=raw.account,
        state=raw.state,
        began_at=raw.began_at,
        ended_at=raw.ended_at,
        until=until,
        money=money,
        money_weighted=money_weighted(money, raw.flows, since=max(period.since, raw.began_at), until=until),
        fall=fall_in(raw.points, period),
        closed=_closed(parts),
        held=_held(parts, raw.prices.after),
        outcomes=_outcomes(raw.copies),
        movements=_in_order([*_moved(parts), *_paid(raw, period), *_flowed(raw.flows, terms), *raw.copies]),
    )


def strategy_part(raw: RawStrategy, terms: Terms) -> StrategyPart:
    """Tell one strategy's period."""
    period = terms.period
    parts = [follow(book, period, never_short) for book in raw.books]
    own = [part for part in parts if part.quote == terms.currency]
    fees, paid_apart = _fees(own, terms.currency)
    earned_apart = _apart([part for part in parts if part.quote != terms.currency], raw.prices)
    first, last = last_before(raw.points, period.since), last_before(raw.points, period.until)
    opened = next((flow.amount for flow in raw.flows if flow.kind == OPENING), None)
    paid = _sum(flow.amount for flow in raw.flows if period.holds(flow.at) and flow.kind != OPENING)
    return StrategyPart(
        id=raw.id,
        slug=raw.slug,
        name=raw.name,
        exchange=raw.exchange,
        status=raw.status,
        began_at=raw.began_at,
        currency=terms.currency,
        opening=first.equity if first else opened,
        closing=last.equity if last else None,
        flow=paid,
        realized=_sum(part.realized for part in own),
        fees=fees,
        apart=_less(earned_apart, paid_apart),
        ratio=ratio_in(raw.points, period),
        fall=fall_in(raw.points, period),
        months=tuple(MonthLine(*line) for line in months_of(raw.points, period)),
        closed=_closed(parts),
        held=_held(parts, raw.prices.after),
        movements=_in_order([*_moved(parts), *_flowed(raw.flows, terms)]),
        followers=raw.followers,
    )


def money_weighted(money: Money, flows: Sequence[Flow], *, since: datetime, until: datetime) -> Decimal | None:
    """Return the modified Dietz return of a span: the result over the money that was there on average.

    A flow counts for the part of the time that it was there. Source: GIPS 2020, glossary "modified Dietz method".
    """
    span = (until - since).total_seconds()
    if span <= 0:
        return None
    mean = money.opening
    for flow in flows:
        if since <= flow.at < until:
            mean += flow.amount * Decimal((until - flow.at).total_seconds()) / Decimal(span)
    return money.net / mean if mean > 0 else None


def _money(raw: RawSubscription, parts: Sequence[BookPart], terms: Terms) -> Money:
    period, currency = terms.period, terms.currency
    own = [part for part in parts if part.quote == currency]
    fees, paid_apart = _fees(own, currency)
    funding = ZERO
    for paid in raw.funding:
        if not period.holds(paid.at):
            continue
        if paid.currency == currency:
            funding = EXACT.add(funding, paid.amount)
        else:
            paid_apart[paid.currency] = paid_apart.get(paid.currency, ZERO) - paid.amount
    foreign = [part for part in parts if part.quote != currency]
    before = _sum(paid.amount for paid in raw.funding if paid.at < period.since and paid.currency == currency)
    open_before = _sum(_floating(part.symbol, part.before, raw.prices.before) for part in own)
    return Money(
        currency=currency,
        opening=_sum([*_standing(own, currency), before, open_before, *_before(raw.flows, period)]),
        flow=_sum(flow.amount for flow in raw.flows if period.holds(flow.at)),
        realized=_sum(part.realized for part in own),
        open_before=open_before,
        open_after=_sum(_floating(part.symbol, part.after, raw.prices.after) for part in own),
        fees=fees,
        funding=funding,
        apart=_less(_apart(foreign, raw.prices), paid_apart),
    )


def _standing(parts: Sequence[BookPart], currency: str) -> Iterable[Decimal]:
    """Give what books had realized before the period, and their fees."""
    for part in parts:
        yield part.before.realized
        yield -part.before.fees.get(currency, ZERO)


def _before(flows: Sequence[Flow], period: Period) -> Iterable[Decimal]:
    return (flow.amount for flow in flows if flow.at < period.since)


def _apart(parts: Sequence[BookPart], prices: Prices) -> dict[str, Decimal]:
    """Return what books in other currencies earned, by currency."""
    total: dict[str, Decimal] = {}
    for part in parts:
        open_before = _floating(part.symbol, part.before, prices.before)
        open_after = _floating(part.symbol, part.after, prices.after)
        total[part.quote] = total.get(part.quote, ZERO) + part.realized + open_after - open_before
        for currency, paid in part.fees():
            total[currency] = total.get(currency, ZERO) - paid
    return total


def _less(earned: Mapping[str, Decimal], paid: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: earned.get(name, ZERO) - paid.get(name, ZERO) for name in {**earned, **paid}}


def _fees(parts: Sequence[BookPart], currency: str) -> tuple[Decimal, dict[str, Decimal]]:
    """Return what was paid in the statement's currency, and what in others."""
    total: dict[str, Decimal] = {}
    for part in parts:
        for name, paid in part.fees():
            total[name] = EXACT.add(total.get(name, ZERO), paid)
    return total.pop(currency, ZERO), total


def _floating(symbol: str, book: Earnings, prices: Mapping[str, Decimal]) -> Decimal:
    return book.unrealized(prices[symbol]) if book.qty and symbol in prices else ZERO


def _closed(parts: Sequence[BookPart]) -> tuple[ClosedPosition, ...]:
    return tuple(sorted((one for part in parts for one in part.closed), key=lambda one: (one.closed_at, one.symbol)))


def _held(parts: Sequence[BookPart], prices: Mapping[str, Decimal]) -> tuple[Held, ...]:
    return tuple(
        Held(
            part.symbol,
            part.position_side,
            part.after.qty,
            part.after.cost,
            prices.get(part.symbol),
            _floating(part.symbol, part.after, prices),
        )
        for part in parts
        if part.after.qty
    )


def _outcomes(copies: Sequence[Movement]) -> tuple[Outcome, ...]:
    found = Counter(copy.status for copy in copies)
    return tuple(Outcome(status, count) for status, count in sorted(found.items(), key=lambda item: (-item[1], item)))


def _moved(parts: Sequence[BookPart]) -> Iterable[Movement]:
    return (line for part in parts for line in part.movements)


def _paid(raw: RawSubscription, period: Period) -> Iterable[Movement]:
    for paid in raw.funding:
        if period.holds(paid.at):
            yield Movement(
                MovementKind.FUNDING,
                paid.at,
                paid.currency,
                symbol=paid.symbol,
                amount=paid.amount,
                reference=paid.reference,
            )


def _flowed(flows: Sequence[Flow], terms: Terms) -> Iterable[Movement]:
    for flow in flows:
        if terms.period.holds(flow.at):
            yield Movement(MovementKind.FLOW, flow.at, terms.currency, amount=flow.amount, reason=flow.kind)


def _in_order(lines: Iterable[Movement]) -> tuple[Movement, ...]:
    return tuple(sorted(lines, key=lambda line: line.at))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
