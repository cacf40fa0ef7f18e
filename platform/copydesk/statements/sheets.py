"""A statement as two flat tables of CSV: every transaction, and one row of sums for each subscription and strategy.

Two files and not one with sections: spreadsheets and tax programs read one table a file. Column names and values in
them are the same in every language; `told` alone is in the reader's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT
from copydesk.statements.cells import Cell, csv_text
from copydesk.statements.model import Movement, MovementKind, Statement, StrategyPart, SubscriptionPart
from copydesk.statements.port import Words

TRANSACTIONS = (
    *("time_utc", "time_local", "of", "number", "strategy", "exchange", "account", "kind", "symbol", "position_side"),
    *("side", "qty", "px", "value", "currency", "fee", "fee_currency", "realized", "amount", "reference", "signal"),
    *("sent_qty", "outcome", "reason", "told"),
)
SUMMARY = (
    *("of", "number", "strategy", "name", "exchange", "account", "state", "from_utc", "until_utc", "currency"),
    *("opening", "flow", "realized", "unrealized", "fees", "funding", "net", "closing", "other_currencies"),
    *("return_kind", "return_ratio", "deepest_fall", "closed_positions", "won", "lost", "copies", "copies_filled"),
    *("followers", "followers_joined", "followers_left", "followers_net"),
)
_SUBSCRIPTION, _STRATEGY = "subscription", "strategy"
_RATIO_STEP = Decimal("0.000001")


def transactions_csv(statement: Statement, words: Words, *, bom: bool = False) -> str:
    """Write every fill, write-off, funding payment, flow and copy of the period, oldest first."""
    zone = ZoneInfo(statement.time_zone)
    rows = sorted(_lines(statement), key=lambda row: (row[1].at, row[0].id))
    return csv_text(TRANSACTIONS, (_transaction(part, line, zone, words) for part, line in rows), bom=bom)


def summary_csv(statement: Statement, *, bom: bool = False) -> str:
    """Write one row for each subscription and strategy."""
    rows = [_subscription(part, statement) for part in statement.subscriptions]
    rows += [_strategy(part, statement) for part in statement.strategies]
    return csv_text(SUMMARY, rows, bom=bom)


Part = SubscriptionPart | StrategyPart


def _lines(statement: Statement) -> Iterator[tuple[Part, Movement]]:
    parts: tuple[Part, ...] = (*statement.subscriptions, *statement.strategies)
    return ((part, line) for part in parts for line in part.movements)


def _transaction(part: Part, line: Movement, zone: ZoneInfo, words: Words) -> list[Cell]:
    mine = isinstance(part, SubscriptionPart)
    value = None if line.qty is None or line.px is None else EXACT.multiply(line.qty, line.px)
    return [
        line.at,
        _local(line.at, zone),
        _SUBSCRIPTION if mine else _STRATEGY,
        part.id,
        part.strategy_slug if isinstance(part, SubscriptionPart) else part.slug,
        part.exchange,
        part.account if isinstance(part, SubscriptionPart) else "",
        str(line.kind),
        line.symbol,
        line.position_side,
        line.side,
        line.qty,
        line.px,
        value,
        line.currency,
        line.fee,
        line.fee_currency,
        line.realized,
        line.amount,
        line.reference,
        line.signal_id,
        line.wanted,
        line.status,
        line.reason,
        _told(line, words),
    ]


def _told(line: Movement, words: Words) -> str:
    if line.kind is not MovementKind.COPY:
        return ""
    return words.reason(line.reason, line.facts) if line.reason else words.state(line.status)


def _subscription(part: SubscriptionPart, statement: Statement) -> list[Cell]:
    money, period = part.money, statement.period
    won = sum(1 for one in part.closed if one.realized > one.fees)
    lost = sum(1 for one in part.closed if one.realized < one.fees)
    return [
        *(_SUBSCRIPTION, part.id, part.strategy_slug, part.strategy_name, part.exchange, part.account, part.state),
        *(period.since, part.until, money.currency),
        *(money.opening, money.flow, money.realized, money.unrealized, money.fees, money.funding),
        *(money.net, money.closing, _apart(money.apart)),
        *("money_weighted", _ratio(part.money_weighted), _ratio(part.fall), len(part.closed), won, lost),
        *(len(part.copies), sum(1 for copy in part.copies if copy.qty), None, None, None, None),
    ]


def _strategy(part: StrategyPart, statement: Statement) -> list[Cell]:
    won = sum(1 for one in part.closed if one.realized > one.fees)
    lost = sum(1 for one in part.closed if one.realized < one.fees)
    followers = part.followers
    return [
        *(_STRATEGY, part.id, part.slug, part.name, part.exchange, "", part.status),
        *(statement.period.since, min(statement.period.until, statement.made_at), part.currency),
        *(part.opening, part.flow, part.realized, None, part.fees, None, part.net, part.closing),
        *(_apart(part.apart), "time_weighted", _ratio(part.ratio)),
        *(_ratio(part.fall), len(part.closed), won, lost, None, None),
        *(followers.after, followers.joined, followers.left, followers.net),
    ]


def _apart(amounts: Mapping[str, Decimal]) -> str:
    return "; ".join(f"{amount:f} {currency}" for currency, amount in sorted(amounts.items()) if amount != ZERO)


def _ratio(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_RATIO_STEP)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
