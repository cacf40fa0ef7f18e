"""Flask-SQLAlchemy on the installation's own metadata, with sessions tied to the request's brand."""

from __future__ import annotations

from flask import g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, SessionTransaction

from copydesk.db import Database, bind_tenant, metadata


class BrandSession(FlaskSession):
    """A session of the brand that the request's host named."""


@event.listens_for(BrandSession, "after_begin")
def _bind_each_transaction(_session: BrandSession, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = g.get("tenant_id")
    assert tenant_id is not None, "a database session was used before the request had a brand"
    bind_tenant(connection, tenant_id)


db = SQLAlchemy(metadata=metadata, session_options={"class_": BrandSession, "expire_on_commit": False})


def brand_session() -> Session:
    """Return this context's session; it begins a transaction of the brand when first used."""
    return db.session()


def is_reading() -> bool:
    """Tell whether this context has used its session already; asking that uses none."""
    return bool(db.session.registry.has()) and db.session().in_transaction()


def whole_database() -> Database:
    """Return the database as everybody else knows it, on this app's connections."""
    return Database(db.engine)


def database_revision() -> str | None:
    """Read which migration the database is on, without any brand."""
    with db.engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
