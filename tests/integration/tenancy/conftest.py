"""A database without revisions for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from copydesk.db import Database
from settings_office import Office, open_office


@pytest.fixture
def office(tmp_path: Path, database_url: str, owner_url: str) -> Iterator[Office]:
    db = Database.connect(database_url, pool_size=2)
    yield open_office(db, tmp_path)
    db.dispose()
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("TRUNCATE setting_revision, brand_file")
        connection.execute("UPDATE tenant SET revision = 0, status = 'active', suspend_reason = ''")
