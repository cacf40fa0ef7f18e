"""A brand as it is after some months: strategies with a record, their trades, and what became of the copies."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from copydesk.analytics import FIGURES, Unit
from copydesk.db import TenantSession
from copydesk.performance.tables import SubscriptionFigures
from copydesk.replication.tables import Copy, LeaderBook, Signal, Strategy, Subscription
from copydesk.studio.terms import Terms, store_terms
from copydesk.vault.tables import Account
from site_seed import NOW
from sqlalchemy import insert, text
from standing_seed import tell_figures, tell_points

D = Decimal
DAYS = 120
SPOT, SWAP, OTHER = "BTC/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"
PX = {SPOT: D(64_000), SWAP: D(64_020), OTHER: D("3150.5"), "ETH/USDT": D(3150)}
_NUMBERS = count(1)
# What became of one copy after another: most are filled.
OUTCOMES: tuple[Mapping[str, Any], ...] = (
    *({"status": "filled", "part": 1}, {"status": "filled", "part": 1}),
    {
        "status": "denied",
        "part": 0,
        "reason": "below_notional_min",
        "reason_facts": {"notional": "4.1", "minimum": "5", "currency": "USDT", "allocation_needed": "122"},
    },
    *({"status": "filled", "part": 1}, {"status": "filled", "part": 1}),
    {"status": "canceled", "part": D("0.5"), "reason": "price_moved"},
)
_POINT = text(
    """
    INSERT INTO performance_point (tenant_id, owner, owner_id, grain, at, equity, flow, index_close, index_low,
                                   index_high)
    VALUES (:tenant_id, 'subscription', :id, :grain, :at, :equity, 0, :index, :index, :index)
    """
)
_USUAL = {Unit.RATIO: 0.127, Unit.MONEY: 418.4, Unit.DAYS: 41, Unit.SECONDS: 5_400, Unit.COUNT: 37, Unit.TIMES: 2.1}
_MATURE: Mapping[str, Any] = {
    "figures": {name: float(_USUAL.get(meaning.unit, 84.2)) for name, meaning in FIGURES.items()},
    "truth": {"followers": 12, "copies_done": 90, "copies_due": 100, "slippage_bps": 0.6, "latency_ms": 84.2},
    "gates": [],
    "score_version": "1.abcdef",
    "risk": 4,
    "days": D(DAYS),
    "closed": 141,
    "followers": 12,
    "follower_return": D("0.0561"),
    "copy_success": D("0.9"),
    "min_allocation": D(120),
    "style": "day",
    "leverage_max": D(5),
    "too_early": False,
}


@dataclass(frozen=True)
class Led:
    """A strategy that somebody leads with an account, and how it has gone since its first day."""

    id: int
    slug: str
    account_id: int
    record: tuple[tuple[datetime, Decimal], ...]


def record(seed: int, *, drift: float) -> tuple[tuple[datetime, Decimal], ...]:
    """Return the equity at the end of each day: 10,000 at first, and a walk from there."""
    chance, equity = random.Random(seed), 10_000.0
    points = []
    for day in range(DAYS):
        points.append((NOW.replace(hour=0) - timedelta(days=DAYS - 1 - day), D(f"{equity:.2f}")))
        equity *= 1 + chance.gauss(drift, 0.012)
    return tuple(points)


def place(session: TenantSession, user_id: int, label: str, *, venue: str = "binance") -> int:
    """Connect an exchange account of somebody's."""
    row = Account(tenant_id=session.tenant_id, user_id=user_id, venue=venue, environment="lab", label=label)
    row.shard, row.sealed_key = f"{venue}-lab:0", b"sealed"
    session.add(row)
    session.flush()
    return row.id


def lead(session: TenantSession, user_id: int, name: str, number: int, *, drift: float, summary: str) -> Led:
    """Publish a strategy with a record, terms and figures."""
    slug, points = name.lower().replace(" ", "-"), record(number, drift=drift)
    account_id = place(session, user_id, f"{name} desk")
    row = Strategy(tenant_id=session.tenant_id, trader_id=user_id, account_id=account_id, slug=slug, name=name)
    row.summary, row.created_at = summary, points[0][0]
    session.add(row)
    session.flush()
    store_terms(session, row.id, Terms(D("0.1"), D(100), 500), at=points[0][0])
    tell_points(session, session.tenant_id, row.id, points)
    grown, fall = points[-1][1] / points[0][1] - 1, _fall(points)
    values = {
        "return_30": grown / 4,
        "return_90": grown / 2,
        "return_all": grown,
        "drawdown_max": fall,
        "place": number,
    }
    values |= {"score": D(90 - 7 * number), "equity": points[-1][1], "symbols": [SPOT, SWAP], "perpetual": True}
    tell_figures(session, session.tenant_id, row.id, as_of=NOW, **_MATURE | values)
    for symbol, qty in ((SPOT, D("0.5")), (SWAP, D("-0.25"))):
        book = LeaderBook(tenant_id=session.tenant_id, strategy_id=row.id, symbol=symbol, qty=qty, last_px=PX[symbol])
        session.add(book)
    session.flush()
    return Led(row.id, slug, account_id, points)


