"""The people of the matrix: one session each on each brand, and what stands in the addresses that they visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from copydesk.db import Database, TenantSession
from copydesk.identity import Invite, Role, User, UserSession
from copydesk.identity.access import HoldReason, place_hold
from copydesk.identity.access.tables import IpAllow, StaffGrant, StaffRole
from copydesk.identity.factors.tables import Passkey, TotpSecret
from copydesk.identity.tokens import token_hash
from copydesk.keys.tables import KeyIntake
from copydesk.notices.tables import NoticeRow, PushDevice
from copydesk.replication.tables import Strategy, Subscription
from copydesk.studio.tables import AnnouncementRow, StrategyInvite
from copydesk.studio.terms import Terms, store_terms
from copydesk.vault import Vault
from copydesk.vault.tables import Account
from matrix_table import MAY
from panel_rows import imprint, kept_file, proposal, revision
from site_seed import NOW, STRATEGIES, THEMES, D, Seeded
from sqlalchemy import delete, select, text

HOURS = timedelta(hours=1)
IP = "127.0.0.1"
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass(frozen=True)
class Persona:
    """Somebody with a session: `may` names the row of `MAY`; the rest is what their session lacks."""

    name: str
    may: str
    role: Role
    passed: bool = True
    enrolled: bool = True
    fresh: bool = True
    held: bool = False

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is lacking; what is everybody's is not asked for each thing that may lack."""
        return self.passed and self.enrolled and self.fresh and not self.held


def _of_staff(name: str) -> Persona:
    return Persona(name, name, Role.STAFF)


NOBODY = Persona("nobody", "nobody", Role.FOLLOWER)
PERSONAS: tuple[Persona, ...] = (
    NOBODY,
    Persona("half a follower", "follower", Role.FOLLOWER, passed=False),
    Persona("a follower without a factor", "follower", Role.FOLLOWER, enrolled=False, fresh=False),
    Persona("follower", "follower", Role.FOLLOWER),
    Persona("a stale follower", "follower", Role.FOLLOWER, fresh=False),
    Persona("a follower in a new place", "follower", Role.FOLLOWER, held=True),
    Persona("trader", "trader", Role.TRADER),
    Persona("owner", "owner", Role.STAFF),
    Persona("half an owner", "owner", Role.STAFF, passed=False),
    Persona("an owner without a factor", "owner", Role.STAFF, enrolled=False, fresh=False),
    Persona("a stale owner", "owner", Role.STAFF, fresh=False),
    Persona("an owner in a new place", "owner", Role.STAFF, held=True),
    *map(_of_staff, ("administrator", "compliance", "support", "finance", "risk", "auditor", "none", "night-desk")),
    Persona("operator", "operator", Role.OPERATOR),
)


@dataclass
class Objects:
    """What stands in addresses, made when an address needs it. `spent` ones are made anew each time."""

    database: Database
    seeded: Seeded
    users: dict[tuple[str, str], int]
    kept: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def own(self, kind: str, persona: Persona, brand: str, *, anew: bool) -> str:
        """Return what belongs to somebody, or on staff pages to their brand; `anew` where the visit may spend it."""
        if kind == "passkey" and not persona.enrolled:
            return "0"  # Nobody without a second factor has one.
        if anew and kind in _SPENT | _STUDIO:
            return self._make(kind, persona.name, brand)
        return self._made(kind, persona.name, brand)

    def other(self, kind: str, persona: Persona, brand: str, *, anew: bool) -> str:
        """Return what belongs to somebody else of the same brand; what brands own is the other brand's."""
        if kind in _OF_PERSONS:
            victim = "trader" if persona.name == "follower" else "follower"
            return self._made(kind, victim, brand)
        foreign = {"theme file": "none/css/base.css", "brand file": "tenant.yaml", "locale": "tlh", "venue": "kraken"}
        foreign |= {"bundle": "none/bundle-site-0", "icon": "tenant.yaml", "section": "none"}
        foreign |= {"legal text": "nothing", "legal version": "imprint/99", "statement": "2026-02.exe"}
        foreign |= {"own signal": "999999"}
        return foreign.get(kind) or self._made(kind, "owner", _other_brand(brand))

    def _made(self, kind: str, name: str, brand: str) -> str:
        if (kind, name, brand) not in self.kept:
            self.kept[kind, name, brand] = self._make(kind, name, brand)
        return self.kept[kind, name, brand]

    def _make(self, kind: str, name: str, brand: str) -> str:
        user_id = self.users[name, brand] if name != NOBODY.name else self.users["follower", brand]
        with self.database.tenant(self.seeded.tenant_ids[brand]) as session:
            return str(_MAKERS[kind](session, user_id, brand, self))


