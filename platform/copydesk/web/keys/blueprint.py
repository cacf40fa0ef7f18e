"""The blueprint that the pages of a person's exchange keys join, and what they all work with."""

from __future__ import annotations

from flask import Blueprint

from copydesk.kernel import NotFound
from copydesk.tenancy import Exchange
from copydesk.web.headers import leave_no_copy
from copydesk.web.site import current_site

HOME = "/keys"

keys = Blueprint("keys", __name__, url_prefix=HOME)
keys.after_request(leave_no_copy)


def places() -> tuple[Exchange, ...]:
    """Return the exchanges on which this brand's accounts live."""
    return current_site().tenant.config.exchanges


def places_of(venue: str) -> tuple[Exchange, ...]:
    """Return the environments of one exchange; raises `NotFound` where the brand has none."""
    found = tuple(place for place in places() if place.venue == venue)
    if not found:
        raise NotFound("There is no such exchange here.")
    return found
