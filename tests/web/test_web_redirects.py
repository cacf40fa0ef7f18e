"""A visitor is sent to pages of the same site only."""

from __future__ import annotations

import pytest
from copydesk.web.redirects import safe_next, safe_referrer


@pytest.mark.parametrize(
    "path", ("/", "/account", "/desk?x=1&y=//evil.example", "/a/../b", "/%2F%2Fevil.example", "/é")
)
def test_a_local_path_is_followed_with_its_query(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "target",
    (
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "/a\\b"),
        *("https://evil.example/", "javascript:alert(1)", "data:text/html,x", "evil.example", "", "account", "?x"),
        *("///evil.example", "/\x00", "/\u202e", "/\u2028", "/" + "a" * 2_000),
    ),
)
def test_anything_else_leads_home_or_to_where_the_caller_says(target: str) -> None:
    assert safe_next(target) == "/"
    assert safe_next(target, "/account") == "/account"


def test_nothing_asked_leads_home() -> None:
    assert safe_next(None) == "/"


@pytest.mark.parametrize(
    ("referrer", "path"),
    (
        ("https://evil.example/desk?token=1", "/desk"),
        ("https://x.example//evil.example", "/"),
        (None, "/"),
        ("x", "/"),
        ("http://[", "/"),
    ),
)
def test_the_page_that_one_came_from_is_a_path_of_ours_without_its_query(referrer: str | None, path: str) -> None:
    assert safe_referrer(referrer) == path
