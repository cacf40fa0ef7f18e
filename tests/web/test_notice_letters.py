"""Notices outside the site: in a mail, alone or gathered, and in the words that go to phones; in the brand's name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.kernel import ConfigError
from copydesk.notices import Notice, NoticeKind
from copydesk.notices.letters import letter_facts
from copydesk.notifications import Kind, Letter, Waiting
from copydesk.web.letters import LetterWriter
from copydesk.web.wordsmith import SiteWordsmith
from flask import Flask
from site_seed import NOW, FakeRuntime

K = NoticeKind
CLOSED = {
    **{"strategy": "Dawn Runner", "slug": "dawn", "signal_id": 13, "symbol": "BTC/USDT"},
    **{"qty": "0.004", "px": "64214", "result": "3.1", "currency": "USDT"},
}


def notice(number: int, kind: NoticeKind = K.COPY_CLOSED, **facts: str | int | None) -> Notice:
    return Notice(number, kind, 1, NOW - timedelta(minutes=number), {**CLOSED, **facts})


def letter_of(app: Flask, runtime: FakeRuntime, *notices: Notice, locale: str = "en") -> Letter:
    writer = LetterWriter(app, lambda: runtime.tenant_ids, runtime.site_url)
    facts = letter_facts(notices)
    waiting = Waiting(7, runtime.tenant_ids["aurora"], "mara@reader.example", Kind.NOTICE, locale, facts, {}, NOW, 1)
    return writer.write(waiting)


def plain(text: str) -> str:
    return text.replace("\u200b", "").replace("\u00a0", " ")


def test_a_mail_of_one_notice_says_it_in_its_subject_and_leads_there(app: Flask, runtime: FakeRuntime) -> None:
    letter = letter_of(app, runtime, notice(1))
    assert plain(letter.subject) == "Closed 0.004 BTC/USDT at 64,214.00 USDT: +3.10 USDT"
    assert "Copied from Dawn Runner. Fees are taken off." in plain(letter.text)
    assert "http://aurora.localhost:8000/activity/13" in letter.text
    assert 'lang="de"' in letter_of(app, runtime, notice(1), locale="de").html


def test_a_digest_tells_each_notice_in_its_own_line_and_how_many_more(app: Flask, runtime: FakeRuntime) -> None:
    letter = letter_of(app, runtime, *map(notice, range(1, 44)))
    assert letter.subject == "Aurora: 43 notices"
    assert plain(letter.text).count("Closed 0.004 BTC/USDT") == 40
    assert plain(letter.html).count("Closed 0.004 BTC/USDT") == 40
    assert "And 3 more." in letter.text
    assert letter.text.count("http://") == 1
    assert "http://aurora.localhost:8000/notices" in letter.text


def test_what_a_trader_writes_becomes_no_link_in_a_mail(app: Flask, runtime: FakeRuntime) -> None:
    said = "Send coins to https://evil.example/now\nSubject: you won"
    letter = letter_of(app, runtime, notice(1, K.ANNOUNCEMENT, body=said))
    assert "evil.example" not in letter.text and "evil.example" not in letter.html
    assert "evil.\u200bexample" in letter.text
    assert letter.subject == "Dawn Runner announces"


def test_the_sites_words_are_said_outside_any_request(app: Flask, runtime: FakeRuntime) -> None:
    smith = SiteWordsmith(app, lambda: runtime.tenant_ids, runtime.site_url)
    tenant_id = runtime.tenant_ids["boreal"]
    (spoken,) = smith.say(tenant_id, "ar", [notice(1, K.TRADER_CLOSED)])
    assert (spoken.path, spoken.url) == ("/strategies/dawn", "http://boreal.localhost:8000/strategies/dawn")
    assert [one.title for one in smith.say(tenant_id, "tlh", [])] == []
    with pytest.raises(ConfigError, match="has no valid tenant file"):
        smith.say(99, "en", [notice(1)])