def subscribed(session: TenantSession, led: Led, account_id: int, *, days: int, **values: Any) -> int:
    """Have an account copy a strategy since some days, with its own line beside the trader's."""
    begun = NOW - timedelta(days=days)
    terms = {"allocation": D(1_500), "sizing_mode": "equity_ratio", "state": "synced", "created_at": begun} | values
    row = Subscription(tenant_id=session.tenant_id, strategy_id=led.id, account_id=account_id, **terms)
    session.add(row)
    session.flush()
    points = [(at, equity) for at, equity in led.record if at >= begun - timedelta(days=1)]
    grown = D(1)
    for number, (at, equity) in enumerate(points):
        grown = 1 + (equity / points[0][1] - 1) * D("0.8") - D(number % 5) / 900
        point = {"at": at, "equity": terms["allocation"] * grown, "index": grown}
        for grain in ("day", "hour"):
            session.execute(_POINT, {"tenant_id": session.tenant_id, "id": row.id, "grain": grain, **point})
    stored = {"cursor": {}, "summary": {}, "figures": {}, "as_of": NOW, "equity": terms["allocation"] * grown}
    figures = SubscriptionFigures(
        tenant_id=session.tenant_id, subscription_id=row.id, strategy_id=led.id, money_weighted=grown - 1, **stored
    )
    figures.net_result, figures.tracking_difference = terms["allocation"] * (grown - 1), D("-0.0123")
    session.add(figures)
    session.flush()
    return row.id


def trades(session: TenantSession, led: Led, many: int) -> Iterator[Signal]:
    """Have a trader buy and sell in turn, the newest a few minutes ago; symbols take turns too."""
    for number in range(many):
        symbol, buys = (SPOT, SWAP, OTHER)[number // 2 % 3], number % 2 == 0
        at = NOW - timedelta(hours=7 * (many - number - 1), minutes=3)
        qty = D("0.5") if symbol is not OTHER else D(6)
        row = Signal(
            tenant_id=session.tenant_id,
            strategy_id=led.id,
            account_id=led.account_id,
            symbol=symbol,
            side="buy" if buys else "sell",
            venue_order_id=f"w{next(_NUMBERS)}",
            cum_qty=qty,
            qty=qty,
            px=PX[symbol] + number,
            position_before=D(0) if buys else qty,
            position_after=qty if buys else D(0),
            leader_equity=D(100_000),
            venue_at=at,
            seen_at=at + timedelta(milliseconds=12),
            stored_at=at + timedelta(milliseconds=15),
        )
        session.add(row)
        session.flush()
        yield row


def copied(session: TenantSession, signal: Signal, subscription_id: int, account_id: int) -> None:
    """Store what became of a trade for a subscription."""
    number = next(_NUMBERS)
    became = dict(OUTCOMES[number % len(OUTCOMES)])
    part, qty = D(became.pop("part")), signal.qty / 125
    filled = qty * part
    row = insert(Copy).values(
        tenant_id=session.tenant_id,
        subscription_id=subscription_id,
        signal_id=signal.id,
        account_id=account_id,
        shard="binance-lab:0",
        leg="open" if signal.side == "buy" else "close",
        symbol=signal.symbol,
        side=signal.side,
        type="limit" if signal.side == "buy" else "market",
        qty=qty,
        px=signal.px * D("1.005"),
        reduces=signal.side == "sell",
        client_order_id=f"w{number}",
        epoch=1,
        cum_qty=filled,
        avg_px=signal.px * D("1.00006") if filled else None,
        planned_at=signal.stored_at + timedelta(milliseconds=3),
        sent_at=signal.stored_at + timedelta(milliseconds=6) if filled else None,
        acked_at=signal.stored_at + timedelta(milliseconds=60 + number % 50) if filled else None,
        wanted_qty=qty,
        allocation=D(1_500),
        book_qty=D(0) if signal.side == "buy" else qty,
        bound="none",
        **became,
    )
    session.execute(row)


def _fall(points: tuple[tuple[datetime, Decimal], ...]) -> Decimal:
    peak, fall = D(0), D(0)
    for _, equity in points:
        peak = max(peak, equity)
        fall = max(fall, 1 - equity / peak)
    return fall
