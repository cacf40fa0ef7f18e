"""What everybody may read: the leaderboard, one strategy, its curve, several beside each other, the description."""

from __future__ import annotations

from flask import Response

from copydesk.identity.access import Permission
from copydesk.performance import board, page
from copydesk.web.access import needs
from copydesk.web.api import asked
from copydesk.web.api.blueprint import answer, api
from copydesk.web.api.described import description
from copydesk.web.api.shapes import equity_shape, plain, row_shape, standing_shape
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.site import current_site, require_offered


@api.get("/strategies")
@needs(Permission.PUBLIC)
def strategies() -> Response:
    require_offered(current_site().features.leaderboard)
    found = board.leaderboard(
        brand_session(), asked.filters(), asked.sort(), after=asked.cursor(), limit=asked.limit(), now=current_time()
    )
    rows = [row_shape(row) for row in found.rows]
    return answer({"strategies": rows, "total": found.total, "next": found.after, "currency": _currency()})


@api.get("/strategies/<slug>")
@needs(Permission.PUBLIC)
def strategy(slug: str) -> Response:
    require_offered(current_site().features.strategy_pages)
    found = page.standing(brand_session(), current_site().tenant, slug, now=current_time())
    return answer({**standing_shape(found), "currency": _currency()})


@api.get("/strategies/<slug>/equity")
@needs(Permission.PUBLIC)
def equity(slug: str) -> Response:
    require_offered(current_site().features.strategy_pages)
    strategy_id = page.strategy_id_of(brand_session(), slug)
    curve = page.equity(brand_session(), strategy_id, now=current_time(), days=asked.days())
    return answer({**equity_shape(slug, curve), "currency": _currency()})


@api.get("/compare")
@needs(Permission.PUBLIC)
def compare() -> Response:
    require_offered(current_site().features.strategy_pages)
    found = page.compare(brand_session(), asked.slugs(), now=current_time())
    rows = [{"strategy": row_shape(one.row), "figures": plain(one.figures)} for one in found]
    return answer({"strategies": rows, "currency": _currency()})


@api.get("/openapi.json")
@needs(Permission.PUBLIC)
def openapi() -> Response:
    """Describe the API for programs. Source: OpenAPI 3.1.0."""
    return answer(description(current_site().tenant.name))


def _currency() -> str:
    return current_site().tenant.config.currency
