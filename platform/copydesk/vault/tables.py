"""Sealed keys at rest: data keys per tenant and the exchange accounts that they protect."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow


class DataKey(TenantRow, Table):
    """One version of a tenant's data key for one purpose ("exchange", "identity"), wrapped by a key-encryption key."""

    __tablename__ = "data_key"

    purpose: Mapped[str] = mapped_column(Text, primary_key=True, server_default="exchange")
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class Account(TenantRow, Table):
    """A user's connection to one exchange; key, secret and passphrase only as ciphertext.

    `shard` ("binance:0") names the replication lane that serves this account; it is fixed at creation.
    `status`: "active" or "unusable" (the exchange refuses the key), `status_reason` a `Denial` value. `key_denial` is
    one too: a key that works and may do what it must not opens nothing more, and closes what there is. `uid_hash` is
    the fingerprint of the exchange's own number of the account, once it was asked for. `egress` is the outgoing address
    that the key is bound to, where it is not the installation's usual one. `key_kind` is how the key signs ("hmac",
    "ed25519", "rsa"). `demo` says that it was opened for a guest, with money that is none. What else is known of a key
    stands in `keys.tables`.
    """

    __tablename__ = "account"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        Index("ix_account_user", "tenant_id", "user_id"),
        Index("ix_account_demo", "tenant_id", "id", postgresql_where=text("demo")),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    venue: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    shard: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_passphrase: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, server_default="active")
    status_reason: Mapped[str | None] = mapped_column(Text)
    key_denial: Mapped[str | None] = mapped_column(Text)
    uid_hash: Mapped[str | None] = mapped_column(Text)
    egress: Mapped[str | None] = mapped_column(Text)
    key_kind: Mapped[str] = mapped_column(Text, server_default="hmac")
    demo: Mapped[bool] = mapped_column(Boolean, server_default="false")
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class InstallationKey(Table):
    """A key of the whole installation by name, wrapped by the key-encryption key."""

    __tablename__ = "installation_key"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
