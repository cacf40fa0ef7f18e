"""The outbox: mail that waits to be sent, and for some weeks what became of it."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Identity, Moment, Table, TenantRow


class Mail(TenantRow, Table):
    """One message to one address.

    `sealed_facts` is what only its reader may know, such as a link that signs in; emptied once the mail has left.
    `due_at` is when it is tried next; while somebody tries it, when it would be tried again if he died over it.
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_due", "tenant_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_mail_done", "tenant_id", "queued_at", postgresql_where=text("state <> 'waiting'")),
    )

    id: Mapped[Identity]
    recipient: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, str]] = mapped_column(JSONB)
    sealed_facts: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    failure: Mapped[str | None] = mapped_column(Text)
    queued_at: Mapped[Moment]
    due_at: Mapped[Moment]
    sent_at: Mapped[Moment | None]
