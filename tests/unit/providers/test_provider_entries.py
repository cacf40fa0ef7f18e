"""An entry is held against what its provider needs, by file and line, before anybody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.kyc import kyc_errors
from copydesk.payments import PROVIDERS, gateway_errors
from copydesk.providers import Misfit, fits, shaped
from copydesk.tenancy import Tenant, load_tenant

ROOT = Path(__file__).parents[3]


def brand_with(tmp_path: Path, more: str) -> Tenant:
    folder = tmp_path / "tenants" / "aurora"
    folder.mkdir(parents=True)
    for file in (ROOT / "tenants" / "aurora").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    path = folder / "tenant.yaml"
    path.write_text(path.read_text() + more)
    loaded = load_tenant(path, themes_dir=ROOT / "themes", settings=declared_settings())
    assert isinstance(loaded, Tenant), loaded
    return loaded


def test_an_entry_with_all_that_its_provider_needs_fits() -> None:
    assert fits(PROVIDERS, "stripe", {"publishable_key": "pk_live_1"}, {"secret_key"}) == ()


def test_an_unknown_provider_is_told_which_there_are() -> None:
    (misfit,) = fits(PROVIDERS, "strip", {}, ())
    assert str(misfit) == (
        "provider: expected one of coinbase_commerce, coingate, nowpayments, paypal, stripe, found strip"
    )


def test_a_missing_field_and_an_unknown_one_are_both_named() -> None:
    found = fits(PROVIDERS, "paypal", {"environment": "tomorrow", "shop": "x"}, ())
    assert [one.field for one in found] == ["shop", "client_id", "environment", "client_secret"]


def test_a_key_in_the_wrong_field_is_noticed_and_not_told() -> None:
    stripe = PROVIDERS["stripe"]
    (misfit,) = shaped(stripe.secrets, {"secret_key": "pk_live_very_private"})
    assert misfit == Misfit("secret_key", "a value that begins with sk_ or rk_", "another beginning")


@pytest.mark.parametrize("value", ["two words", "a\nline", "ключ", "x" * 5_000])
def test_a_key_that_cannot_travel_in_a_header_is_refused(value: str) -> None:
    assert shaped(PROVIDERS["nowpayments"].secrets, {"api_key": value})


def test_a_file_s_gateways_are_checked_by_line(tmp_path: Path) -> None:
    brand = brand_with(tmp_path, "payments:\n  - provider: strip\n  - provider: paypal\n    public: {client_id: a}\n")
    errors = gateway_errors(brand)
    assert [(error.key, error.found) for error in errors] == [
        ("payments.0.provider", "strip"),
        ("payments.1.client_secret", "nothing"),
    ]
    assert all(error.line > 1 for error in errors)


def test_who_identifies_people_is_checked_too(tmp_path: Path) -> None:
    brand = brand_with(tmp_path, "kyc:\n  provider: onfido\n  secrets: {api_tokn: secret:onfido}\n")
    assert [error.key for error in kyc_errors(brand)] == ["kyc.api_tokn", "kyc.api_token"]
