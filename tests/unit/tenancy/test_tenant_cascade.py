"""Which layer a value comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.kernel import ConfigError, NotFound, registry
from copydesk.tenancy import (
    FEATURE_DESK,
    Layer,
    Tenant,
    declarations,
    explain,
    load_defaults,
    load_tenant,
    setting_value,
)
from tenant_site import Site


def load(site: Site, text: str, defaults: str) -> Tenant:
    site.defaults.write_text(defaults)
    layer = load_defaults(site.defaults, site.settings)
    tenant = load_tenant(site.write("north", text), defaults=layer, settings=site.settings)
    assert isinstance(tenant, Tenant), tenant
    return tenant


def test_the_strongest_layer_that_speaks_decides(site: Site, good: str) -> None:
    slippage = "replication.slippage_bps_max"
    silent = load(site, good, "")
    installed = load(site, good, "replication:\n  slippage_bps_max: 60\n")
    branded = load(site, good + "replication: {slippage_bps_max: 70}\n", "replication: {slippage_bps_max: 60}\n")
    explained = [explain(tenant, slippage, site.settings) for tenant in (silent, installed, branded)]
    assert [(e.value, e.layer) for e in explained] == [
        (50, Layer.CODE),
        (60, Layer.INSTALLATION),
        (70, Layer.TENANT),
    ]
    assert explained[1].source == f"{site.defaults}:2"
    assert setting_value(branded, site.settings[slippage], int) == 70


def test_keys_of_the_brand_itself_are_explained_too(site: Site, good: str) -> None:
    tenant = site.tenant(good)
    assert explain(tenant, "brand.hosts", site.settings).source == f"{tenant.path}:5"
    assert explain(tenant, "currency", site.settings).layer is Layer.CODE
    assert explain(tenant, "exchanges.0.environment", site.settings).value == "lab"


def test_an_unknown_key_suggests_the_closest(site: Site) -> None:
    with pytest.raises(NotFound, match=r"did you mean replication\.slippage_bps_max"):
        explain(site.tenant(), "slippage_bps", site.settings)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("replication:\n  odd: 1\n", r"defaults\.yaml:2: replication\.odd"),
        ("replication:\n  shards: many\n", r"defaults\.yaml:2: replication\.shards: expected a whole number"),
        ("- 1\n", "a map of settings"),
        ("a: [\n", r"defaults\.yaml:2:1"),
    ],
)
def test_a_wrong_defaults_file_is_one_error_naming_file_and_key(site: Site, text: str, part: str) -> None:
    site.defaults.write_text(text)
    with pytest.raises(ConfigError, match=part):
        load_defaults(site.defaults, site.settings)


def test_a_missing_defaults_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a readable file"):
        load_defaults(tmp_path / "none.yaml")


def test_declarations_import_what_the_caller_names() -> None:
    assert declarations(["copydesk.tenancy.settings"]) is registry
    assert FEATURE_DESK.key in registry