def _other_brand(brand: str) -> str:
    return "boreal" if brand == "aurora" else "aurora"


def _stored(session: TenantSession, row: object) -> int:
    session.add(row)
    session.flush()
    return int(row.id)  # type: ignore[attr-defined]


def _account(session: TenantSession, user_id: int, *_: object) -> int:
    row = Account(
        tenant_id=session.tenant_id,
        user_id=user_id,
        venue="binance",
        environment="lab",
        label="of the matrix",
        shard="binance-lab:0",
    )
    return _stored(session, row)


def subscription(session: TenantSession, user_id: int, *_: object, state: str = "synced") -> int:
    strategy_id = session.scalars(select(Strategy.id).limit(1)).one()
    row = Subscription(
        tenant_id=session.tenant_id,
        strategy_id=strategy_id,
        account_id=_account(session, user_id),
        allocation=D(500),
        sizing_mode="equity_ratio",
        state=state,
    )
    return _stored(session, row)


def _own_signal(session: TenantSession, user_id: int, brand: str, objects: Objects) -> int:
    """Return a signal of a strategy that somebody copies."""
    subscription(session, user_id)
    return objects.seeded.signal_ids[brand]


def _intake(session: TenantSession, user_id: int, *_: object) -> int:
    row = KeyIntake(
        tenant_id=session.tenant_id,
        user_id=user_id,
        venue="binance",
        environment="lab",
        label="of the matrix",
        kind="ed25519",
        state="offered",
        public_key="a public key",
        due_at=NOW,
        created_at=NOW,
    )
    return _stored(session, row)


def _network(session: TenantSession, user_id: int, *_: object) -> int:
    row = IpAllow(tenant_id=session.tenant_id, user_id=user_id, network=f"{IP}/32", at=NOW)
    return _stored(session, row)


def _staff_network(session: TenantSession, *_: object) -> int:
    """Store the list's only entry: where others stay, none but an owner takes one off."""
    session.execute(delete(IpAllow).where(IpAllow.user_id.is_(None)))
    return _stored(session, IpAllow(tenant_id=session.tenant_id, user_id=None, network=f"{IP}/32", at=NOW))


def _passkey(session: TenantSession, user_id: int, *_: object) -> int:
    known = session.scalars(select(Passkey.id).order_by(Passkey.id.desc()).limit(1)).one_or_none() or 0
    return _stored(session, passkey(session.tenant_id, user_id, str(known + 1)))


def _invite(session: TenantSession, *_: object) -> int:
    known = session.scalars(select(Invite.id).order_by(Invite.id.desc()).limit(1)).one_or_none() or 0
    row = Invite(
        tenant_id=session.tenant_id,
        email=f"invited{known}@example.com",
        role="staff",
        grants="support",
        token_hash=token_hash(f"invite {known}"),
        created_at=NOW,
        expires_at=NOW + 24 * HOURS,
    )
    return _stored(session, row)


def _role(session: TenantSession, _user_id: int, brand: str, *_: object) -> str:
    known = session.scalars(select(StaffRole.id).order_by(StaffRole.id.desc()).limit(1)).one_or_none() or 0
    name = f"{brand}-{known}"
    session.add(StaffRole(tenant_id=session.tenant_id, name=name, permissions=["risk:read"], at=NOW))
    return name


def _user(session: TenantSession, *_: object) -> int:
    known = session.scalars(select(User.id).order_by(User.id.desc()).limit(1)).one()
    return _stored(session, person(session.tenant_id, f"someone{known}", Role.FOLLOWER))


def _member(session: TenantSession, *_: object) -> int:
    known = session.scalars(select(User.id).order_by(User.id.desc()).limit(1)).one()
    return _stored(session, person(session.tenant_id, f"member{known}", Role.STAFF))


def _session(session: TenantSession, user_id: int, *_: object) -> int:
    known = session.scalars(select(UserSession.id).order_by(UserSession.id.desc()).limit(1)).one_or_none() or 0
    return _stored(session, signed_in(session.tenant_id, user_id, f"another {known}"))


