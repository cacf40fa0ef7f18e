"""Keys on their way in, and what exchanges say of those that are connected.

What is read of a key is kept beside its account, not in it: each change of an account has its brand's lanes read their
followers anew, and a key is asked about every day.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow


class KeyIntake(TenantRow, Table):
    """One key that somebody connects.

    `sealed` is what they gave, for the roles that may open exchange keys; `sealed_pair` the private half of a pair of
    ours. Both are emptied with the decision. `due_at` is when the desk looks at it next.
    """

    __tablename__ = "key_intake"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        Index("ix_key_intake_user", "tenant_id", "user_id", "id"),
        Index(
            "ix_key_intake_open", "tenant_id", "due_at", postgresql_where=text("state NOT IN ('accepted', 'refused')")
        ),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    account_id: Mapped[BigInt | None]
    venue: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, server_default="hmac")
    state: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_pair: Mapped[bytes | None] = mapped_column(LargeBinary)
    public_key: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    rights: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    said: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    handed_at: Mapped[Moment | None]
    due_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]


class AccountKey(TenantRow, Table):
    """What is known of an account's key besides its seal. An account that no desk has seen yet has no row.

    `key_hash` and `uid_hash` are fingerprints of the key and of the exchange's number of the account, held while the
    key is connected, so that neither is connected twice. `due_at` is when the exchange is asked next, `told_days` the
    last notice of its end, `told_reason` the last that its owner was told. `rearms`: its owner asked for another look,
    and a key that passes it is used again. `changed_at` is when the sealed key was stored, replaced or destroyed.
    """

    __tablename__ = "account_key"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        Index("uq_account_key_key_hash", "tenant_id", "key_hash", unique=True),
        Index("uq_account_key_uid_hash", "tenant_id", "uid_hash", unique=True),
        Index("ix_account_key_due", "tenant_id", "due_at"),
        Index("ix_account_key_changed", "tenant_id", "changed_at"),
    )

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    scope: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    rights: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    ip_bound: Mapped[bool | None] = mapped_column(Boolean)
    expires_at: Mapped[Moment | None]
    probed_at: Mapped[Moment | None]
    due_at: Mapped[Moment]
    told_days: Mapped[int | None] = mapped_column(SmallInteger)
    told_reason: Mapped[str | None] = mapped_column(Text)
    rearms: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    key_hash: Mapped[str | None] = mapped_column(Text)
    uid_hash: Mapped[str | None] = mapped_column(Text)
    public_key: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[Moment] = mapped_column(server_default=func.now())


class KeyVersion(Table):
    """Two numbers of the installation, which triggers count up: whoever knows them need not ask each brand.

    "waiting": something for the desk has come; "changed": a sealed key was replaced or destroyed.
    """

    __tablename__ = "key_version"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[BigInt]
