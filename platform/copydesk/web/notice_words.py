"""What each notice says: a title, a sentence or two, and where on the site it leads.

The same words stand in the centre, in a push message, in a mail and in what a webhook gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.notices import Notice, NoticeKind, Words
from copydesk.web.notice_alarms import key_problem, security
from copydesk.web.notice_facts import Told
from copydesk.web.notice_stops import drawdown_warning, out_of_sync, stop_fired
from copydesk.web.words import words

_K = NoticeKind
# Title, text, and the path that it leads to.
Story = tuple[str, str, str]

KINDS: Mapping[NoticeKind, LazyString] = {
    _K.COPY_OPENED: lazy_gettext("Copy opened"),
    _K.COPY_CLOSED: lazy_gettext("Copy closed"),
    _K.COPY_SKIPPED: lazy_gettext("Trade not copied"),
    _K.STOP_FIRED: lazy_gettext("Stop fired"),
    _K.DRAWDOWN_WARNING: lazy_gettext("Close to a stop"),
    _K.OUT_OF_SYNC: lazy_gettext("Out of sync"),
    _K.KEY_PROBLEM: lazy_gettext("Problem with an exchange key"),
    _K.STRATEGY_PAUSED: lazy_gettext("Strategy paused or ended"),
    _K.MARGIN_TOPUP: lazy_gettext("Trader changed a margin"),
    _K.SECURITY: lazy_gettext("Security of your account"),
    _K.ANNOUNCEMENT: lazy_gettext("Announcement of a trader"),
    _K.TRADER_OPENED: lazy_gettext("Watched strategy opened"),
    _K.TRADER_CLOSED: lazy_gettext("Watched strategy closed"),
}
# How serious a kind is, as a badge's tone.
TONES: Mapping[NoticeKind, str] = {
    **dict.fromkeys(NoticeKind, "plain"),
    _K.COPY_OPENED: "ok",
    _K.COPY_CLOSED: "ok",
    _K.COPY_SKIPPED: "warn",
    _K.STOP_FIRED: "bad",
    _K.DRAWDOWN_WARNING: "warn",
    _K.OUT_OF_SYNC: "warn",
    _K.KEY_PROBLEM: "bad",
    _K.STRATEGY_PAUSED: "warn",
    _K.SECURITY: "warn",
}
_STATUSES: Mapping[str, tuple[LazyString, LazyString]] = {
    "paused": (
        lazy_gettext("%(strategy)s was paused"),
        lazy_gettext("Its trader opens nothing for now. What is open is still closed when the trader closes it."),
    ),
    "suspended": (
        lazy_gettext("%(strategy)s was suspended"),
        lazy_gettext(
            "The strategy was suspended because of its losses. Nothing is opened; closing orders still go through."
        ),
    ),
    "closed": (
        lazy_gettext("%(strategy)s has ended"),
        lazy_gettext("Nothing of it is copied any more. Look at what you still hold."),
    ),
}


def say(notice: Notice, origin: str = "") -> Words:
    """Say a notice in the language of the moment; `origin` is what the site's addresses begin with."""
    title, body, path = STORIES[notice.kind](Told(notice.facts))
    return Words(title=title, body=body, path=path, url=origin + path)


def kind_words(kind: NoticeKind) -> str:
    """Name a kind of notice."""
    return str(KINDS[kind])


def _copy_opened(told: Told) -> Story:
    if not told.price:
        title = gettext("Opened %(traded)s", traded=told.traded)
    elif told.opens_short:
        title = gettext("Opened a short of %(traded)s at %(price)s", traded=told.traded, price=told.price)
    else:
        title = gettext("Opened %(traded)s at %(price)s", traded=told.traded, price=told.price)
    return str(title), str(gettext("Copied from %(strategy)s.", strategy=told.strategy)), _copy_path(told)


def _copy_closed(told: Told) -> Story:
    if not told.price:
        title = gettext("Closed %(traded)s", traded=told.traded)
    elif told.result:
        title = gettext(
            "Closed %(traded)s at %(price)s: %(result)s", traded=told.traded, price=told.price, result=told.result
        )
    else:
        title = gettext("Closed %(traded)s at %(price)s", traded=told.traded, price=told.price)
    if told.result:
        body = gettext("Copied from %(strategy)s. Fees are taken off.", strategy=told.strategy)
    else:
        body = gettext("Copied from %(strategy)s.", strategy=told.strategy)
    return str(title), str(body), _copy_path(told)


