"""Gives staff their roles and takes them away: who may give what, and what follows. Each function is one use case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.audit import Act, Actor, record_all
from copydesk.identity.access.permissions import OPERATOR, Permission, within_reach
from copydesk.identity.access.places import owners
from copydesk.identity.access.roles import permission_sets, require_role, roles_of
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.model import EndReason, Role
from copydesk.identity.sessions import end_sessions
from copydesk.identity.tables import Invite, User
from copydesk.kernel import InvalidInput, NotFound, NotPermitted
from copydesk.notifications import Seal, queue_mail

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Giver:
    """Who changes the team: as the record names them, and what they may do themselves."""

    actor: Actor
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a brand's staff, or an operator of the installation."""

    user_id: int
    email: str
    display_name: str
    role: str
    status: str
    roles: tuple[str, ...]


def by_command_line(actor: Actor) -> Giver:
    """Return the operator at the command line, who may give every role of every brand."""
    return Giver(actor, OPERATOR)


def members(session: Session) -> list[Member]:
    """Return everybody who is staff of the brand, closed accounts left out, in the order of their addresses."""
    granted: dict[int, list[str]] = {}
    for user_id, role in session.execute(select(StaffGrant.user_id, StaffGrant.role).order_by(StaffGrant.role)):
        granted.setdefault(user_id, []).append(role)
    query = select(User).where(User.role.in_((Role.STAFF, Role.OPERATOR)), User.status != "closed")
    return [_member(user, granted.get(user.id, ())) for user in session.scalars(query.order_by(User.email))]


def member(session: Session, user_id: int) -> Member:
    """Return one member of the brand's staff; raises `NotFound`."""
    user = session.scalars(
        select(User).where(User.id == user_id, User.role.in_((Role.STAFF, Role.OPERATOR)), User.status != "closed")
    ).one_or_none()
    if user is None:
        raise NotFound("There is no such member of staff.")
    return _member(user, roles_of(session, user_id))


def set_roles(
    session: Session, tenant_id: int, seal: Seal, giver: Giver, user_id: int, names: Iterable[str], *, at: datetime
) -> Member:
    """Give a member of staff exactly these roles, and end their sessions so that the change holds at once.

    Raises `NotPermitted` where the giver would give or take what they have not themselves, or change their own roles,
    `InvalidInput` where the brand would be left without an owner, `NotFound` for who is no member of staff.
    """
    owning = _lock_owners(session)
    found = member(session, user_id)
    if found.role != Role.STAFF:
        raise InvalidInput(
            "role: expected a member of the brand's staff; operators have no roles of a brand", code="not_staff"
        )
    before, after = set(found.roles), set(names)
    if before == after:
        return found
    sets = {name: require_role(session, name) for name in after - before}
    sets |= permission_sets(session, before - after)
    _require_reach(giver, user_id, sets.values())
    if OWNER in before - after and owning == [user_id]:
        raise InvalidInput("role: expected one owner to stay; give that role to somebody else first", code="last_owner")
    _store(session, tenant_id, giver, user_id, given=after - before, taken=before - after, at=at)
    end_sessions(session, user_id, reason=EndReason.ROLE_CHANGED, at=at)
    taken_back = take_invites_back(session, user_id, at=at) if before - after else []
    changed = member(session, user_id)
    _tell(session, tenant_id, seal, giver, changed, at)
    acts = [Act("staff.revoked", f"user:{user_id}", after={"role": name}) for name in sorted(before - after)]
    acts += [Act("staff.granted", f"user:{user_id}", after={"role": name}) for name in sorted(after - before)]
    record_all(session, tenant_id, giver.actor, [*acts, *taken_back], at=at)
    return changed


def take_invites_back(session: Session, user_id: int, *, at: datetime) -> list[Act]:
    """End the open invitations of somebody who vouches for nobody any more, and return what to write of them.

    The caller writes it with its own act, since the record comes after every lock.
    """
    standing = update(Invite).where(
        Invite.invited_by == user_id,
        *(Invite.used_at.is_(None), Invite.revoked_at.is_(None), Invite.expires_at > at),
    )
    ended = session.scalars(standing.values(revoked_at=at).returning(Invite.id))
    return [Act("invite.revoked", f"invite:{number}") for number in sorted(ended)]


