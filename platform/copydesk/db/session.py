"""Sessions that always know their tenant: the only way to reach a tenant's rows.

Every transaction begins with `set_config('app.tenant', …, true)`, which PostgreSQL's row-level security
reads (platform/docs/adr/0003-row-level-security.md). A session without a tenant sees global tables only.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from copydesk.kernel import ConfigError

# More than a replicator has lanes at work at once, so that none waits for a new connection; opened as they are needed.
CONNECTIONS_KEPT = 20

_SET_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")
_SET_READER = text("SELECT set_config('app.tenant', :tenant, true), set_config('transaction_read_only', 'on', true)")


def sqlalchemy_url(url: str, *, name: str = "DATABASE_URL") -> str:
    """Make any `postgres://` or `postgresql://` address one for the psycopg 3 driver.

    `name` is the variable that the address came from, for the error; the address itself may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if scheme not in {"postgres", "postgresql", "postgresql+psycopg"} or not separator:
        raise ConfigError(f"{name} must start with postgresql://, found {scheme if separator else 'no scheme'}")
    return f"postgresql+psycopg://{rest}"


def create_db_engine(url: str, *, pool_size: int = CONNECTIONS_KEPT) -> Engine:
    """Open a pool on PostgreSQL; connections are looked at before use, so that a restart heals."""
    engine = create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,  # An error message must never carry a row's content.
    )
    event.listen(engine, "checkout", require_open)
    return engine


def require_open(connection: DBAPIConnection, *_: object) -> None:
    """Have the pool connect anew where the server has hung up, or said anything unasked.

    The kernel knows; to ask the server (SQLAlchemy's `pool_pre_ping`) would cost a round trip for every transaction.
    """
    looked = select.poll()
    looked.register(connection.fileno(), select.POLLIN)
    if looked.poll(0):
        raise DisconnectionError("PostgreSQL has closed the connection")


def bind_tenant(connection: Connection, tenant_id: int, *, reading: bool = False) -> None:
    """Tie the running transaction to one tenant; one that is `reading` can store nothing from here on."""
    connection.execute(_SET_READER if reading else _SET_TENANT, {"tenant": str(tenant_id)})


class TenantSession(Session):
    """A session that belongs to exactly one tenant for its whole life."""

    tenant_id: int


@event.listens_for(TenantSession, "after_begin")
def _bind_each_transaction(session: TenantSession, _transaction: SessionTransaction, connection: Connection) -> None:
    bind_tenant(connection, session.tenant_id)


class Database:
    """Give out sessions: `tenant(id)` for a brand's rows, `installation()` for global tables."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._tenant_session = sessionmaker(engine, class_=TenantSession, expire_on_commit=False)
        self._session = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = CONNECTIONS_KEPT) -> Database:
        """Open a pool on `url`; nothing is sent to the server yet."""
        return cls(create_db_engine(url, pool_size=pool_size))

    @contextmanager
    def tenant(self, tenant_id: int) -> Iterator[TenantSession]:
        """Run one transaction as this tenant: commits at the end, rolls back on an exception."""
        session = self._tenant_session()
        session.tenant_id = tenant_id
        with session, session.begin():
            yield session

    @contextmanager
    def installation(self) -> Iterator[Session]:
        """Run one transaction without a tenant: tenant tables look empty and cannot be written."""
        with self._session() as session, session.begin():
            yield session

    def require_safe_role(self) -> None:
        """Refuse a database role that row-level security does not bind; errors name the remedy."""
        query = text("SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        try:
            with self.engine.connect() as connection:
                role, unbound = connection.execute(query).one()
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise ConfigError(f"PostgreSQL at DATABASE_URL refuses: {reason}") from error
        if unbound:
            raise ConfigError(
                f"DATABASE_URL connects as {role}, which bypasses row-level security; "
                "use a role without SUPERUSER and BYPASSRLS, such as copydesk_app"
            )

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
