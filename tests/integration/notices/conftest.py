"""A brand on a fresh database for each module, with the first round done: what was before is history."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.db import Database
from notice_site import NoticeSite


@pytest.fixture(scope="module")
def notice_db(database_url: str) -> Iterator[Database]:
    db = Database.connect(database_url, pool_size=4)
    yield db
    db.dispose()


@pytest.fixture
def site(notice_db: Database) -> NoticeSite:
    """A strategy of its own for each test, and nothing that waits."""
    site = NoticeSite(notice_db)
    assert site.strategy.id
    site.rounds.go(site.tenant_id)
    return site
