"""The record's lines, its signed checkpoints, and the head that each new line is chained to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Moment, Table, TenantRow

# What tests that walk all tables go by: the application's role may read and add rows, never change or delete one.
APPEND_ONLY = {"append_only": True}


class AuditEntry(TenantRow, Table):
    """One act; no foreign key, since a line outlives what it is about."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_user", "tenant_id", "user_id", "seq"), {"info": APPEND_ONLY})

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor_kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[BigInt | None]
    session_id: Mapped[BigInt | None]
    ip: Mapped[str | None] = mapped_column(Text)
    act: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    prev: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)


class AuditCheckpoint(TenantRow, Table):
    """A signature over the head as it once was."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = ({"info": APPEND_ONLY},)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[BigInt]
    hash: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]
    key_id: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)


class AuditHead(TenantRow, Table):
    """The newest line of a brand; its row lock is what puts acts of several processes in one order."""

    __tablename__ = "audit_head"

    seq: Mapped[BigInt]
    hash: Mapped[str] = mapped_column(Text)
