"""Notices, how each person wants to be told, where they can be reached, and what became of each telling."""

from __future__ import annotations

from datetime import time
from typing import Any

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, LargeBinary, SmallInteger, Text, Time, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, HotTenantRow, Identity, Moment, Table, TenantRow

PUSH_KEYS_FIELD = "push.keys"
ADDRESS_FIELD = "notice.address"
SECRET_FIELD = "notice.secret"  # noqa: S105 - the name of a field


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"])


class NoticeRow(HotTenantRow, Table):
    """One notice of one person; `key` names what it tells, so that nothing is told twice.

    `told_at` is when it was decided by which channels it goes.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("uq_notice_user_key", "tenant_id", "user_id", "key", unique=True),
        Index("ix_notice_user", "tenant_id", "user_id", "id"),
        Index("ix_notice_unread", "tenant_id", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notice_untold", "tenant_id", "id", postgresql_where=text("told_at IS NULL")),
        Index("ix_notice_at", "at", postgresql_using="brin"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    key: Mapped[str] = mapped_column(Text)
    told_at: Mapped[Moment | None]
    read_at: Mapped[Moment | None]


class NoticeWish(TenantRow, Table):
    """One switch that somebody has set otherwise than the default."""

    __tablename__ = "notice_wish"
    __table_args__ = (_of_user(),)

    user_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    wanted: Mapped[bool] = mapped_column(Boolean)


class NoticeHabit(TenantRow, Table):
    """How somebody's notices are gathered, and when they want peace; their time zone stands with their account."""

    __tablename__ = "notice_habit"
    __table_args__ = (_of_user(),)

    user_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(Text, server_default="none")
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)


class PushDevice(TenantRow, Table):
    """One browser that takes Web Push. `keys` is the sealed JSON of its `endpoint`, `p256dh` and `auth`.

    `endpoint_hash` is the SHA-256 of its address, so that a browser is known again; `gone_at` is when it was given up.
    """

    __tablename__ = "push_device"
    __table_args__ = (
        _of_user(),
        Index("uq_push_device_endpoint", "tenant_id", "user_id", "endpoint_hash", unique=True),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    endpoint_hash: Mapped[bytes] = mapped_column(LargeBinary)
    keys: Mapped[bytes | None] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    made_at: Mapped[Moment]
    gone_at: Mapped[Moment | None]


class NoticeAddress(TenantRow, Table):
    """Where somebody is reached by Telegram or a webhook: at most one of each.

    `address` is the sealed chat or URL, `secret` what webhooks are signed with. A Telegram chat without `confirmed_at`
    has only a `code_hash` (the SHA-256 of what is sent to the bot) until `code_until`.
    """

    __tablename__ = "notice_address"
    __table_args__ = (
        _of_user(),
        Index("uq_notice_address_user", "tenant_id", "user_id", "channel", unique=True),
        Index("ix_notice_address_code", "tenant_id", "code_hash", postgresql_where=text("code_hash IS NOT NULL")),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[bytes | None] = mapped_column(LargeBinary)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_until: Mapped[Moment | None]
    made_at: Mapped[Moment]
    confirmed_at: Mapped[Moment | None]
    failing_since: Mapped[Moment | None]


class NoticeDelivery(HotTenantRow, Table):
    """One notice by one channel: what waits is the outbox, all of it together the log.

    `due_at` is when it is tried next; while somebody tries it, when it would be tried again if he died over it.
    `answer` is the other side's HTTP status, where there was one.
    """

    __tablename__ = "notice_delivery"
    __table_args__ = (
        Index("ix_notice_delivery_due", "tenant_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_notice_delivery_user", "tenant_id", "user_id", "id"),
        Index(
            *("uq_notice_delivery_notice", "tenant_id", "notice_id", "channel"),
            unique=True,
            postgresql_where=text("notice_id > 0"),
        ),
    )

    id: Mapped[Identity]
    notice_id: Mapped[BigInt]
    user_id: Mapped[BigInt]
    channel: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    reason: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[int | None] = mapped_column(SmallInteger)
    made_at: Mapped[Moment]
    due_at: Mapped[Moment]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    sent_at: Mapped[Moment | None]


class NoticeCursor(HotTenantRow, Table):
    """How far a source has been read: up to the row `position`; `known` is what it compares the present with."""

    __tablename__ = "notice_cursor"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[BigInt]
    known: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class NoticeOpenCopy(HotTenantRow, Table):
    """A copy that had not reached its end when it was read."""

    __tablename__ = "notice_open_copy"

    copy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
