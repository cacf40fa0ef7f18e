"""What a panel sets lies above the file: whole, checked like the file, and named where it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from copydesk.tenancy import Layer, Origin, Overrides, Tenant, TenantError, explain, load_tenant, setting_value
from copydesk.tenancy.overlay import hash_of, overlaid
from copydesk.tenancy.settings import PLATFORM_RATIO
from copydesk.tenancy.values import fits
from tenant_site import GOOD, Site

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PERPETUAL = GOOD.replace("[BTC/USDT]", '[BTC/USDT, "BTC/USDT:USDT"]')


def overrides(values: dict[str, object], revision: int = 7) -> Overrides:
    origins = {key: Origin(revision, "Mara Lind", AT) for key in values}
    return Overrides(revision, hash_of(values), values, origins)


def load(site: Site, values: dict[str, object], text: str = GOOD) -> Tenant | list[TenantError]:
    return load_tenant(site.write("north", text), settings=site.settings, overrides=overrides(values))


def brand(site: Site, values: dict[str, object], text: str = GOOD) -> Tenant:
    loaded = load(site, values, text)
    assert isinstance(loaded, Tenant), loaded
    return loaded


def test_the_panel_stands_above_the_file(site: Site) -> None:
    slippage = "replication.slippage_bps_max"
    values = {"brand.name": "South", slippage: 70, "smtp.host": "mail.example", "smtp.from": "a@b.example"}
    tenant = brand(site, values, GOOD + "replication: {slippage_bps_max: 20}\n")
    assert (tenant.name, setting_value(tenant, site.settings[slippage], int)) == ("South", 70)
    assert tenant.config.smtp is not None
    assert tenant.config.smtp.from_address == "a@b.example"
    assert tenant.settings[slippage] == 70


def test_what_the_panel_set_is_explained_with_revision_author_and_time(site: Site) -> None:
    tenant = brand(site, {"brand.hosts": ["south.example"], "replication.slippage_bps_max": 70})
    told = explain(tenant, "replication.slippage_bps_max", site.settings)
    assert (told.value, told.layer) == (70, Layer.PANEL)
    assert told.source == "panel revision 7 by Mara Lind, 2026-03-01 09:30:00 UTC"
    assert explain(tenant, "brand.hosts", site.settings).layer is Layer.PANEL
    assert explain(tenant, "exchanges", site.settings).layer is Layer.TENANT
    assert explain(tenant, "brand.name", site.settings).source.endswith("tenant.yaml:3")


def test_a_list_or_map_is_replaced_as_a_whole(site: Site) -> None:
    text = PERPETUAL + 'markets: {BTC/USDT: {on: false}, "BTC/USDT:USDT": {leverage_max: 3}}\n'
    tenant = brand(site, {"markets": {"BTC/USDT:USDT": {"on": False}}, "locales": ["en"]}, text)
    (exchange,) = tenant.config.exchanges
    assert tenant.config.markets_of(exchange) == ("BTC/USDT",)
    assert tenant.config.terms_of("BTC/USDT:USDT").leverage_max is None
    assert tenant.config.locales == ("en",)


def test_a_wrong_override_names_its_revision_and_a_wrong_line_its_line(site: Site) -> None:
    errors = load(
        site,
        {"brand.colors.brand": "blue", "replication.slippage_bps_max": 900},
        GOOD.replace("locale_default: en", "locale_default: fr"),
    )
    assert isinstance(errors, list)
    places = {error.key: error.place for error in errors}
    assert places["brand.colors.brand"] == places["replication.slippage_bps_max"] == "panel revision 7"
    assert places["locale_default"].endswith("tenant.yaml:12")
    assert str(errors[0]).startswith("panel revision 7: brand.colors.brand: expected a color")


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused_like_any_wrong_value(site: Site, number: str) -> None:
    wrong = load(site, {"markets": {"BTC/USDT": {"payout_weekday_ratio": Decimal(number)}}})
    assert isinstance(wrong, list)
    assert [(error.key, error.expected) for error in wrong] == [
        ("markets.BTC/USDT.payout_weekday_ratio", "a number from 0 to 1")
    ]
    assert not fits(PLATFORM_RATIO, Decimal(number))


def test_an_override_that_the_file_no_longer_carries_is_refused_at_its_place(site: Site) -> None:
    errors = load(site, {"markets": {"ETH/USDT": {"on": False}}})
    assert isinstance(errors, list)
    assert [(error.place, error.found) for error in errors] == [("panel revision 7", "ETH/USDT")]


def test_the_hash_is_the_same_for_the_same_values_alone(site: Site) -> None:
    first, again = brand(site, {"brand.name": "South"}), brand(site, {"brand.name": "South"})
    assert len(first.revision_hash) == 12
    assert first.revision_hash == again.revision_hash
    others = {brand(site, {}).revision_hash, brand(site, {"brand.name": "West"}).revision_hash}
    others.add(brand(site, {"brand.name": "South"}, GOOD + "# A comment.\n").revision_hash)
    assert len(others | {first.revision_hash}) == 4


def test_an_asset_is_a_file_or_stored(site: Site) -> None:
    name = "0" * 32 + ".svg"
    tenant = brand(site, {"brand.logo": f"stored:{name}"})
    assert tenant.config.brand.logo is not None
    assert tenant.asset(tenant.config.brand.logo) == (None, name)
    assert tenant.asset("favicon.svg").path == tenant.path.parent / "favicon.svg"


def test_overlaying_leaves_the_file_s_values_as_they_were() -> None:
    data: dict[str, object] = {"brand": {"colors": {"brand": "#112233"}}, "smtp": None}
    result = overlaid(data, {"brand.colors.up": "#000000", "smtp.host": "mail.example", "fees.share": Decimal("0.1")})
    assert data == {"brand": {"colors": {"brand": "#112233"}}, "smtp": None}
    assert result == {
        "brand": {"colors": {"brand": "#112233", "up": "#000000"}},
        "smtp": {"host": "mail.example"},
        "fees": {"share": Decimal("0.1")},
    }


@pytest.mark.parametrize(("schema", "theme"), [(1, "boreal"), (2, "obsidian")])
def test_an_older_file_is_read_as_what_it_means_today(site: Site, schema: int, theme: str) -> None:
    (site.root / "themes" / "obsidian").mkdir()
    text = GOOD.replace("schema: 2", f"schema: {schema}").replace("theme: plain", f"theme: {theme}")
    tenant = site.tenant(text)
    assert (tenant.config.schema_version, tenant.theme) == (2, "obsidian")
