"""Where people sign in from: a new place is confirmed by a link in a mail, and until then sensitive acts rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.identity.access.holding import lift_holds, place_hold
from copydesk.identity.access.holds import HoldReason
from copydesk.identity.access.networks import agent_family, place_of
from copydesk.identity.access.tables import KnownPlace, StaffGrant
from copydesk.identity.tables import User
from copydesk.identity.tokens import draw_token, token_hash
from copydesk.kernel import NotFound
from copydesk.notifications import Seal, queue_mail

TOKEN_LASTS = timedelta(hours=24)
AGENT_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has just signed in completely, and from where."""

    user_id: int
    ip: str
    agent: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place that somebody signs in from; `new` tells that they never had before."""

    id: int
    network: str
    agent: str
    first_at: datetime
    seen_at: datetime
    confirmed_at: datetime | None
    new: bool = False


def note_sign_in(session: Session, tenant_id: int, seal: Seal, who: SignedIn, *, at: datetime) -> Place:
    """Remember where a sign-in came from, once password and factor were right.

    The first place of all is believed, since nothing is known yet. At every other new one sensitive acts rest for a
    day or until the link in the mail is opened, the person is told by mail, and for staff the brand's owners are too.
    """
    network, agent = place_of(who.ip), agent_family(who.agent)[:AGENT_LENGTH_MAX]
    # Two sign-ins of one person wait for each other: both could find the same place new, or be the first.
    session.execute(select(User.id).where(User.id == who.user_id).with_for_update())
    known = session.scalars(
        select(KnownPlace).where(
            KnownPlace.user_id == who.user_id, KnownPlace.network == network, KnownPlace.agent == agent
        )
    ).one_or_none()
    if known is not None:
        known.seen_at, known.ip = at, who.ip
        session.flush()
        return _place(known)
    first = not session.scalar(select(func.count()).where(KnownPlace.user_id == who.user_id))
    place = KnownPlace(
        tenant_id=tenant_id,
        user_id=who.user_id,
        network=network,
        agent=agent,
        ip=who.ip,
        first_at=at,
        seen_at=at,
        confirmed_at=at if first else None,
    )
    session.add(place)
    session.flush()
    if not first:
        _ask_for_proof(session, tenant_id, seal, place, at)
    return _place(place, new=not first)


def confirm_place(session: Session, tenant_id: int, token: str, actor: Actor, *, at: datetime) -> Place:
    """Believe the place that a mail's link is about, and end its hold; raises `NotFound` for a link that is over."""
    place = session.scalars(
        update(KnownPlace)
        .where(KnownPlace.token_hash == token_hash(token), KnownPlace.token_until > at)
        .values(confirmed_at=at, token_hash=None, token_until=None)
        .returning(KnownPlace)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if place is None:
        raise NotFound("This link is over or was used already.")
    lift_holds(session, place.user_id, HoldReason.NEW_LOCATION, at=at, place_id=place.id)
    subject = f"user:{place.user_id}"
    record(session, tenant_id, actor, "location.confirmed", subject, at=at, after={"agent": place.agent})
    return _place(place)


def awaited_place(session: Session, token: str, *, at: datetime) -> Place:
    """Return the place that a mail's link asks about, and change nothing; raises `NotFound` as `confirm_place`."""
    query = select(KnownPlace).where(KnownPlace.token_hash == token_hash(token), KnownPlace.token_until > at)
    place = session.scalars(query).one_or_none()
    if place is None:
        raise NotFound("This link is over or was used already.")
    return _place(place)


def places_of(session: Session, user_id: int) -> list[Place]:
    """Return where somebody signed in from, the latest first."""
    query = select(KnownPlace).where(KnownPlace.user_id == user_id).order_by(KnownPlace.seen_at.desc())
    return [_place(row) for row in session.scalars(query)]


def owners(session: Session) -> Sequence[User]:
    """Return who has the brand's role of owner and can sign in."""
    query = select(User).join(StaffGrant, (StaffGrant.tenant_id == User.tenant_id) & (StaffGrant.user_id == User.id))
    return session.scalars(query.where(StaffGrant.role == "owner", User.status == "active").order_by(User.id)).all()


def _ask_for_proof(session: Session, tenant_id: int, seal: Seal, place: KnownPlace, at: datetime) -> None:
    token = draw_token()
    place.token_hash, place.token_until = token_hash(token), at + TOKEN_LASTS
    session.flush()
    until = place_hold(session, tenant_id, place.user_id, HoldReason.NEW_LOCATION, at=at, place_id=place.id)
    user = session.scalars(select(User).where(User.id == place.user_id)).one()
    facts = {"at": at.isoformat(), "ip": place.ip, "agent": place.agent, "held_until": until.isoformat()}
    queue_mail(
        *(session, tenant_id, seal),
        to=user.email,
        kind="new_location",
        locale=user.locale,
        facts=facts,
        secret_facts={"link": f"/account/location/{token}"},
        at=at,
    )
    if user.role in {"staff", "operator"}:
        _tell_owners(session, tenant_id, seal, user, place, at)


def _tell_owners(session: Session, tenant_id: int, seal: Seal, user: User, place: KnownPlace, at: datetime) -> None:
    facts = {"at": at.isoformat(), "ip": place.ip, "agent": place.agent, "who": user.email}
    for owner in owners(session):
        if owner.id != user.id:
            queue_mail(
                *(session, tenant_id, seal),
                to=owner.email,
                kind="new_location_staff",
                locale=owner.locale,
                facts=facts | {"link": f"/staff/users/{user.id}"},
                at=at,
            )


def _place(row: KnownPlace, *, new: bool = False) -> Place:
    return Place(row.id, row.network, row.agent, row.first_at, row.seen_at, row.confirmed_at, new)
