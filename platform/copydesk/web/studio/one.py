"""One of a trader's strategies: how it stands, what it earned, what it can take, who follows it in numbers."""

from __future__ import annotations

from typing import Any

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.keys.store import keys_of
from copydesk.performance import page
from copydesk.performance.rows import read_rows
from copydesk.replication.readiness import lanes_of
from copydesk.studio.crowd import crowd_of, earnings_of
from copydesk.studio.model import OwnStrategy, Status
from copydesk.studio.report import whole_report
from copydesk.studio.reviewing import probation_ends
from copydesk.studio.settings import SLIPPAGE_BPS_BOUND
from copydesk.studio.terms import Terms, terms_of
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.home.outages import Outage, outages_of_followers
from copydesk.web.keys.key_words import place_name
from copydesk.web.page import render
from copydesk.web.public.figures import EARLY, histogram_of
from copydesk.web.public.strategies import CHART_DAYS, CHART_DEFAULT
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import mine, studio, tabs_of
from copydesk.web.studio.studio_words import capacity_sentence, positions_words, standing_of


@studio.get("/<slug>")
@needs(Permission.STRATEGIES_OWN)
def one(slug: str) -> str:
    with transaction() as session:
        own = mine(session, slug)
        terms = terms_of(session, own.id, current_site().tenant)
        values = frame(session, own, terms, "") | (_published(session, own, terms) if own.published else {})
    return render("studio/one.html", **values)


def frame(session: TenantSession, own: OwnStrategy, terms: Terms, here: str) -> dict[str, Any]:
    """Return what every page of a strategy shows: its state in words, its pages, its terms."""
    tenant = current_site().tenant
    return {
        "own": own,
        "standing": standing_of(own, probation_ends(own, tenant)),
        "terms": terms,
        "positions_words": positions_words,
        "place_name": place_name,
        "tabs": tabs_of(own, here, private=terms.private),
        "outages": _away(session, own) if own.published and own.status is not Status.CLOSED else (),
    }


def _away(session: TenantSession, own: OwnStrategy) -> tuple[Outage, ...]:
    """Return what keeps this strategy's trades from its followers now."""
    account = next((one for one in keys_of(session, own.trader_id) if one.account_id == own.account_id), None)
    if account is None:
        return ()
    return outages_of_followers(session, account, lanes_of(session, own.id), current_time())


def _published(session: TenantSession, own: OwnStrategy, terms: Terms) -> dict[str, Any]:
    tenant, now = current_site().tenant, current_time()
    (card,) = read_rows(session, [own.id], now=now, drawn=False)
    crowd = crowd_of(session, own.id)
    whole = whole_report(session, own.id, crowd, bound_bps=setting_value(tenant, SLIPPAGE_BPS_BOUND, int))
    return {
        "card": card,
        "period": CHART_DEFAULT,
        "early": EARLY,
        "curve": page.equity(session, own.id, now=now, days=CHART_DAYS[CHART_DEFAULT]),
        "page": crowd,
        "histogram": histogram_of(crowd.truth),
        "crowd": crowd,
        "earnings": earnings_of(session, own.id, terms, tenant),
        "capacity_words": capacity_sentence(whole.capacity, tenant.config.currency),
        "whole": whole,
    }
