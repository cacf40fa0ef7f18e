"""Rows that statements are made of in tests: one subscription that traded in January and February 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from copydesk.replication.profit import Traded
from copydesk.statements import Followers, Movement, MovementKind, Person, Statement, period_named
from copydesk.statements.build import Terms, built
from copydesk.statements.raw import BookEvents, Event, Flow, Paid, PointSeen, Prices, RawStrategy, RawSubscription
from copydesk.trading import Side

D = Decimal
SYMBOL = "BTC/USDT:USDT"
PERSON = Person(7, "Şule Özgür", "sule@example.com", "follower", datetime(2025, 12, 30, tzinfo=UTC))


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def fill(when: datetime, side: str, qty: str, px: str, fee: str = "0", currency: str = "USDT") -> Event:
    return Event(when, Traded(Side(side), D(qty), D(px), D(fee), currency), f"t{when:%m%d%H}")


FEBRUARY = Terms("Aurora", "USDT", "Europe/Berlin", period_named("2026-02"), at(3, 2))
EVENTS = (
    fill(at(1, 20), "buy", "2", "100", "0.5"),
    fill(at(2, 3), "sell", "1", "130", "0.25"),
    fill(at(2, 10), "sell", "1", "90", "0.25"),
    fill(at(2, 20), "sell", "1", "80", "0.1"),
    fill(at(3, 1), "buy", "1", "70", "0.1"),
)
COPIES = tuple(
    Movement(
        MovementKind.COPY,
        at(2, day),
        "USDT",
        symbol=SYMBOL,
        position_side="net",
        side="buy",
        qty=D(1) if status == "filled" else D(0),
        px=D(100) if status == "filled" else None,
        reference=str(day),
        signal_id=day,
        wanted=D(1),
        status=status,
        reason="" if status == "filled" else "below_notional_min",
        facts=None if status == "filled" else {"notional": "4.1", "minimum": "5", "currency": "USDT"},
    )
    for day, status in ((3, "filled"), (10, "filled"), (11, "denied"))
)


def subscription(**changes: object) -> RawSubscription:
    row = RawSubscription(
        id=17,
        strategy_slug="dawn",
        strategy_name="Dawn Runner",
        trader_name="Mara Lind",
        exchange="binance",
        account="main",
        state="synced",
        began_at=at(1, 15),
        ended_at=None,
        books=(BookEvents(SYMBOL, "net", EVENTS),),
        funding=(
            Paid(at(1, 25), SYMBOL, "USDT", D("-0.3"), "p1"),
            Paid(at(2, 5), SYMBOL, "USDT", D("-0.2"), "p2"),
        ),
        flows=(Flow(at(1, 15), D(500), "opening"), Flow(at(2, 15), D(100), "allocation")),
        copies=COPIES,
        prices=Prices({SYMBOL: D(110)}, {SYMBOL: D(85)}),
        points=points((1, 31, "1.04"), (2, 5, "1.1", "1.0", "1.2"), (2, 20, "0.9", "0.9", "1.1")),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def strategy(**changes: object) -> RawStrategy:
    row = RawStrategy(
        id=3,
        slug="dawn",
        name="Dawn Runner",
        exchange="okx",
        status="live",
        began_at=at(1, 1),
        books=(BookEvents(SYMBOL, "net", EVENTS),),
        flows=(Flow(at(1, 1), D(1000), "opening"), Flow(at(2, 7), D(200), "observed")),
        prices=Prices({SYMBOL: D(110)}, {SYMBOL: D(85)}),
        points=points((1, 31, "1.04"), (2, 20, "0.9")),
        followers=Followers(3, 2, 1, D(2000), D("12.5"), 2, 4),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def points(*told: tuple[int, int, str] | tuple[int, int, str, str, str]) -> tuple[PointSeen, ...]:
    found = []
    for month, day, reached, *extremes in told:
        low, high = extremes or (reached, reached)
        found.append(PointSeen(at(month, day), D(1000) * D(reached), D(0), D(reached), D(low), D(high)))
    return tuple(found)


def statement(terms: Terms = FEBRUARY) -> Statement:
    return built(PERSON, terms, [subscription()], [strategy()])
