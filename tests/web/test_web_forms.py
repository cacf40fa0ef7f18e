"""Changes are made by our own pages only: a form without this browser's token is refused, whatever else it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from copydesk.identity.access import Permission
from copydesk.web import create_app
from copydesk.web.access import needs
from copydesk.web.cookies import cookie_name
from copydesk.web.csrf import HEADER, bind_forms, csrf_token
from flask import Flask
from flask.testing import FlaskClient
from form_posts import ask, form_token, submit
from site_seed import HOSTS, FakeRuntime
from werkzeug.test import TestResponse

Visit = Callable[[str], FlaskClient]
OLD = "This form is too old. Load the page again."


class AuroraClient(FlaskClient):
    """A client on one brand's host."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, base_url=f"http://{HOSTS['aurora']}", **kwargs)


def test_a_form_with_its_pages_token_is_taken(visit: Visit) -> None:
    assert submit(visit("aurora"), "/language/de", page="/strategies").status_code == 303


@pytest.mark.parametrize("token", ("", "x", "é", "QUJD", "A" * 88))
def test_a_form_without_a_token_of_ours_is_refused_with_a_page_that_says_so(visit: Visit, token: str) -> None:
    browser = visit("aurora")
    browser.get("/strategies")
    answer = browser.post("/language/de", data={"csrf_token": token})
    assert answer.status_code == 403
    assert OLD in answer.text
    assert "Aurora" in answer.text
    assert "locale=" not in "".join(answer.headers.getlist("Set-Cookie"))


def test_a_token_is_worth_nothing_in_another_browser_or_brand(visit: Visit) -> None:
    token = form_token(visit("aurora"))
    for brand in ("aurora", "boreal"):
        other = visit(brand)
        other.get("/strategies")
        assert other.post("/language/en", data={"csrf_token": token}).status_code == 403


def test_a_token_without_the_cookie_that_it_belongs_to_is_refused(visit: Visit) -> None:
    browser = visit("aurora")
    token = form_token(browser)
    browser.delete_cookie("csrf", domain=HOSTS["aurora"])
    assert browser.post("/language/de", data={"csrf_token": token}).status_code == 403


def test_one_browsers_pages_carry_tokens_that_differ_and_all_work(visit: Visit) -> None:
    browser = visit("aurora")
    first, second = form_token(browser), form_token(browser)
    assert first != second
    assert [browser.post("/language/de", data={"csrf_token": token}).status_code for token in (second, first)] == [
        303,
        303,
    ]


def test_a_new_session_ends_the_forms_of_the_old_one(visit: Visit) -> None:
    browser = visit("aurora")
    visitor = form_token(browser)
    browser.set_cookie("session", "first", domain=HOSTS["aurora"])
    signed_in = form_token(browser)
    assert browser.post("/language/de", data={"csrf_token": visitor}).status_code == 403
    assert browser.post("/language/de", data={"csrf_token": signed_in}).status_code == 303
    browser.set_cookie("session", "second", domain=HOSTS["aurora"])
    assert browser.post("/language/de", data={"csrf_token": signed_in}).status_code == 403


@pytest.mark.parametrize("method", ("POST", "PUT", "PATCH", "DELETE"))
def test_every_changing_method_needs_the_token_and_a_script_may_send_it_in_a_header(
    runtime: FakeRuntime, method: str
) -> None:
    app = create_app(runtime)
    app.add_url_rule("/thing", "thing", needs(Permission.PUBLIC)(lambda: "changed"), methods=[method])
    app.test_client_class = AuroraClient
    browser = app.test_client()
    assert browser.open("/thing", method=method).status_code == 403
    assert browser.open("/thing", method=method, headers={HEADER: "x"}).status_code == 403
    assert ask(browser, method, "/thing").text == "changed"


def test_another_sites_page_is_refused_even_with_the_token(visit: Visit) -> None:
    headers = {"Origin": "https://evil.example"}
    assert submit(visit("aurora"), "/language/de", headers=headers).status_code == 403


def test_an_answer_that_begins_a_session_ties_its_forms_to_it(app: Flask, visit: Visit) -> None:
    address = f"http://{HOSTS['aurora']}"
    with app.test_request_context("/", base_url=address):
        app.preprocess_request()
        bind_forms("a new session")
        token = csrf_token()
    browser = visit("aurora")
    browser.set_cookie("session", "a new session", domain=HOSTS["aurora"])
    assert browser.post("/language/de", data={"csrf_token": token}).status_code == 303


def test_the_cookie_of_visitors_is_one_that_no_other_host_can_write(app: Flask) -> None:
    browser = app.test_client()
    answer = browser.get("/strategies", base_url=f"https://{HOSTS['aurora']}")
    [cookie] = [line for line in answer.headers.getlist("Set-Cookie") if "csrf" in line]
    assert cookie.startswith("__Host-csrf=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    again = browser.get("/strategies", base_url=f"https://{HOSTS['aurora']}")
    assert not again.headers.getlist("Set-Cookie")


def test_over_plain_http_a_cookie_goes_without_the_prefix(app: Flask) -> None:
    with app.test_request_context("/", base_url="http://aurora.localhost"):
        assert cookie_name("session") == "session"
    with app.test_request_context("/", base_url="https://aurora.localhost"):
        assert cookie_name("session") == "__Host-session"
