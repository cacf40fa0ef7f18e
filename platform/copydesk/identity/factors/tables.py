"""Second factors of people, challenges that wait for an answer, and how often somebody tried."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow

_USER = (["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"])


class TotpSecret(TenantRow, Table):
    """The secret that a person's authenticator app shares with us, sealed; one confirmed, and one waiting a session.

    `last_step` is the time step of the newest code that was taken: no code of it or before is taken again. A secret
    that waits is shown to one session, `session_id`, and confirmed by it alone.
    """

    __tablename__ = "totp_secret"
    __table_args__ = (
        ForeignKeyConstraint(*_USER),
        Index("uq_totp_secret_confirmed", "tenant_id", "user_id", unique=True, postgresql_where=text("confirmed")),
        Index(
            "uq_totp_secret_waiting",
            *("tenant_id", "user_id", "session_id"),
            unique=True,
            postgresql_where=text("NOT confirmed"),
        ),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    session_id: Mapped[BigInt | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed: Mapped[bool] = mapped_column(server_default=text("false"))
    last_step: Mapped[BigInt] = mapped_column(server_default="0")
    created_at: Mapped[Moment]


class RecoveryCode(TenantRow, Table):
    """One single-use code, as SHA-256 over a salt that the person's set shares and the code."""

    __tablename__ = "recovery_code"
    __table_args__ = (
        ForeignKeyConstraint(*_USER),
        UniqueConstraint("tenant_id", "user_id", "digest"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class Passkey(TenantRow, Table):
    """The public half of a WebAuthn credential. `rp_id` is the host that it was made for; it signs in nowhere else."""

    __tablename__ = "passkey"
    __table_args__ = (
        ForeignKeyConstraint(*_USER),
        UniqueConstraint("tenant_id", "credential_id"),
        Index("ix_passkey_user", "tenant_id", "user_id"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[BigInt]
    rp_id: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    transports: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class Phone(TenantRow, Table):
    """A number for text messages, sealed; `hint` are its last digits. One confirmed and one waiting at most."""

    __tablename__ = "phone"
    __table_args__ = (
        ForeignKeyConstraint(*_USER),
        Index("uq_phone_confirmed", "tenant_id", "user_id", unique=True, postgresql_where=text("confirmed")),
        Index("uq_phone_waiting", "tenant_id", "user_id", unique=True, postgresql_where=text("NOT confirmed")),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    hint: Mapped[str] = mapped_column(Text)
    confirmed: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Moment]


class FactorChallenge(TenantRow, Table):
    """What we asked a session and wait to be answered, once: a passkey's challenge, or a code sent by text message.

    `value` is the challenge itself, or the code, sealed together with the number that it was sent to.
    """

    __tablename__ = "factor_challenge"
    __table_args__ = (
        ForeignKeyConstraint(*_USER),
        UniqueConstraint("tenant_id", "user_id", "session_id", "kind"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    session_id: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(Text)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[Moment]


class FactorTry(TenantRow, Table):
    """How often a person's factors were tried since the last success, and before when they are not looked at.

    `kind` is "proof" for codes of a sign-in's second step, "step_up" for those typed into a whole session, "text" for
    text messages that were asked for.
    """

    __tablename__ = "factor_try"
    __table_args__ = (ForeignKeyConstraint(*_USER),)

    user_id: Mapped[BigInt] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[Moment]
    not_before: Mapped[Moment]
