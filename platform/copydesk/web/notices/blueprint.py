"""The blueprint that the pages of notices join, and what they all work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, current_app, g, make_response, redirect, request

from copydesk.db import TenantSession
from copydesk.notices.settings import PRIVATE_TARGETS
from copydesk.tenancy import installation_value
from copydesk.web.database import whole_database
from copydesk.web.headers import leave_no_copy
from copydesk.web.port import Runtime

HOME = "/notices"
SETTINGS = f"{HOME}/settings"
UNPROCESSABLE = 422
_SEE_OTHER = 303
_ID_MAX = 2**63 - 1

notices = Blueprint("notices", __name__, url_prefix=HOME)
notices.after_request(leave_no_copy)


@contextmanager
def transaction() -> Iterator[TenantSession]:
    """Open a transaction of the brand; it commits at the end."""
    with whole_database().tenant(g.tenant_id) as session:
        yield session


def runtime() -> Runtime:
    made: Runtime = current_app.extensions["copydesk_runtime"]
    return made


def private_targets() -> bool:
    """Tell whether this installation lets messages go into private networks, as its tests do."""
    return installation_value(runtime().directory.defaults, PRIVATE_TARGETS, bool)


def go(path: str) -> Response:
    """Show another page with a fresh request, so that nothing is sent twice."""
    return make_response(redirect(path, code=_SEE_OTHER))


def before_asked() -> int | None:
    """Return where a list goes on, None for its beginning and for what is no place in it."""
    asked = request.args.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 and int(asked) else None


def known_id(number: int) -> int:
    """Return the number of a row; one that no row can have is nobody's."""
    return number if number <= _ID_MAX else 0
