"""News of a strategy in every language: nothing is left in English, and every figure is in its sentence."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import flask_babel
import pytest
from copydesk.kernel import utc_now
from copydesk.replication import LeaderEventShown, News, NewsKind
from copydesk.trading import PositionSide
from copydesk.web.news_words import change_words, news_words
from flask import Flask
from test_web_locale import LOCALES

D = Decimal
MORE = LeaderEventShown(
    "BTC/USDT:USDT", PositionSide.NET, NewsKind.MARGIN, 10, 10, D(500), "USDT", D("0.1"), D("0.25"), D("0.08"),
    utc_now(),
)  # fmt: skip
CHANGES = (
    MORE,
    replace(MORE, amount=D(-20)),
    replace(MORE, amount=None),
    replace(MORE, distance=None),
    replace(MORE, distance_before=None),
    replace(MORE, own_distance=None),
    replace(MORE, kind=NewsKind.LEVERAGE, leverage=20),
)
PLAIN = tuple(News(1, 1, kind, None, {}, utc_now()) for kind in (NewsKind.SUSPENDED, NewsKind.RESUMED))


def everything(app: Flask, locale: str) -> list[str]:
    with app.test_request_context(), flask_babel.force_locale(locale):
        return [*map(change_words, CHANGES), *map(news_words, PLAIN)]


def test_a_follower_reads_what_was_added_and_that_the_copy_has_not_changed(app: Flask) -> None:
    with app.test_request_context():
        assert change_words(MORE) == (
            "The trader added 500.00\xa0USDT of margin to BTC/USDT. It is liquidated when the price moves 25.00\xa0% "
            "against it, before it was 10.00\xa0%. Your margin was not changed. Your liquidation price stays nearer by "
            "17.00\xa0% of the price."
        )


def test_a_follower_who_is_further_from_liquidation_is_not_told_to_be_nearer(app: Flask) -> None:
    with app.test_request_context():
        assert "nearer" not in change_words(replace(MORE, own_distance=D("0.3")))


def test_every_kind_of_news_has_words(app: Flask) -> None:
    facts = {
        "position_side": "net", "qty": "1", "leverage_before": 5, "leverage": 5, "amount": "3", "margin_before": "1",
        "margin": "4", "currency": "USDT", "mark_px": "100", "liquidation_px_before": None, "liquidation_px": "90",
    }  # fmt: skip
    with app.test_request_context():
        said = {kind: news_words(News(1, 1, kind, "BTC/USDT:USDT", facts, utc_now())) for kind in NewsKind}
    assert len(set(said.values())) == len(NewsKind)
    assert said[NewsKind.MARGIN].endswith("It is liquidated when the price moves 10.00\xa0% against it.")


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_no_news_is_left_in_english(app: Flask, locale: str) -> None:
    assert not set(everything(app, "en")) & set(everything(app, locale))
