"""Names of the queues in which lanes' wake-ups wait: each brand has its own. Pure."""

from __future__ import annotations

REPLICATE = "replicate"


def queue_name(tenant_id: int) -> str:
    """Name a brand's queue, as RQ has it."""
    return f"{REPLICATE}:{tenant_id}"


def queue_key(tenant_id: int) -> str:
    """Name the list of a brand's queue in Redis."""
    return f"rq:queue:{queue_name(tenant_id)}"
