"""What is saved in one process holds in every other within two seconds, whole or not at all."""

from __future__ import annotations

import time

from copydesk.bootstrap import declared_settings
from copydesk.tenancy import DatabaseOverrides, TenantDirectory, TenantStatus
from settings_office import ROOT, Office
from sqlalchemy import text


def other_process(office: Office) -> TenantDirectory:
    return TenantDirectory(
        office.root / "tenants",
        ROOT / "config" / "defaults.yaml",
        themes_dir=ROOT / "themes",
        settings=declared_settings(),
        overrides=DatabaseOverrides(lambda: office.db),
    )


def test_a_panel_and_a_file_are_followed_by_every_process_within_two_seconds(office: Office) -> None:
    others = [other_process(office) for _ in range(2)]
    path = office.root / "tenants" / "boreal" / "tenant.yaml"
    began = time.monotonic()
    office.change({"brand.name": "Dawn", "brand.tagline": "Early"})
    path.write_text(path.read_text().replace("name: BOREAL", "name: North"))
    seen: set[tuple[str, str, str]] = set()
    while time.monotonic() - began < 2 and not all(is_new(brands) for brands in others):
        for brands in others:
            brands.refresh_if_due()
            aurora = brands.by_host("aurora.localhost")
            assert aurora is not None
            seen.add((aurora.name, aurora.config.brand.tagline, aurora.revision_hash))
    assert all(is_new(brands) for brands in others)
    assert len(seen) == 2
    office.directory.refresh()
    assert {brands.revision_hash for brands in others} == {office.directory.revision_hash}


def is_new(brands: TenantDirectory) -> bool:
    names = {brand.slug: brand.name for brand in brands.all()}
    return names == {"aurora": "Dawn", "boreal": "North"}


def test_a_brand_that_the_database_suspends_says_so_with_its_reason(office: Office) -> None:
    with office.db.installation() as session:
        session.execute(text("UPDATE tenant SET status = 'suspended', suspend_reason = 'unpaid' WHERE slug = 'aurora'"))
    brand = office.tenant
    assert (brand.status, brand.suspend_reason) == (TenantStatus.SUSPENDED, "unpaid")
    assert [one.status for one in office.directory.all() if one.slug == "boreal"] == [TenantStatus.ACTIVE]