def _copy_skipped(told: Told) -> Story:
    title = gettext("Not copied: %(market)s of %(strategy)s", market=told.market, strategy=told.strategy)
    facts = {name: value for name, value in told.facts.items() if value is not None}
    return str(title), words(told.text("reason"), facts), _copy_path(told)


def _strategy_paused(told: Told) -> Story:
    title, body = _STATUSES.get(told.text("status"), _STATUSES["paused"])
    return str(title) % {"strategy": told.strategy}, str(body), _own_path(told)


def _margin_topup(told: Told) -> Story:
    amount, market = told.number("amount"), told.market
    title = gettext("Margin of %(market)s changed: %(strategy)s", market=market, strategy=told.strategy)
    if amount is None:
        said = gettext("The trader changed the margin behind the position in %(market)s.", market=market)
    elif amount > 0:
        said = gettext(
            "The trader added %(amount)s of margin to %(market)s.", amount=told.money("amount"), market=market
        )
    else:
        said = gettext(
            "The trader took %(amount)s of margin from %(market)s.", amount=told.money("amount"), market=market
        )
    return str(title), f"{said} {gettext('Your margin was not changed.')}", _own_path(told)


def _announcement(told: Told) -> Story:
    title = gettext("%(strategy)s announces", strategy=told.strategy)
    body = str(told.facts.get("body") or "")
    return str(title), body, f"{_strategy_path(told)}/announcements" if told.text("slug") else "/watching"


def _trader_opened(told: Told) -> Story:
    facts = {"strategy": told.strategy, "market": told.market, "price": told.price}
    if not told.price:
        title = gettext("%(strategy)s opened %(market)s", strategy=told.strategy, market=told.market)
    elif told.opens_short:
        title = gettext("%(strategy)s opened a short of %(market)s at %(price)s", **facts)
    else:
        title = gettext("%(strategy)s opened %(market)s at %(price)s", **facts)
    return str(title), str(_NOTHING_OF_YOURS), _strategy_path(told)


def _trader_closed(told: Told) -> Story:
    if told.price:
        facts = {"strategy": told.strategy, "market": told.market, "price": told.price}
        title = gettext("%(strategy)s closed %(market)s at %(price)s", **facts)
    else:
        title = gettext("%(strategy)s closed %(market)s", strategy=told.strategy, market=told.market)
    return str(title), str(_NOTHING_OF_YOURS), _strategy_path(told)


_NOTHING_OF_YOURS = lazy_gettext("You watch this strategy. Nothing of yours was traded.")

STORIES: Mapping[NoticeKind, Callable[[Told], Story]] = {
    _K.COPY_OPENED: _copy_opened,
    _K.COPY_CLOSED: _copy_closed,
    _K.COPY_SKIPPED: _copy_skipped,
    _K.STOP_FIRED: stop_fired,
    _K.DRAWDOWN_WARNING: drawdown_warning,
    _K.OUT_OF_SYNC: out_of_sync,
    _K.KEY_PROBLEM: key_problem,
    _K.STRATEGY_PAUSED: _strategy_paused,
    _K.MARGIN_TOPUP: _margin_topup,
    _K.SECURITY: security,
    _K.ANNOUNCEMENT: _announcement,
    _K.TRADER_OPENED: _trader_opened,
    _K.TRADER_CLOSED: _trader_closed,
}


def _strategy_path(told: Told) -> str:
    slug = told.text("slug")
    return f"/strategies/{slug}" if slug else "/strategies"


def _own_path(told: Told) -> str:
    """Lead to the subscription where there is one, else to the strategy."""
    number = told.count("subscription_id")
    return _strategy_path(told) if number is None else f"/copying/{number}"


def _copy_path(told: Told) -> str:
    """Lead to the receipt of the trade, else to the subscription."""
    number = told.count("signal_id")
    return _own_path(told) if number is None else f"/activity/{number}"
