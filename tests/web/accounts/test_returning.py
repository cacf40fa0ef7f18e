"""Whose session is over comes back to where they were: a page with its query, a part of one, a form with its input."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from account_people import Browser, People
from copydesk.identity import Role
from form_posts import form_token, submit
from matrix_table import TABLE, Row
from site_seed import HOSTS

SETTINGS = "/notices/settings"
_PAGES = (
    *("/home", "/copying/", "/activity", "/wallets", "/studio", "/terminal", "/notices", "/watching", "/guest/live"),
    *("/strategies/<slug>/copy", "/strategies/<slug>/watch", "/strategies/<slug>/unwatch", "/invitation/"),
    "/account/preferences",
)
ROWS = [row for row in TABLE if row.path.startswith(_PAGES)]
HERE = f"http://{HOSTS['aurora']}"
_STANDS = {"<slug>": "dawn", "<token>": "a-token"}


def address_of(row: Row) -> str:
    found = re.sub(r"<int:\w+>", "7", row.path)
    for name, value in _STANDS.items():
        found = found.replace(name, value)
    return found


def told_in(address: str) -> tuple[str, dict[str, str]]:
    """Return the path of an address, and what its query says."""
    parts = urlsplit(address)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def way_in(page: str) -> tuple[str, dict[str, str]]:
    """Return where the button of a page leads."""
    found = re.search(r'class="button button--primary" href="([^"]+)"', page)
    assert found, "the page says no way on"
    return told_in(html.unescape(found.group(1)))


@pytest.fixture(scope="module")
def late(people: People) -> Browser:
    """The browser of somebody whose session was over a moment ago."""
    user = people.add(factor=True)
    browser = people.signed_in(user)
    people.set_session(user, expires_at=people.clock.at)
    return browser


@pytest.fixture(scope="module")
def late_token(late: Browser) -> str:
    return form_token(late)


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=lambda row: row.path)
def test_a_page_leads_to_the_sign_in_and_back_to_itself_with_its_query(late: Browser, row: Row) -> None:
    asked = f"{address_of(row)}?state=paused&before=9"
    answer = late.get(asked)
    assert answer.status_code == 303
    assert told_in(answer.location) == ("/account/sign-in", {"next": asked, "told": "ended"})
    part = late.get(asked, headers={"HX-Request": "true", "HX-Current-URL": f"{HERE}/home?state=paused"})
    assert (part.status_code, part.text) == (401, "")
    assert told_in(part.headers["HX-Redirect"])[1] == {"next": "/home?state=paused", "told": "ended"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "POST"], ids=lambda row: row.path)
def test_a_form_is_not_done_and_leads_to_the_sign_in_and_back_to_its_page(
    late: Browser, late_token: str, row: Row
) -> None:
    page = f"{HERE}/home?state=paused"
    answer = late.post(address_of(row), data={"csrf_token": late_token}, headers={"Referer": page})
    assert answer.status_code == 401
    assert "Nothing of what you sent was done." in answer.text
    path, query = way_in(answer.text)
    own = {"next": address_of(row)} if row.path in _KEPT else {"next": "/home?state=paused"}
    assert (path, query) == ("/account/sign-in", own)
    old = late.post(address_of(row), data={"csrf_token": "of another session"}, headers={"Referer": page})
    assert old.status_code == 403 and "This form is too old" in old.text
    assert way_in(old.text)[0] == own["next"].partition("?")[0]


_KEPT = frozenset(
    {
        *("/copying/<int:subscription_id>/allocation", "/copying/<int:subscription_id>/limits"),
        *("/studio/apply", "/studio/<slug>/announcements", "/studio/<slug>/invitations"),
        *("/wallets/<int:account_id>/move", "/notices/settings"),
    }
)


def test_a_form_stands_there_again_with_what_was_typed_once_and_for_the_same_person_alone(people: People) -> None:
    user, other = people.add(factor=True), people.add(factor=True)
    browser = people.signed_in(user)
    token = form_token(browser, SETTINGS)
    people.set_session(user, ended_at=people.clock.at)
    typed = {"csrf_token": token, "quiet_from": "22:15", "quiet_until": "06:45", "digest": "daily"}
    late = browser.post(SETTINGS, data=typed)
    assert late.status_code == 401 and "stands in the form again" in late.text
    assert way_in(late.text) == ("/account/sign-in", {"next": SETTINGS})

    stranger = people.signed_in(other)
    kept = browser.get_cookie("typed", domain=browser.host)
    assert kept is not None and kept.http_only
    stranger.set_cookie("typed", kept.value, domain=browser.host)
    assert 'value="22:15"' not in stranger.get(SETTINGS).text

    second = browser.sign_in(user.email, next=SETTINGS)
    assert told_in(second.location) == ("/account/factors/verify", {"next": SETTINGS})
    people.set_session(user, factor="totp", stepped_up_at=people.clock.at)
    page = browser.get(SETTINGS).text
    assert "What you typed is here again" in page
    assert all(f'value="{one}"' in page for one in ("22:15", "06:45"))
    assert 'value="22:15"' not in browser.get(SETTINGS).text, "it is given back once"


def test_what_was_typed_is_no_longer_given_back_after_a_quarter_of_an_hour(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    token = form_token(browser, SETTINGS)
    people.set_session(user, ended_at=people.clock.at)
    browser.post(SETTINGS, data={"csrf_token": token, "quiet_from": "22:15", "quiet_until": "06:45"})
    browser.sign_in(user.email)
    people.clock.pass_(minutes=16)
    people.set_session(user, factor="totp", stepped_up_at=people.clock.at)
    assert 'value="22:15"' not in browser.get(SETTINGS).text


def test_neither_a_secret_nor_an_order_waits_in_the_browser(people: People) -> None:
    user = people.add(role=Role.TRADER, factor=True)
    browser = people.signed_in(user)
    token = form_token(browser)
    people.set_session(user, ended_at=people.clock.at)
    for path, field in (
        ("/notices/webhook", "url"),
        ("/account/password", "password"),
        ("/keys/new/binance/enter", "secret"),
        ("/terminal/7/order", "qty"),
    ):
        answer = browser.post(path, data={"csrf_token": token, field: "dear-9"})
        assert answer.status_code == 401 and "send it once more" in answer.text
        assert "dear-9" not in answer.text and browser.get_cookie("typed", domain=browser.host) is None


def test_an_act_that_asks_for_a_factor_again_leads_there_and_back(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    token = form_token(browser)
    people.set_session(user, stepped_up_at=None)
    answer = browser.post("/wallets/7/move", data={"csrf_token": token, "amount": "25"})
    assert answer.status_code == 403
    assert way_in(answer.text) == ("/account/factors/step-up", {"next": "/wallets/7/move"})
    assert "stands in the form again" in answer.text


def test_the_browser_is_sent_nowhere_but_to_a_page_of_this_site(people: People, late: Browser, late_token: str) -> None:
    for address in ("https://elsewhere.example/home", "//elsewhere.example", f"{HERE}/no-such-page", "nothing"):
        answer = late.post("/copying/7/pause", data={"csrf_token": late_token}, headers={"Referer": address})
        assert way_in(answer.text)[1] == {"next": "/copying/7/pause"}
        part = late.get("/home/now", headers={"HX-Request": "true", "HX-Current-URL": address})
        assert "elsewhere" not in part.headers["HX-Redirect"]
    asked = submit(late, "/copying/7/attach")
    assert way_in(asked.text) == ("/account/sign-in", {})
