"""The brands in memory follow their files, and one bad file harms nobody else."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from copydesk.kernel import ConfigError
from copydesk.tenancy import TenantDirectory
from tenant_site import Site


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


def directory(site: Site, clock: Hand | None = None) -> TenantDirectory:
    return TenantDirectory(site.tenants, site.defaults, settings=site.settings, clock=clock or Hand())


@pytest.fixture
def two(site: Site, good: str) -> Site:
    site.write("north", good)
    site.write("south", good.replace("north", "south"))
    return site


def test_a_host_finds_its_brand_whatever_its_case_port_or_final_dot(two: Site) -> None:
    brands = directory(two)
    for host in ("north.example", "North.Example:8000", "north.example."):
        found = brands.by_host(host)
        assert found is not None
        assert found.slug == "north"
    assert brands.by_host("unknown.example") is None
    assert brands.by_host("") is None
    assert [tenant.slug for tenant in brands.all()] == ["north", "south"]
    assert not brands.problems()


def test_a_bad_file_keeps_its_last_good_brand_and_leaves_the_others_alone(two: Site, good: str) -> None:
    brands = directory(two)
    two.write("north", "brand: [\n")
    two.write("south", good.replace("[north.example]", "[fresh.example]"))
    assert brands.refresh()
    kept = brands.by_host("north.example")
    assert kept is not None
    assert kept.name == "North"
    assert brands.by_host("fresh.example") is not None
    assert brands.by_host("south.example") is None
    assert {error.file for error in brands.problems()} == {str(two.tenants / "north" / "tenant.yaml")}


def test_a_mended_file_serves_again_and_its_problem_is_gone(two: Site, good: str) -> None:
    brands = directory(two)
    two.write("north", "")
    brands.refresh()
    two.write("north", good.replace("name: North", "name: Mended"))
    brands.refresh()
    north = brands.by_slug("north")
    assert north is not None
    assert north.name == "Mended"
    assert not brands.problems()


def test_a_file_that_is_bad_from_the_start_only_leaves_that_brand_out(two: Site) -> None:
    two.write("north", "schema: 1\n")
    brands = directory(two)
    assert [tenant.slug for tenant in brands.all()] == ["south"]
    assert brands.problems()


def test_the_brand_that_claims_a_taken_host_keeps_its_own(two: Site, good: str) -> None:
    brands = directory(two)
    two.write("north", good.replace("[north.example]", "[north.example, south.example]"))
    brands.refresh()
    south = brands.by_host("south.example")
    assert south is not None
    assert south.slug == "south"
    assert brands.by_host("north.example") is not None
    assert [error.key for error in brands.problems()] == ["brand.hosts.1"]


def test_at_the_start_the_older_file_keeps_a_contested_host(two: Site, good: str) -> None:
    late = two.write("north", good.replace("[north.example]", "[south.example]"))
    os.utime(two.tenants / "south" / "tenant.yaml", ns=(10**18, 10**18))
    os.utime(late, ns=(2 * 10**18, 2 * 10**18))
    brands = directory(two)
    assert [tenant.slug for tenant in brands.all()] == ["south"]


def test_a_host_moves_between_two_brands_in_one_refresh(two: Site, good: str) -> None:
    brands = directory(two)
    two.write("north", good.replace("[north.example]", "[south.example]"))
    two.write("south", good)
    brands.refresh()
    moved = brands.by_host("south.example")
    assert moved is not None
    assert moved.slug == "north"
    assert not brands.problems()


def test_a_new_folder_adds_a_brand_and_a_removed_folder_takes_it_away(two: Site, good: str) -> None:
    brands = directory(two)
    path = two.write("west", good.replace("north", "west"))
    brands.refresh()
    assert brands.by_slug("west") is not None
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    brands.refresh()
    assert brands.by_slug("west") is None


def test_nothing_changed_means_the_same_brands(two: Site) -> None:
    brands = directory(two)
    before = brands.all()
    assert not brands.refresh()
    assert all(a is b for a, b in zip(before, brands.all(), strict=True))


def test_an_asset_that_arrives_later_mends_the_brand(two: Site) -> None:
    (two.tenants / "north" / "logo.svg").unlink()
    brands = directory(two)
    assert brands.by_slug("north") is None
    (two.tenants / "north" / "logo.svg").write_text("<svg/>")
    brands.refresh()
    assert brands.by_slug("north") is not None


def test_bad_defaults_refuse_the_start_but_not_a_reload(two: Site) -> None:
    brands = directory(two)
    two.defaults.write_text("odd: 1\n")
    brands.refresh()
    assert brands.by_slug("north") is not None
    assert "odd" in brands.defaults_problem()
    with pytest.raises(ConfigError):
        directory(two)


def test_changed_defaults_reach_every_brand(two: Site) -> None:
    brands = directory(two)
    two.defaults.write_text("replication: {slippage_bps_max: 77}\n")
    brands.refresh()
    assert all(brand.cascade.defaults.values["replication.slippage_bps_max"] == 77 for brand in brands.all())


def test_a_refresh_waits_for_its_interval(two: Site) -> None:
    clock = Hand()
    brands = directory(two, clock)
    two.write("north", "")
    assert not brands.refresh_if_due()
    clock.seconds = 1.0
    assert brands.refresh_if_due()
    assert brands.problems()
