"""Data keys and sealed exchange keys in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError

from copydesk.db import Database, TenantSession
from copydesk.kernel import Clock, ConfigError, Refused, SystemClock, Unavailable
from copydesk.trading import Credentials, KeyKind
from copydesk.vault.model import Purpose, SealBroken, WrappedKey
from copydesk.vault.service import Vault
from copydesk.vault.tables import Account, DataKey

FIELD_KEY = "api_key"
FIELD_SECRET = "api_secret"  # noqa: S105 - the name of a sealed field, not a secret
FIELD_PASSPHRASE = "api_passphrase"  # noqa: S105 - likewise
_HELD_S = 300.0


class PostgresDataKeys:
    """Keep one purpose's wrapped data keys in `data_key`, each tenant's behind its own row-level security."""

    def __init__(self, db: Database, purpose: Purpose = Purpose.EXCHANGE) -> None:
        self._db = db
        self.purpose = purpose

    def load(self, tenant_id: int, version: int | None = None) -> WrappedKey | None:
        query = select(DataKey).where(DataKey.purpose == self.purpose.value).order_by(DataKey.version.desc()).limit(1)
        if version is not None:
            query = query.where(DataKey.version == version)
        with self._db.tenant(tenant_id) as session:
            row = session.scalars(query).first()
        return WrappedKey(tenant_id, row.version, row.wrapped, row.created_at) if row else None

    def save(self, key: WrappedKey) -> bool:
        values = {
            "tenant_id": key.tenant_id,
            "purpose": self.purpose.value,
            "version": key.version,
            "wrapped": key.wrapped,
            "created_at": key.created_at,
        }
        statement = insert(DataKey).values(values).on_conflict_do_nothing().returning(DataKey.version)
        with self._db.tenant(key.tenant_id) as session:
            return session.execute(statement).scalar() is not None


@dataclass(frozen=True)
class NewAccount:
    """A user's exchange account with its key in plain text, on its way into the vault.

    `passphrase` is empty on exchanges whose keys have none; `egress` is the outgoing address that the key is bound to,
    None for the installation's usual one. `demo` says that it is a guest's, opened for trying.
    """

    user_id: int
    venue: str
    environment: str
    label: str
    shard: str
    api_key: str
    secret: str
    passphrase: str = ""
    egress: str | None = None
    key_kind: KeyKind = KeyKind.HMAC
    demo: bool = False

    def __repr__(self) -> str:
        return f"NewAccount(user_id={self.user_id}, venue={self.venue!r}, label={self.label!r})"


def add_account(session: TenantSession, vault: Vault, new: NewAccount) -> int:
    """Store an account with its key sealed to exactly this row, and return its id."""
    return add_accounts(session, vault, [new])[0]


def add_accounts(session: TenantSession, vault: Vault, new: Sequence[NewAccount]) -> list[int]:
    """Store many accounts as `add_account` does one, and return their ids in the given order."""
    accounts = [
        Account(
            tenant_id=session.tenant_id,
            user_id=one.user_id,
            venue=one.venue,
            environment=one.environment,
            label=one.label,
            shard=one.shard,
            egress=one.egress,
            key_kind=one.key_kind.value,
            demo=one.demo,
        )
        for one in new
    ]
    session.add_all(accounts)
    session.flush()
    for account, one in zip(accounts, new, strict=True):
        account.sealed_key = vault.seal(session.tenant_id, account.id, FIELD_KEY, one.api_key)
        account.sealed_secret = vault.seal(session.tenant_id, account.id, FIELD_SECRET, one.secret)
        account.sealed_passphrase = vault.seal(session.tenant_id, account.id, FIELD_PASSPHRASE, one.passphrase)
    session.flush()
    return [account.id for account in accounts]


def quarantine(session: TenantSession, account_id: int, reason: str) -> None:
    """Mark an account unusable, for a `Denial`'s reason: its key is not tried again until its owner renews it."""
    unusable = update(Account).values(status="unusable", status_reason=str(reason))
    session.execute(unusable.where(Account.id == account_id, Account.status == "active"))


# In the order of `Credentials`.
_SEALED = (
    (FIELD_KEY, Account.sealed_key),
    (FIELD_SECRET, Account.sealed_secret),
    (FIELD_PASSPHRASE, Account.sealed_passphrase),
)


class KeyRing:
    """Open exchange keys for the roles that may hold them, and keep them in memory for a few minutes.

    For any number of threads. `opened` is called with each key that was opened, in the thread that opened it: there a
    private key is read, which the loop that sends orders has no time for.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        *,
        clock: Clock | None = None,
        opened: Callable[[Credentials], None] = lambda _: None,
    ) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock or SystemClock()
        self._opened = opened
        self._lock = threading.Lock()
        self._held: dict[tuple[int, int], tuple[float, Credentials]] = {}

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        """Return the opened keys by account; an account without a key, or whose key does not open, is left out.

        While PostgreSQL or the key server is away, or the server refuses us, keys that were held go on being held: a
        position must be closed all the same. Raises the driver's error, `Unavailable` or `ConfigError` for one that
        never was.
        """
        now = self._clock.monotonic()
        found: dict[int, Credentials] = {}
        missing = []
        for account_id in account_ids:
            held = self._held.get((tenant_id, account_id))
            if held and now < held[0]:
                found[account_id] = held[1]
            else:
                missing.append(account_id)
        if missing:
            try:
                found |= self._open(tenant_id, missing, now)
            except (OperationalError, InterfaceError, Unavailable, ConfigError):
                late = {one: held[1] for one in missing if (held := self._held.get((tenant_id, one)))}
                if len(late) < len(missing):
                    raise
                return found | late
            with self._lock:
                self._held = {place: held for place, held in self._held.items() if now < held[0]}
        return found

    def forget(self, tenant_id: int, account_id: int) -> None:
        """Drop one key from memory, so that the next use reads the vault again."""
        with self._lock:
            self._held.pop((tenant_id, account_id), None)

    def _open(self, tenant_id: int, account_ids: Collection[int], now: float) -> dict[int, Credentials]:
        sealed_columns = (column for _, column in _SEALED)
        query = select(Account.id, Account.key_kind, *sealed_columns).where(Account.id.in_(account_ids))
        with self._db.tenant(tenant_id) as session:
            rows = session.execute(query).all()
        opened: dict[int, Credentials] = {}
        for account_id, kind, *sealed in rows:
            if None in sealed:
                continue
            try:
                key, secret, passphrase = (
                    self._vault.open(tenant_id, account_id, field, value)
                    for (field, _), value in zip(_SEALED, sealed, strict=True)
                )
            except SealBroken:
                continue
            opened[account_id] = Credentials(account_id, key, secret, passphrase, KeyKind(kind), tenant_id)
            # Whoever signs with a key that cannot be used hears it by name.
            with suppress(Refused):
                self._opened(opened[account_id])
        with self._lock:
            self._held |= {(tenant_id, account_id): (now + _HELD_S, key) for account_id, key in opened.items()}
        return opened
