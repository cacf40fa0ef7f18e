"""How many notices wait for the visitor: one count for each page that shows the bell."""

from __future__ import annotations

from flask import g
from sqlalchemy.exc import SQLAlchemyError

from copydesk.notices.store import unread
from copydesk.web.asking import transaction
from copydesk.web.visitor import current_visitor


def unread_notices() -> int:
    """Count the visitor's notices that they have not read; 0 for strangers, and while the database is away."""
    if "unread_notices" not in g:
        try:
            g.unread_notices = _count()
        except SQLAlchemyError:
            g.unread_notices = 0
    return int(g.unread_notices)


def _count() -> int:
    visitor = current_visitor()
    if visitor.user_id is None or not visitor.signed_in:
        return 0
    with transaction() as session:
        return unread(session, visitor.user_id)
