"""Sends forms the way a browser does: with the token that the page around the form carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copydesk.web.csrf import FIELD, HEADER
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_TOKEN = re.compile(rf'name="{FIELD}" value="([^"]+)"')
NO_PAGE = "/nothing-here"


def token_in(page: str) -> str:
    """Return the token of a page's first form, "" where it has none."""
    found = _TOKEN.search(page)
    return found.group(1) if found else ""


def form_token(browser: FlaskClient, page: str = NO_PAGE) -> str:
    """Visit a page and return its form's token; every brand with two languages has a form on each of its pages."""
    token = token_in(browser.get(page).text)
    assert token, f"no form on {page} carries a token"
    return token


def submit(
    browser: FlaskClient, path: str, data: Mapping[str, Any] | None = None, *, page: str = NO_PAGE, **options: Any
) -> TestResponse:
    """Post a form with the token found on `page`: name the page that holds the form to prove that it carries one."""
    return browser.post(path, data={FIELD: form_token(browser, page), **(data or {})}, **options)


def ask(browser: FlaskClient, method: str, path: str, *, page: str = NO_PAGE, **options: Any) -> TestResponse:
    """Send a change as a script does, with the token in a header: JSON, or any other method."""
    headers = {HEADER: form_token(browser, page), **dict(options.pop("headers", {}))}
    return browser.open(path, method=method, headers=headers, **options)
