"""The ways into the operator's console: links that open it once, and the sessions that they began."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Identity, Moment, Table


class OperatorLink(Table):
    """A link that was printed: what is stored opens nothing, it is only a digest of what the link carries."""

    __tablename__ = "operator_link"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    made_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class OperatorSession(Table):
    """A browser that came in by a link; `ended_at` is when the operator ended it before its time."""

    __tablename__ = "operator_session"

    id: Mapped[Identity]
    digest: Mapped[str] = mapped_column(Text, unique=True)
    ip: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
