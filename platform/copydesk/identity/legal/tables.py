"""Legal texts in versions and languages, and who accepted which."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow


class LegalVersionRow(TenantRow, Table):
    """One published version; never changed afterwards. `kind` is a `LegalKind`, `number` counts from 1 in each."""

    __tablename__ = "legal_version"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "number"),)

    id: Mapped[Identity]
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    material: Mapped[bool]
    author_id: Mapped[BigInt | None]
    author: Mapped[str] = mapped_column(Text)
    published_at: Mapped[Moment]


class LegalTextRow(TenantRow, Table):
    """A version's text in one language, as Markdown."""

    __tablename__ = "legal_text"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "version_id"], ["legal_version.tenant_id", "legal_version.id"]),
    )

    version_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    locale: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[str] = mapped_column(Text)


class LegalAcceptanceRow(TenantRow, Table):
    """Somebody accepted one version: when, from where, in which language they read it, and on which page (`Via`)."""

    __tablename__ = "legal_acceptance"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        ForeignKeyConstraint(["tenant_id", "version_id"], ["legal_version.tenant_id", "legal_version.id"]),
        UniqueConstraint("tenant_id", "user_id", "version_id"),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    version_id: Mapped[BigInt]
    at: Mapped[Moment]
    ip: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(Text)
