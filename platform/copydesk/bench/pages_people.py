"""Who visits the pages that are measured: a follower with very many subscriptions, and a trader with many followers.

Rows are what the roles would have stored; they come in by SQL as the schema's owner, whom no policy slows down.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from copydesk.bench.pages_plan import PagesPlan
from copydesk.db import TenantSession
from copydesk.identity import Role, User, UserSession
from copydesk.identity.factors.tables import TotpSecret
from copydesk.identity.tokens import token_hash

FOLLOWER, TRADER = "pages-follower", "pages-trader"
MEASURED = "measured"
_OTHERS = {"pages-traders": Role.TRADER, "pages-crowd": Role.FOLLOWER}
_AGE = timedelta(hours=12)

_ACCOUNTS = """
INSERT INTO account (tenant_id, user_id, venue, environment, label, shard, sealed_key, sealed_secret)
SELECT %(brand)s, u.id, told.venue, 'lab', told.label, told.venue || '-lab:' || told.lane, 'sealed', 'sealed'
FROM (
    SELECT CASE n WHEN 1 THEN 'pages-trader' ELSE 'pages-traders' END AS owner, 'binance' AS venue, 'Trader ' || n AS
           label, 0 AS lane FROM generate_series(1, %(strategies)s) AS n
    UNION ALL SELECT 'pages-follower', venue, label, 0
    FROM (VALUES ('binance', 'Main'), ('okx', 'Second'), ('binance', 'Third'), ('okx', 'Fourth'),
                 ('binance', 'Idle')) AS own (venue, label)
    UNION ALL SELECT 'pages-crowd', 'binance', 'Crowd ' || n, n %% 8 FROM generate_series(1, %(followers)s) AS n
) AS told JOIN user_account u ON u.tenant_id = %(brand)s AND u.email = told.owner || '@bench.invalid'
"""
_STRATEGIES = """
INSERT INTO strategy (tenant_id, trader_id, account_id, slug, name, summary, created_at)
SELECT tenant_id, user_id, id, CASE label WHEN 'Trader 1' THEN 'measured' ELSE 'followed-' || split_part(label, ' ', 2)
       END, 'Strategy ' || split_part(label, ' ', 2), 'Measures.', %(now)s - interval '340 days'
FROM account WHERE tenant_id = %(brand)s AND label LIKE 'Trader %%' ORDER BY id
"""
# What is traded, in turn, and for how much.
_TRADED = """
CREATE TEMP TABLE traded AS
SELECT row_number() OVER (ORDER BY s.id) AS n, s.id, s.account_id,
       (ARRAY['BTC/USDT', 'ETH/USDT:USDT', 'SOL/USDT'])[1 + (row_number() OVER (ORDER BY s.id) - 1) %% 3] AS symbol,
       (ARRAY[60000, 3000, 150])[1 + (row_number() OVER (ORDER BY s.id) - 1) %% 3]::numeric AS px
FROM strategy s WHERE s.tenant_id = %(brand)s AND s.slug ~ '^(measured|followed-)'
"""
# The first account copies all strategies, each of the others some of them; what ended was begun with once more.
_SUBSCRIPTIONS = """
INSERT INTO subscription (tenant_id, strategy_id, account_id, allocation, sizing_mode, state, state_reason, created_at,
                          ended_at)
SELECT %(brand)s, traded.id, a.id, 400 + traded.n %% 200, 'equity_ratio', told.state,
       CASE told.state WHEN 'out_of_sync' THEN 'price_moved' WHEN 'disarmed' THEN 'risk_stop' END,
       %(now)s - CASE told.state WHEN 'ended' THEN 110 ELSE 90 END * interval '1 day',
       CASE told.state WHEN 'ended' THEN %(now)s - interval '95 days' END
FROM account a CROSS JOIN traded CROSS JOIN LATERAL (
    SELECT CASE WHEN traded.n %% 50 = 7 THEN 'paused' WHEN traded.n %% 71 = 9 THEN 'catching_up'
                WHEN traded.n %% 97 = 11 THEN 'out_of_sync' WHEN traded.n %% 113 = 13 THEN 'disarmed'
                ELSE 'synced' END AS state
    UNION ALL SELECT 'ended' WHERE a.label = 'Main' AND traded.n <= %(ended)s
) AS told
WHERE a.tenant_id = %(brand)s AND (
    a.label = 'Main' OR (a.label IN ('Second', 'Third', 'Fourth') AND traded.n <= %(some)s)
) ORDER BY told.state <> 'ended', traded.n, a.id
"""
_CROWD = """
INSERT INTO subscription (tenant_id, strategy_id, account_id, allocation, sizing_mode, created_at)
SELECT %(brand)s, traded.id, a.id, 200 + a.id %% 700, 'equity_ratio', %(now)s - interval '335 days'
FROM account a JOIN traded ON traded.n = 1 WHERE a.tenant_id = %(brand)s AND a.label LIKE 'Crowd %%' ORDER BY a.id
"""


def store_people(session: TenantSession, now: datetime) -> None:
    """Store everybody, and let the follower and the trader be signed in by their own names."""
    for name, role in {FOLLOWER: Role.FOLLOWER, TRADER: Role.TRADER, **_OTHERS}.items():
        email = f"{name}@bench.invalid"
        user = User(tenant_id=session.tenant_id, email=email, display_name=name.title(), role=role)
        session.add(user)
        session.flush()
        if name not in _OTHERS:
            session.add_all([_signed_in(user, name, now), _factor(user, now)])


def store_copying(cursor: psycopg.Cursor[tuple[int, ...]], plan: PagesPlan, brand: int, now: datetime) -> None:
    """Store accounts, strategies and who copies them; leaves a table `traded` behind for this connection."""
    told = {"brand": brand, "now": now, "followers": plan.followers, "ended": plan.ended}
    told |= {"strategies": plan.strategies, "some": plan.copied_again}
    for statement in (_ACCOUNTS, _STRATEGIES, _TRADED, _SUBSCRIPTIONS, _CROWD):
        cursor.execute(statement, told)


def _signed_in(user: User, token: str, now: datetime) -> UserSession:
    return UserSession(
        tenant_id=user.tenant_id,
        user_id=user.id,
        token_hash=token_hash(token),
        created_at=now,
        seen_at=now,
        expires_at=now + _AGE,
        factor="totp",
        stepped_up_at=now,
        ip="127.0.0.1",
        agent="a browser",
    )


def _factor(user: User, now: datetime) -> TotpSecret:
    return TotpSecret(tenant_id=user.tenant_id, user_id=user.id, sealed=b"sealed", confirmed=True, created_at=now)
