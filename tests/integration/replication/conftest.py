"""A pool on the module's database, and brands to open on it."""

from __future__ import annotations

import pytest
from copydesk.db import Database
from desk_site import Opens, Site, open_site


@pytest.fixture
def opens(db: Database) -> Opens:
    """Open a brand of this test's own; takes the keywords of `open_site`."""
    return lambda **terms: open_site(db, **terms)


@pytest.fixture
def site(opens: Opens) -> Site:
    """A brand with one follower of 1,000 USDT, by equity ratio; the leader is worth 100,000."""
    return opens()
