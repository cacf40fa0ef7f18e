"""Who starts over a bad file, or without a database, serves what others served last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from copydesk.kernel import Unavailable
from copydesk.tenancy import Head, LastGood, Overrides, Tenant, TenantDirectory
from copydesk.tenancy.overlay import hash_of
from tenant_site import GOOD, Site


class Panel:
    """One brand's panel, which can be out of reach."""

    def __init__(self) -> None:
        self.revision, self.name, self.away = 0, "", False

    def heads(self) -> dict[str, Head]:
        if self.away:
            raise Unavailable("what panels have set is not known: gone")
        return {"north": Head(1, self.revision)}

    def values(self, _tenant_id: int) -> Overrides:
        values = {"brand.name": self.name}
        return Overrides(self.revision, hash_of(values), values)

    def set(self, name: str) -> None:
        self.revision, self.name = self.revision + 1, name


@pytest.fixture
def panel() -> Panel:
    return Panel()


@pytest.fixture
def north(site: Site) -> Site:
    site.write("north", GOOD)
    return site


def process(site: Site, panel: Panel | None = None, folder: str = "kept") -> TenantDirectory:
    kept = LastGood(site.root / folder)
    return TenantDirectory(site.tenants, site.defaults, settings=site.settings, overrides=panel, last_good=kept)


def served(brands: TenantDirectory) -> Tenant:
    brand = brands.by_host("north.example")
    assert brand is not None
    return brand


def test_a_process_that_starts_over_a_bad_file_serves_what_the_others_serve(north: Site) -> None:
    first = process(north)
    north.write("north", "brand: [\n")
    second = process(north)
    assert served(second).name == "North"
    assert second.revision_hash == first.revision_hash
    (error,) = second.problems()
    assert error.file.endswith("tenant.yaml")
    north.write("north", GOOD.replace("name: North", "name: Mended"))
    second.refresh()
    assert (served(second).name, second.problems()) == ("Mended", ())


def test_a_process_that_starts_over_an_override_that_no_longer_fits_does_so_too(north: Site, panel: Panel) -> None:
    panel.set("West")
    process(north, panel)
    panel.set("")
    second = process(north, panel)
    assert (served(second).name, served(second).overrides.revision) == ("West", 1)
    assert [error.place for error in second.problems()] == ["panel revision 2"]


def test_a_process_that_starts_without_a_database_knows_what_panels_had_set(north: Site, panel: Panel) -> None:
    panel.set("West")
    process(north, panel)
    panel.away = True
    second = process(north, panel)
    assert served(second).name == "West"
    north.write("north", GOOD.replace("Copy with care", "Copy with calm"))
    second.refresh()
    assert (served(second).name, served(second).config.brand.tagline) == ("West", "Copy with calm")
    panel.away = False
    panel.set("East")
    assert second.refresh()
    assert served(second).name == "East"


def test_an_override_that_was_taken_back_meanwhile_is_not_kept(north: Site, panel: Panel) -> None:
    panel.set("West")
    process(north, panel)
    panel.away = True
    second = process(north, panel)
    panel.away, panel.revision = False, 0
    second.refresh()
    assert served(second).name == "North"


def test_what_is_kept_may_be_damaged_missing_or_impossible_to_write(north: Site) -> None:
    (north.root / "file").write_text("")
    for folder in ("file", "none"):
        assert served(process(north, folder=folder)).name == "North"
    process(north)
    for text in ("", "{}", "[]", '{"text": 7, "overrides": []}'):
        (north.root / "kept" / "north.json").write_text(text)
        north.write("north", "brand: [\n")
        assert process(north).by_slug("north") is None
        north.write("north", GOOD)


@pytest.mark.parametrize("newer", ["north", "south"])
def test_a_brand_keeps_its_hosts_from_one_that_asks_for_them_also_where_somebody_starts_then(
    north: Site, newer: str
) -> None:
    south = GOOD.replace("north.example", "south.example").replace("name: North", "name: South")
    north.write("south", south)
    first = process(north)
    claims = north.write("south", south.replace("[south.example]", "[south.example, north.example]"))
    held = north.tenants / "north" / "tenant.yaml"
    for path in (claims, held):
        os.utime(path, (1, 2 if path.parent.name == newer else 1))
    first.refresh()
    second = process(north)
    for brands in (first, second):
        assert served(brands).slug == "north"
        other = brands.by_host("south.example")
        assert other is not None
        assert other.hosts == ("south.example",)
        (error,) = brands.problems()
        assert error.expected == "a host that no other brand serves"
    assert second.revision_hash == first.revision_hash


def test_a_brand_that_is_gone_is_forgotten(north: Site) -> None:
    process(north)
    folder = north.tenants / "north"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    process(north)
    assert names(north.root / "kept") == []


def test_only_what_was_served_is_kept(north: Site) -> None:
    brands = process(north)
    before = (north.root / "kept" / "north.json").read_text()
    north.write("north", GOOD.replace("theme: plain", "theme: none"))
    brands.refresh()
    assert (north.root / "kept" / "north.json").read_text() == before
    assert names(north.root / "kept") == ["north.json"]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
