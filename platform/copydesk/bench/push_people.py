"""People with sessions for a measurement of live events, and the addresses at which their pages listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from copydesk.bench.crowd import BRAND
from copydesk.bench.push_pages import Door
from copydesk.bootstrap import Runtime
from copydesk.kernel import utc_now
from copydesk.web.me_grant import PURPOSE, MeGrant, me_token

_PEOPLE = """
INSERT INTO user_account (tenant_id, email, display_name, role)
SELECT :tenant_id, 'page-' || n || '@bench.invalid', 'Page ' || n, 'follower' FROM generate_series(1, :many) AS n
"""
_SESSIONS = """
INSERT INTO user_session (tenant_id, user_id, token_hash, created_at, seen_at, expires_at, ip, agent, factor)
SELECT tenant_id, id, sha256(convert_to(email, 'UTF8')), now(), now(), now() + interval '12 hours', '', '', 'totp'
FROM user_account WHERE email LIKE 'page-%@bench.invalid' RETURNING id, user_id
"""
# Each follower's account comes to be a person's of its own; all of them were one person's.
_MOVED = """
UPDATE account SET user_id = (SELECT id FROM user_account u WHERE u.tenant_id = account.tenant_id
                              AND u.email = 'page-' || (account.label::int + 1) || '@bench.invalid')
WHERE label ~ '^[0-9]+$'
"""
# Nobody trades this one: it is only followed.
_FOLLOWED = (
    "INSERT INTO account (tenant_id, user_id, venue, environment, label, shard) "
    "SELECT tenant_id, id, 'binance', 'lab', display_name, 'binance-lab:0' FROM user_account ORDER BY id",
    "INSERT INTO strategy (tenant_id, trader_id, account_id, slug, name, summary, status) "
    "SELECT tenant_id, user_id, id, 'followed', 'Followed', 'Measures.', 'pending' FROM account ORDER BY id LIMIT 1",
    "INSERT INTO subscription (tenant_id, strategy_id, account_id, allocation, sizing_mode) "
    "SELECT a.tenant_id, s.id, a.id, 100, 'equity_ratio' FROM account a JOIN strategy s ON s.slug = 'followed'",
)
_STRATEGY = "SELECT id FROM strategy WHERE slug = 'followed'"


def people(runtime: Runtime, many: int) -> dict[int, int]:
    """Store so many people with a session each; return by session whose it is."""
    tenant_id = runtime.tenant_ids[BRAND]
    with runtime.db.tenant(tenant_id) as session:
        session.execute(text(_PEOPLE), {"tenant_id": tenant_id, "many": many})
        return {row.id: row.user_id for row in session.execute(text(_SESSIONS))}


def own_accounts(runtime: Runtime) -> None:
    """Give each follower of a stage to a person of their own."""
    with runtime.db.tenant(runtime.tenant_ids[BRAND]) as session:
        session.execute(text(_MOVED))


def followed_strategy(runtime: Runtime) -> int:
    """Have everybody follow one strategy, and return it."""
    with runtime.db.tenant(runtime.tenant_ids[BRAND]) as session:
        for statement in _FOLLOWED:
            session.execute(text(statement))
        return int(session.execute(text(_STRATEGY)).scalar_one())


def doors(runtime: Runtime, sessions: Mapping[int, int]) -> Sequence[Door]:
    """Return how everybody's page opens its stream, each from an address of its own."""
    key, now = runtime.link_keys.made(PURPOSE, BRAND), utc_now()
    return [
        Door(
            f"/live/me?token={me_token(key, MeGrant(BRAND, user_id, session_id, now))}",
            f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}",
        )
        for number, (session_id, user_id) in enumerate(sorted(sessions.items()))
    ]
