"""The public pages of a brand."""

from __future__ import annotations

from datetime import datetime

from flask import Response, current_app, g, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.identity.languages import keep_language
from copydesk.kernel import NotFound
from copydesk.replication import desk as desk_reads
from copydesk.replication import leaderboard as strategy_reads
from copydesk.web.access import needs
from copydesk.web.database import brand_session, whole_database
from copydesk.web.page import render
from copydesk.web.public import samples
from copydesk.web.public.blueprint import public
from copydesk.web.public.offers import cost_of
from copydesk.web.redirects import safe_next, safe_referrer
from copydesk.web.risk.samples import risk_values
from copydesk.web.site import current_site, keep_locale
from copydesk.web.visitor import current_visitor

LANDING_CARDS = 3
LANDING_SIGNALS = 5
DESK_SIGNALS = 30
SORT_DEFAULT = "return"
_CURVE_AGE_S = 5


@public.get("/")
@needs(Permission.PUBLIC)
def landing() -> str:
    cards = strategy_reads.strategy_cards(brand_session(), now=_now(), sort=SORT_DEFAULT)[:LANDING_CARDS]
    recent = desk_reads.recent_signals(brand_session(), limit=LANDING_SIGNALS)
    return render("landing.html", cards=cards, desk=recent)


@public.get("/strategies")
@needs(Permission.PUBLIC)
def leaderboard() -> str:
    _require(current_site().features.leaderboard)
    asked = request.args.get("sort", SORT_DEFAULT)
    sort = asked if asked in strategy_reads.SORTS else SORT_DEFAULT
    cards = strategy_reads.strategy_cards(brand_session(), now=_now(), sort=sort)
    return render("leaderboard.html", cards=cards, sort=sort)


@public.get("/strategies/<slug>")
@needs(Permission.PUBLIC)
def strategy(slug: str) -> str:
    _require(current_site().features.strategy_pages)
    page = strategy_reads.strategy_page(brand_session(), slug, now=_now())
    return render("strategy.html", page=page, cost=cost_of(current_site().tenant))


@public.get("/strategies/<slug>/equity.json")
@needs(Permission.PUBLIC)
def equity(slug: str) -> Response:
    """Give the chart its numbers; a picture needs no more than a float's precision."""
    _require(current_site().features.strategy_pages)
    curve = strategy_reads.equity_curve(brand_session(), slug, now=_now())
    response = jsonify(
        at=[int(at.timestamp()) for at in curve.at],
        equity=[float(value) for value in curve.equity],
        drawdown=[float(value) for value in curve.drawdown],
    )
    response.headers["Cache-Control"] = f"private, max-age={_CURVE_AGE_S}"
    return response


@public.get("/desk")
@needs(Permission.PUBLIC)
def desk() -> str:
    _require(current_site().features.desk)
    return render("desk.html", signals=desk_reads.recent_signals(brand_session(), limit=DESK_SIGNALS))


@public.get("/desk/<int:signal_id>")
@needs(Permission.PUBLIC)
def receipt(signal_id: int) -> Response:
    """Show one signal with every follower's copy; htmx gets the receipt without the page around it."""
    _require(current_site().features.desk)
    detail = desk_reads.signal_detail(brand_session(), _row_id(signal_id))
    template = "partials/receipt.html" if "HX-Request" in request.headers else "receipt.html"
    response = current_app.make_response(render(template, detail=detail))
    response.vary.add("HX-Request")
    return response


@public.get("/_patterns")
@needs(Permission.PUBLIC)
def patterns() -> str:
    """Show every component of the theme with sample values."""
    return render("patterns.html", **samples.pattern_values(_now()), **risk_values(_now()))


@public.post("/language/<locale>")
@needs(Permission.PUBLIC)
def language(locale: str) -> AnyResponse:
    """Remember the visitor's language, with their account where they have one, and return to where they came from."""
    if locale not in current_site().tenant.config.locales:
        raise NotFound("This site is not available in that language.")
    if (visitor := current_visitor()).signed_in and visitor.user_id is not None:
        with whole_database().tenant(g.tenant_id) as session:
            keep_language(session, visitor.user_id, locale)
    answer = redirect(safe_next(request.form.get("next"), safe_referrer(request.referrer)), code=303)
    keep_locale(answer, locale)
    return answer


def _require(offered: bool) -> None:
    if not offered:
        raise NotFound("This site does not have that page.")


def _row_id(number: int) -> int:
    """Refuse numbers that no row can have; PostgreSQL's bigint ends at 2^63 − 1."""
    if number >= 2**63:
        raise NotFound("There is no such signal.")
    return number


def _now() -> datetime:
    now: datetime = current_app.extensions["copydesk_clock"].now()
    return now
