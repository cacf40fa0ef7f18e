"""The demo account of each person who came as a guest; until when they are one stands with the person."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Moment, Table, TenantRow


class GuestDemo(TenantRow, Table):
    """Whose demo account is which: `lab_account` is its name at the simulated exchange, `intake_id` its key's way in.

    `keep_email` and `password_hash` wait for the link in a mail: what the person chose to become somebody by.
    """

    __tablename__ = "guest_demo"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        ForeignKeyConstraint(["tenant_id", "intake_id"], ["key_intake.tenant_id", "key_intake.id"]),
        Index("ix_guest_demo_intake_id", "tenant_id", "intake_id"),
    )

    user_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    lab_account: Mapped[str] = mapped_column(Text)
    intake_id: Mapped[BigInt]
    opened_at: Mapped[Moment]
    keep_email: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    kept_at: Mapped[Moment | None]
