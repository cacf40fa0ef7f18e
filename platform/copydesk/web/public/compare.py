"""Up to four strategies side by side: their lines on one chart, every figure in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.analytics import FIGURES, Unit
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.performance import board, page
from copydesk.performance.page import COMPARED_MAX, Compared
from copydesk.web.access import needs
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.figure_words import Shown, shown, told
from copydesk.web.page import render
from copydesk.web.public.asked import period_words
from copydesk.web.public.blueprint import public
from copydesk.web.public.figures import sections, values_of
from copydesk.web.public.lines import lines_of
from copydesk.web.public.strategies import CHART_DAYS, chart_period
from copydesk.web.site import current_site

OFFERED = 100
_SLUG_LENGTH_MAX = 64


class Cell(NamedTuple):
    """One strategy's figure, and whether it is the best of its row."""

    figure: Shown
    best: bool


@dataclass(frozen=True)
class Row:
    """One figure of every strategy."""

    name: str
    tip: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Chosen:
    """Which strategies are shown, and what the visitor is to know about the others that were asked for."""

    slugs: tuple[str, ...]
    notices: tuple[str, ...]


@public.get("/compare")
@needs(Permission.PUBLIC)
def compare() -> str:
    site = current_site()
    if not (site.features.leaderboard and site.features.strategy_pages):
        raise NotFound("This site does not have that page.")
    now, period, session = current_time(), chart_period(), brand_session()
    offered = board.leaderboard(session, limit=OFFERED, now=now).rows
    chosen, found = _found(request.args.getlist("s"))
    curves = [(one.row.name, page.equity(session, one.row.id, now=now, days=CHART_DAYS[period])) for one in found]
    currency = site.tenant.config.currency
    return render(
        "compare.html",
        found=[(one.row, _address([slug for slug in chosen.slugs if slug != one.row.slug], period)) for one in found],
        slugs=chosen.slugs,
        compared=[one.row.name for one in found],
        notices=chosen.notices,
        most=COMPARED_MAX,
        offered=[(row.slug, row.name) for row in offered if row.slug not in chosen.slugs],
        period=period,
        periods=[(_address(chosen.slugs, key), period_words(key), key == period) for key in CHART_DAYS],
        lines=lines_of(curves),
        groups=groups_of(found, currency),
    )


def groups_of(found: Sequence[Compared], currency: str) -> list[tuple[str, list[Row]]]:
    """Write every figure of every strategy, in four groups."""
    return [(title, [row_of(key, found, currency) for key in keys]) for _, title, keys in sections()]


def row_of(key: str, found: Sequence[Compared], currency: str) -> Row:
    """Write one figure of every strategy.

    The best is marked where one is better than another, and only among records that are long enough to be judged; of
    the others nothing is told that would be a reason to follow.
    """
    meaning = FIGURES[key]
    numbers = [told(values_of(one.row, one.figures).get(key)) for one in found]
    praises = meaning.higher_is_better is True and meaning.unit in (Unit.RATIO, Unit.TIMES) and key != "copy_success"
    judged = {
        number: value
        for number, value in enumerate(numbers)
        if value is not None and meaning.higher_is_better is not None and not found[number].row.too_early
    }
    best = None
    if len(set(judged.values())) > 1:
        best = max(judged.values()) if meaning.higher_is_better else min(judged.values())
    cells = tuple(
        Cell(
            _early(key, currency) if praises and found[number].row.too_early else shown(key, value, currency),
            best is not None and judged.get(number) == best,
        )
        for number, value in enumerate(numbers)
    )
    return Row(cells[0].figure.name, cells[0].figure.tip, cells) if cells else Row("", "", ())


def _early(key: str, currency: str) -> Shown:
    return replace(shown(key, None, currency), why=gettext("Too early to judge"))


def _found(asked: Sequence[str]) -> tuple[Chosen, tuple[Compared, ...]]:
    """Read what was asked for; what does not exist, or is too much, is named and left out."""
    # A zero character is in no slug, and no query takes it.
    named = [slug.replace("\0", "").strip() for slug in asked]
    slugs = list(dict.fromkeys(slug for slug in named if slug))
    notices = []
    if len(slugs) > COMPARED_MAX:
        notices.append(
            gettext("At most %(most)s strategies stand side by side. The first ones are shown.", most=COMPARED_MAX)
        )
    found: list[Compared] = []
    for slug in slugs[:COMPARED_MAX]:
        try:
            found.extend(page.compare(brand_session(), [slug], now=current_time()))
        except NotFound:
            notices.append(gettext("There is no strategy “%(slug)s” here.", slug=slug[:_SLUG_LENGTH_MAX]))
    return Chosen(tuple(one.row.slug for one in found), tuple(notices)), tuple(found)


def _address(slugs: Sequence[str], period: str) -> str:
    return f"/compare?{urlencode([*(('s', slug) for slug in slugs), ('period', period)])}"
