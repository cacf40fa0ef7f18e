"""`copydesk bench tenants`: the brands that it makes, and the figures that it makes of two sites."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.bench.bars import TENANT_BARS, verdicts
from copydesk.bench.tenants import Measured, TenantsPlan, summarize, write_brands
from copydesk.bootstrap import declared_settings
from copydesk.cli import run
from copydesk.stack import RoleOptions
from copydesk.tenancy import TenantDirectory

ROOT = Path(__file__).parents[2]


def test_the_brands_that_it_makes_are_sound_and_differ_by_host(tmp_path: Path) -> None:
    root = write_brands(RoleOptions(root=ROOT, var_dir=tmp_path), "many", ["brand-0", "brand-1", "brand-2"])
    directory = TenantDirectory(root / "tenants", root / "config" / "defaults.yaml", settings=declared_settings())
    assert directory.problems() == ()
    assert [tenant.hosts for tenant in directory.all()] == [(f"brand-{number}.localhost",) for number in range(3)]


def test_what_each_further_brand_costs_is_held_against_its_bar() -> None:
    one = Measured(2.0, 100.0, 110.0, [10.0] * 100, [0.001] * 100)
    many = Measured(6.0, 110.0, 130.0, [10.5] * 100, [0.002] * 100)
    figures = summarize(TenantsPlan(tenants=11, pages=100), one, many)
    assert (figures["idle_tenant_mb"], figures["visited_tenant_mb"]) == (1.0, 2.0)
    assert (figures["page_p95_ratio"], figures["find_more_ms"]) == (1.05, 0.001)
    assert [verdict.figure for verdict in verdicts(figures, TENANT_BARS)] == [bar.figure for bar in TENANT_BARS]
    assert all(verdict.met for verdict in verdicts(figures, TENANT_BARS))
    late = summarize(TenantsPlan(tenants=11, pages=100), one, many._replace(started_s=11.0, page_ms=[12.0] * 100))
    assert [verdict.figure for verdict in verdicts(late, TENANT_BARS) if not verdict.met] == [
        "startup_s",
        "page_p95_ratio",
    ]


@pytest.mark.parametrize("words", (["--tenants", "1"], ["--pages", "0"]))
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "tenants", *words]) == 2
    assert f"Invalid value for '{words[0]}'" in capsys.readouterr().err
