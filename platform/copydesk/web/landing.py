"""Where somebody goes who asked for no page: followers to what they copy, everybody else to their account."""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.identity import Role

ACCOUNT = "/account"
_LANDINGS: Mapping[str, str] = {Role.FOLLOWER: "/home"}


def landing_of(role: str | None) -> str:
    """Return the first page of somebody with this role."""
    return _LANDINGS.get(role or "", ACCOUNT)
