"""Whoever reads this page: in which time zone they are told moments."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from copydesk.web.site import site_or_none
from copydesk.web.visitor import current_visitor


def reader_timezone() -> str | None:
    """Answer Flask-Babel: the zone that the visitor chose, else the brand's; without a brand, its own default holds."""
    site = site_or_none()
    if site is None:
        return None
    try:
        chosen = current_visitor().time_zone
    except SQLAlchemyError:
        chosen = ""  # While the database is away, everybody is a stranger to the page.
    return chosen or site.tenant.config.time_zone
