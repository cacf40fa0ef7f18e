"""The shard lease in PostgreSQL: who may plan and send, and what a new holder takes over."""

from __future__ import annotations

from sqlalchemy import text

from copydesk.db import TenantSession

_LEASE = text(
    """
    INSERT INTO shard_lease (tenant_id, shard, holder, epoch, expires_at)
    VALUES (:tenant_id, :shard, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (tenant_id, shard) DO UPDATE
    SET holder = excluded.holder, expires_at = excluded.expires_at,
        epoch = shard_lease.epoch + (shard_lease.holder <> excluded.holder OR NOT :renews)::int
    WHERE shard_lease.holder = excluded.holder OR shard_lease.expires_at < clock_timestamp()
    RETURNING epoch
    """
)

_ORPHANS = text(
    """
    UPDATE copy SET
        epoch = :epoch,
        next_check_at = CASE WHEN status = 'planned' AND NOT waits THEN clock_timestamp() ELSE next_check_at END,
        proof_at = CASE WHEN status = 'planned' AND NOT waits
                        THEN clock_timestamp() + make_interval(secs => :seconds) ELSE proof_at END,
        status = CASE WHEN status = 'planned' AND NOT waits THEN 'in_flight' ELSE status END
    WHERE shard = :shard AND epoch < :epoch AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    """
)


def take_lease(session: TenantSession, *, shard: str, holder: str, lease_ms: int, renews: bool) -> int | None:
    """Own the shard for `lease_ms` and return the fencing epoch; None while another worker holds it.

    A holder that `renews` keeps its epoch; one that begins anew gets another, to adopt what it left undone itself.
    """
    keys = {"tenant_id": session.tenant_id, "shard": shard, "holder": holder}
    params = {**keys, "seconds": lease_ms / 1000, "renews": renews}
    return session.execute(_LEASE, params).scalar()


def adopt_orphans(session: TenantSession, *, shard: str, epoch: int, wait_ms: int) -> int:
    """Take over an earlier holder's open copies: what it planned is in flight, since it may have been sent.

    What still waits for a close was not sent, and goes on waiting.
    """
    result = session.execute(_ORPHANS, {"shard": shard, "epoch": epoch, "seconds": wait_ms / 1000})
    return int(result.rowcount)  # type: ignore[attr-defined]
