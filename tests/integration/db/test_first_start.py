"""What a new installation begins with: nobody, no brand, no key."""

from __future__ import annotations

import psycopg
from copydesk.db import metadata
from tenant_rows import ordered_tenant_tables

# One row each, made by the migrations: counts of changes, which begin at nothing.
_COUNTS = {"switch_version", "key_version", "terminal_version"}


def test_a_new_installation_has_no_account(owner_url: str) -> None:
    assert ordered_tenant_tables()
    with psycopg.connect(owner_url) as connection:
        filled = {
            name
            for name in metadata.tables
            if connection.execute(f"SELECT EXISTS (SELECT FROM {name})").fetchone() == (True,)
        }
    assert filled <= _COUNTS
