"""A desk with a past for `bench analytics`: traders with their executions and every minute's marks, by COPY.

Rows are what the listener and the worker would have stored; they come in as the schema's owner, whom no policy slows
down. More strategies for the board are copies of those that were computed, each with figures of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import cycle, islice

import psycopg
from psycopg import sql

from copydesk.bench.analytics_past import BEGIN, OPENING, SYMBOLS, end_of, past_of, prices_of
from copydesk.marks import place_name
from copydesk.trading import Environment

VENUE = "binance"
_CHUNK = 20_000
_OPEN = (
    "INSERT INTO user_account (tenant_id, email, display_name, role) "
    "SELECT %(brand)s, 'bench-' || n || '@bench.invalid', 'Trader ' || n, 'trader' "
    "FROM generate_series(CAST(%(first)s AS int), %(last)s) AS n",
    "INSERT INTO account (tenant_id, user_id, venue, environment, label, shard) "
    "SELECT tenant_id, id, %(venue)s, 'lab', display_name, %(venue)s || '-lab:0' FROM user_account "
    "WHERE tenant_id = %(brand)s AND email LIKE 'bench-%%' "
    "AND id NOT IN (SELECT user_id FROM account WHERE tenant_id = %(brand)s) ORDER BY id",
    "INSERT INTO strategy (tenant_id, trader_id, account_id, slug, name, summary, created_at) "
    "SELECT tenant_id, user_id, id, 'bench-' || id, label, 'Measures.', %(begin)s FROM account "
    "WHERE tenant_id = %(brand)s AND label LIKE 'Trader %%' "
    "AND id NOT IN (SELECT account_id FROM strategy WHERE tenant_id = %(brand)s) ORDER BY id",
)
# Whoever has no figures gets those of another, moved a little, so that no two are alike.
_ALIKE = """
WITH kept AS (
    SELECT row_number() OVER (ORDER BY strategy_id) - 1 AS number, count(*) OVER () AS many, strategy_figures.*
    FROM strategy_figures WHERE tenant_id = %(brand)s
), bare AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM strategy WHERE tenant_id = %(brand)s
    AND id NOT IN (SELECT strategy_id FROM strategy_figures WHERE tenant_id = %(brand)s)
)
INSERT INTO strategy_figures ({names}) SELECT {values}
FROM bare JOIN kept ON kept.number = bare.number %% kept.many
"""
_MOVED = (
    *("score", "return_30", "return_90", "return_all", "drawdown_max", "drawdown_now"),
    *("sortino", "follower_return", "min_allocation"),
)
_SAMPLES = """
INSERT INTO equity_point (tenant_id, strategy_id, at, equity)
SELECT tenant_id, id, %(end)s - n * interval '1 day', 10000 + 900 * sin(id + n / 9.0) + n
FROM strategy, generate_series(CAST(1 AS int), %(many)s) AS n WHERE tenant_id = %(brand)s ON CONFLICT DO NOTHING
"""
_PLACED = """
UPDATE strategy_figures SET place = found.place
FROM (SELECT strategy_id, row_number() OVER (ORDER BY score DESC NULLS LAST, strategy_id) AS place
      FROM strategy_figures WHERE tenant_id = %(brand)s) AS found
