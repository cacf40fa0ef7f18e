"""Notices in words: every kind says what happened with number and unit, leads somewhere, and never says "None"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from copydesk.notices import Notice, NoticeKind, Words
from copydesk.notices.model import KIND_FACTS
from copydesk.notifications import Kind
from copydesk.web.notice_alarms import FACTORS
from copydesk.web.notice_words import KINDS, STORIES, TONES, kind_words, say
from copydesk.web.speaking import LOCALES, speaking

K = NoticeKind
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
# All that any kind may know.
FACTS: dict[str, str | int | None] = {
    **{"strategy_id": 1, "strategy": "Dawn Runner", "slug": "dawn", "subscription_id": 7, "copy_id": 11},
    **{"signal_id": 13, "symbol": "BTC/USDT", "position_side": "long", "side": "sell", "qty": "0.004"},
    **{"px": "64214", "currency": "USDT", "result": "3.1", "reason": "below_notional_min", "leg": "close"},
    **{"act_id": 5, "scope": "subscription", "line": "drawdown > 20 % of equity -> close_and_disarm"},
    **{"action": "close_and_disarm", "state": "closed", "now": "-101", "at": AT.isoformat(), "used": 82},
    **{"what": "new_location", "exchange": "okx", "label": "Main account", "right": "withdraw", "days": 3},
    **{"status": "suspended", "amount": "50", "margin": "150", "news_id": 9, "ip": "203.0.113.7"},
    **{"agent": "Firefox, Linux", "factor": "totp", "left": 9, "held_until": AT.isoformat()},
    **{"announcement_id": 3, "body": "We rest until Monday."},
}
# What a fact may be instead of what is expected.
BROKEN = {"px": "NaN", "qty": "many", "result": "Infinity", "at": "yesterday", "used": None, "subscription_id": None}


def said(kind: NoticeKind, **changes: str | int | None) -> Words:
    return told(kind, {name: value for name, value in {**FACTS, **changes}.items() if name in KIND_FACTS[kind]})


def told(kind: NoticeKind, facts: Mapping[str, str | int | None]) -> Words:
    with speaking("en"):
        return say(Notice(1, kind, 1, AT, facts), "https://aurora.example")


def test_every_kind_has_a_name_a_tone_and_words() -> None:
    assert STORIES.keys() == KINDS.keys() == TONES.keys() == set(NoticeKind)
    with speaking("en"):
        assert len({kind_words(kind) for kind in NoticeKind}) == len(NoticeKind)


@pytest.mark.parametrize(
    ("kind", "title", "path"),
    [
        (K.COPY_OPENED, "Opened 0.004 BTC/USDT at 64,214.00 USDT", "/activity/13"),
        (K.COPY_CLOSED, "Closed 0.004 BTC/USDT at 64,214.00 USDT: +3.10 USDT", "/activity/13"),
        (K.COPY_SKIPPED, "Not copied: BTC/USDT of Dawn Runner", "/activity/13"),
        (K.STOP_FIRED, "Stop fired: Dawn Runner", "/copying/7"),
        (K.DRAWDOWN_WARNING, "82 % of the way to a stop: Dawn Runner", "/copying/7"),
        (K.OUT_OF_SYNC, "Out of sync: Dawn Runner", "/copying/7"),
        (K.KEY_PROBLEM, "The key “Main account” at OKX cannot be used", "/keys"),
        (K.STRATEGY_PAUSED, "Dawn Runner was suspended", "/copying/7"),
        (K.MARGIN_TOPUP, "Margin of BTC/USDT changed: Dawn Runner", "/copying/7"),
        (K.SECURITY, "A sign-in from a new place", "/account/history"),
        (K.ANNOUNCEMENT, "Dawn Runner announces", "/strategies/dawn/announcements"),
        (K.TRADER_OPENED, "Dawn Runner opened BTC/USDT at 64,214.00 USDT", "/strategies/dawn"),
        (K.TRADER_CLOSED, "Dawn Runner closed BTC/USDT at 64,214.00 USDT", "/strategies/dawn"),
    ],
)
def test_a_notice_names_the_thing_and_the_number_and_leads_there(kind: NoticeKind, title: str, path: str) -> None:
    words = said(kind)
    assert (words.title.replace("\u00a0", " "), words.path) == (title, path)
    assert words.url == f"https://aurora.example{path}"
    assert words.body


@pytest.mark.parametrize("locale", LOCALES)
def test_a_notice_reads_well_in_every_language_whatever_is_not_known(locale: str) -> None:
    with speaking(locale):
        for kind in NoticeKind:
            whole = {name: value for name, value in FACTS.items() if name in KIND_FACTS[kind]}
            broken = {name: value for name, value in BROKEN.items() if name in KIND_FACTS[kind]}
            for facts in (whole, whole | broken, {}):
                words = say(Notice(1, kind, 1, AT, facts))
                assert words.title and words.path.startswith("/")
                assert not any(bad in f"{words.title} {words.body}" for bad in ("None", "NaN", "nfinity", "%("))


def test_a_short_is_said_to_be_one() -> None:
    assert said(K.COPY_OPENED, position_side="short").title.startswith("Opened a short of 0.004 BTC/USDT")
    assert said(K.COPY_OPENED, position_side="net", side="sell").title.startswith("Opened a short of")
    assert said(K.COPY_OPENED, position_side="net", side="buy").title.startswith("Opened 0.004")
    assert said(K.TRADER_OPENED, position_side="short").title.startswith("Dawn Runner opened a short of BTC/USDT")


def test_a_stop_says_which_limit_it_was_and_what_became_of_the_positions() -> None:
    body = said(K.STOP_FIRED).body
    assert "Your equity falls more than 20" in body
    assert body.endswith("Everything that was copied was closed.")


def test_a_skipped_trade_says_why_with_its_numbers() -> None:
    facts = {"notional": "4.1", "minimum": "5", "allocation_needed": "122", "currency": "USDT"}
    body = told(K.COPY_SKIPPED, {**FACTS, **facts}).body.replace("\u00a0", " ")
    assert body.startswith("Skipped: 4.10 USDT is below the exchange's minimum of 5.00 USDT.")


def test_security_says_when_from_where_and_what_to_do_if_it_was_somebody_else() -> None:
    body = said(K.SECURITY, what=Kind.FACTOR_REMOVED).body
    assert "203.0.113.7" in body and "March 1, 2026" in body
    assert body.endswith("write to support.")
    assert str(FACTORS["totp"]) in body


def test_a_key_that_ends_says_in_how_many_days() -> None:
    assert said(K.KEY_PROBLEM, what=Kind.KEY_EXPIRES).title == "The key “Main account” at OKX ends in 3 days"
    assert said(K.KEY_PROBLEM, what=Kind.KEY_EXPIRES, days=1).title.endswith("ends in 1 day")


def test_an_announcement_keeps_its_lines() -> None:
    assert said(K.ANNOUNCEMENT, body="One.\nTwo.").body == "One.\nTwo."