def _notice(session: TenantSession, user_id: int, *_: object) -> int:
    known = session.scalars(select(NoticeRow.id).order_by(NoticeRow.id.desc()).limit(1)).one_or_none() or 0
    row = NoticeRow(tenant_id=session.tenant_id, user_id=user_id, kind="security", at=NOW, facts={}, key=str(known))
    return _stored(session, row)


def _device(session: TenantSession, user_id: int, *_: object) -> int:
    known = session.scalars(select(PushDevice.id).order_by(PushDevice.id.desc()).limit(1)).one_or_none() or 0
    endpoint = str(known).encode()
    row = PushDevice(
        tenant_id=session.tenant_id, user_id=user_id, endpoint_hash=endpoint, name="a browser", made_at=NOW
    )
    return _stored(session, row)


def _own_strategy(session: TenantSession, user_id: int, *_: object, status: str = "live") -> str:
    """Store a private strategy of somebody, and return its slug."""
    account_id = _account(session, user_id)
    row = Strategy(
        tenant_id=session.tenant_id,
        trader_id=user_id,
        account_id=account_id,
        slug=f"of-the-matrix-{account_id}",
        name=f"Of the matrix {account_id}",
        summary="One that is looked at.",
        status=status,
    )
    store_terms(session, _stored(session, row), Terms(D("0.1"), private=True), at=NOW)
    return row.slug


def _announcement(session: TenantSession, user_id: int, *_: object) -> str:
    slug = _own_strategy(session, user_id)
    strategy_id = session.scalars(select(Strategy.id).where(Strategy.slug == slug)).one()
    row = AnnouncementRow(tenant_id=session.tenant_id, strategy_id=strategy_id, body="A word.", at=NOW)
    return f"{slug}/announcements/{_stored(session, row)}"


def _strategy_invite(session: TenantSession, user_id: int, *_: object) -> str:
    slug = _own_strategy(session, user_id)
    strategy_id = session.scalars(select(Strategy.id).where(Strategy.slug == slug)).one()
    row = StrategyInvite(
        tenant_id=session.tenant_id, strategy_id=strategy_id, digest=slug.encode(), expires_at=NOW + HOURS
    )
    return f"{slug}/invitations/{_stored(session, row)}"


_MAKERS: dict[str, Callable[..., object]] = {
    "account": _account,
    "subscription": subscription,
    "running subscription": subscription,
    "paused subscription": partial(subscription, state="paused"),
    "own signal": _own_signal,
    "intake": _intake,
    "network": _network,
    "staff network": _staff_network,
    "passkey": _passkey,
    "notice": _notice,
    "device": _device,
    "invite": _invite,
    "role": _role,
    "user": _user,
    "member": _member,
    "session": _session,
    "token": lambda *_: "no-such-token",
    "venue": lambda *_: "binance",
    "locale": lambda *_: "en",
    "own strategy": _own_strategy,
    "running strategy": _own_strategy,
    "paused strategy": partial(_own_strategy, status="paused"),
    "announcement": _announcement,
    "strategy invite": _strategy_invite,
    "strategy": lambda _session, _user, brand, _objects: STRATEGIES[brand][0],
    "signal": lambda _session, _user, brand, objects: objects.seeded.signal_ids[brand],
    "theme file": lambda *_: "core/css/base.css",
    "brand file": lambda *_: "logo.svg",
    "section": lambda *_: "trading",
    "revision": lambda session, _user, brand, _objects: revision(session, brand),
    "proposal": lambda session, _user, brand, _objects: proposal(session, brand),
    "kept file": lambda session, _user, brand, _objects: kept_file(session, brand),
    "bundle": lambda _session, _user, brand, _objects: f"{THEMES[brand]}/bundle-site-0",
    "icon": lambda *_: "mark.svg",
    "legal text": lambda session, *_: imprint(session),
    "statement": lambda *_: "2026-02.csv",
    "statement of a user": lambda session, *_: f"{_user(session)}/statements/2026-02.csv",
    "legal version": lambda session, *_: f"{imprint(session)}/1",
}
_SPENT = frozenset(
    {
        "proposal",
        "network",
        "staff network",
        "passkey",
        "invite",
        "role",
        "user",
        "member",
        "session",
        "intake",
        "device",
        "running subscription",
        "paused subscription",
    }
)
_STUDIO = frozenset({"running strategy", "paused strategy", "announcement", "strategy invite"})
_OF_PERSONS = _STUDIO | frozenset(
    {
        *("own strategy", "notice", "device", "account", "intake", "network", "passkey", "session"),
        *("subscription", "running subscription", "paused subscription"),
    }
)


