"""What the installation's own jobs may do: each declares one permission, as every view does.

Nobody holds one of these: a job runs because something was stored, never because somebody asked for it. Kept apart from
the permissions of people, which roles that trade need not know.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class SystemPermission(StrEnum):
    """What a job may do; no role contains one."""

    COPY = "system:copy"
    RECONCILE = "system:reconcile"
    MIRROR = "system:mirror"
    SET_UP = "system:set_up"
    FIGURE = "system:figure"


def needs(permission: SystemPermission) -> Callable[[F], F]:
    """Declare what a job may do; a test fails for one without."""

    def declare(job: F) -> F:
        job.needs = permission  # type: ignore[attr-defined]
        return job

    return declare
