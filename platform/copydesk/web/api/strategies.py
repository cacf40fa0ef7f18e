"""What everybody may read: the leaderboard, one strategy, its curve, several beside each other, the description."""

from __future__ import annotations

from datetime import datetime

from flask import Response, current_app

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.performance import board, page
from copydesk.web.access import needs
from copydesk.web.api import asked
from copydesk.web.api.blueprint import answer, api
from copydesk.web.api.described import description
from copydesk.web.api.shapes import equity_shape, plain, row_shape, standing_shape
from copydesk.web.database import brand_session
from copydesk.web.site import current_site


@api.get("/strategies")
@needs(Permission.PUBLIC)
def strategies() -> Response:
    _require(current_site().features.leaderboard)
    found = board.leaderboard(
        brand_session(), asked.filters(), asked.sort(), after=asked.cursor(), limit=asked.limit(), now=_now()
    )
    rows = [row_shape(row) for row in found.rows]
    return answer({"strategies": rows, "total": found.total, "next": found.after, "currency": _currency()})


@api.get("/strategies/<slug>")
@needs(Permission.PUBLIC)
def strategy(slug: str) -> Response:
    _require(current_site().features.strategy_pages)
    found = page.standing(brand_session(), current_site().tenant, slug, now=_now())
    return answer({**standing_shape(found), "currency": _currency()})


@api.get("/strategies/<slug>/equity")
@needs(Permission.PUBLIC)
def equity(slug: str) -> Response:
    _require(current_site().features.strategy_pages)
    curve = page.equity(brand_session(), slug, now=_now(), days=asked.days())
    return answer({**equity_shape(slug, curve), "currency": _currency()})


@api.get("/compare")
@needs(Permission.PUBLIC)
def compare() -> Response:
    _require(current_site().features.strategy_pages)
    found = page.compare(brand_session(), asked.slugs(), now=_now())
    rows = [{"strategy": row_shape(one.row), "figures": plain(one.figures)} for one in found]
    return answer({"strategies": rows, "currency": _currency()})


@api.get("/openapi.json")
@needs(Permission.PUBLIC)
def openapi() -> Response:
    """Describe the API for programs. Source: OpenAPI 3.1.0."""
    return answer(description(current_site().tenant.name))


def _require(offered: bool) -> None:
    if not offered:
        raise NotFound("This site does not have that page.")


def _currency() -> str:
    return current_site().tenant.config.currency


def _now() -> datetime:
    now: datetime = current_app.extensions["copydesk_clock"].now()
    return now
