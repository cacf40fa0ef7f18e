"""The views of the risk desk. Each declares what it needs; what it shows is read anew each time."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.web.access import needs as declares
from copydesk.web.asking import go
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.risk.access import granted, live_url, needs, refusal, remember
from copydesk.web.risk.blueprint import risk
from copydesk.web.risk.picture import OwnRisk, RiskDesk, read_own_risk, read_risk_desk
from copydesk.web.risk.prices import current_prices
from copydesk.web.risk.viewing import note_view
from copydesk.web.site import current_site


@risk.get("/enter")
@declares(Permission.VISIT)
def enter() -> AnyResponse:
    """Take the token of a link out of the address, and show the page that it opens."""
    token = request.args.get("token", "")
    grant = granted(token)
    if grant is None:
        return refusal()
    answer = go(grant.path)
    return remember(answer, token, grant)


@risk.get("")
@needs(Permission.RISK_READ)
def desk() -> str:
    return render("risk.html", desk=_desk(), live_url=live_url())


@risk.get("/now")
@needs(Permission.RISK_READ)
def desk_now() -> str:
    """Give the page its figures anew, without the page around them."""
    return render("partials/risk_now.html", desk=_desk())


@risk.get("/subscriptions/<int:subscription_id>")
@needs(Permission.RISK_OWN)
def own(subscription_id: int) -> str:
    return render("risk_own.html", own=_own(subscription_id), live_url=live_url())


@risk.get("/subscriptions/<int:subscription_id>/now")
@needs(Permission.RISK_OWN)
def own_now(subscription_id: int) -> str:
    """Give the page its figures anew, without the page around them."""
    return render("partials/risk_own_now.html", own=_own(subscription_id, again=True))


def _desk() -> RiskDesk:
    return read_risk_desk(current_site().tenant, current_prices(), current_time())


def _own(subscription_id: int, *, again: bool = False) -> OwnRisk:
    if subscription_id >= 2**63:
        raise NotFound("There is no such subscription.")
    found = read_own_risk(current_site().tenant, subscription_id, current_prices(), current_time())
    note_view(subscription_id, again=again, at=current_time())
    return found