WHERE tenant_id = %(brand)s AND strategy_figures.strategy_id = found.strategy_id
"""
_EXECUTIONS = (
    "COPY execution (tenant_id, account_id, symbol, trade_id, venue_order_id, position_side, side, qty, px, fee, "
    "fee_currency, at) FROM STDIN"
)


def seed_past(owner_url: str, tenant_id: int, *, strategies: int, trades: int, days: int) -> list[int]:
    """Store the strategies with so many executions in all, and return their ids in order."""
    prices = prices_of(days)
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        accounts, ids = _open(cursor, tenant_id, 1, strategies)
        for part in ("mark_minute", "point_minute", "point_hour"):
            cursor.execute("SELECT performance_room(%s, %s, %s)", (part, BEGIN, end_of(days) + timedelta(days=1)))
        with cursor.copy("COPY equity_point (tenant_id, strategy_id, at, equity) FROM STDIN") as copy:
            for strategy_id in ids:
                copy.write_row((tenant_id, strategy_id, BEGIN, Decimal(int(OPENING))))
        place = place_name(VENUE, Environment.LAB)
        with cursor.copy("COPY mark_minute (place, symbol, at, px) FROM STDIN") as copy:
            for minute, row in enumerate(prices.tolist()):
                at = BEGIN + timedelta(minutes=minute)
                for symbol, px in zip(SYMBOLS, row, strict=True):
                    copy.write_row((place, symbol, at, px))
        with cursor.copy(_EXECUTIONS) as copy:
            for trader, account_id in enumerate(accounts):
                past = past_of(trader, trades // strategies // 2 * 2, prices)
                for number, (at_ms, instrument, qty, px, cost) in enumerate(
                    zip(*(column.tolist() for column in past), strict=True)
                ):
                    at = BEGIN + timedelta(milliseconds=at_ms - int(BEGIN.timestamp() * 1000))
                    side = "buy" if qty > 0 else "sell"
                    row = (tenant_id, account_id, SYMBOLS[instrument], f"{trader}-{number}", str(number), "net", side)
                    copy.write_row((*row, abs(qty), px, cost, "USDT", at))
    tidy_up(owner_url)
    return ids


def seed_board(owner_url: str, tenant_id: int, *, listed: int, samples: int, days: int) -> None:
    """Add strategies with figures until so many are listed, and so many daily samples of each for the plain way."""
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM strategy WHERE tenant_id = %s", (tenant_id,))
        (known,) = cursor.fetchone() or (0,)
        if known < listed:
            _open(cursor, tenant_id, known + 1, listed)
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'strategy_figures' "
            "AND column_name <> 'strategy_id' ORDER BY ordinal_position"
        )
        names = [name for (name,) in cursor.fetchall()]
        moved = (sql.SQL("kept.{} * (1 + (bare.number %% 997) / 5000.0)"), sql.SQL("kept.{}"))
        values = [moved[name not in _MOVED].format(sql.Identifier(name)) for name in names]
        query = sql.SQL(_ALIKE).format(
            names=sql.SQL(", ").join(map(sql.Identifier, ["strategy_id", *names])),
            values=sql.SQL(", ").join([sql.SQL("bare.id"), *values]),
        )
        cursor.execute(query, {"brand": tenant_id})
        cursor.execute(_PLACED, {"brand": tenant_id})
        cursor.execute(_SAMPLES, {"brand": tenant_id, "end": end_of(days), "many": samples})
    tidy_up(owner_url)


def tidy_up(owner_url: str) -> None:
    """Do at once what autovacuum does behind a bulk load, so that it does not run beside the next measurement."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _open(
    cursor: psycopg.Cursor[tuple[int, ...]], tenant_id: int, first: int, last: int
) -> tuple[list[int], list[int]]:
    """Open traders with an account and a strategy each; return the ids of all accounts and strategies, in order."""
    told = {"brand": tenant_id, "first": first, "last": last, "venue": VENUE, "begin": BEGIN}
    for statement in _OPEN:
        cursor.execute(statement, told)
    cursor.execute("SELECT account_id, id FROM strategy WHERE tenant_id = %s ORDER BY id", (tenant_id,))
    rows = cursor.fetchall()
    return [account for account, _ in rows], [strategy for _, strategy in rows]


def later_fills(trader: int, *, many: int, days: int) -> Iterator[tuple[str, float, float]]:
    """Yield (side, quantity, price) of so many fills after the past: in and out again, a little each time."""
    px = float(prices_of(1)[0, 0]) + trader
    return islice(cycle([("buy", 0.01, px), ("sell", 0.01, px + days)]), many)
