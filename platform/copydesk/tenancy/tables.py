"""The brands that this installation knows, what their panels have set, and the files that were uploaded there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Moment, Table, TenantRow


class TenantRecord(Table):
    """Give a brand's slug the small number that leads every key of its rows.

    `revision` is the panel's revision that holds, 0 for none; it is what every process follows. The limits of its plan
    are the reseller's and never the brand's.
    """

    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    status: Mapped[str] = mapped_column(Text, server_default="active")
    suspend_reason: Mapped[str] = mapped_column(Text, server_default="")
    revision: Mapped[BigInt] = mapped_column(server_default="0")
    followers_max: Mapped[int | None] = mapped_column(Integer)
    strategies_max: Mapped[int | None] = mapped_column(Integer)
    created_by: Mapped[str] = mapped_column(Text, server_default="")


class SettingRevision(TenantRow, Table):
    """One change of a brand's settings, numbered within the brand from 1.

    `changes` is what was asked for, each key with what it was before; `values` is the whole override set that it made,
    and `origins` where each of its values comes from. A proposal has the set that it would make.
    """

    __tablename__ = "setting_revision"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]
    decided_by: Mapped[str] = mapped_column(Text, server_default="")
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    origins: Mapped[dict[str, Any]] = mapped_column(JSONB)
    hash: Mapped[str] = mapped_column(Text)
    rolls_back: Mapped[int | None] = mapped_column(BigInteger)
    schema_version: Mapped[int] = mapped_column(SmallInteger)


class BrandFile(TenantRow, Table):
    """A picture, font or text that a brand's admin uploaded, named by its content; never changed, only added."""

    __tablename__ = "brand_file"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    content_type: Mapped[str] = mapped_column(Text)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
