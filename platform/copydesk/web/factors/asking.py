"""What every page of factors works with: whose factors, in which transaction, sealed by whom, and what comes after."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import g

from copydesk.identity.factors import Desk, Factors, Holder, Texter, factors_of, open_desk
from copydesk.web.access import second_factor_required
from copydesk.web.asking import runtime
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session, whole_database
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor


def own_desk() -> AbstractContextManager[Desk]:
    """Open a transaction on the visitor's own factors; it commits at the end."""
    return open_desk(whole_database(), runtime().identity_vault, holder(), current_time())


def holder() -> Holder:
    """Return the visitor as the owner of factors."""
    visitor = current_visitor()
    assert visitor.user_id is not None and visitor.role is not None, "a page of factors was shown to nobody"
    return Holder(
        tenant_id=g.tenant_id,
        user_id=visitor.user_id,
        role=visitor.role,
        email=visitor.email,
        session_id=visitor.session_id,
        ip=visitor.ip,
        locale=current_site().locale,
    )


def own_factors() -> Factors:
    """Return the visitor's factors, read once per request."""
    if "own_factors" not in g:
        g.own_factors = factors_of(brand_session(), holder().user_id)
    factors = g.own_factors
    assert isinstance(factors, Factors)
    return factors


def texter() -> Texter | None:
    """Return who carries the brand's text messages, None where nobody does."""
    return runtime().texter(current_site().tenant.slug)


def required() -> bool:
    """Tell whether the visitor must have a factor."""
    return second_factor_required(current_visitor())
