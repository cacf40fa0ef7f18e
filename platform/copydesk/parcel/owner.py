"""The database as the schema's owner, who alone moves sequences and takes lines off a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from copydesk.db import Database
from copydesk.kernel import ConfigError

_OWNS = text(
    "SELECT current_user, pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('tenant')"
)


@contextmanager
def as_owner(url: str, what: str) -> Iterator[Database]:
    """Open the database for `what` needs its owner; raises `ConfigError` for an address that is not the owner's."""
    if not url:
        raise ConfigError(f"the environment variable DATABASE_OWNER_URL is not set; {what} needs the schema's owner")
    db = Database.connect(url, pool_size=1)
    try:
        _require_owner(db, what)
        yield db
    finally:
        db.dispose()


def _require_owner(db: Database, what: str) -> None:
    try:
        with db.installation() as session:
            found = session.execute(_OWNS).one_or_none()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ConfigError(f"PostgreSQL at DATABASE_OWNER_URL refuses: {reason}") from error
    if found is None:
        raise ConfigError("the database at DATABASE_OWNER_URL was never migrated: run copydesk migrate first")
    if not found[1]:
        raise ConfigError(
            f"DATABASE_OWNER_URL connects as {found[0]}, which does not own the schema; {what} needs that"
        )
