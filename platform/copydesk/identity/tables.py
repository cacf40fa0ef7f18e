"""The users of each brand."""

from __future__ import annotations

from sqlalchemy import Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Identity, Moment, Table, TenantRow


class User(TenantRow, Table):
    """One person on one brand; the same person on two brands is two users."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("tenant_id", "email"),)

    id: Mapped[Identity]
    email: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
