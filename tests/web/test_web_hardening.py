"""What a browser is told beside the page, whose page may ask for changes, and which host is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from copydesk.kernel import ConfigError
from copydesk.tenancy import SECURITY_CONTACT
from copydesk.web import create_app
from copydesk.web.client import client_ip
from copydesk.web.headers import clear_site_data
from flask import Flask, Response
from flask.testing import FlaskClient
from form_posts import submit
from site_seed import HOSTS, NOW, FakeRuntime

Visit = Callable[[str], FlaskClient]
SECURE = "https://aurora.localhost"


def test_over_tls_a_browser_is_told_to_stay_there(app: Flask) -> None:
    headers = app.test_client().get("/strategies", base_url=SECURE).headers
    assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "upgrade-insecure-requests" in headers["Content-Security-Policy"]
    plain = app.test_client().get("/strategies", base_url="http://aurora.localhost").headers
    assert "Strict-Transport-Security" not in plain
    assert "upgrade-insecure-requests" not in plain["Content-Security-Policy"]


def test_pages_may_ask_a_browser_for_passkeys_and_nothing_else(visit: Visit) -> None:
    rules = dict(
        rule.split("=") for rule in visit("aurora").get("/strategies").headers["Permissions-Policy"].split(", ")
    )
    assert {name for name, value in rules.items() if value != "()"} == {
        "publickey-credentials-create",
        "publickey-credentials-get",
    }
    asked = {"camera", "clipboard-read", "geolocation", "microphone", "payment", "usb", "serial", "hid"}
    assert asked <= set(rules)


@pytest.mark.parametrize("path", ("/", "/theme/core/css/base.css", "/nothing-here", "/risk", "/health"))
def test_every_answer_carries_the_fixed_headers(visit: Visit, path: str) -> None:
    headers = visit("aurora").get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Permitted-Cross-Domain-Policies"] == "none"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Referrer-Policy" in headers
    assert "Server" not in headers


@pytest.mark.parametrize("path", ("/", "/strategies", "/desk"))
def test_who_has_a_session_leaves_no_page_behind(visit: Visit, path: str) -> None:
    browser = visit("aurora")
    open_page = browser.get(path).headers
    assert (open_page["Cache-Control"], open_page["Referrer-Policy"]) == (
        "private, no-cache",
        "strict-origin-when-cross-origin",
    )
    browser.set_cookie("session", "a session", domain=HOSTS["aurora"])
    own_page = browser.get(path).headers
    assert (own_page["Cache-Control"], own_page["Referrer-Policy"]) == ("no-store", "same-origin")


@pytest.mark.parametrize("path", ("/account/sign-in", "/account/factors", "/staff", "/risk", "/keys"))
def test_pages_of_accounts_are_never_kept_even_before_anybody_signs_in(visit: Visit, path: str) -> None:
    assert "no-store" in visit("aurora").get(path).headers["Cache-Control"]


def test_a_session_that_ends_takes_what_the_browser_kept_with_it() -> None:
    assert clear_site_data(Response()).headers["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "http://aurora.localhost"}, 303),
        ({"Origin": "http://aurora.localhost", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://boreal.localhost"}, 403),
        ({"Origin": "http://aurora.localhost.evil.example"}, 403),
        ({"Origin": "http://aurora.localhost:8001"}, 403),
        ({"Origin": "http://aurora.localhost", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_a_change_is_taken_from_a_page_of_this_very_origin(visit: Visit, headers: dict[str, str], status: int) -> None:
    assert submit(visit("aurora"), "/language/de", headers=headers).status_code == status


def test_over_tls_a_page_that_came_without_it_changes_nothing(app: Flask) -> None:
    browser = app.test_client()
    refused = browser.post("/language/de", base_url=SECURE, headers={"Origin": "http://aurora.localhost"})
    assert "sent from another site" in refused.text
    too_old = browser.post("/language/de", base_url=SECURE, headers={"Origin": SECURE})
    assert "too old" in too_old.text


@pytest.mark.parametrize(
    "headers",
    (
        {"X-Forwarded-Host": "boreal.localhost"},
        {"X-Host": "boreal.localhost"},
        {"Forwarded": "host=boreal.localhost"},
        {"X-Original-URL": "/risk"},
        {"X-Rewrite-URL": "/risk"},
    ),
)
def test_no_header_but_host_says_whose_page_it_is(visit: Visit, headers: dict[str, str]) -> None:
    answer = visit("aurora").get("/strategies", headers=headers)
    assert answer.status_code == 200
    assert "Aurora" in answer.text and "BOREAL" not in answer.text
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("host", ("evil.example", "aurora.localhost.evil.example", "aurora.localhost@evil.example"))
def test_a_host_that_is_nobodys_gets_a_page_that_names_nobody(app: Flask, host: str) -> None:
    answer = app.test_client().get("/", headers={"Host": host})
    assert answer.status_code in {400, 404}
    assert "aurora" not in answer.text.lower() and host not in answer.text


@pytest.mark.parametrize("override", ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"))
def test_a_method_is_what_the_request_says_and_no_header_or_field_changes_it(visit: Visit, override: str) -> None:
    browser = visit("aurora")
    assert browser.get("/language/de", headers={override: "POST"}).status_code == 405
    assert browser.get("/language/de?_method=POST").status_code == 405
    answer = submit(browser, "/language/de", {"_method": "DELETE"}, headers={override: "DELETE"})
    assert answer.status_code == 303


def test_a_body_beyond_the_limit_gets_a_page_that_says_what_the_limit_is(visit: Visit) -> None:
    answer = submit(visit("aurora"), "/language/de", {"next": "/" * 70_000})
    assert answer.status_code == 413
    assert "Send at most 64 KiB here." in answer.text
    assert "Aurora" in answer.text


def test_the_visitors_address_is_told_by_known_proxies_alone(app: Flask) -> None:
    seen = {
        (peer, told): address_of(app, peer, told)
        for peer in ("127.0.0.1", "198.51.100.9", "::ffff:198.51.100.9", "")
        for told in ("203.0.113.7", "6.6.6.6, 203.0.113.7", "2001:DB8:0::1", "::ffff:203.0.113.7", "unknown", "")
    }
    assert seen["127.0.0.1", "203.0.113.7"] == seen["127.0.0.1", "6.6.6.6, 203.0.113.7"] == "203.0.113.7"
    assert seen["127.0.0.1", "2001:DB8:0::1"] == "2001:db8::1"
    assert seen["127.0.0.1", "::ffff:203.0.113.7"] == "203.0.113.7"
    assert seen["127.0.0.1", "unknown"] == seen["127.0.0.1", ""] == "127.0.0.1"
    assert {address for (peer, _), address in seen.items() if peer.endswith("198.51.100.9")} == {"198.51.100.9"}
    assert {address for (peer, _), address in seen.items() if not peer} == {""}


def address_of(app: Flask, peer: str, told: str) -> str:
    headers = {"X-Forwarded-For": told} if told else {}
    with app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": peer}):
        return client_ip()


def test_a_wrong_list_of_proxies_stops_the_site_from_starting(runtime: FakeRuntime) -> None:
    wrong = FakeRuntime(
        runtime.database_url, runtime.directory, tenant_ids=runtime.tenant_ids, trusted_proxies="proxy.example"
    )
    with pytest.raises(ConfigError, match="FORWARDED_ALLOW_IPS"):
        create_app(wrong)


def test_a_brand_says_where_its_weaknesses_are_reported(visit: Visit) -> None:
    answer = visit("aurora").get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == "mailto:security@aurora.example"
    assert lines["Canonical"] == "http://aurora.localhost/.well-known/security.txt"
    assert lines["Preferred-Languages"] == "en, de, es"
    days = (datetime.fromisoformat(lines["Expires"]) - NOW).days
    assert 80 < days < 365


def test_a_brand_without_a_contact_has_no_such_file(visit: Visit) -> None:
    assert visit("boreal").get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("contact", ("security@brand.example", "https://brand.example/report", ""))
def test_a_contact_is_a_mail_address_or_a_page(contact: str) -> None:
    assert SECURITY_CONTACT.check is not None
    assert list(SECURITY_CONTACT.check(contact, lambda _: None)) == []


@pytest.mark.parametrize(
    "contact", ("brand.example", "http://brand.example", "a@b", "a b@c.d", "a@b.c\nContact: x@y.z", "javascript:x")
)
def test_a_contact_of_another_form_is_refused(contact: str) -> None:
    assert SECURITY_CONTACT.check is not None
    assert [found.expected for found in SECURITY_CONTACT.check(contact, lambda _: None)] == [
        "a mail address or an https address"
    ]
