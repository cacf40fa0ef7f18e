"""News of a strategy in plain words: what its trader, or its guard, did, and what that means for a copy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.replication import LeaderEventShown, News, NewsKind, leader_event
from copydesk.web.format import isolated, money, pair, pct

_OF_STRATEGY: Mapping[str, LazyString] = {
    NewsKind.SUSPENDED: lazy_gettext(
        "The strategy was suspended because of its losses. Nothing is opened; closing orders still go through."
    ),
    NewsKind.RESUMED: lazy_gettext("The strategy goes on. What the trader opens is copied again."),
}


def news_words(news: News) -> str:
    """Say what happened, to everybody alike."""
    told = leader_event(news)
    return str(_OF_STRATEGY[news.kind]) if told is None else _change_words(told)


def change_words(told: LeaderEventShown) -> str:
    """Say what the trader changed, and to this follower what it means for the copy."""
    said = [_change_words(told)]
    if told.kind is NewsKind.MARGIN:
        said.append(gettext("Your margin was not changed."))
        if told.nearer_by is not None and told.nearer_by > 0:
            nearer = pct(told.nearer_by, signed=False, digits=2)
            said.append(gettext("Your liquidation price stays nearer by %(nearer)s of the price.", nearer=nearer))
    else:
        said.append(gettext("Your leverage follows before the next order, as far as all bounds allow."))
    return " ".join(str(one) for one in said)


def _change_words(told: LeaderEventShown) -> str:
    market = isolated(pair(told.symbol))
    if told.kind is NewsKind.LEVERAGE:
        ways = {"before": _times(told.leverage_before), "now": _times(told.leverage)}
        return str(
            gettext("The trader changed the leverage of %(market)s from %(before)s to %(now)s.", market=market, **ways)
        )
    return f"{_margin_words(told, market)} {_away_words(told)}"


def _margin_words(told: LeaderEventShown, market: str) -> str:
    if told.amount is None:
        return str(gettext("The trader changed the margin behind the position in %(market)s.", market=market))
    amount = money(abs(told.amount), told.currency)
    if told.amount > 0:
        return str(gettext("The trader added %(amount)s of margin to %(market)s.", amount=amount, market=market))
    return str(gettext("The trader took %(amount)s of margin from %(market)s.", amount=amount, market=market))


def _away_words(told: LeaderEventShown) -> str:
    if told.distance is None:
        return str(gettext("No price of the market liquidates it now."))
    before, now = _share(told.distance_before), _share(told.distance)
    if told.distance_before is None:
        return str(gettext("It is liquidated when the price moves %(now)s against it.", now=now))
    return str(
        gettext(
            "It is liquidated when the price moves %(now)s against it, before it was %(before)s.",
            now=now,
            before=before,
        )
    )


def _share(ratio: Decimal | None) -> str:
    return pct(ratio, signed=False, digits=2)


def _times(leverage: int | None) -> str:
    return isolated("–" if leverage is None else f"{leverage}×")
