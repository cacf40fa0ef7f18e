"""A receipt says in plain words why each copy is as large as it is, what its order was for, and what went as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape

import flask_babel
import pytest
from copydesk.db import Database
from copydesk.replication.explain import Absence, Decision, LegKind, Sizing
from copydesk.replication.model import Bound
from copydesk.web.decisions import absence_words, leg_words, purpose_words, sized_words, together_words
from copydesk.web.reason_words import STATE_REASONS, state_reason_words
from flask import Flask
from flask.testing import FlaskClient
from site_seed import Seeded
from sqlalchemy import text
from test_web_locale import LOCALES

Visit = Callable[[str], FlaskClient]
D = Decimal
STEP = "UPDATE copy SET wanted_qty = 0.0042, allocation = 800, book_qty = 0, bound = 'step' WHERE signal_id = :id"
EARLIER = """
INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, side, venue_order_id, cum_qty, qty, px, position_before,
                    position_after, leader_equity, venue_at, seen_at, stored_at)
SELECT tenant_id, strategy_id, account_id, symbol, side, 'earlier', 0.1, 0.1, px, 0, 0.1, leader_equity,
       venue_at - interval '100 ms', seen_at, stored_at FROM signal WHERE id = :id RETURNING id
"""
JOIN = """
INSERT INTO delivery (tenant_id, signal_id, shard, drained_at, joined_into)
SELECT tenant_id, :earlier, 'binance-lab:0', now(), :id FROM signal WHERE id = :id
"""


def decision(bound: Bound, wanted: str = "0.0042", sent: str = "0.004") -> Decision:
    return Decision(D(wanted), D(sent), D(500), D(0), bound)


DECISIONS = {
    Bound.NONE: decision(Bound.NONE, sent="0.0042"),
    **{bound: decision(bound) for bound in Bound if bound is not Bound.NONE},
}
PLAIN = {LegKind.OPEN, LegKind.CLOSE}
OTHERS = (decision(Bound.CARRIED, sent="0"), decision(Bound.STEP, sent="0"), decision(Bound.NONE, sent="0.005"))


def everything() -> list[str]:
    """Return every sentence of this module's kind."""
    return [
        *(sized_words(each, "BTC/USDT") for each in (*DECISIONS.values(), *OTHERS, decision(Bound.NONE))),
        *(leg_words(kind) for kind in LegKind),
        *(purpose_words(kind, DECISIONS[Bound.STEP], "BTC/USDT") for kind in LegKind if kind not in PLAIN),
        *(absence_words(absence, 7) for absence in Absence),
        together_words(2),
        *(state_reason_words(reason) for reason in STATE_REASONS),
    ]


@pytest.fixture(scope="module", autouse=True)
def burst(seeded: Seeded, database_url: str) -> Iterator[dict[str, int]]:
    """Give each brand's copies a decision, one more leg, and a signal just before that was joined; return those."""
    database = Database.connect(database_url, pool_size=1)
    earlier = {}
    for slug, tenant_id in seeded.tenant_ids.items():
        keys = {"id": seeded.signal_ids[slug]}
        with database.tenant(tenant_id) as session:
            session.execute(text(STEP), keys)
            session.execute(text("UPDATE copy SET leg = 'top-up' WHERE id = (SELECT max(id) FROM copy)"))
            earlier[slug] = session.execute(text(EARLIER), keys).scalar_one()
            session.execute(text(JOIN), keys | {"earlier": earlier[slug]})
    database.dispose()
    yield earlier


def said(page: str) -> str:
    main = re.sub(r"<[^>]+>", " ", page.partition("<main")[2])
    return " ".join(unescape(main).replace("\u00a0", " ").split())


def test_a_receipt_says_why_each_copy_is_as_large_as_it_is(visit: Visit, seeded: Seeded) -> None:
    page = said(visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text)
    assert "Wanted 0.0042 BTC, 0.004 BTC sent: rounded down to the exchange's step." in page
    assert "Wanted 0.0042 BTC, nothing sent." in page, "the third follower's copy was denied"


def test_a_receipt_shows_the_allocation_at_the_time_of_the_copy(visit: Visit, seeded: Seeded) -> None:
    page = said(visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text)
    assert "800.00 USDT · In proportion" in page
    assert "500.00 USDT" not in page


