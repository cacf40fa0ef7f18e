"""Headers, files and failures: what a browser is told, and what nobody is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from copydesk.web import create_app
from copydesk.web.database import brand_session, db
from flask import Flask
from flask.testing import FlaskClient
from site_seed import HOSTS, FakeRuntime
from sqlalchemy import text

Visit = Callable[[str], FlaskClient]


def test_a_page_carries_every_security_header(visit: Visit) -> None:
    headers = visit("aurora").get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self' http://aurora.localhost:8001" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "private, no-cache"


def test_every_inline_block_carries_the_nonce_of_this_answer_only(visit: Visit) -> None:
    browser = visit("aurora")
    first, second = browser.get("/"), browser.get("/")
    nonces = [
        re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"]).group(1) for page in (first, second)
    ]
    assert nonces[0] != nonces[1]
    for page, nonce in zip((first, second), nonces, strict=True):
        blocks = re.findall(r"<(?:style|script)\b[^>]*>", page.text)
        assert blocks
        assert all(f'nonce="{nonce}"' in block for block in blocks)
        assert not re.search(r"\s(?:on\w+|style)=\"", page.text)


@pytest.mark.parametrize("brand", HOSTS)
def test_every_file_that_a_page_names_exists_and_is_kept_for_a_year(visit: Visit, brand: str) -> None:
    browser = visit(brand)
    named = set(re.findall(r'(?:href|src)="(/(?:theme|brand)/[^"]+)"', browser.get("/desk").text))
    assert len(named) > 5
    for address in named:
        answer = browser.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"], address
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_file_with_an_old_fingerprint_is_checked_again(visit: Visit) -> None:
    answer = visit("aurora").get("/theme/core/css/base.css?v=old")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = visit("aurora").get("/theme/core/css/base.css", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    (
        "/theme/boreal/css/base.css",
        "/theme/core/../../tenants/aurora/tenant.yaml",
        "/theme/core/..%2f..%2fsetup.cfg",
        "/brand/tenant.yaml",
        "/brand/../boreal/logo.svg",
        "/theme/core/css",
    ),
)
def test_nothing_but_public_files_of_this_brand_is_served(visit: Visit, path: str) -> None:
    assert visit("aurora").get(path).status_code == 404


@pytest.fixture
def broken_app(runtime: FakeRuntime) -> Iterator[Flask]:
    app = create_app(runtime)
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    app.add_url_rule("/broken/<token>", "broken_link", lambda token: 1 / 0)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_bug_shows_the_brands_page_and_no_inside(broken_app: Flask) -> None:
    answer = broken_app.test_client().get("/broken", headers={"Host": HOSTS["aurora"]})
    assert answer.status_code == 500
    assert "Aurora" in answer.text
    for inside in ("Traceback", "ZeroDivisionError", "division", ".py"):
        assert inside not in answer.text


def test_a_link_that_breaks_leaves_its_token_in_no_log(broken_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads logs must not be able to open the links of people's mails."""
    answer = broken_app.test_client().get("/broken/canary-7c1f", headers={"Host": HOSTS["aurora"]})
    assert answer.status_code == 500
    assert caplog.records and "canary-7c1f" not in caplog.text


def test_a_database_that_refuses_gives_503_with_a_hint_when_to_come_back(runtime: FakeRuntime) -> None:
    lost = FakeRuntime("postgresql://nobody@127.0.0.1:1/none", runtime.directory, tenant_ids=runtime.tenant_ids)
    browser = create_app(lost).test_client()
    answer = browser.get("/", headers={"Host": HOSTS["aurora"]})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "127.0.0.1" not in answer.text
    assert browser.get("/health").status_code == 503


def test_a_session_without_a_brand_raises(app: Flask) -> None:
    with app.app_context(), pytest.raises(AssertionError, match="before the request had a brand"):
        brand_session().execute(text("SELECT 1"))


def test_another_sites_form_is_refused(visit: Visit) -> None:
    answer = visit("aurora").post("/language/de", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert not any("locale" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_a_wrong_method_says_which_is_right(visit: Visit) -> None:
    answer = visit("aurora").post("/desk")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_body_beyond_the_limit_is_refused(visit: Visit) -> None:
    answer = visit("aurora").post("/language/de", data={"next": "/" * 70_000})
    assert answer.status_code == 413


def test_a_refused_act_leaves_a_line_that_says_who_and_what(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    assert visit("aurora").post("/language/en", data={}).status_code == 403
    ((values),) = [record.args for record in caplog.records if record.name == "copydesk.web.errors"]
    method, rule, code, brand, user, address = values
    assert (method, str(rule), code, user, address) == ("POST", "/language/<locale>", "form_too_old", None, "127.0.0.1")
    assert brand is not None
