"""A statement on paper: every word is there in every language, and long lists are cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.statements import Look, Statement, period_named, statement_pdf
from copydesk.statements.build import built
from copydesk.statements.paper import ROWS_MAX
from copydesk.statements.raw import BookEvents, Prices
from copydesk.web.pictures import Look as Picture
from copydesk.web.pictures import icon_png
from copydesk.web.speaking import speaking
from copydesk.web.statement_words import LABELS, PageWords, period_words
from statement_rows import COPIES, FEBRUARY, PERSON, SYMBOL, at, fill, strategy, subscription

LOOK = Look("Aurora", "#c2410c")
MARK = icon_png(Picture("Aurora", "", "#c2410c", "#ffffff", "#f59e0b", "#ffffff", "#000000"), 48)


class Heard(PageWords):
    """Words that remember what was said."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.said: list[str] = []

    def label(self, name: str, values: Mapping[str, str] | None = None) -> str:
        self.labels.add(name)
        self.said.append(super().label(name, values))
        return self.said[-1]


def busy(trades: int = 3) -> Statement:
    events = [
        fill(at(2, 1 + number // 24, number % 24), side, "1", px, "0.1", currency)
        for number in range(trades)
        for side, px, currency in (("buy", "100", "USDT"), ("sell", "101", "BNB"))
    ]
    turned = (fill(at(2, 26), "sell", "1", "100"), fill(at(2, 26), "buy", "1", "90"))
    book = BookEvents(SYMBOL, "net", (*events, *turned, fill(at(2, 27), "sell", "2", "90")))
    prices = Prices({}, {SYMBOL: Decimal(85)})
    sold = replace(COPIES[0], side="sell")
    running = replace(FEBRUARY, made_at=at(2, 28))
    return built(PERSON, running, [subscription(books=(book,), prices=prices, copies=(*COPIES, sold))], [strategy()])


def pages(document: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", document))


def test_every_word_that_paper_needs_is_there_and_no_other() -> None:
    words = Heard()
    with speaking("en"):
        statement_pdf(busy(ROWS_MAX + 1), words, LOOK)
        statement_pdf(replace(busy(), subscriptions=(), strategies=()), words, LOOK)
    assert words.labels == LABELS


@pytest.mark.parametrize("locale", ["ar", "tr"])
def test_a_statement_is_drawn_in_other_scripts_with_mark_and_embedded_letters(locale: str) -> None:
    with speaking(locale):
        drawn = statement_pdf(busy(), PageWords(), replace(LOOK, logo=MARK, rtl=locale == "ar", lang=locale))
    assert drawn.startswith(b"%PDF-") and drawn.rstrip().endswith(b"%%EOF")
    assert b"/FontFile2" in drawn and b"/Subtype /Image" in drawn
    assert f"/Lang ({locale})".encode() in drawn


def test_long_lists_go_on_over_pages_and_are_cut_with_a_word() -> None:
    words = Heard()
    with speaking("en"):
        drawn = statement_pdf(busy(ROWS_MAX + 20), words, LOOK)
    assert pages(drawn) >= 5
    assert "Earlier ones, 21 of them, are in the CSV file." in words.said
    assert words.said.count(
        "This is not a tax document. It says what was traded and copied here, and nothing of what "
        "else the exchange account did."
    ) == pages(drawn)


def test_the_same_statement_is_the_same_file() -> None:
    with speaking("en"):
        first, second = (statement_pdf(busy(1), PageWords(), LOOK) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("2026", "2026"),
        ("2026-Q1", "1st quarter 2026"),
        ("2026-02", "February 2026"),
        ("2026-02-01--2026-02-03", "February 1, 2026 to February 3, 2026"),
    ],
)
def test_a_period_has_a_name_in_words(name: str, said: str) -> None:
    with speaking("en"):
        assert period_words(period_named(name)) == said
