"""An installation of one theme pair and a registry of a few settings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.kernel import Setting, SettingRegistry
from copydesk.tenancy import REFRESH_INTERVAL_MS
from tenant_site import GOOD, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    settings = SettingRegistry()
    for setting in (
        REFRESH_INTERVAL_MS,
        Setting("replication.slippage_bps_max", default=50, help="Bound.", minimum=1, maximum=300),
        Setting("replication.mode", default="ratio", help="Sizing.", choices=("ratio", "fixed")),
        Setting("replication.shards", default=1, help="Lanes.", scope="installation"),
        Setting("risk.loss_ratio_max", default=Decimal("0.2"), help="Stop.", minimum=0, maximum=1),
        Setting("risk.denied", default=[""], help="Pairs never copied."),
    ):
        settings.declare(setting)
    for folder in ("themes/plain", "themes/dense", "tenants", "config"):
        (tmp_path / folder).mkdir(parents=True)
    site = Site(tmp_path, settings)
    site.defaults.write_text("")
    return site


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def line_of() -> Callable[[str, str], int]:
    """Find the line that holds a fragment, so that tests do not count lines."""
    return lambda text, fragment: 1 + next(i for i, line in enumerate(text.splitlines()) if fragment in line)