def person(tenant_id: int, name: str, role: Role) -> User:
    email = f"{name.replace(' ', '.')}@{tenant_id}.example"
    return User(
        tenant_id=tenant_id, email=email, display_name=name, role=str(role), created_at=NOW, email_verified_at=NOW
    )


def signed_in(tenant_id: int, user_id: int, token: str, *, passed: bool = True, fresh: bool = True) -> UserSession:
    return UserSession(
        tenant_id=tenant_id,
        user_id=user_id,
        token_hash=token_hash(token),
        created_at=NOW - HOURS if passed else NOW,
        seen_at=NOW,
        expires_at=NOW + 4 * HOURS,
        factor="totp" if passed else "",
        stepped_up_at=NOW if fresh else NOW - HOURS,
        ip=IP,
        agent="a browser",
    )


def passkey(tenant_id: int, user_id: int, credential: str) -> Passkey:
    return Passkey(
        tenant_id=tenant_id,
        user_id=user_id,
        credential_id=credential.encode(),
        public_key=b"a public key",
        sign_count=0,
        rp_id="aurora.localhost",
        label=credential,
        created_at=NOW,
    )


def token_of(persona: Persona, brand: str) -> str:
    return f"{persona.name} of {brand}".replace(" ", "-")


def seed_people(database: Database, seeded: Seeded, seal: Vault) -> dict[tuple[str, str], int]:
    """Store everybody on both brands, and return their numbers."""
    users: dict[tuple[str, str], int] = {}
    for brand, tenant_id in seeded.tenant_ids.items():
        with database.tenant(tenant_id) as session:
            session.add(StaffRole(tenant_id=tenant_id, name="night-desk", permissions=["risk:read"], at=NOW))
            for persona in PERSONAS[1:]:
                users[persona.name, brand] = _seed(session, seal, persona, brand)
    return users


def _seed(session: TenantSession, seal: Vault, persona: Persona, brand: str) -> int:
    tenant_id = session.tenant_id
    user_id = _stored(session, person(tenant_id, persona.name, persona.role))
    token = token_of(persona, brand)
    passed = persona.passed and persona.enrolled
    session.add(signed_in(tenant_id, user_id, token, passed=passed, fresh=persona.fresh))
    if persona.enrolled and persona.role is Role.OPERATOR:
        session.add(passkey(tenant_id, user_id, token))
    elif persona.enrolled:
        secret = TotpSecret(tenant_id=tenant_id, user_id=user_id, confirmed=True, created_at=NOW)
        secret.sealed = seal.seal(tenant_id, _stored(session, secret), "totp.secret", _SECRET)
    if persona.role is Role.STAFF and persona.may != "none":
        session.add(StaffGrant(tenant_id=tenant_id, user_id=user_id, role=persona.may, at=NOW))
    session.flush()
    if persona.held:
        place_hold(session, tenant_id, user_id, HoldReason.NEW_LOCATION, at=NOW)
    return user_id


_AGAIN = (
    text("UPDATE user_session SET ended_at = NULL, end_reason = NULL WHERE ended_at IS NOT NULL"),
    text("DELETE FROM ip_allow"),
    text("DELETE FROM factor_try"),
)


def begin_again(database: Database, seeded: Seeded, brand: str) -> None:
    """Take back what a cell may have changed: sessions that it ended, networks that it allowed."""
    with database.tenant(seeded.tenant_ids[brand]) as session:
        for statement in _AGAIN:
            session.execute(statement)


def bring_token_back(objects: Objects, persona: Persona, brand: str) -> None:
    """Give somebody's session the token again that it began with: acts that renew it end the one before."""
    first = text("SELECT min(id) FROM user_session WHERE user_id = :user_id")
    again = text("UPDATE user_session SET token_hash = :token WHERE id = :id AND token_hash <> :token")
    with objects.database.tenant(objects.seeded.tenant_ids[brand]) as session:
        session_id = session.scalar(first, {"user_id": objects.users[persona.name, brand]})
        session.execute(again, {"token": token_hash(token_of(persona, brand)), "id": session_id})


assert {persona.may for persona in PERSONAS} == set(MAY)
