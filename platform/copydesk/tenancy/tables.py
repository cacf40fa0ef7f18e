"""The list of brands that this installation knows; everything else about a brand is in its YAML."""

from __future__ import annotations

from sqlalchemy import Integer, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Moment, Table


class TenantRecord(Table):
    """Give a brand's slug the small number that leads every key of its rows."""

    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
