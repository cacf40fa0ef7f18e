"""What the pages of signed-in people ask of their request, whichever part of the site they belong to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from http import HTTPStatus

from flask import Response, current_app, g, make_response, redirect, request

from copydesk.db import TenantSession
from copydesk.web.database import whole_database
from copydesk.web.port import Runtime
from copydesk.web.visitor import current_visitor

SEE_OTHER = HTTPStatus.SEE_OTHER
UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
# Every number with so many digits is one that a row can have.
_DIGITS_MAX = 18


def runtime() -> Runtime:
    """Return the installation that this app serves."""
    made: Runtime = current_app.extensions["copydesk_runtime"]
    return made


def transaction() -> AbstractContextManager[TenantSession]:
    """Open a transaction of this brand: stored at the end of the block, and not at all where anything fails."""
    return whole_database().tenant(g.tenant_id)


def own_id() -> int:
    """Return whose pages these are: the visitor's own, always. Views with it run only for somebody who is signed in."""
    user_id = current_visitor().user_id
    assert user_id is not None, "a page of one's own was shown to nobody"
    return user_id


def go(path: str) -> Response:
    """Show another page with a fresh request, so that nothing is sent twice."""
    return make_response(redirect(path, code=SEE_OTHER))


def row_number(text: str) -> int | None:
    """Read the number of a row out of what was sent; None for what is the number of none."""
    known = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    return int(text) or None if known else None


def before_asked() -> int | None:
    """Return below which number a list goes on, None for its beginning and for what is no place in it."""
    return row_number(request.args.get("before", ""))
