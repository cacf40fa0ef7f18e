"""Keys of payment and identity providers: proved before they are kept, sealed, masked, published by name alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.providers import Outcome, Probe
from copydesk.tenancy.revisions import RevisionState
from flask import Flask
from panel_site import PanelSite, hidden_of, words
from provider_asking import Asking

KEY = "sk_live_0123456789abcdefghij"
STRIPE = {"provider": "stripe", "public:publishable_key": "pk_live_1", "key:secret_key": KEY}


@pytest.fixture
def asking(app: Flask, site: PanelSite) -> Iterator[Asking]:
    asking = Asking()
    app.extensions["copydesk_probe"] = asking
    site.runtime.secrets.kept.clear()
    yield asking
    del app.extensions["copydesk_probe"]


def published(site: PanelSite, typed: dict[str, str], path: str = "/panel/payments") -> None:
    """Have one owner enter keys and another one approve."""
    mara, nils = site.browser(name="Mara"), site.browser(name="Nils")
    proposed = mara.change(path, typed, "a new provider")
    assert proposed.status_code == 303, words(proposed)
    waits = nils.get(proposed.location)
    approved = nils.post(f"{proposed.location}/approve", data=hidden_of(waits))
    assert approved.status_code == 303, words(approved)


def test_keys_that_the_provider_takes_are_sealed_and_only_their_name_travels(site: PanelSite, asking: Asking) -> None:
    shown = site.browser().send("/panel/payments", STRIPE)
    assert shown.status_code == 200, words(shown)
    assert KEY not in shown.text
    (kept,) = site.runtime.secrets.kept.items()
    assert kept[0][0] == "aurora"
    assert kept[0][1].startswith("payment_stripe_secret_key_")
    assert kept[1] == KEY
    assert asking.asked[0][1].secrets == {"secret_key": KEY}


def test_a_second_person_puts_a_provider_into_service(site: PanelSite, asking: Asking) -> None:
    published(site, STRIPE)
    (gateway,) = site.brand().config.payments
    assert (gateway.provider, gateway.public) == ("stripe", {"publishable_key": "pk_live_1"})
    name = gateway.secrets["secret_key"].removeprefix("secret:")
    assert site.runtime.secrets.get("aurora", name) == KEY
    page = site.browser().get("/panel/payments")
    assert KEY not in page.text
    assert "••••••••ghij" in page.text


def test_keys_that_the_provider_refuses_are_refused_whole_in_its_words(site: PanelSite, asking: Asking) -> None:
    asking.answer = Probe(Outcome.REFUSED, 401, "Invalid API Key provided")
    refused = site.browser().send("/panel/payments", STRIPE | {"anyway": "yes"})
    assert refused.status_code == 422
    assert "Stripe refuses these keys: Invalid API Key provided" in words(refused)
    assert 'value="pk_live_1"' in refused.text
    assert KEY not in refused.text
    assert site.runtime.secrets.kept == {}
    assert site.revisions() == ()


def test_keys_that_nobody_could_prove_are_kept_only_where_somebody_says_so(site: PanelSite, asking: Asking) -> None:
    asking.answer = Probe(Outcome.UNREACHABLE, 0, "api.stripe.com: no answer in time")
    browser = site.browser()
    refused = browser.send("/panel/payments", STRIPE)
    assert refused.status_code == 422
    assert "Store these keys all the same" in words(refused)
    assert site.runtime.secrets.kept == {}
    assert browser.send("/panel/payments", STRIPE | {"anyway": "yes"}).status_code == 200
    assert len(site.runtime.secrets.kept) == 1


def test_a_test_of_keys_keeps_nothing(site: PanelSite, asking: Asking) -> None:
    tested = site.browser().send("/panel/payments", STRIPE | {"act": "test"})
    assert tested.status_code == 200
    assert "Stripe accepts these keys." in words(tested)
    assert KEY not in tested.text
    assert site.runtime.secrets.kept == {}


def test_stored_keys_are_tested_without_being_typed_again(site: PanelSite, asking: Asking) -> None:
    published(site, STRIPE)
    tested = site.browser().send("/panel/payments", {"provider": "stripe", "act": "test"})
    assert tested.status_code == 200, words(tested)
    assert asking.asked[-1][1].secrets == {"secret_key": KEY}


def test_a_new_key_gets_a_new_name_and_going_back_brings_the_old_one(site: PanelSite, asking: Asking) -> None:
    published(site, STRIPE)
    first = site.brand().config.payments[0].secrets["secret_key"]
    published(site, STRIPE | {"key:secret_key": KEY[::-1].replace("jihg", "sk_live_") + "zzzz"})
    second = site.brand().config.payments[0].secrets["secret_key"]
    assert first != second
    assert site.runtime.secrets.get("aurora", first.removeprefix("secret:")) == KEY
    back, mara = site.revisions()[1], site.browser(name="Mara")
    shown = mara.get(f"/panel/history/{back.id}")
    asked = mara.post(f"/panel/history/{back.id}/rollback", data=hidden_of(shown) | {"reason": "the old account"})
    assert asked.status_code == 303, words(asked)
    waits = site.revisions()[0]
    assert waits.state is RevisionState.PROPOSED
    assert site.brand().config.payments[0].secrets["secret_key"] == second
    nils = site.browser(name="Nils")
    nils.post(f"{asked.location}/approve", data=hidden_of(nils.get(asked.location)))
    assert site.brand().config.payments[0].secrets["secret_key"] == first


def test_a_field_that_lacks_is_named_before_anybody_is_asked(site: PanelSite, asking: Asking) -> None:
    refused = site.browser().send("/panel/payments", {"provider": "paypal", "key:client_secret": "x" * 30})
    assert refused.status_code == 422
    assert "Client ID: expected a value, found nothing." in words(refused)
    wrong = site.browser().send("/panel/payments", STRIPE | {"key:secret_key": "pk_live_other"})
    assert "Secret key: expected a value that begins with sk_ or rk_, found another beginning." in words(wrong)
    assert asking.asked == []


def test_another_secret_of_the_brand_cannot_be_named_as_a_key(site: PanelSite, asking: Asking) -> None:
    site.runtime.secrets.set("aurora", "smtp_password", "hunter2-of-the-mail-server")
    typed = {"provider": "stripe", "secret:secret_key": "secret:smtp_password"}
    refused = site.browser().send("/panel/payments", typed)
    assert refused.status_code == 422
    assert asking.asked == []


def test_an_unknown_provider_is_refused_by_name(site: PanelSite, asking: Asking) -> None:
    refused = site.browser().send("/panel/payments", {"provider": "strip"})
    assert refused.status_code == 422
    assert "expected one of coinbase_commerce, coingate, nowpayments, paypal, stripe, found strip" in words(refused)


def test_a_provider_is_taken_away_in_one_step(site: PanelSite, asking: Asking) -> None:
    published(site, STRIPE)
    shown = site.browser().send("/panel/payments", {"provider": "stripe", "gone": "yes"})
    assert shown.status_code == 200, words(shown)
    published(site, {"provider": "stripe", "gone": "yes"})
    assert site.brand().config.payments == ()


def test_who_identifies_people_is_entered_the_same_way(site: PanelSite, asking: Asking) -> None:
    typed = {
        "provider": "sumsub",
        "public:level_name": "basic-kyc-level",
        "key:app_token": "prd:0123456789abcdefghij",
        "key:secret_key": "0123456789abcdefghijklmnop",
    }
    published(site, typed, "/panel/kyc")
    kyc = site.brand().config.kyc
    assert kyc is not None
    assert kyc.provider == "sumsub"
    assert set(kyc.secrets) == {"app_token", "secret_key"}
    published(site, {"provider": "sumsub", "gone": "yes"}, "/panel/kyc")
    assert site.brand().config.kyc is None


def test_who_may_only_look_sees_masks_and_no_button(site: PanelSite, asking: Asking) -> None:
    published(site, STRIPE)
    page = site.browser("auditor").get("/panel/payments")
    assert "••••••••ghij" in page.text
    assert "Only test" not in page.text
    assert site.browser("auditor").send("/panel/payments", STRIPE).status_code == 403
