"""The public pages of a brand."""

from __future__ import annotations

from flask import Response, current_app, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.identity.languages import keep_language
from copydesk.kernel import NotFound
from copydesk.performance import board
from copydesk.replication import desk as desk_reads
from copydesk.web.access import needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.public import samples
from copydesk.web.public.blueprint import public
from copydesk.web.redirects import safe_next, safe_referrer
from copydesk.web.risk.samples import risk_values
from copydesk.web.site import current_site, keep_locale, require_offered
from copydesk.web.visitor import current_visitor

LANDING_CARDS = 3
LANDING_SIGNALS = 5
DESK_SIGNALS = 30


@public.get("/")
@needs(Permission.PUBLIC)
def landing() -> str:
    cards = board.leaderboard(brand_session(), limit=LANDING_CARDS, now=current_time()).rows
    recent = desk_reads.recent_signals(brand_session(), limit=LANDING_SIGNALS)
    return render("landing.html", cards=cards, desk=recent)


@public.get("/desk")
@needs(Permission.PUBLIC)
def desk() -> str:
    require_offered(current_site().features.desk)
    return render("desk.html", signals=desk_reads.recent_signals(brand_session(), limit=DESK_SIGNALS))


@public.get("/desk/<int:signal_id>")
@needs(Permission.PUBLIC)
def receipt(signal_id: int) -> Response:
    """Show one signal with every follower's copy; htmx gets the receipt without the page around it."""
    require_offered(current_site().features.desk)
    detail = desk_reads.signal_detail(brand_session(), _row_id(signal_id))
    template = "partials/receipt.html" if "HX-Request" in request.headers else "receipt.html"
    response = current_app.make_response(render(template, detail=detail))
    response.vary.add("HX-Request")
    return response


@public.get("/_patterns")
@needs(Permission.PUBLIC)
def patterns() -> str:
    """Show every component of the theme with sample values."""
    return render("patterns.html", **samples.pattern_values(current_time()), **risk_values(current_time()))


@public.post("/language/<locale>")
@needs(Permission.PUBLIC)
def language(locale: str) -> AnyResponse:
    """Remember the visitor's language, with their account where they have one, and return to where they came from."""
    if locale not in current_site().tenant.config.locales:
        raise NotFound("This site is not available in that language.")
    if (visitor := current_visitor()).signed_in and visitor.user_id is not None:
        with transaction() as session:
            keep_language(session, visitor.user_id, locale)
    answer = go(safe_next(request.form.get("next"), safe_referrer(request.referrer)))
    keep_locale(answer, locale)
    return answer


def _row_id(number: int) -> int:
    """Refuse numbers that no row can have; PostgreSQL's bigint ends at 2^63 − 1."""
    if number >= 2**63:
        raise NotFound("There is no such signal.")
    return number
