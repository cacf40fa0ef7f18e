"""Opening a demo account: somebody without a name gets a session, simulated money, and a key on its way to the vault.

The account is opened at the simulated exchange first; if anything fails after that it is left there, empty of meaning.
The key goes the way of every key: it is sealed for the roles that may open keys, and examined by the desk.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import func, select

from copydesk.audit import Actor, ActorKind, record
from copydesk.guests.model import DemoStep
from copydesk.guests.port import LabDoor
from copydesk.guests.settings import guest_terms
from copydesk.guests.standing import demo_state
from copydesk.guests.tables import GuestDemo
from copydesk.identity import Role, SessionLimits, User, UserStatus
from copydesk.identity.legal import Acceptance, note_acceptance
from copydesk.identity.sessions import start_session
from copydesk.identity.throttle import by_networks, count_try
from copydesk.identity.throttle_rules import Scope, guest_rules
from copydesk.identity.visit import Visit
from copydesk.kernel import NotFound, Refused
from copydesk.keys import Handed, NewIntake
from copydesk.keys.connect import hand_in
from copydesk.keys.port import SealIn
from copydesk.keys.settings import EGRESS_SHOWN, IP_LOCK, REQUIRED
from copydesk.notifications.model import NO_MAIL
from copydesk.tenancy import Exchange, Tenant, setting_value
from copydesk.trading import Environment
from copydesk.venues import TRAITS

TRADING, FUTURES = "trading", "futures"
_LOOPBACK = "127.0.0.1"
_HALF = Decimal("0.5")


class GuestsFull(Refused):
    """Refuse one demo account more than a brand keeps at once."""

    code = "guests_full"
    http_status = 503


@dataclass(frozen=True, slots=True)
class Opened:
    """Who a visitor has become, and the secret that their browser keeps."""

    user_id: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GuestTools:
    """What opening takes from outside: the simulated exchange, and who seals keys."""

    lab: LabDoor
    seal: SealIn


@dataclass(frozen=True, slots=True)
class NewGuest:
    """A guest as they will be called, their account's label, and the legal texts that they agreed to."""

    name: str
    label: str
    accepted: Acceptance | None = None


def demo_place(tenant: Tenant) -> Exchange | None:
    """Return where a brand's demo accounts are opened; None where it has no simulated exchange.

    The first one that pays for spot and perpetuals from one purse, so that any strategy can be copied with all of the
    money; where there is none, the first one.
    """
    simulated = [place for place in tenant.config.exchanges if place.environment is Environment.LAB]
    unified = [place for place in simulated if TRAITS[place.venue].unified]
    return next(iter(unified or simulated), None)


def guest_sign() -> str:
    """Draw the four signs by which one guest is told from another."""
    return secrets.token_hex(2).upper()


def count_guest(visit: Visit) -> None:
    """Count a demo account against the network that asks for it, before it is opened.

    Raises `TooManyTries`, and `GuestsFull` where the brand keeps no more of them.
    """
    terms = guest_terms(visit.tenant)
    with visit.transaction() as session:
        rules = guest_rules(terms.per_address_max)
        count_try(session, by_networks(visit.origin.ip, Scope.GUEST_NETWORK), at=visit.at, rules=rules)
        still = select(func.count()).select_from(User).where(User.guest_until > visit.at)
        if session.scalars(still).one() >= terms.open_max:
            raise GuestsFull("No more demo accounts can be opened at the moment.")


def open_guest(visit: Visit, tools: GuestTools, new: NewGuest) -> Opened:
    """Make the visitor a guest with a session, and hand their demo account's key to the desk; `count_guest` before.

    Raises `Unavailable` while the simulated exchange does not answer or nobody can seal, and `TextsChanged`; then
    nothing was stored.
    """
    place, terms = _place(visit.tenant), guest_terms(visit.tenant)
    lab_account = f"{visit.tenant.slug}:guest:{secrets.token_hex(8)}"
    handed = _key(visit.tenant, tools.lab, lab_account, place)
    with visit.transaction() as session:
        user = User(
            tenant_id=session.tenant_id,
            email=f"guest-{secrets.token_hex(12)}{NO_MAIL}",
            display_name=new.name,
            role=Role.FOLLOWER.value,
            status=UserStatus.ACTIVE.value,
            locale=visit.locale,
            created_at=visit.at,
            guest_until=visit.at + terms.lasts,
        )
        session.add(user)
        session.flush()
        limits = SessionLimits(idle=terms.lasts, absolute=terms.lasts)
        started = start_session(session, user.id, origin=visit.origin, limits=limits, at=visit.at)
        if new.accepted is not None:
            note_acceptance(session, session.tenant_id, user.id, new.accepted, at=visit.at)
        actor = Actor(ActorKind.USER, user.id, started.session_id, visit.origin.ip)
        intake = NewIntake(user.id, place.venue, Environment.LAB, new.label)
        intake_id = hand_in(session, tools.seal, intake, handed, actor=actor, at=visit.at)
        demo = GuestDemo(tenant_id=session.tenant_id, user_id=user.id, lab_account=lab_account, intake_id=intake_id)
        demo.opened_at = visit.at
        session.add(demo)
        session.flush()
        after = {"venue": place.venue, "until": user.guest_until}
        record(session, session.tenant_id, actor, "guest.opened", f"user:{user.id}", at=visit.at, after=after)
    return Opened(user.id, started.token)


def open_again(visit: Visit, tools: GuestTools, user_id: int, label: str) -> None:
    """Hand in a new key of a demo account whose key was not accepted; nothing happens in any other case.

    Raises `NotFound` for who has no demo account, `Unavailable` and `Refused` as handing in does.
    """
    with visit.transaction() as session:
        state = demo_state(session, user_id)
        if state is None:
            raise NotFound("There is no demo account.")
        name = session.get_one(GuestDemo, (session.tenant_id, user_id)).lab_account
    if state.step is not DemoStep.FAILED:
        return
    place = _place(visit.tenant)
    handed = _key(visit.tenant, tools.lab, name, place)
    with visit.transaction() as session:
        demo = session.get_one(GuestDemo, (session.tenant_id, user_id), with_for_update=True)
        now = demo_state(session, user_id)
        if now is None or now.step is not DemoStep.FAILED:
            return
        intake = NewIntake(user_id, place.venue, Environment.LAB, label)
        demo.intake_id = hand_in(session, tools.seal, intake, handed, actor=visit.actor, at=visit.at)
        session.flush()


def _place(tenant: Tenant) -> Exchange:
    place = demo_place(tenant)
    if place is None:
        raise NotFound("This site has no demo.")
    return place


def _key(tenant: Tenant, lab: LabDoor, account: str, place: Exchange) -> Handed:
    """Open a funded account and return a key of it; bound to addresses where the brand asks that of every key."""
    balance, currency = guest_terms(tenant).balance, tenant.config.currency
    unified = TRAITS[place.venue].unified or not any(":" in market for market in place.markets)
    funds = {TRADING: balance} if unified else {TRADING: balance * _HALF, FUTURES: balance * _HALF}
    lab.open_account(account, place.venue, funds, currency)
    bound = setting_value(tenant, IP_LOCK, str) == REQUIRED
    shown = tuple(setting_value(tenant, EGRESS_SHOWN, list))
    return lab.issue_key(account, (shown or (_LOOPBACK,)) if bound else ())
