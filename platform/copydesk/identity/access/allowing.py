"""From which addresses an account may be used: its own list, and for staff that of the brand's staff as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from copydesk.identity.access.networks import NETWORKS_MAX, is_inside, parse_network
from copydesk.identity.access.places import owners
from copydesk.identity.access.tables import IpAllow
from copydesk.identity.tables import User
from copydesk.kernel import InvalidInput, NotFound, NotPermitted
from copydesk.notifications import Seal, queue_mail

NOTE_LENGTH_MAX = 80


@dataclass(frozen=True, slots=True)
class AllowedNetwork:
    """One entry of a list of allowed networks."""

    id: int
    network: str
    note: str
    at: datetime


def allows_address(session: Session, user_id: int, *, role: str, ip: str) -> bool:
    """Tell whether an account may be used from an address: an empty list lets in from everywhere."""
    query = select(IpAllow.user_id, IpAllow.network).where(
        or_(IpAllow.user_id == user_id, IpAllow.user_id.is_(None)) if role == "staff" else IpAllow.user_id == user_id
    )
    own: list[str] = []
    staff: list[str] = []
    for owner, network in session.execute(query):
        (staff if owner is None else own).append(network)
    return all(not networks or is_inside(ip, networks) for networks in (own, staff))


def allowed_networks(session: Session, user_id: int | None) -> list[AllowedNetwork]:
    """Return an account's list, or without a user that of the brand's staff, in the order in which it was written."""
    query = select(IpAllow).where(_whose(user_id)).order_by(IpAllow.id)
    return [AllowedNetwork(row.id, row.network, row.note, row.at) for row in session.scalars(query)]


def allow_network(
    session: Session,
    tenant_id: int,
    user_id: int | None,
    network: str,
    *,
    note: str = "",
    own_ip: str,
    author_id: int | None,
    at: datetime,
) -> AllowedNetwork:
    """Add a network to a list; raises `InvalidInput` for one that is none, that is there, or that would lock out.

    The first entry closes every other address, so that it must contain the one that asks (`own_ip`, "" from the
    command line, which needs none), and that of the brand's staff is an owner's to write (`NotPermitted`).
    """
    parsed = str(parse_network(network))
    listed = [one.network for one in allowed_networks(session, user_id)]
    if parsed in listed:
        raise InvalidInput(f"network: {parsed} is on the list already", code="network_listed")
    if len(listed) >= NETWORKS_MAX:
        raise InvalidInput(f"network: expected at most {NETWORKS_MAX} entries; remove one first", code="networks_full")
    if len(note) > NOTE_LENGTH_MAX:
        raise InvalidInput(f"note: expected at most {NOTE_LENGTH_MAX} characters, found {len(note)}", code="note_long")
    _require_still_inside([*listed, parsed], own_ip)
    if user_id is None and not listed:
        _require_owner(session, author_id)
    row = IpAllow(tenant_id=tenant_id, user_id=user_id, network=parsed, note=note.strip(), author_id=author_id, at=at)
    session.add(row)
    session.flush()
    return AllowedNetwork(row.id, row.network, row.note, row.at)


def forbid_network(
    session: Session, user_id: int | None, number: int, *, own_ip: str, author_id: int | None
) -> AllowedNetwork:
    """Take an entry off a list and return it; raises `NotFound`, or `InvalidInput` where that would lock out.

    Where others stay on the list of the brand's staff, only an owner may (`NotPermitted`).
    """
    listed = allowed_networks(session, user_id)
    gone = next((one for one in listed if one.id == number), None)
    if gone is None:
        raise NotFound("There is no such entry.")
    rest = [one.network for one in listed if one.id != number]
    if rest:
        _require_still_inside(rest, own_ip)
        if user_id is None:
            _require_owner(session, author_id)
    session.execute(delete(IpAllow).where(_whose(user_id), IpAllow.id == number))
    return gone


def clear_networks(session: Session, user_id: int | None) -> int:
    """Empty a list, so that it lets in from everywhere, for who locked themselves out; return how many it had."""
    return len(session.execute(delete(IpAllow).where(_whose(user_id)).returning(IpAllow.id)).all())


def tell_owners(session: Session, tenant_id: int, seal: Seal, author_id: int | None, change: str, at: datetime) -> None:
    """Tell the brand's owners by mail that somebody else changed from where staff may work.

    `change` is the act with the network behind it: "allowlist.added 203.0.113.0/24".
    """
    who = session.scalar(select(User.email).where(User.id == author_id)) or ""
    facts = {"at": at.isoformat(), "who": who, "change": change, "link": "/staff/team"}
    for owner in owners(session):
        if owner.id != author_id:
            queue_mail(
                *(session, tenant_id, seal),
                to=owner.email,
                kind="staff_changed",
                locale=owner.locale,
                facts=facts,
                at=at,
            )


def _whose(user_id: int | None) -> ColumnElement[bool]:
    return IpAllow.user_id.is_(None) if user_id is None else IpAllow.user_id == user_id


def _require_owner(session: Session, author_id: int | None) -> None:
    """Leave to owners, and the command line, what shuts addresses of staff out: theirs could be among them."""
    if author_id is not None and author_id not in {owner.id for owner in owners(session)}:
        raise NotPermitted(
            "network: only an owner begins this list, or takes an entry off while others stay", code="owner_only"
        )


def _require_still_inside(networks: list[str], own_ip: str) -> None:
    if own_ip and not is_inside(own_ip, networks):
        raise InvalidInput(
            f"network: expected one that contains {own_ip}, the address that you use now: without it this list would "
            "lock you out",
            code="locks_out",
        )
