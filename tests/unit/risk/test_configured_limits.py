"""Limits in the installation's and the brand's files: what is wrong with them is told with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.kernel import ConfigError
from copydesk.risk.model import Scope
from copydesk.risk.profiles import Profile
from copydesk.risk.service import file_limits, ground_of, profile_of
from copydesk.tenancy import Tenant, TenantError, explain, load_defaults, load_tenant, tenant_files

ROOT = Path(__file__).parents[3]
AURORA = (ROOT / "tenants" / "aurora" / "tenant.yaml").read_text()
PLATFORM = """\
risk:
  platform_limits:
    - drawdown > 90 % of equity -> close_and_disarm
    - order > 5000 USDT -> shrink
    - order > 700 EUR -> shrink
"""
Loads = Callable[..., Tenant | list[TenantError]]


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    """Read the brand Aurora with a `risk` section, under the platform's limits."""

    def load(risk: str, platform: str = PLATFORM) -> Tenant | list[TenantError]:
        folder = tmp_path / "tenants" / "aurora"
        for place in (folder, tmp_path / "themes" / "aurora"):
            place.mkdir(parents=True, exist_ok=True)
        for name in ("logo.svg", "favicon.svg"):
            (folder / name).write_text("<svg/>")
        (tmp_path / "defaults.yaml").write_text(platform)
        (folder / "tenant.yaml").write_text(f"{AURORA}\n{risk}")
        defaults = load_defaults(tmp_path / "defaults.yaml", declared_settings())
        return load_tenant(folder / "tenant.yaml", defaults=defaults, settings=declared_settings())

    return load


def lines(*limits: str, key: str = "limits") -> str:
    return "\n".join(["risk:", f"  {key}:", *(f"    - {limit}" for limit in limits)]) + "\n"


def test_limits_of_the_platform_and_of_the_brand_are_read_in_the_brands_currency(loads: Loads) -> None:
    tenant = loads(lines("order > 1000 USDT -> shrink", "instruments in BTC/USDT, ETH/USDT -> block_opens"))
    assert isinstance(tenant, Tenant), tenant
    told = [(scoped.scope, scoped.limit.measure.value) for scoped in file_limits(tenant)]
    assert told == [
        (Scope.PLATFORM, "drawdown"),
        (Scope.PLATFORM, "order"),
        (Scope.TENANT, "order"),
        (Scope.TENANT, "instruments"),
    ]
    explained = explain(tenant, "risk.limits", declared_settings())
    assert explained.value == ["order > 1000 USDT -> shrink", "instruments in BTC/USDT, ETH/USDT -> block_opens"]
    assert explained.source.endswith(f"tenant.yaml:{len(AURORA.splitlines()) + 3}")


@pytest.mark.parametrize(
    ("limit", "expected", "found"),
    [
        ("lost > 5 % of equity -> close", "did you mean loss?", '"lost"'),
        ("loss > 250 % of equity -> warn", "loss from 0.1 to 100 %", "250 %"),
        ("loss > 5 % of equty -> close", "did you mean equity?", '"equty"'),
        ("loss > 5 % of equity -> shrink", "one of warn, block_opens, close", '"shrink"'),
        ("order > 9000 USDT -> shrink", "at most 5000 USDT, the platform's limit for order -> shrink", "9000 USDT"),
        ("drawdown > 95 % of equity -> warn", "at most 90 %, the platform's limit", "95 %"),
        ("order > 10 EUR -> shrink", "an amount in USDT for order -> shrink", "10 EUR"),
        (
            "exposure > 60 % of equity -> warn",
            "less than the 50 % of block_opens for exposure of equity -> warn",
            "60 %",
        ),
        ("instruments in BTC/USD -> block_opens", "a known instrument (did you mean BTC/USDT?)", '"BTC/USD"'),
    ],
)
def test_a_wrong_line_is_named_with_its_place_the_bound_and_the_value(
    loads: Loads, limit: str, expected: str, found: str
) -> None:
    errors = loads(lines("exposure > 50 % of equity -> block_opens", limit))
    assert isinstance(errors, list), "expected errors, the file loaded"
    (error,) = errors
    assert (error.key, error.line) == ("risk.limits.1", len(AURORA.splitlines()) + 5)
    assert expected in error.expected
    assert error.found == found


def test_of_two_lines_that_contradict_each_other_the_later_is_named(loads: Loads) -> None:
    errors = loads(lines("drawdown > 20 % of equity -> close", "drawdown > 30 % of equity -> warn"))
    assert isinstance(errors, list)
    assert [(error.key, error.found) for error in errors] == [("risk.limits.1", "30 %")]


def test_limits_are_a_list_of_lines(loads: Loads) -> None:
    errors = loads("risk: {limits: order > 5 USDT -> shrink}\n")
    assert isinstance(errors, list)
    assert [(error.key, error.expected) for error in errors] == [("risk.limits", "a list of texts")]


def test_the_platforms_limits_stand_in_the_installations_file_alone(loads: Loads) -> None:
    errors = loads(lines("order > 5 USDT -> shrink", key="platform_limits"))
    assert isinstance(errors, list)
    assert [error.key for error in errors] == ["risk.platform_limits"]


def test_a_wrong_limit_of_the_platform_refuses_the_start(loads: Loads) -> None:
    with pytest.raises(ConfigError, match=r"defaults\.yaml:4: risk\.platform_limits\.1: expected .*, found \"ordr\""):
        loads("", lines("positions > 5 -> block_opens", "ordr > 5 USDT -> shrink", key="platform_limits"))


def test_a_brand_may_write_a_profile_anew(loads: Loads) -> None:
    tenant = loads("risk:\n  profiles:\n    conservative:\n      - order > 100 {currency} -> shrink\n")
    assert isinstance(tenant, Tenant), tenant
    (limit,) = profile_of(ground_of(tenant), Profile.CONSERVATIVE)
    assert (limit.threshold.value, limit.threshold.currency) == (100, "USDT")


def test_a_profile_that_is_looser_than_the_platform_is_refused(loads: Loads) -> None:
    errors = loads("risk:\n  profiles:\n    aggressive:\n      - order > 6000 {currency} -> shrink\n")
    assert isinstance(errors, list)
    assert [(error.key, error.found) for error in errors] == [("risk.profiles.aggressive.0", "6000 USDT")]


def test_every_profile_fits_under_the_limits_that_are_shipped() -> None:
    defaults = load_defaults(ROOT / "config" / "defaults.yaml", declared_settings())
    for path in tenant_files(ROOT / "tenants"):
        tenant = load_tenant(path, defaults=defaults, settings=declared_settings())
        assert isinstance(tenant, Tenant), tenant
        assert all(profile_of(ground_of(tenant), profile) for profile in Profile)
