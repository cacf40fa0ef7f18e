"""What access stores: a brand's own roles, who has which, allowed addresses, known places, and what rests."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"])


class StaffRole(TenantRow, Table):
    """A set of permissions that a brand named itself; `permissions` are those of `GRANTABLE`, as their words."""

    __tablename__ = "staff_role"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[Identity]
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(JSONB)
    author_id: Mapped[BigInt | None]
    at: Mapped[Moment]


class StaffGrant(TenantRow, Table):
    """One role that a member of staff has, built in or the brand's own, by its name. Nobody is changed in place."""

    __tablename__ = "staff_grant"
    __table_args__ = (_of_user(), UniqueConstraint("tenant_id", "user_id", "role"))

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    role: Mapped[str] = mapped_column(Text)
    author_id: Mapped[BigInt | None]
    at: Mapped[Moment]


class IpAllow(TenantRow, Table):
    """One network that an account may be used from; without a user, all staff of the brand. None at all means all."""

    __tablename__ = "ip_allow"
    __table_args__ = (_of_user(), Index("ix_ip_allow_user", "tenant_id", "user_id"))

    id: Mapped[Identity]
    user_id: Mapped[BigInt | None]
    network: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    author_id: Mapped[BigInt | None]
    at: Mapped[Moment]


class KnownPlace(TenantRow, Table):
    """A network and kind of browser that somebody signed in from; new ones are confirmed by a link in a mail."""

    __tablename__ = "known_place"
    __table_args__ = (
        _of_user(),
        UniqueConstraint("tenant_id", "user_id", "network", "agent"),
        Index("ix_known_place_token", "tenant_id", "token_hash", postgresql_where=text("token_hash IS NOT NULL")),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    network: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    ip: Mapped[str] = mapped_column(Text)
    first_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    confirmed_at: Mapped[Moment | None]
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_until: Mapped[Moment | None]


class AccessHold(TenantRow, Table):
    """One reason for which acts of a person rest, and until when; `place_id` is what a new place's hold ends with."""

    __tablename__ = "access_hold"
    __table_args__ = (_of_user(), Index("ix_access_hold_user", "tenant_id", "user_id", "until"))

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    reason: Mapped[str] = mapped_column(Text)
    place_id: Mapped[BigInt | None]
    since: Mapped[Moment]
    until: Mapped[Moment]
    lifted_at: Mapped[Moment | None]
