"""Telling an outage of PostgreSQL from a mistake of ours, for roles that outlive one."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# What the driver raises when the server is gone, is starting, or ends our session.
DATABASE_AWAY = (OperationalError, InterfaceError)


def first_line(error: DBAPIError) -> str:
    """Return the driver's own words, without the statement."""
    return (str(error.orig).strip() or type(error).__name__).splitlines()[0]
