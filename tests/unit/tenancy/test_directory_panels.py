"""A directory follows panels as it follows files: whole, only what changed, and with the last good when it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from copydesk.kernel import Unavailable
from copydesk.tenancy import Head, Overrides, Tenant, TenantDirectory, TenantStatus
from copydesk.tenancy.overlay import hash_of
from tenant_site import GOOD, Site


class Panels:
    """What panels have set, in memory; counts what is asked."""

    def __init__(self) -> None:
        self.sets: dict[str, tuple[Head, Overrides]] = {}
        self.away = False
        self.read: list[int] = []

    def set(self, slug: str, revision: int, **values: object) -> None:
        dotted = {key.replace("__", "."): value for key, value in values.items()}
        head = Head(10 + len(slug), revision)
        self.sets[slug] = (head, Overrides(revision, hash_of(dotted), dotted))

    def heads(self) -> Mapping[str, Head]:
        if self.away:
            raise Unavailable("what panels have set is not known: gone")
        return {slug: head for slug, (head, _) in self.sets.items()}

    def values(self, tenant_id: int) -> Overrides:
        if self.away:
            raise Unavailable("what panels have set is not known: gone")
        self.read.append(tenant_id)
        return next(overrides for head, overrides in self.sets.values() if head.tenant_id == tenant_id)


@pytest.fixture
def panels() -> Panels:
    return Panels()


@pytest.fixture
def two(site: Site) -> Site:
    site.write("north", GOOD)
    site.write("southern", GOOD.replace("north", "south"))
    return site


def directory(site: Site, panels: Panels) -> TenantDirectory:
    return TenantDirectory(site.tenants, site.defaults, settings=site.settings, overrides=panels)


def found(brands: TenantDirectory, slug: str) -> Tenant:
    brand = brands.by_slug(slug)
    assert brand is not None
    return brand


def test_a_change_in_a_panel_is_followed_and_other_brands_are_not_read_again(two: Site, panels: Panels) -> None:
    brands = directory(two, panels)
    before, hash_before = found(brands, "southern"), brands.revision_hash
    panels.set("north", 1, brand__name="West", brand__hosts=["west.example"])
    assert brands.refresh()
    assert found(brands, "north").name == "West"
    assert brands.by_host("west.example") is found(brands, "north")
    assert brands.by_host("north.example") is None
    assert found(brands, "southern") is before
    assert brands.revision_hash != hash_before
    assert not brands.refresh()


def test_the_start_sees_what_panels_have_set(two: Site, panels: Panels) -> None:
    panels.set("north", 3, brand__name="West")
    brands = directory(two, panels)
    assert found(brands, "north").name == "West"
    assert found(brands, "north").overrides.revision == 3


def test_an_override_that_does_not_validate_keeps_the_last_good_and_names_its_revision(
    two: Site, panels: Panels
) -> None:
    panels.set("north", 1, brand__name="West")
    brands = directory(two, panels)
    panels.set("north", 2, brand__name="")
    brands.refresh()
    assert found(brands, "north").name == "West"
    (error,) = brands.problems()
    assert (error.place, error.key) == ("panel revision 2", "brand.name")
    panels.set("north", 3, brand__name="East")
    brands.refresh()
    assert (found(brands, "north").name, brands.problems()) == ("East", ())


def test_a_panel_that_claims_a_taken_host_keeps_its_own(two: Site, panels: Panels) -> None:
    brands = directory(two, panels)
    panels.set("north", 1, brand__hosts=["south.example"])
    brands.refresh()
    assert found(brands, "north").hosts == ("north.example",)
    (error,) = brands.problems()
    assert error.place == "panel revision 1"
    assert "south.example, also in" in error.found


def test_without_an_answer_the_last_known_overrides_hold_while_files_are_followed(two: Site, panels: Panels) -> None:
    panels.set("north", 1, brand__name="West")
    brands = directory(two, panels)
    panels.set("north", 2, brand__name="East")
    panels.away = True
    assert not brands.refresh()
    assert "gone" in brands.overrides_problem()
    two.write("north", GOOD.replace("Copy with care", "Copy with calm"))
    assert brands.refresh()
    north = found(brands, "north")
    assert (north.name, north.config.brand.tagline) == ("West", "Copy with calm")
    panels.away = False
    assert brands.refresh()
    assert (found(brands, "north").name, brands.overrides_problem()) == ("East", "")


def test_a_panel_that_could_not_be_read_is_asked_again(two: Site) -> None:
    class Slow(Panels):
        def values(self, tenant_id: int) -> Overrides:
            self.away, refused = False, self.away
            if refused:
                raise Unavailable("what panels have set is not known: slow")
            return super().values(tenant_id)

        def heads(self) -> Mapping[str, Head]:
            return {slug: head for slug, (head, _) in self.sets.items()}

    panels = Slow()
    brands = directory(two, panels)
    panels.set("north", 1, brand__name="West")
    panels.away = True
    brands.refresh()
    assert found(brands, "north").name == "North"
    brands.refresh()
    assert found(brands, "north").name == "West"


def test_a_brand_whose_panel_is_not_known_at_the_start_waits_for_it(two: Site) -> None:
    class Deaf(Panels):
        def values(self, tenant_id: int) -> Overrides:
            raise Unavailable("what panels have set is not known: deaf")

    panels = Deaf()
    panels.set("north", 1, brand__name="West")
    brands = directory(two, panels)
    assert [brand.slug for brand in brands.all()] == ["southern"]
    assert brands.problems()[0].place == "panel revision 1"


def test_suspending_a_brand_reads_nothing_again_and_tells_why(two: Site, panels: Panels) -> None:
    panels.set("north", 1, brand__name="West")
    brands = directory(two, panels)
    read, before = list(panels.read), brands.revision_hash
    head, overrides = panels.sets["north"]
    panels.sets["north"] = (head._replace(status=TenantStatus.SUSPENDED, suspend_reason="unpaid"), overrides)
    assert brands.refresh()
    north = found(brands, "north")
    assert (north.status, north.suspend_reason, north.name) == (TenantStatus.SUSPENDED, "unpaid", "West")
    assert panels.read == read
    assert brands.revision_hash != before


def test_folders_that_begin_with_an_underscore_or_a_point_are_not_served(two: Site) -> None:
    two.write("_example", GOOD.replace("north", "example"))
    two.write(".draft", GOOD.replace("north", "draft"))
    brands = TenantDirectory(two.tenants, two.defaults, settings=two.settings)
    assert [brand.slug for brand in brands.all()] == ["north", "southern"]
    assert not brands.problems()


def test_a_file_is_taken_whole_however_it_is_written(two: Site) -> None:
    brands = TenantDirectory(two.tenants, two.defaults, settings=two.settings)
    path = two.tenants / "north" / "tenant.yaml"
    text = GOOD.replace("name: North", "name: West")
    seen = set()
    for length in range(0, len(text), 40):
        path.write_text(text[:length])
        brands.refresh()
        seen.add(found(brands, "north").name)
    assert seen == {"North"}
    replaced_by_rename(path, text)
    brands.refresh()
    assert found(brands, "north").name == "West"
    assert not brands.problems()


def test_a_file_that_vanishes_for_a_moment_keeps_its_brand_only_while_its_folder_stands(two: Site) -> None:
    brands = TenantDirectory(two.tenants, two.defaults, settings=two.settings)
    path = two.tenants / "north" / "tenant.yaml"
    path.rename(path.with_suffix(".old"))
    brands.refresh()
    assert found(brands, "north").name == "North"
    assert brands.problems()
    replaced_by_rename(path, GOOD.replace("name: North", "name: West"))
    brands.refresh()
    assert found(brands, "north").name == "West"


def replaced_by_rename(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
