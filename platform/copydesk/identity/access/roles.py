"""Who has which role of staff, and what follows from it: reads, and the brand's own sets of permissions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from copydesk.identity.access.permissions import (
    GRANTABLE,
    SIGNED_IN,
    STAFF_ROLES,
    Permission,
    permissions_of_roles,
)
from copydesk.identity.access.tables import StaffGrant, StaffRole
from copydesk.identity.tables import Invite
from copydesk.kernel import InvalidInput, NotFound

OWN_ROLES_MAX = 50
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,29}")


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role of a brand's staff; `members` counts who has it, `own` tells whether the brand named it itself."""

    name: str
    permissions: frozenset[Permission]
    members: int
    own: bool


def permissions_of(session: Session, user_id: int, role: str) -> frozenset[Permission]:
    """Return what a user may do now. Asks the database for staff only, whose roles may change at any time."""
    if role != "staff":
        return permissions_of_roles(role, ())
    names = roles_of(session, user_id)
    return permissions_of_roles(role, permission_sets(session, names).values())


def roles_of(session: Session, user_id: int) -> list[str]:
    """Return the names of the roles that a member of staff has, in alphabetical order."""
    query = select(StaffGrant.role).where(StaffGrant.user_id == user_id).order_by(StaffGrant.role)
    return list(session.scalars(query))


def permission_sets(session: Session, names: Collection[str]) -> dict[str, frozenset[Permission]]:
    """Return what each of these roles permits; a role that is gone permits nothing."""
    found = {name: STAFF_ROLES[name] for name in names if name in STAFF_ROLES}
    if others := set(names) - found.keys():
        rows = session.execute(select(StaffRole.name, StaffRole.permissions).where(StaffRole.name.in_(others)))
        found |= {name: known(permissions) for name, permissions in rows}
    return found


def role_lines(session: Session) -> list[RoleLine]:
    """Return every role that this brand's staff can have, the built-in ones first."""
    counted = session.execute(select(StaffGrant.role, func.count().label("people")).group_by(StaffGrant.role))
    members = {row.role: row.people for row in counted}
    lines = [RoleLine(name, sets, members.get(name, 0), own=False) for name, sets in STAFF_ROLES.items()]
    rows = session.execute(select(StaffRole.name, StaffRole.permissions).order_by(StaffRole.name))
    return lines + [RoleLine(name, known(words), members.get(name, 0), own=True) for name, words in rows]


def require_role(session: Session, name: str) -> frozenset[Permission]:
    """Return what a role of this brand permits; raises `InvalidInput` that lists the roles there are."""
    found = permission_sets(session, {name})
    if name not in found:
        names = ", ".join(line.name for line in role_lines(session))
        raise InvalidInput(f'role: expected one of {names}, found "{name}"', code="role_unknown")
    return found[name]


def store_role(
    session: Session,
    tenant_id: int,
    name: str,
    permissions: Iterable[str],
    *,
    author_id: int | None,
    at: datetime,
) -> RoleLine:
    """Store a brand's own set of permissions under a name that nobody has; raises `InvalidInput`."""
    chosen = _require_grantable(permissions)
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f'name: expected 2 to 30 small letters, digits, "-" or "_", beginning with a letter, found "{name}"',
            code="role_name",
        )
    taken = {line.name for line in role_lines(session)}
    if name in taken or name in {"follower", "trader", "staff", "operator"}:
        raise InvalidInput(f'name: expected one that no role has yet, found "{name}"', code="role_taken")
    if len(taken) - len(STAFF_ROLES) >= OWN_ROLES_MAX:
        raise InvalidInput(
            f"name: expected at most {OWN_ROLES_MAX} roles of your own; remove one first", code="roles_full"
        )
    words = sorted(chosen)
    session.add(StaffRole(tenant_id=tenant_id, name=name, permissions=words, author_id=author_id, at=at))
    session.flush()
    return RoleLine(name, chosen, 0, own=True)


def drop_role(session: Session, name: str, *, at: datetime) -> None:
    """Remove a brand's own role that nobody has, or is invited with; raises `NotFound`, or `InvalidInput`."""
    line = next((line for line in role_lines(session) if line.name == name and line.own), None)
    if line is None:
        raise NotFound("There is no such role.")
    if line.members:
        told = f"{name}: expected a role that nobody has, found {line.members} with it; take it away first"
        raise InvalidInput(told, code="role_in_use")
    invited = select(Invite.grants).where(
        *(Invite.used_at.is_(None), Invite.revoked_at.is_(None), Invite.expires_at > at)
    )
    if any(name in grants.split() for grants in session.scalars(invited)):
        told = f"{name}: expected a role that nobody is invited with; take the invitation back first"
        raise InvalidInput(told, code="role_invited")
    session.execute(delete(StaffRole).where(StaffRole.name == name))


def known(words: Iterable[str]) -> frozenset[Permission]:
    """Read stored words; one that this version does not know, or must not grant, permits nothing."""
    return frozenset(permission for permission in GRANTABLE if permission in set(words))


def _require_grantable(words: Iterable[str]) -> frozenset[Permission]:
    asked = set(words)
    foreign = sorted(asked - GRANTABLE - SIGNED_IN)
    if foreign:
        raise InvalidInput(
            f"permissions: expected those that staff can have, found {', '.join(foreign)}", code="permission_foreign"
        )
    chosen = known(asked)
    if not chosen:
        raise InvalidInput("permissions: expected at least one, found none", code="permission_none")
    return chosen
