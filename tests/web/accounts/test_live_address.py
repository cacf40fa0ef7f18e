"""Where a page learns the address of its live events: of whoever is signed in, and of nobody else."""

from __future__ import annotations

import re

from account_people import Browser, People
from copydesk.web.me_grant import PURPOSE, me_grant

_STREAM = re.compile(r'<body data-live-me="([^"]+)">')


def test_every_page_of_a_signed_in_person_knows_their_own_stream(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    for path in ("/account", "/strategies"):
        page = browser.get(path).text
        (address,) = _STREAM.findall(page)
        origin, _, token = address.partition("/live/me?token=")
        assert origin == "http://aurora.localhost:8001"
        key = people.runtime.link_key(PURPOSE, "aurora")
        assert key is not None
        grant = me_grant(key, token, tenant="aurora", now=people.clock.at)
        assert grant is not None and grant.user_id == user.id
        assert "js/live." in page and "data-live-age" in page


def test_a_page_that_was_open_for_long_is_given_a_new_address(people: People) -> None:
    browser = people.signed_in(people.add(factor=True))
    first = browser.get("/account/live").get_json()["url"]
    people.clock.pass_(minutes=5)
    second = browser.get("/account/live")
    assert second.get_json()["url"].partition("=")[0] == first.partition("=")[0]
    assert second.get_json()["url"] != first
    assert second.headers["Cache-Control"] == "no-store"


def test_who_is_not_signed_in_or_not_yet_whole_knows_no_stream(people: People) -> None:
    visitor, half = people.browser(), people.browser()
    half.sign_in(people.add(factor=True).email)
    for browser in (visitor, half):
        assert _stream_of(browser) == []
        assert browser.get("/account/live").status_code == 303


def _stream_of(browser: Browser) -> list[str]:
    return _STREAM.findall(browser.get("/strategies").text)
