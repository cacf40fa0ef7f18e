"""The functions that RQ runs. Ids in, nothing out, safe to run twice; the process sets `replicator` at start."""

from __future__ import annotations

from copydesk.replication import Drainer, Forerunner, Reconciler


class _Replicator:
    """What the jobs of this process work with."""

    drainer: Drainer
    reconciler: Reconciler
    forerunner: Forerunner


replicator = _Replicator()


def drain(tenant_id: int, shard: str) -> None:
    """Plan, send and settle what is due on a lane."""
    replicator.drainer.drain(tenant_id, shard)


def reconcile(tenant_id: int, shard: str) -> None:
    """Drain first, then find out what became of copies in flight."""
    replicator.drainer.drain(tenant_id, shard)
    replicator.reconciler.reconcile(tenant_id, shard)


def prepare(tenant_id: int, shard: str) -> None:
    """Begin to set up accounts that lack it; goes on beside later jobs."""
    replicator.forerunner.start(tenant_id, shard)
