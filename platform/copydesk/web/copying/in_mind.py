"""What somebody was about to copy when they had to connect an exchange account first: the way back from there."""

from __future__ import annotations

import re

from flask import Response

from copydesk.web.cookies import drop_cookie, read_cookie, set_cookie

_COOKIE, _AGE_S = "copying", 3_600
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def keep_in_mind(response: Response, slug: str) -> Response:
    """Have the browser remember for an hour what its visitor wants to copy."""
    set_cookie(response, _COOKIE, slug, age_s=_AGE_S)
    return response


def put_out_of_mind(response: Response) -> Response:
    """Have the browser forget it."""
    if read_cookie(_COOKIE):
        drop_cookie(response, _COOKIE)
    return response


def copy_in_mind() -> str:
    """Return the address of what the visitor was about to copy, "" where there is nothing."""
    slug = read_cookie(_COOKIE)
    return f"/strategies/{slug}/copy" if _SLUG.fullmatch(slug) else ""