def test_an_order_that_is_no_plain_copy_says_what_it_was_for(visit: Visit, seeded: Seeded) -> None:
    page = said(visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text)
    assert "Follower 4 Binance · top-up of the rest" in page
    assert "opening order" not in page


def test_a_receipt_says_how_many_orders_were_copied_with_it(visit: Visit, seeded: Seeded) -> None:
    page = said(visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text)
    assert "Copied together with 1 order of the trader just before, at their average price." in page


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
def test_a_signal_of_a_burst_leads_to_the_receipt_that_it_was_copied_with(
    visit: Visit, seeded: Seeded, burst: dict[str, int], brand: str
) -> None:
    page = visit(brand).get(f"/desk/{burst[brand]}").text
    assert "Copied together with the trader's next order. Receipt" in said(page)
    assert f'href="/desk/{seeded.signal_ids[brand]}"' in page
    assert "No copies yet" not in page
    assert "Copied together with the trader's next order." in said(visit(brand).get("/desk").text)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_limit_has_a_sentence_of_its_own_in_every_locale(app: Flask, locale: str) -> None:
    with app.test_request_context(), flask_babel.force_locale(locale):
        sentences = everything()
    assert len(set(sentences)) == len(sentences)
    assert not [sentence for sentence in sentences if "%(" in sentence]
    assert {each.sizing for each in (*DECISIONS.values(), *OTHERS, decision(Bound.NONE))} == set(Sizing)


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_no_such_sentence_is_left_in_english(app: Flask, locale: str) -> None:
    with app.test_request_context():
        with flask_babel.force_locale("en"):
            english = everything()
        with flask_babel.force_locale(locale):
            translated = everything()
    assert [word for word, other in zip(english, translated, strict=True) if word == other] == []


def test_the_sentences_about_size_name_both_quantities_and_the_limit(app: Flask) -> None:
    with app.test_request_context():
        told = {bound: sized_words(each, "BTC/USDT").replace("\u00a0", " ") for bound, each in DECISIONS.items()}
    wanted = "Wanted 0.0042 BTC, 0.004 BTC sent: "
    assert told[Bound.NONE] == "Wanted 0.0042 BTC, and sent exactly that."
    assert told[Bound.ALLOCATION] == f"{wanted}cut to what is left of the 500.00 USDT allocation."
    assert told[Bound.MINIMUM_ROUNDED_UP] == f"{wanted}raised to the exchange's smallest order."
    assert told[Bound.QTY_MAX] == f"{wanted}cut to the exchange's largest order."


def test_a_leg_that_is_repeated_says_which_one_it_is_and_an_unknown_one_is_named_as_it_is(app: Flask) -> None:
    with app.test_request_context():
        assert [leg_words(leg) for leg in ("fix-1", "fix-2", "join-3", "x-1")] == [
            "correction",
            "correction 2",
            "joined late 3",
            "x-1",
        ]


def test_a_correction_tells_what_the_book_held_what_it_was_to_hold_and_what_was_closed(app: Flask) -> None:
    held = Decision(D("0.0042"), D("0.004"), D(500), D("0.01"), Bound.STEP)
    short = Decision(D("0.003"), D("0.003"), D(500), D("-0.003"), Bound.NONE)
    with app.test_request_context():
        told = [purpose_words(leg, one, "BTC/USDT") for leg, one in (("fix-2", held), ("end", short), ("rest-3", held))]
    assert [sentence.replace("\u00a0", " ") for sentence in told] == [
        "The book held 0.01 BTC and was to hold 0.0058 BTC, so 0.004 BTC was closed.",
        "The follower is leaving, and the book held \u22120.003 BTC, so 0.003 BTC was closed.",
        "The trader's own order rests at this price, so 0.004 BTC was placed.",
    ]
    assert short.meant_qty == 0


def test_a_plain_copy_needs_no_purpose_and_an_order_without_a_decision_has_none(app: Flask) -> None:
    with app.test_request_context():
        assert [purpose_words(leg, DECISIONS[Bound.NONE], "BTC/USDT") for leg in ("open", "close", "x-1")] == [""] * 3
        assert purpose_words("fix-1", None, "BTC/USDT") == ""


def test_a_receipt_says_why_an_order_was_made_that_the_trade_does_not_explain(visit: Visit, seeded: Seeded) -> None:
    page = said(visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text)
    assert "Of the first order 0.0042 BTC was not filled, so the rest was tried once more." in page
