"""Each provider is asked as its documentation says, its answer is understood, and no key is ever repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from copydesk.kernel import InvalidInput
from copydesk.kyc import PROVIDERS as KYC
from copydesk.payments import PROVIDERS as PAYMENTS
from copydesk.providers import Given, Outcome, Provider, probe
from provider_lab import ProviderLab, provider_lab

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALL = [*PAYMENTS.values(), *KYC.values()]


@pytest.fixture
def lab() -> Iterator[ProviderLab]:
    with provider_lab() as lab:
        yield lab


def keys_of(provider: Provider) -> Given:
    public = {one.name: f"{(*one.starts, '')[0]}public-{one.name}" for one in provider.public}
    secret = {one.name: f"{(*one.starts, '')[0]}hidden-{one.name}" for one in provider.secrets}
    return Given(public, secret)


@pytest.mark.parametrize("provider", ALL, ids=lambda one: one.name)
def test_keys_that_a_provider_takes_are_accepted(provider: Provider, lab: ProviderLab) -> None:
    lab.status = 404 if provider.name == "veriff" else 200
    found = probe(provider, keys_of(provider), base_url=lab.url, at=AT)
    assert found.ok
    assert len(lab.asked) == 1


@pytest.mark.parametrize("provider", ALL, ids=lambda one: one.name)
def test_keys_that_a_provider_refuses_are_refused_in_its_words_without_the_keys(
    provider: Provider, lab: ProviderLab
) -> None:
    given = keys_of(provider)
    lab.status = 401
    lab.answer = {"error": {"message": f"Invalid API Key provided: {' '.join(given.secrets.values())}"}}
    found = probe(provider, given, base_url=lab.url, at=AT)
    assert (found.outcome, found.status) == (Outcome.REFUSED, 401)
    assert found.said.startswith("Invalid API Key provided")
    assert "hidden-" not in repr(found)
    assert "hidden-" not in repr(given)


@pytest.mark.parametrize(
    ("name", "path", "header", "value"),
    [
        ("stripe", "/v1/balance", "authorization", "Bearer sk_hidden-secret_key"),
        ("nowpayments", "/v1/merchant/coins", "x-api-key", "hidden-api_key"),
        ("coinbase_commerce", "/charges?limit=1", "x-cc-api-key", "hidden-api_key"),
        ("coingate", "/v2/auth/test", "authorization", "Bearer hidden-api_key"),
        ("onfido", "/v3.6/webhooks", "authorization", "Token token=api_hidden-api_token"),
        ("persona", "/api/v1/inquiries?page[size]=1", "authorization", "Bearer persona_hidden-api_key"),
    ],
)
def test_a_question_only_reads_and_carries_the_key_as_documented(
    name: str, path: str, header: str, value: str, lab: ProviderLab
) -> None:
    provider = {**PAYMENTS, **KYC}[name]
    probe(provider, keys_of(provider), base_url=lab.url, at=AT)
    asked = lab.asked[0]
    assert (asked.method, asked.path, asked.headers[header]) == ("GET", path, value)


def test_paypal_is_asked_for_a_token_with_the_client_s_credentials(lab: ProviderLab) -> None:
    probe(PAYMENTS["paypal"], keys_of(PAYMENTS["paypal"]), base_url=lab.url, at=AT)
    asked = lab.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/oauth2/token", b"grant_type=client_credentials")
    pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == "public-client_id:hidden-client_secret"


def test_sumsub_is_asked_with_a_signature_over_second_method_and_path(lab: ProviderLab) -> None:
    probe(KYC["sumsub"], keys_of(KYC["sumsub"]), base_url=lab.url, at=AT)
    asked = lab.asked[0]
    signed = f"{int(AT.timestamp())}GET{asked.path}".encode()
    assert asked.headers["x-app-access-ts"] == str(int(AT.timestamp()))
    assert asked.headers["x-app-access-sig"] == hmac.new(b"hidden-secret_key", signed, hashlib.sha256).hexdigest()


def test_veriff_signs_the_session_that_is_asked_for(lab: ProviderLab) -> None:
    probe(KYC["veriff"], keys_of(KYC["veriff"]), base_url=lab.url, at=AT)
    asked = lab.asked[0]
    session = re.search(r"/v1/sessions/([0-9a-f-]+)/decision", asked.path)
    assert session
    expected = hmac.new(b"hidden-shared_secret", session.group(1).encode(), hashlib.sha256).hexdigest()
    assert asked.headers["x-hmac-signature"] == expected


def test_a_redirect_is_not_followed_and_proves_nothing(lab: ProviderLab) -> None:
    lab.status, lab.location = 302, f"{lab.url}/elsewhere"
    found = probe(PAYMENTS["stripe"], keys_of(PAYMENTS["stripe"]), base_url=lab.url, at=AT)
    assert found.outcome is Outcome.UNEXPECTED
    assert len(lab.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_another_answer_is_neither_yes_nor_no(status: int, lab: ProviderLab) -> None:
    lab.status, lab.answer = status, b"<html>busy</html>"
    found = probe(PAYMENTS["stripe"], keys_of(PAYMENTS["stripe"]), base_url=lab.url, at=AT)
    assert (found.outcome, found.status, found.said) == (Outcome.UNEXPECTED, status, "")


def test_a_provider_that_does_not_answer_is_unreachable_in_time(lab: ProviderLab) -> None:
    lab.silent = True
    found = probe(PAYMENTS["stripe"], keys_of(PAYMENTS["stripe"]), base_url=lab.url, timeout_s=0.2, at=AT)
    assert found.outcome is Outcome.UNREACHABLE
    assert found.said == "127.0.0.1: no answer in time"


def test_nobody_at_the_address_is_unreachable() -> None:
    with provider_lab() as gone:
        address = gone.url
    found = probe(PAYMENTS["stripe"], keys_of(PAYMENTS["stripe"]), base_url=address, at=AT)
    assert found.outcome is Outcome.UNREACHABLE


def test_long_words_of_a_provider_become_one_short_line(lab: ProviderLab) -> None:
    lab.status, lab.answer = 403, {"message": "no\n" * 500}
    found = probe(PAYMENTS["coingate"], keys_of(PAYMENTS["coingate"]), base_url=lab.url, at=AT)
    assert len(found.said) <= 160
    assert "\n" not in found.said


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "https://"])
def test_keys_leave_over_tls_or_stay_on_this_machine(url: str) -> None:
    with pytest.raises(InvalidInput):
        probe(PAYMENTS["stripe"], keys_of(PAYMENTS["stripe"]), base_url=url, at=AT)


@pytest.mark.parametrize("provider", ALL, ids=lambda one: one.name)
def test_every_address_of_a_provider_is_https(provider: Provider) -> None:
    assert all(url.startswith("https://") and not url.endswith("/") for url in provider.bases.values())
    assert provider.docs.startswith("https://")


def test_the_environment_chooses_the_address() -> None:
    paypal = PAYMENTS["paypal"]
    assert paypal.base_of(Given()) == "https://api-m.paypal.com"
    assert paypal.base_of(Given({"environment": "sandbox"})) == "https://api-m.sandbox.paypal.com"


@pytest.mark.parametrize("odd", ["sk_hidden\nkey", "sk_hidden\u20ac"])
def test_a_stored_key_that_cannot_be_sent_is_refused_without_a_word_of_it(odd: str, lab: ProviderLab) -> None:
    given = Given({}, {"secret_key": odd})
    found = probe(PAYMENTS["stripe"], given, base_url=lab.url, at=AT)
    assert found.outcome is Outcome.REFUSED
    assert "a key holds a character that none has" in found.said
    assert "hidden" not in repr(found)
    assert lab.asked == []
