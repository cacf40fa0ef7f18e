"""What happened behind the pages that are measured: signals, copies, books, equity, limits, notices.

By SQL as the schema's owner, after `pages_people` has left its table `traded`. Everything is decided by numbers of
rows, so that each run has the same past.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg

from copydesk.bench.pages_people import FOLLOWER, TRADER
from copydesk.bench.pages_plan import PagesPlan

# Every strategy opens and closes in turn. The trader's own began earlier than the others.
_SIGNALS = """
INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, side, venue_order_id, cum_qty, qty, px,
                    position_before, position_after, leader_equity, venue_at, seen_at, stored_at)
SELECT %(brand)s, traded.id, traded.account_id, traded.symbol, CASE turn.opens WHEN 1 THEN 'buy' ELSE 'sell' END,
       'pages-' || r, turn.qty, turn.qty, turn.px, (1 - turn.opens) * turn.qty, turn.opens * turn.qty, 100000,
       turn.at, turn.at + interval '12 ms', turn.at + interval '15 ms'
FROM generate_series(1, CAST(%(signals)s AS int)) AS r CROSS JOIN traded
CROSS JOIN LATERAL (
    SELECT (r %% 2) AS opens, round(1000 / traded.px, 4) AS qty,
           round(traded.px * (1 + 0.01 * sin(r * 0.7 + traded.n)::numeric), 2) AS px,
           %(now)s - (%(signals)s - r + 1) * interval '4 hours' + traded.n * interval '50 ms' AS at
) AS turn
WHERE traded.n = 1 OR r > %(signals)s - %(copied)s ORDER BY r, traded.n
"""
_DELIVERIES = """
INSERT INTO delivery (tenant_id, signal_id, shard, created_at, drained_at, stored_at)
SELECT tenant_id, id, 'binance-lab:0', stored_at, stored_at, stored_at + interval '5 ms'
FROM signal WHERE tenant_id = %(brand)s
"""
_COPIES = """
INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, side, type, qty, px, reduces,
                  client_order_id, status, reason, reason_facts, epoch, cum_qty, avg_px, planned_at, sent_at, acked_at,
                  wanted_qty, allocation, book_qty, bound)
SELECT g.tenant_id, s.id, g.id, s.account_id, a.shard, CASE g.side WHEN 'buy' THEN 'open' ELSE 'close' END, g.symbol,
       g.side, 'limit', CASE told.status WHEN 'denied' THEN 0 ELSE told.qty END, g.px, g.side = 'sell',
       'p' || g.id || '-' || s.id, told.status,
       CASE told.status WHEN 'denied' THEN 'below_notional_min' WHEN 'rejected' THEN 'insufficient_balance'
            WHEN 'canceled' THEN 'price_moved' END,
       CASE told.status WHEN 'denied' THEN CAST('{{"notional": "4.1", "minimum": "5", "currency": "USDT",'
            '"allocation_needed": "122"}}' AS jsonb) END,
       1, told.got, CASE WHEN told.got > 0 THEN round(g.px * (1 + (told.k - 40) * 0.00001), 4) END,
       g.venue_at + interval '18 ms',
       CASE told.status WHEN 'denied' THEN NULL ELSE g.venue_at + interval '21 ms' END,
       CASE told.status WHEN 'denied' THEN NULL ELSE g.venue_at + (60 + told.k) * interval '1 ms' END,
       told.qty, s.allocation, 0, 'none'
FROM ({pairs}) AS pair
JOIN signal g ON g.tenant_id = %(brand)s AND g.id = pair.signal_id
JOIN subscription s ON s.tenant_id = g.tenant_id AND s.id = pair.subscription_id
JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
CROSS JOIN LATERAL (SELECT (g.id * 31 + s.id * 17) %% 100 AS k, round(g.qty * s.allocation / 1000, 6) AS qty) AS drawn
CROSS JOIN LATERAL (
    SELECT k, drawn.qty, CASE WHEN k < 90 THEN 'filled' WHEN k < 96 THEN 'denied' WHEN k < 98 THEN 'rejected'
                        ELSE 'canceled' END AS status,
           CASE WHEN k < 90 THEN drawn.qty WHEN k >= 98 THEN round(drawn.qty / 2, 6) ELSE 0 END AS got
) AS told
ORDER BY g.id, s.id
"""
_OWN_PAIRS = """
    SELECT g.id AS signal_id, s.id AS subscription_id FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.user_id = %(follower)s
    JOIN signal g ON g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
    WHERE s.tenant_id = %(brand)s AND s.state <> 'ended'
      AND split_part(g.venue_order_id, '-', 2)::int > %(signals)s - %(copied)s
