"""The functions that RQ runs in the worker: each asks the clerk of this process, who is set at its start.

Ids in, nothing out, safe to run twice. A job that is lost the clerk finds at the next full minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk.workers.permits import SystemPermission, needs

if TYPE_CHECKING:
    from copydesk.workers.clerk import Clerk


class _Desk:
    """Who does the jobs of this process."""

    clerk: Clerk


desk = _Desk()


@needs(SystemPermission.FIGURE)
def follow(tenant_id: int, strategy_id: int) -> None:
    """Bring the figures of a strategy and of those who copy it up to what is stored."""
    desk.clerk.follow(tenant_id, strategy_id)
