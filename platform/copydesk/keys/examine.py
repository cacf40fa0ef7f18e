"""What the desk does with keys: take up what waits, accept or refuse it, and note what exchanges say of the connected.

Each function is one transaction's work. What exchanges are asked, and when, is the desk's business (`workers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import select, text

from copydesk.audit import SYSTEM, record
from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.keys.connect import close_intake, offer_until, opened_text, place_of
from copydesk.keys.letters import tell_owner
from copydesk.keys.model import (
    ASK_AGAIN,
    ASKING_LASTS,
    EXAMINED_WITHIN,
    OPEN,
    PROBE_EVERY,
    Intake,
    IntakeState,
    Trouble,
)
from copydesk.keys.port import OpenIn
from copydesk.keys.store import intake_value
from copydesk.keys.tables import AccountKey, KeyIntake
from copydesk.notifications import Kind, Seal
from copydesk.trading import Credentials, Environment, KeyKind
from copydesk.vault import Account, NewAccount, SealBroken, Vault, add_account
from copydesk.vault.store import FIELD_KEY, FIELD_PASSPHRASE, FIELD_SECRET
from copydesk.venues import KeyScope

PAIR_FIELD = "intake_pair"
# Whose account is like this connects no key any more.
_LEFT = frozenset({"closed", "blocked"})
# Taken up by one desk alone; who died over a key leaves it to the next one.
_TAKE = text(
    """
    UPDATE key_intake SET state = CASE WHEN state = 'making' THEN state ELSE 'examining' END, due_at = :again
    WHERE id IN (
        SELECT id FROM key_intake WHERE state IN ('making', 'waiting', 'examining') AND due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING id
    """
)


@dataclass(frozen=True)
class Taken:
    """A key that this desk examines now, as it was handed in; `egress` is the address that its account is bound to."""

    intake: Intake
    handed_at: datetime
    egress: str
    sealed: bytes | None = field(repr=False)
    sealed_pair: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """What the exchange said of a key that is accepted, and whose it is."""

    scope: KeyScope
    key_hash: str
    uid_hash: str


def take_up(session: TenantSession, now: datetime, *, limit: int) -> list[Taken]:
    """Take up keys that wait, and pairs that are to be made, until a minute from now."""
    ids = session.execute(_TAKE, {"now": now, "again": now + EXAMINED_WITHIN, "limit": limit}).scalars().all()
    renewed = (Account.tenant_id == KeyIntake.tenant_id) & (Account.id == KeyIntake.account_id)
    query = select(KeyIntake, Account.egress).outerjoin(Account, renewed).where(KeyIntake.id.in_(ids))
    return [_taken(row, egress) for row, egress in session.execute(query.order_by(KeyIntake.id))]


def _taken(row: KeyIntake, egress: str | None) -> Taken:
    return Taken(intake_value(row), row.handed_at or row.created_at, egress or "", row.sealed, row.sealed_pair)


def drop_old_offers(session: TenantSession, now: datetime) -> int:
    """End pairs whose name nobody has brought within their time; returns how many."""
    old = select(KeyIntake).where(KeyIntake.state == IntakeState.OFFERED, KeyIntake.due_at <= now)
    rows = session.scalars(old.with_for_update(skip_locked=True)).all()
    for row in rows:
        close_intake(row, IntakeState.REFUSED, Trouble.GIVEN_UP, now)
    return len(rows)


def open_taken(tenant_id: int, taken: Taken, opener: OpenIn, vault: Vault) -> Credentials:
    """Open what was handed in, with the private half of a pair of ours. Raises `SealBroken`."""
    intake = taken.intake
    if taken.sealed is None:
        raise SealBroken("nothing was handed in")
    handed = opened_text(opener.open(place_of(tenant_id, intake), taken.sealed))
    secret = handed.secret
    if intake.kind is not KeyKind.HMAC:
        if taken.sealed_pair is None:
            raise SealBroken("the pair of this key is gone")
        secret = vault.open(tenant_id, intake.id, PAIR_FIELD, taken.sealed_pair)
    return Credentials(0, handed.api_key, secret, handed.passphrase, kind=intake.kind)


def store_pair(
    session: TenantSession, vault: Vault, intake_id: int, *, private_pem: str, public_pem: str, at: datetime
) -> bool:
    """Offer the public half of a pair to who asked for it; False where they do not wait any more."""
    row = _open_row(session, intake_id)
    if row is None or row.state != IntakeState.MAKING:
        return False
    row.sealed_pair = vault.seal(session.tenant_id, intake_id, PAIR_FIELD, private_pem)
    row.public_key, row.state, row.due_at = public_pem, IntakeState.OFFERED, offer_until(at)
    return True


def accept(
    session: TenantSession,
    vault: Vault,
    seal: Seal,
    intake_id: int,
    credentials: Credentials,
    finding: Finding,
    *,
    shard: str,
    at: datetime,
    joined: Callable[[int], None] = lambda _: None,
) -> int | None:
    """Seal an examined key into the vault and return its account; None where its owner has given it up meanwhile.

    So, too, where they may connect none any more: then it is refused. `joined` is called with the account before what
    was done is recorded, which others wait for. Have both vaults warm before the transaction: from the account's first
    line on, all lanes of the brand wait for its end.
    """
    row = _open_row(session, intake_id)
    if row is None:
        return None
    # Not locked: who closes an account voids what is on its way first, and so waits for this row.
    owner = session.get_one(User, (session.tenant_id, row.user_id))
    if owner.status in _LEFT or (owner.guest_until is not None and row.environment != Environment.LAB):
        refuse(session, seal, intake_id, Trouble.GIVEN_UP, at=at)
        return None
    kind, public_key = row.kind, row.public_key
    tell_owner(session, seal, row.user_id, Kind.KEY_CONNECTED, at=at, venue=row.venue, label=row.label)
    account_id = row.account_id or _added(session, vault, row, credentials, shard, demo=owner.guest_until is not None)
    if row.account_id is not None:
        _renew(session, vault, account_id, credentials, kind)
    _know(session, account_id, finding, public_key, at)
    row.account_id = account_id
    close_intake(row, IntakeState.ACCEPTED, None, at)
    session.flush()
    joined(account_id)
    after = {"venue": row.venue, "user_id": row.user_id, "kind": row.kind, "scope": scope_facts(finding.scope)}
    record(session, session.tenant_id, SYSTEM, "key.connected", f"account:{account_id}", at=at, after=after)
    return account_id


def refuse(
    session: TenantSession,
    seal: Seal,
    intake_id: int,
    reason: str,
    *,
    at: datetime,
    rights: Iterable[str] = (),
    said: str = "",
) -> None:
    """Refuse a key by name; its seal is destroyed, and its owner told which right to take away."""
    row = _open_row(session, intake_id)
    if row is None:
        return
    named = tuple(sorted(rights))
    close_intake(row, IntakeState.REFUSED, reason, at, named, said)
    session.flush()
    tell_owner(
        *(session, seal, row.user_id, Kind.KEY_REFUSED),
        at=at,
        venue=row.venue,
        label=row.label,
        rights=named,
        reason=reason,
    )
    after = {"venue": row.venue, "user_id": row.user_id, "reason": reason, "rights": list(named)}
    record(session, session.tenant_id, SYSTEM, "key.refused", f"intake:{intake_id}", at=at, after=after)


def postpone(session: TenantSession, seal: Seal, taken: Taken, *, at: datetime) -> None:
    """Ask again in a moment, since the exchange could not be asked now; after an hour the key is refused."""
    if at - taken.handed_at >= ASKING_LASTS:
        refuse(session, seal, taken.intake.id, Trouble.UNREACHABLE, at=at)
        return
    row = _open_row(session, taken.intake.id)
    if row is not None:
        # A pair that is not made yet has nothing to ask about.
        making = row.state == IntakeState.MAKING
        row.state = IntakeState.MAKING if making else IntakeState.WAITING
        row.reason, row.due_at = Trouble.UNREACHABLE, at + ASK_AGAIN


def twin_of(session: TenantSession, intake: Intake, *, key_hash: str, uid_hash: str) -> Trouble | None:
    """Tell why a key cannot be connected beside what the brand has, without saying whose that is."""
    mine = select(Account.uid_hash).where(Account.id == intake.account_id)
    if intake.account_id is not None:
        known = session.execute(mine).scalar()
        if known is not None and known != uid_hash:
            return Trouble.OTHER_ACCOUNT
    same = (AccountKey.tenant_id == Account.tenant_id) & (AccountKey.account_id == Account.id)
    twins = (
        select(Account.user_id)
        .outerjoin(AccountKey, same)
        .where(
            Account.sealed_key.is_not(None),
            Account.id != (intake.account_id or 0),
            (AccountKey.key_hash == key_hash) | (AccountKey.uid_hash == uid_hash) | (Account.uid_hash == uid_hash),
        )
    )
    owners = session.scalars(twins).all()
    if not owners:
        return None
    return Trouble.KNOWN if set(owners) == {intake.user_id} else Trouble.TAKEN


def scope_facts(scope: KeyScope) -> dict[str, bool]:
    """Return what a key may do, as it is stored and shown."""
    names = ("can_read", "can_trade", "can_trade_perpetuals", "can_transfer", "can_withdraw")
    return {name: value for name, value in asdict(scope).items() if name in names}


def _open_row(session: TenantSession, intake_id: int) -> KeyIntake | None:
    query = select(KeyIntake).where(KeyIntake.id == intake_id, KeyIntake.state.in_(OPEN)).with_for_update()
    return session.scalars(query).one_or_none()


def _added(
    session: TenantSession, vault: Vault, row: KeyIntake, credentials: Credentials, shard: str, *, demo: bool
) -> int:
    new = NewAccount(
        user_id=row.user_id,
        venue=row.venue,
        environment=row.environment,
        label=row.label,
        shard=shard,
        api_key=credentials.api_key,
        secret=credentials.secret,
        passphrase=credentials.password,
        key_kind=KeyKind(row.kind),
        demo=demo,
    )
    return add_account(session, vault, new)


def _renew(session: TenantSession, vault: Vault, account_id: int, credentials: Credentials, kind: str) -> None:
    account = session.get_one(Account, (session.tenant_id, account_id), with_for_update={"key_share": True})
    texts = ((FIELD_KEY, credentials.api_key), (FIELD_SECRET, credentials.secret))
    place = (session.tenant_id, account_id)
    account.sealed_key, account.sealed_secret = (vault.seal(*place, field, plain) for field, plain in texts)
    account.sealed_passphrase = vault.seal(*place, FIELD_PASSPHRASE, credentials.password)
    account.status, account.status_reason, account.key_denial = "active", None, None
    account.key_kind = kind
    session.flush()


def _know(session: TenantSession, account_id: int, finding: Finding, public_key: str | None, at: datetime) -> None:
    """Note what the exchange said of a new key; that it changed is told to whoever holds the one before."""
    known = session.get(AccountKey, (session.tenant_id, account_id))
    if known is None:
        known = AccountKey(tenant_id=session.tenant_id, account_id=account_id, due_at=at)
        session.add(known)
    known.key_hash, known.uid_hash, known.public_key = finding.key_hash, finding.uid_hash, public_key
    known.told_days = known.told_reason = None
    known.rearms, known.changed_at = False, at
    note_scope(known, finding.scope, at)


def note_scope(known: AccountKey, scope: KeyScope, at: datetime) -> None:
    """Keep what a key may do."""
    known.scope, known.rights = scope_facts(scope), sorted(scope.named)
    known.ip_bound, known.expires_at = scope.ip_bound, scope.expires_at
    known.probed_at, known.due_at = at, at + PROBE_EVERY