"""
_CROWD_PAIRS = """
    SELECT g.id AS signal_id, s.id AS subscription_id FROM signal g JOIN traded ON traded.id = g.strategy_id
    JOIN (SELECT s.tenant_id, s.id, s.strategy_id, row_number() OVER (ORDER BY s.id) AS number FROM subscription s
          JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.label LIKE 'Crowd %%') AS s
         ON s.tenant_id = g.tenant_id AND s.strategy_id = g.strategy_id
    WHERE traded.n = 1 AND (number <= 10 OR split_part(g.venue_order_id, '-', 2)::int > %(signals)s - %(fanned)s)
"""
_OWN = """
CREATE TEMP TABLE own AS
SELECT s.id, s.strategy_id, s.account_id, s.allocation, traded.n, traded.symbol, traded.px,
       row_number() OVER (ORDER BY s.id) AS number
FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.user_id = %(follower)s
JOIN traded ON traded.id = s.strategy_id WHERE s.tenant_id = %(brand)s AND s.state <> 'ended'
"""
# The newest orders of a few are still on their way.
_ON_THEIR_WAY = """
UPDATE copy SET status = 'in_flight', cum_qty = 0, avg_px = NULL, acked_at = NULL
FROM (SELECT max(c.id) AS id FROM copy c JOIN own ON own.id = c.subscription_id AND own.number %% 50 = 3
      GROUP BY c.subscription_id) AS newest WHERE copy.tenant_id = %(brand)s AND copy.id = newest.id
"""
_FILLS = """
INSERT INTO copy_fill (tenant_id, copy_id, trade_id, subscription_id, symbol, side, qty, px, fee, fee_currency, at)
SELECT c.tenant_id, c.id, 'f' || c.id, c.subscription_id, c.symbol, c.side, c.cum_qty, c.avg_px, 0.01, 'USDT',
       c.acked_at
FROM copy c JOIN own ON own.id = c.subscription_id WHERE c.tenant_id = %(brand)s AND c.cum_qty > 0 ORDER BY c.id
"""
_BOOKS = """
INSERT INTO book (tenant_id, subscription_id, symbol, qty, target_qty, cost, cash)
SELECT %(brand)s, own.id, symbol, held, held, round(held * px, 2), round(-held * px, 2) + number %% 7 - 3
FROM own CROSS JOIN LATERAL (SELECT CASE number %% 3 WHEN 0 THEN 0 ELSE round(150 / px, 4) END AS held) AS now
"""
_POINTS = """
INSERT INTO performance_point (tenant_id, owner, owner_id, grain, at, equity, flow, index_close, index_low, index_high)
SELECT %(brand)s, '{owner}', told.id, '{grain}', told.at, told.worth * told.index, 0, told.index, told.index, told.index
FROM (
    SELECT of.id, of.worth, date_trunc('{grain}', CAST(%(now)s AS timestamptz), 'UTC') - d * interval '1 {grain}' AS at,
           round(1 + 0.04 * sin(d / 9.0 + of.id)::numeric, 8) AS index
    FROM ({owners}) AS of CROSS JOIN generate_series(1, CAST({many} AS int)) AS d
) AS told ON CONFLICT DO NOTHING
"""
_CASH = """
INSERT INTO cash_flow (tenant_id, subscription_id, at, amount, kind)
SELECT %(brand)s, id, %(now)s - interval '90 days', allocation, 'opening' FROM own
"""
_LIMITS = """
INSERT INTO risk_limit (tenant_id, scope, subject_id, line, author)
SELECT %(brand)s, 'subscription', own.id, line, 'profile:balanced'
FROM own CROSS JOIN unnest(CAST(%(lines)s AS text[])) AS line
"""
_WATERS = """
INSERT INTO risk_watermark (tenant_id, scope, subject_id, peak, day_equity, day_realised, day_at, week_equity,
                            week_realised, week_at, month_equity, month_realised, month_at)
