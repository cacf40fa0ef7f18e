"""The functions that RQ runs: each gives a lane's work to the crew of this process, which is set at its start.

Ids in, nothing out, safe to run twice. What is lost with the process the relay finds in the deliveries.
"""

from __future__ import annotations

from copydesk.workers.crew import Crew
from copydesk.workers.permits import SystemPermission, needs


class _Replicator:
    """Who does the jobs of this process."""

    crew: Crew


replicator = _Replicator()


@needs(SystemPermission.COPY)
def drain(tenant_id: int, shard: str) -> None:
    """Plan, send and settle what is due on a lane."""
    replicator.crew.give("drain", tenant_id, shard)


@needs(SystemPermission.RECONCILE)
def reconcile(tenant_id: int, shard: str) -> None:
    """Drain and tend resting orders first, then find out what became of copies in flight."""
    replicator.crew.give("reconcile", tenant_id, shard)


@needs(SystemPermission.MIRROR)
def mirror(tenant_id: int, shard: str) -> None:
    """Tend resting orders, and drain."""
    replicator.crew.give("mirror", tenant_id, shard)


@needs(SystemPermission.SET_UP)
def prepare(tenant_id: int, shard: str) -> None:
    """Begin to set up accounts that lack it, and to look at purses that are due; goes on beside later jobs."""
    replicator.crew.give("prepare", tenant_id, shard)