def take_up_grants(
    session: Session, tenant_id: int, actor: Actor, user_id: int, names: Sequence[str], *, at: datetime
) -> None:
    """Give somebody who accepted an invitation the roles that it named; one that is gone by now is left out."""
    known = sorted(permission_sets(session, names))
    for name in known:
        row = {"tenant_id": tenant_id, "user_id": user_id, "role": name, "at": at}
        session.execute(insert(StaffGrant).values(row).on_conflict_do_nothing())
    acts = [Act("staff.granted", f"user:{user_id}", after={"role": name}) for name in known]
    record_all(session, tenant_id, actor, acts, at=at)


def require_may_invite(session: Session, giver: Giver, names: Iterable[str]) -> None:
    """Raise where somebody may not invite staff with these roles: `InvalidInput` names the roles there are."""
    chosen = sorted(set(names))
    if not chosen:
        raise InvalidInput("role: expected at least one role, found none", code="role_none")
    sets = [require_role(session, name) for name in chosen]
    _require_reach(giver, None, sets)


def reaches(session: Session, giver: frozenset[Permission], user_id: int) -> bool:
    """Tell whether somebody may act on a person: on staff only who could give all that these have."""
    user = session.execute(select(User.role).where(User.id == user_id)).scalar_one_or_none()
    if user == Role.OPERATOR:
        return Permission.OPERATE in giver
    if user != Role.STAFF:
        return True
    return within_reach(giver, frozenset().union(*permission_sets(session, roles_of(session, user_id)).values()))


def is_last_owner(session: Session, user_id: int) -> bool:
    """Tell whether the brand would be without an owner if this one could not sign in; holds other changes up."""
    return _lock_owners(session) == [user_id]


def _lock_owners(session: Session) -> list[int]:
    """Return the owners who can sign in; two changes that could each leave one owner fewer wait for each other."""
    query = select(StaffGrant.user_id).where(StaffGrant.role == OWNER).order_by(StaffGrant.user_id)
    locked = set(session.scalars(query.with_for_update()))
    return [owner.id for owner in owners(session) if owner.id in locked]


def _require_reach(giver: Giver, user_id: int | None, sets: Iterable[frozenset[Permission]]) -> None:
    if user_id is not None and user_id == giver.actor.user_id:
        raise NotPermitted("Nobody changes their own roles: ask another member of staff.", code="own_roles")
    if not within_reach(giver.permissions, frozenset().union(*sets)):
        raise NotPermitted("Nobody gives or takes away a role that permits more than their own.", code="beyond_reach")


def _store(
    session: Session, tenant_id: int, giver: Giver, user_id: int, *, given: set[str], taken: set[str], at: datetime
) -> None:
    session.execute(delete(StaffGrant).where(StaffGrant.user_id == user_id, StaffGrant.role.in_(taken)))
    for name in sorted(given):
        row = {"tenant_id": tenant_id, "user_id": user_id, "role": name, "author_id": giver.actor.user_id, "at": at}
        session.execute(insert(StaffGrant).values(row).on_conflict_do_nothing())


def _tell(session: Session, tenant_id: int, seal: Seal, giver: Giver, changed: Member, at: datetime) -> None:
    """Tell whom it concerns, and every other owner, by mail."""
    names = ", ".join(changed.roles)
    facts = {"at": at.isoformat(), "who": changed.email, "role": names, "link": "/staff/team"}
    reading = {owner.id: owner for owner in owners(session) if owner.id != giver.actor.user_id}
    concerned = session.scalars(select(User).where(User.id == changed.user_id)).one()
    for reader in {**reading, concerned.id: concerned}.values():
        queue_mail(
            *(session, tenant_id, seal),
            to=reader.email,
            kind="staff_changed",
            locale=reader.locale,
            facts=facts,
            at=at,
        )


def _member(user: User, roles: Iterable[str]) -> Member:
    return Member(user.id, user.email, user.display_name, user.role, user.status, tuple(roles))
