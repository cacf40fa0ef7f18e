"""The list of strategies, and the page of one: figures, months, closed positions, what followers really got."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from flask import Response, jsonify, request

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput
from copydesk.performance import board, page
from copydesk.performance.scoring import scheme_of
from copydesk.studio.terms import terms_of
from copydesk.web.access import needs
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.public import asked as asking
from copydesk.web.public.announcements import strategy_part
from copydesk.web.public.blueprint import public
from copydesk.web.public.figures import EARLY, groups_of, headline_of, histogram_of
from copydesk.web.public.offers import cost_of
from copydesk.web.public.questions import questions_of
from copydesk.web.site import current_site, require_offered
from copydesk.web.words import exchange_name

ROWS_A_PAGE = 25
CHART_DAYS = {"30": 30, "90": 90, "180": 180, "365": 365, "all": None}
CHART_DEFAULT = "90"
_CURVE_AGE_S = 5


@public.get("/strategies")
@needs(Permission.PUBLIC)
def leaderboard() -> str:
    require_offered(current_site().features.leaderboard)
    tenant = current_site().tenant
    venues = tuple(dict.fromkeys(exchange.venue for exchange in tenant.config.exchanges))
    asked = asking.asked_of(request.args, venues)
    after = request.args.get("after") or None
    try:
        found = board.leaderboard(
            brand_session(), asked.filters, asked.order, after=after, limit=ROWS_A_PAGE, now=current_time()
        )
    except InvalidInput:
        # A cursor of another list, or one that somebody typed: the list from its beginning.
        found = board.leaderboard(brand_session(), asked.filters, asked.order, limit=ROWS_A_PAGE, now=current_time())
        after = None
    return render(
        "leaderboard.html",
        asked=asked,
        cards=found.rows,
        total=found.total,
        more=asked.address(after=found.after) if found.after else "",
        begun=after is not None,
        picking=current_site().features.strategy_pages,
        choices=asking.choices() | {"exchange": [(venue, exchange_name(venue)) for venue in venues]},
        chosen=asked.chosen(tenant.config.currency),
        sorts=asking.sorts(asked),
        periods=asking.periods(asked),
    )


@public.get("/strategies/<slug>")
@needs(Permission.PUBLIC)
def strategy(slug: str) -> str:
    require_offered(current_site().features.strategy_pages)
    tenant, now, period = current_site().tenant, current_time(), chart_period()
    shown = page.standing(brand_session(), tenant, slug, now=now)
    terms = terms_of(brand_session(), shown.row.id, tenant)
    return render(
        "strategy.html",
        page=shown,
        card=shown.row,
        cost=replace(cost_of(tenant), share=terms.profit_share),
        terms=terms,
        questions=questions_of(shown, terms, tenant),
        period=period,
        periods=[(f"?period={key}", asking.period_words(key), key == period) for key in CHART_DAYS],
        headline=headline_of(shown, period),
        early=EARLY,
        curve=page.equity(brand_session(), shown.row.id, now=now, days=CHART_DAYS[period]),
        groups=groups_of(shown, tenant.config.currency),
        histogram=histogram_of(shown.truth),
        closed=page.closed_positions(brand_session(), shown.row.id, page=_page_number()),
        gates=scheme_of(tenant).gates,
        **strategy_part(shown.row.id),
    )


@public.get("/strategies/<slug>/equity.json")
@needs(Permission.PUBLIC)
def equity(slug: str) -> Response:
    """Give the chart its numbers, equity being 100 at the beginning; a picture needs no more precision than a float."""
    require_offered(current_site().features.strategy_pages)
    strategy_id = page.strategy_id_of(brand_session(), slug)
    curve = page.equity(brand_session(), strategy_id, now=current_time(), days=CHART_DAYS[chart_period()])
    first = next(iter(curve.index), Decimal(1)) or Decimal(1)
    response = jsonify(
        at=[int(at.timestamp()) for at in curve.at],
        equity=[float(value / first * 100) for value in curve.index],
        drawdown=[float(value) for value in curve.drawdown],
    )
    response.headers["Cache-Control"] = f"private, max-age={_CURVE_AGE_S}"
    return response


def chart_period() -> str:
    """Return over which time the page looks back; one that is not offered is the usual one."""
    asked = request.args.get("period", CHART_DEFAULT)
    return asked if asked in CHART_DAYS else CHART_DEFAULT


def _page_number() -> int:
    asked = request.args.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 7 and int(asked) else 1
