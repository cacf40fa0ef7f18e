"""A brand on the module's database; what a test stores goes with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.db import Database, TenantSession
from copydesk.tenancy import ensure_tenant


@pytest.fixture(scope="module")
def db(database_url: str) -> Iterator[Database]:
    db = Database.connect(database_url, pool_size=2)
    yield db
    db.dispose()


@pytest.fixture
def session(db: Database) -> Iterator[TenantSession]:
    with db.installation() as opening:
        number = ensure_tenant(opening, "aurora")
    with db.tenant(number) as session:
        yield session
        session.rollback()
