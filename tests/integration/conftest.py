"""What tests on PostgreSQL share: the module's database, and a brand on it whose rows go with the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.db import Database, TenantSession
from copydesk.tenancy import ensure_tenant

# As many as any test here works with at once; connections are opened when they are needed.
_CONNECTIONS_MAX = 16


@pytest.fixture(scope="module")
def db(database_url: str) -> Iterator[Database]:
    db = Database.connect(database_url, pool_size=_CONNECTIONS_MAX)
    yield db
    db.dispose()


@pytest.fixture
def session(db: Database) -> Iterator[TenantSession]:
    """A brand without strategies; what a test stores goes with it."""
    with db.installation() as opening:
        number = ensure_tenant(opening, "aurora")
    with db.tenant(number) as session:
        yield session
        session.rollback()