SELECT %(brand)s, 'subscription', id, allocation + 20, allocation + number %% 5, 0, %(now)s, allocation, 0, %(now)s,
       allocation, 0, %(now)s FROM own
"""
_RESULTS = """
INSERT INTO subscription_figures (tenant_id, subscription_id, strategy_id, as_of, cursor, summary, figures,
                                  money_weighted, net_result, tracking_difference, equity)
SELECT %(brand)s, id, strategy_id, %(now)s, '{}', '{}', '{}', sin(id)::numeric * 0.2, sin(id)::numeric * 40,
       0.001, allocation FROM subscription WHERE tenant_id = %(brand)s AND state <> 'ended'
"""
_EXECUTIONS = """
INSERT INTO execution (tenant_id, account_id, symbol, trade_id, venue_order_id, side, qty, px, fee, fee_currency, at)
SELECT g.tenant_id, g.account_id, g.symbol, g.venue_order_id, g.venue_order_id, g.side, g.qty, g.px, 0.1, 'USDT',
       g.venue_at FROM signal g JOIN traded ON traded.id = g.strategy_id AND traded.n = 1 ORDER BY g.id
"""
_LEADER = (
    "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) "
    "SELECT %(brand)s, id, %(now)s - interval '339 days', 100000 FROM traded WHERE n = 1",
    "SELECT performance_room(part, %(now)s - interval '340 days', %(now)s + interval '1 day') "
    "FROM unnest(ARRAY['mark_minute', 'point_minute', 'point_hour']) AS part",
    "INSERT INTO mark_minute (place, symbol, at, px) SELECT 'binance-lab', symbol, minute, "
    "round(px * (1 + 0.01 * sin(extract(epoch FROM minute) / 90000)::numeric), 2) FROM traded, "
    "generate_series(date_trunc('hour', CAST(%(now)s AS timestamptz)) - interval '119 days', %(now)s, "
    "interval '15 minutes') AS minute WHERE n <= 3",
    "INSERT INTO watch (tenant_id, user_id, strategy_id, since) "
    "SELECT %(brand)s, %(follower)s, id, %(now)s FROM traded WHERE n <= 50",
    "INSERT INTO announcement (tenant_id, strategy_id, at, body) SELECT %(brand)s, id, %(now)s - d * interval '1 day', "
    "'What I think of the market, number ' || d FROM traded, generate_series(1, 60) AS d WHERE n = 1",
)
_NOTICES = (
    """
    INSERT INTO notice (tenant_id, user_id, kind, at, facts, key, told_at, read_at)
    SELECT %(brand)s, %(follower)s,
           (ARRAY['copy_opened', 'copy_closed', 'copy_skipped', 'announcement', 'out_of_sync'])[1 + n %% 5],
           %(now)s - (%(notices)s - n) * interval '5 minutes',
           jsonb_build_object('strategy_id', own.strategy_id, 'strategy', 'Strategy ' || place, 'slug', 'measured',
                              'subscription_id', own.id) ||
           CASE WHEN n %% 5 >= 3 THEN '{}' ELSE jsonb_build_object('copy_id', n, 'signal_id', n, 'symbol', own.symbol)
           END || CAST(CASE n %% 5
               WHEN 0 THEN '{"side": "buy", "position_side": "net", "qty": "0.004", "px": "64000", "currency": "USDT"}'
               WHEN 1 THEN '{"side": "sell", "position_side": "net", "qty": "0.004", "px": "64000", "currency": "USDT",'
                    '"result": "-1.25"}'
               WHEN 2 THEN '{"side": "buy", "position_side": "net", "qty": "0", "leg": "open", "minimum": "5",'
                    '"reason": "below_notional_min", "notional": "4.1", "currency": "USDT", "allocation_needed": "122"}'
               WHEN 3 THEN '{"body": "Be patient."}'
               ELSE '{"reason": "price_moved"}' END AS jsonb),
           'pages-' || n, %(now)s, CASE WHEN n %% 4 > 0 THEN %(now)s END
    FROM generate_series(1, CAST(%(notices)s AS int)) AS n
    JOIN (SELECT id, strategy_id, symbol, number, n AS place FROM own) AS own ON number = 1 + n %% %(subscriptions)s
    ORDER BY n
    """,
    "INSERT INTO notice_delivery (tenant_id, notice_id, user_id, channel, state, made_at, due_at, sent_at) "
    "SELECT tenant_id, id, user_id, 'mail', 'sent', at, at, at FROM notice WHERE tenant_id = %(brand)s ORDER BY id",
)
_TERMINAL = (
    """
    INSERT INTO terminal_order (tenant_id, user_id, account_id, strategy_id, ticket, part, symbol, side, type, qty, px,
                                state, venue_order_id, client_order_id, cum_qty, avg_px, created_at, sent_at, acked_at,
                                done_at)
    SELECT %(brand)s, %(trader)s, account_id, id, 'ticket-' || k.n, 'ticket', symbol, 'buy', 'limit', 0.01, px * 0.9,
           state, 'v' || k.n, 'c' || k.n, CASE state WHEN 'filled' THEN 0.01 ELSE 0 END,
           CASE state WHEN 'filled' THEN px END, at, at, at, CASE state WHEN 'open' THEN NULL ELSE at END
    FROM traded CROSS JOIN generate_series(1, 1000) AS k (n) CROSS JOIN LATERAL (
        SELECT CASE WHEN k.n > 980 THEN 'open' WHEN k.n %% 3 = 0 THEN 'canceled' ELSE 'filled' END AS state,
               %(now)s - (1001 - k.n) * interval '1 hour' AS at) AS told WHERE traded.n = 1
    """,
    "INSERT INTO wallet_balance (tenant_id, account_id, wallet, currency, free, locked, at) "
    "SELECT %(brand)s, a.id, wallet, coin, 1000, 10, %(now)s "
    "FROM account a, unnest(ARRAY['spot', 'funding']) AS wallet, unnest(ARRAY['USDT', 'BTC', 'ETH', 'SOL']) AS coin "
    "WHERE a.tenant_id = %(brand)s AND a.user_id = %(follower)s",
)


def store_past(
    cursor: psycopg.Cursor[tuple[int, ...]], plan: PagesPlan, brand: int, now: datetime, lines: Sequence[str]
) -> None:
    """Store what happened; `lines` are the limits of each of the follower's subscriptions."""
    told = {"brand": brand, "now": now, "signals": plan.signals, "copied": plan.rounds_copied, "fanned": plan.fanned}
    told |= {"notices": plan.notices, "subscriptions": plan.subscriptions, "lines": list(lines)}
    told |= {"follower": _person(cursor, brand, FOLLOWER), "trader": _person(cursor, brand, TRADER)}
    copies = [_COPIES.format(pairs=pairs) for pairs in (_OWN_PAIRS, _CROWD_PAIRS)]
    few = "SELECT id, allocation AS worth FROM own WHERE n BETWEEN 2 AND 5"
    led = "SELECT id, 100000 AS worth FROM traded WHERE n BETWEEN 2 AND 5"
    points = [
        ("subscription", "day", "SELECT id, allocation AS worth FROM own", 90),
        ("subscription", "hour", few, 2160),
        ("strategy", "day", led, 110),
        ("strategy", "hour", led, 2640),
    ]
    drawn = [_POINTS.format(owner=owner, grain=grain, owners=of, many=many) for owner, grain, of, many in points]
    own = (_OWN, _ON_THEIR_WAY, _FILLS, _BOOKS, _CASH, _LIMITS, _WATERS, _RESULTS, _EXECUTIONS)
    for statement in (_SIGNALS, _DELIVERIES, *copies, *own, *_LEADER, *drawn, *_NOTICES, *_TERMINAL):
        cursor.execute(statement, told)


def _person(cursor: psycopg.Cursor[tuple[int, ...]], brand: int, name: str) -> int:
    query = "SELECT id FROM user_account WHERE tenant_id = %s AND email = %s"
    found = cursor.execute(query, (brand, f"{name}@bench.invalid")).fetchone()
    assert found is not None, "people are stored first"
    return found[0]
