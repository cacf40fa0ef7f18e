"""The functions that RQ runs. Ids in, nothing out, safe to run twice; the process sets `replicator` at start."""

from __future__ import annotations

from collections.abc import Callable

from copydesk.replication import Drainer, Forerunner, Mirror, Reconciler


class _Replicator:
    """What the jobs of this process work with."""

    drainer: Drainer
    reconciler: Reconciler
    forerunner: Forerunner
    mirror: Mirror
    pass_on: Callable[[int, str], object]


replicator = _Replicator()


def drain(tenant_id: int, shard: str) -> None:
    """Plan, send and settle what is due on a lane; a lane that another worker holds is passed on to it."""
    if replicator.drainer.drain(tenant_id, shard) is None:
        replicator.pass_on(tenant_id, shard)


def reconcile(tenant_id: int, shard: str) -> None:
    """Drain and tend resting orders first, then find out what became of copies in flight."""
    mirror(tenant_id, shard)
    replicator.reconciler.reconcile(tenant_id, shard)


def mirror(tenant_id: int, shard: str) -> None:
    """Tend resting orders before the fills that they cover are planned, and again with what was planned."""
    replicator.mirror.tend(tenant_id, shard)
    if replicator.drainer.drain(tenant_id, shard):
        replicator.mirror.tend(tenant_id, shard)


def prepare(tenant_id: int, shard: str) -> None:
    """Begin to set up accounts that lack it; goes on beside later jobs."""
    replicator.forerunner.start(tenant_id, shard)
