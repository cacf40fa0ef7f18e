"""Who copies whom, by fingerprints of exchange accounts, so that no account copies itself over any number of brands."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal, number_array
from copydesk.kernel import NotFound, Refused, derived_id
from copydesk.trading import Denial

LOOP_LEN_MAX = 32
_LEN = 64

# One at a time, so that two subscriptions that make a loop together see each other.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('copydesk follow_edge'))")
_PARTIES = text(
    """
    SELECT t.account_id AS leader, a.uid_hash AS leader_hash, f.id AS follower, f.uid_hash AS follower_hash
    FROM strategy t
    JOIN account a ON a.tenant_id = t.tenant_id AND a.id = t.account_id
    JOIN account f ON f.tenant_id = t.tenant_id AND f.id = ANY(CAST(:account_ids AS bigint[]))
    WHERE t.id = :strategy_id
    """
)
_ADD = text(
    """
    WITH RECURSIVE above(node, depth) AS (
        SELECT CAST(:leader AS text), 0
        UNION SELECT e.leader, above.depth + 1 FROM follow_edge e JOIN above ON e.follower = above.node
        WHERE above.depth < :depth_max
    )
    INSERT INTO follow_edge (edge, follower, leader) SELECT :edge, :follower, :leader
    WHERE NOT EXISTS (SELECT 1 FROM above WHERE node = :follower) RETURNING edge
    """
)
_LOOPS = text(
    """
    WITH RECURSIVE above(node, depth) AS (
        SELECT CAST(:leader AS text), 0
        UNION SELECT e.leader, above.depth + 1 FROM follow_edge e JOIN above ON e.follower = above.node
        WHERE above.depth < :depth_max
    )
    SELECT DISTINCT node FROM above WHERE node = ANY(CAST(:followers AS text[]))
    """
)
_DEPTH = {"depth_max": LOOP_LEN_MAX}
_REMOVE = text("DELETE FROM follow_edge WHERE edge = :edge")
_IDENTIFY = text(
    "UPDATE account SET uid_hash = :uid_hash WHERE id = :id AND uid_hash IS DISTINCT FROM :uid_hash RETURNING id"
)
# The account's own edges alone: another brand's may carry the same fingerprint.
_COPIES = text("SELECT id FROM subscription WHERE account_id = :id AND state <> 'ended'")
_IS_COPIED = text(
    "SELECT s.id FROM subscription s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id "
    "WHERE t.account_id = :id AND s.state <> 'ended'"
)
_RENAME_FOLLOWER = text("UPDATE follow_edge SET follower = :node WHERE edge = ANY(CAST(:edges AS text[]))")
_RENAME_LEADER = text("UPDATE follow_edge SET leader = :node WHERE edge = ANY(CAST(:edges AS text[]))")


def add_edge(session: TenantSession, subscription_id: int, *, strategy_id: int, account_id: int) -> None:
    """Note that an account copies a strategy's leader.

    Raises Refused with `Denial.SELF_COPY` where both are one account, with `Denial.COPY_LOOP` where the leader copies
    the follower, directly or over others, in whatever brand; NotFound for a strategy that is not there.
    """
    leader, followers = _nodes(session, strategy_id=strategy_id, account_ids=[account_id])
    nodes = {"leader": leader, "follower": followers[account_id]}
    if nodes["follower"] == leader:
        raise Refused("a leader's account cannot copy itself", code=Denial.SELF_COPY)
    session.execute(_ALONE)
    if session.execute(_ADD, {**nodes, "edge": _edge(session, subscription_id), **_DEPTH}).scalar() is None:
        raise Refused("the leader copies this account already, directly or over others", code=Denial.COPY_LOOP)


def kinship_denial(session: TenantSession, *, strategy_id: int, account_id: int) -> Denial | None:
    """Name why an account may not copy a strategy's leader, before it tries to; raises NotFound."""
    return kinship_denials(session, strategy_id=strategy_id, account_ids=[account_id]).get(account_id)


def kinship_denials(session: TenantSession, *, strategy_id: int, account_ids: Sequence[int]) -> dict[int, Denial]:
    """Return which of these accounts may not copy a strategy's leader, each with the reason; raises NotFound."""
    if not account_ids:
        return {}
    leader, followers = _nodes(session, strategy_id=strategy_id, account_ids=account_ids)
    params = {"leader": leader, "followers": array_literal(sorted(followers.values())), **_DEPTH}
    above = set(session.execute(_LOOPS, params).scalars())
    denials = {account: Denial.COPY_LOOP for account, node in followers.items() if node in above}
    return denials | {account: Denial.SELF_COPY for account, node in followers.items() if node == leader}


def remove_edge(session: TenantSession, subscription_id: int) -> None:
    """Forget that a subscription existed, once it has ended."""
    session.execute(_REMOVE, {"edge": _edge(session, subscription_id)})


def identify(session: TenantSession, account_id: int, uid_hash: str) -> None:
    """Note the fingerprint of an account's number at its exchange, here and in every edge that it has."""
    if session.execute(_IDENTIFY, {"id": account_id, "uid_hash": uid_hash}).scalar() is None:
        return
    session.execute(_ALONE)
    for concerned, rename in ((_COPIES, _RENAME_FOLLOWER), (_IS_COPIED, _RENAME_LEADER)):
        ids = session.execute(concerned, {"id": account_id}).scalars().all()
        edges = array_literal([_edge(session, subscription_id) for subscription_id in ids])
        session.execute(rename, {"node": uid_hash, "edges": edges})


def _nodes(session: TenantSession, *, strategy_id: int, account_ids: Sequence[int]) -> tuple[str, dict[int, str]]:
    """Return the leader's node, and those of followers by account."""
    params = {"strategy_id": strategy_id, "account_ids": number_array(account_ids)}
    parties = session.execute(_PARTIES, params).all()
    if len(parties) < len(set(account_ids)):
        raise NotFound(f"there is no strategy {strategy_id}, or no account of {', '.join(map(str, account_ids))}")
    leader = _node(session, parties[0].leader, parties[0].leader_hash)
    return leader, {row.follower: _node(session, row.follower, row.follower_hash) for row in parties}


def _node(session: TenantSession, account_id: int, uid_hash: str | None) -> str:
    """Name an account by its exchange's number; one that was never asked for stands for itself alone."""
    return uid_hash or derived_id("account", str(session.tenant_id), str(account_id), length=_LEN)


def _edge(session: TenantSession, subscription_id: int) -> str:
    return derived_id("subscription", str(session.tenant_id), str(subscription_id), length=_LEN)
