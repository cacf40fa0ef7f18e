"""The blueprint that a follower's pages join, and what they all work with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from flask import Blueprint, Response, g, make_response, redirect

from copydesk.audit import record
from copydesk.db import TenantSession
from copydesk.replication.own_copying import OwnCopying, own_one
from copydesk.risk.service import Ground, ground_of
from copydesk.web.clock import current_time
from copydesk.web.database import whole_database
from copydesk.web.headers import leave_no_copy
from copydesk.web.risk.prices import current_prices
from copydesk.web.site import current_site
from copydesk.web.visitor import current_actor, current_visitor

HOME = "/home"
UNPROCESSABLE = 422
_SEE_OTHER = 303

home = Blueprint("home", __name__)
home.after_request(leave_no_copy)


@contextmanager
def transaction() -> Iterator[TenantSession]:
    """Open a transaction of the brand; it commits at the end."""
    with whole_database().tenant(g.tenant_id) as session:
        yield session


def own_id() -> int:
    """Return whose subscriptions the pages are about: the visitor's own, always."""
    user_id = current_visitor().user_id
    assert user_id is not None, "a follower's page was shown to nobody"
    return user_id


def own(session: TenantSession, subscription_id: int) -> OwnCopying:
    """Return the visitor's subscription of that number; raises NotFound for anybody else's."""
    return own_one(session, own_id(), subscription_id)


def ground() -> Ground:
    """Return what the brand's limits stand on."""
    return ground_of(current_site().tenant)


def note(session: TenantSession, act: str, subject: str, **sides: Mapping[str, object] | None) -> None:
    """Write what was done into the brand's record; the last thing that a transaction does."""
    record(session, g.tenant_id, current_actor(), act, subject, at=current_time(), **sides)


def go(path: str) -> Response:
    """Show another page with a fresh request, so that nothing is sent twice."""
    return make_response(redirect(path, code=_SEE_OTHER))


def marks_now(places: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], Decimal]:
    """Return the marks of instruments by place and symbol, of those that are known and young enough."""
    prices = current_prices()
    return {
        (place, symbol): px
        for place, symbols in places.items()
        if (wanted := set(symbols))
        for symbol, px in prices.of(place, wanted).items()
    }
