"""The blueprint that the pages of a person's exchange keys join, and what they all work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, current_app, g, make_response, redirect

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.tenancy import Exchange
from copydesk.web.database import whole_database
from copydesk.web.headers import leave_no_copy
from copydesk.web.port import Runtime
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

HOME = "/keys"
UNPROCESSABLE = 422
_SEE_OTHER = 303

keys = Blueprint("keys", __name__, url_prefix=HOME)
keys.after_request(leave_no_copy)


@contextmanager
def transaction() -> Iterator[TenantSession]:
    """Open a transaction of the brand; it commits at the end."""
    with whole_database().tenant(g.tenant_id) as session:
        yield session


def own_id() -> int:
    """Return whose keys the pages are about: the visitor's own, always."""
    user_id = current_visitor().user_id
    assert user_id is not None, "a page of keys was shown to nobody"
    return user_id


def runtime() -> Runtime:
    made: Runtime = current_app.extensions["copydesk_runtime"]
    return made


def go(path: str) -> Response:
    """Show another page with a fresh request, so that nothing is sent twice."""
    return make_response(redirect(path, code=_SEE_OTHER))


def places() -> tuple[Exchange, ...]:
    """Return the exchanges on which this brand's accounts live."""
    return current_site().tenant.config.exchanges


def places_of(venue: str) -> tuple[Exchange, ...]:
    """Return the environments of one exchange; raises `NotFound` where the brand has none."""
    found = tuple(place for place in places() if place.venue == venue)
    if not found:
        raise NotFound("There is no such exchange here.")
    return found
