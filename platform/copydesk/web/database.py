"""Flask-SQLAlchemy on the installation's own metadata, with sessions tied to the request's brand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction

from copydesk.db import Database, bind_tenant, metadata, require_open

# Pages send the same statements over and over: each is prepared when it is sent again, and the connection that was used
# last, which knows them, is used next.
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_size": 8,
    "pool_use_lifo": True,
    "pool_events": [(require_open, "checkout")],
    "connect_args": {"prepare_threshold": 1},
    "hide_parameters": True,
}


class BrandSession(FlaskSession):
    """A session of the brand that the request's host named. It reads and stores nothing."""

    def close(self) -> None:
        """Commit what was read: at a rollback the driver throws away every statement that it has prepared."""
        with suppress(SQLAlchemyError):
            if self.in_transaction():
                self.commit()
        super().close()


@event.listens_for(BrandSession, "after_begin")
def _bind_each_transaction(_session: BrandSession, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = g.get("tenant_id")
    assert tenant_id is not None, "a database session was used before the request had a brand"
    bind_tenant(connection, tenant_id, reading=True)


db = SQLAlchemy(metadata=metadata, session_options={"class_": BrandSession, "expire_on_commit": False})


def brand_session() -> Session:
    """Return this context's session; it begins a transaction of the brand when first used."""
    return db.session()


def is_reading() -> bool:
    """Tell whether this context has used its session already; asking that uses none."""
    return bool(db.session.registry.has()) and db.session().in_transaction()


def whole_database() -> Database:
    """Return the database as everybody else knows it, on this app's connections."""
    kept = current_app.extensions
    if "copydesk_database" not in kept:
        kept["copydesk_database"] = Database(db.engine)
    whole: Database = kept["copydesk_database"]
    return whole


def database_revision() -> str | None:
    """Read which migration the database is on, without any brand."""
    with db.engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
