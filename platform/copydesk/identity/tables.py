"""The people of each brand: accounts, sessions, links out of mails, invitations, and what was tried at the door."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow


def _of_user(column: str = "user_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], ["user_account.tenant_id", "user_account.id"])


def _unique_hash(table: str) -> Index:
    """Find a secret's row by its hash, of which a brand never has two."""
    return Index(f"uq_{table}_hash", "tenant_id", "token_hash", unique=True)


class User(TenantRow, Table):
    """One person on one brand; the same person on two brands is two users.

    `email` in small letters. `status` is a `UserStatus`; `locale` the language that mails are written in, "" for the
    brand's own. Until `held_until` key changes and payouts rest (`identity.access.holds` says which and why).
    `legal_accepted_id` is the newest legal version that they accepted (`identity.legal`). `scheme`, `time_zone`
    and `currency` are how they read the site (`identity.preferences`), "" for what the browser and the brand have.
    Until `guest_until` they are a guest (`guests`), who has no password, and an address that no mail reaches.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email"),
        Index(
            "ix_user_account_guest_until",
            "tenant_id",
            "guest_until",
            postgresql_where=text("guest_until IS NOT NULL"),
        ),
    )

    id: Mapped[Identity]
    email: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_at: Mapped[Moment | None]
    status: Mapped[str] = mapped_column(Text, server_default="active")
    email_verified_at: Mapped[Moment | None]
    locale: Mapped[str] = mapped_column(Text, server_default="")
    scheme: Mapped[str] = mapped_column(Text, server_default="")
    time_zone: Mapped[str] = mapped_column(Text, server_default="")
    currency: Mapped[str] = mapped_column(Text, server_default="")
    held_until: Mapped[Moment | None]
    hold_reason: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[Moment | None]
    legal_accepted_id: Mapped[BigInt] = mapped_column(server_default="0")
    guest_until: Mapped[Moment | None]

    def __repr__(self) -> str:
        return f"User(tenant_id={self.tenant_id}, id={self.id}, role={self.role!r})"


class UserSession(TenantRow, Table):
    """One signed-in browser. Its cookie holds the token, the row only the token's SHA-256.

    The token changes whenever the session comes to be worth more. `seen_at` is written once a minute at most;
    `factor` is "" until the second factor was passed; `end_reason` is an `EndReason`.
    """

    __tablename__ = "user_session"
    __table_args__ = (_of_user(), _unique_hash("user_session"), Index("ix_user_session_user", "tenant_id", "user_id"))

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    factor: Mapped[str] = mapped_column(Text, server_default="")
    stepped_up_at: Mapped[Moment | None]
    ip: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[Moment | None]
    end_reason: Mapped[str | None] = mapped_column(Text)


class UserToken(TenantRow, Table):
    """A link in a mail that works once: `kind` says what for (`identity.tokens.TokenKind`)."""

    __tablename__ = "user_token"
    __table_args__ = (_of_user(), _unique_hash("user_token"), Index("ix_user_token_user", "tenant_id", "user_id"))

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class Invite(TenantRow, Table):
    """Somebody who may register under this address: as `role`, and as staff with `grants`, names with spaces between.

    `invited_by` is the user who did it, None for the operator's command line.
    """

    __tablename__ = "invite"
    __table_args__ = (
        _of_user("invited_by"),
        _of_user("used_by"),
        _unique_hash("invite"),
        Index("ix_invite_email", "tenant_id", "email"),
    )

    id: Mapped[Identity]
    email: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    grants: Mapped[str] = mapped_column(Text, server_default="")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[BigInt | None]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]
    used_by: Mapped[BigInt | None]
    revoked_at: Mapped[Moment | None]


class SignIn(TenantRow, Table):
    """One try to sign in, whatever came of it (`SignInOutcome`).

    Without a user where no account has the address that was typed: people type passwords there, so it is not kept.
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        _of_user(),
        Index("ix_sign_in_user", "tenant_id", "user_id", "at"),
        Index("ix_sign_in_at", "tenant_id", "at"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt | None]
    at: Mapped[Moment]
    ip: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text, server_default="")
    session_id: Mapped[BigInt | None]


class SignInThrottle(TenantRow, Table):
    """How often something failed lately, and when it may be tried again; `subject` is hashed where it is an address."""

    __tablename__ = "sign_in_throttle"
    __table_args__ = (Index("ix_sign_in_throttle_last", "tenant_id", "last_at"),)

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[Moment]
    next_at: Mapped[Moment]
