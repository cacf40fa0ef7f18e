"""The blueprint that a follower's pages join, and what they all work with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from flask import Blueprint, g

from copydesk.audit import record
from copydesk.db import TenantSession
from copydesk.replication.own_copying import OwnCopying, own_one
from copydesk.risk.service import Ground, ground_of
from copydesk.web.asking import own_id
from copydesk.web.clock import current_time
from copydesk.web.headers import leave_no_copy
from copydesk.web.risk.prices import current_prices
from copydesk.web.site import current_site
from copydesk.web.visitor import current_actor

HOME = "/home"

home = Blueprint("home", __name__)
home.after_request(leave_no_copy)


def own(session: TenantSession, subscription_id: int) -> OwnCopying:
    """Return the visitor's subscription of that number; raises NotFound for anybody else's."""
    return own_one(session, own_id(), subscription_id)


def ground() -> Ground:
    """Return what the brand's limits stand on."""
    return ground_of(current_site().tenant)


def note(session: TenantSession, act: str, subject: str, **sides: Mapping[str, object] | None) -> None:
    """Write what was done into the brand's record; the last thing that a transaction does."""
    record(session, g.tenant_id, current_actor(), act, subject, at=current_time(), **sides)


def marks_now(places: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], Decimal]:
    """Return the marks of instruments by place and symbol, of those that are known and young enough."""
    prices = current_prices()
    return {
        (place, symbol): px
        for place, symbols in places.items()
        if (wanted := set(symbols))
        for symbol, px in prices.of(place, wanted).items()
    }
