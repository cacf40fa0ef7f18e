"""Each language version of a public page has an address, and search engines are told which ones there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

Visit = Callable[[str], FlaskClient]
_LINK = re.compile(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">')
_CANONICAL = re.compile(r'<link rel="canonical" href="([^"]+)">')
_XHTML = "{http://www.w3.org/1999/xhtml}link"
_MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SITE = "http://aurora.localhost:8000"


def language_of(page: str) -> str:
    return page.partition('<html lang="')[2].partition('"')[0]


def test_an_address_can_name_a_language_and_leaves_no_cookie(visit: Visit) -> None:
    browser = visit("aurora")
    answer = browser.get("/strategies?lang=es", headers={"Accept-Language": "de"})
    assert language_of(answer.text) == "es"
    assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie.startswith("locale=")]
    assert language_of(browser.get("/strategies", headers={"Accept-Language": "de"}).text) == "de"


@pytest.mark.parametrize("asked", ["ar", "xx", "", "de-DE", "%00", "es%0d%0a"])
def test_a_language_that_the_brand_does_not_offer_changes_nothing(visit: Visit, asked: str) -> None:
    answer = visit("aurora").get(f"/strategies?lang={asked}", headers={"Accept-Language": "en"})
    assert (answer.status_code, language_of(answer.text)) == (200, "en")


def test_a_public_page_tells_its_own_address_and_each_languages(visit: Visit) -> None:
    page = visit("aurora").get("/strategies?lang=de&sort=return").text
    assert _CANONICAL.findall(page) == [f"{SITE}/strategies?lang=de"]
    assert _LINK.findall(page) == [
        ("en", f"{SITE}/strategies"),
        ("de", f"{SITE}/strategies?lang=de"),
        ("es", f"{SITE}/strategies?lang=es"),
        ("x-default", f"{SITE}/strategies"),
    ]


def test_every_version_tells_the_same_addresses_and_the_first_language_has_the_plain_one(visit: Visit) -> None:
    browser = visit("aurora")
    pages = [browser.get(f"/fees?lang={tag}").text for tag in ("en", "de", "es")]
    assert len({tuple(_LINK.findall(page)) for page in pages}) == 1
    assert [_CANONICAL.findall(page)[0] for page in pages] == [f"{SITE}/fees{q}" for q in ("", "?lang=de", "?lang=es")]


@pytest.mark.parametrize("path", ["/account/sign-in", "/nothing-here", "/_patterns"])
def test_pages_that_nobody_should_find_tell_no_address(visit: Visit, path: str) -> None:
    page = visit("aurora").get(path).text
    assert not _CANONICAL.search(page) and not _LINK.search(page)


def test_the_answer_says_that_it_differs_by_cookie_and_language(visit: Visit) -> None:
    answer = visit("aurora").get("/strategies")
    assert {"Cookie", "Accept-Language"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_the_map_of_the_site_lists_each_public_page_in_each_language(visit: Visit) -> None:
    answer = visit("aurora").get("/sitemap.xml")
    assert answer.content_type == "application/xml; charset=utf-8"
    urls = ElementTree.fromstring(answer.text)
    places = {url.findtext(f"{_MAP}loc"): [link.get("hreflang") for link in url.findall(_XHTML)] for url in urls}
    assert set(places) >= {f"{SITE}{path}" for path in ("/", "/desk", "/strategies", "/strategies/dawn", "/fees")}
    assert {tuple(tags) for tags in places.values()} == {("en", "de", "es", "x-default")}


def test_every_page_of_the_map_is_there(visit: Visit) -> None:
    browser = visit("boreal")
    urls = ElementTree.fromstring(browser.get("/sitemap.xml").text)
    paths = [str(url.findtext(f"{_MAP}loc")).removeprefix("http://boreal.localhost:8000") for url in urls]
    assert {browser.get(path).status_code for path in paths} == {200}


def test_search_engines_are_kept_out_of_everybodys_own_pages(visit: Visit) -> None:
    lines = visit("boreal").get("/robots.txt").text.splitlines()
    assert {"Disallow: /account", "Disallow: /staff", "Disallow: /panel", "Disallow: /keys"} <= set(lines)
    assert lines[-1] == "Sitemap: http://boreal.localhost:8000/sitemap.xml"
