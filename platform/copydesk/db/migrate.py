"""Run Alembic migrations from inside the package; no alembic.ini is needed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from copydesk.db.session import create_db_engine, sqlalchemy_url
from copydesk.kernel import ConfigError

_MIGRATIONS = Path(__file__).parent / "migrations"


def _alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = sqlalchemy_url(owner_url, name="DATABASE_OWNER_URL")
    return config


def migrate(owner_url: str) -> str:
    """Bring the schema to the newest revision and return its name; runs as the schema's owner.

    Raises ConfigError with one sentence where PostgreSQL cannot be reached.
    """
    config = _alembic_config(owner_url)
    try:
        command.upgrade(config, "head")
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ConfigError(f"migrations could not reach PostgreSQL: {reason}") from error
    return head_revision()


def head_revision() -> str:
    """Name the newest migration that this code ships."""
    script = ScriptDirectory(str(_MIGRATIONS))
    head = script.get_current_head()
    assert head is not None, "the package ships at least one migration"
    return head


def current_revision(url: str) -> str | None:
    """Read which migration the database is on; None where it was never migrated."""
    engine = create_db_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            known = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
            if known is None:
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    finally:
        engine.dispose()
