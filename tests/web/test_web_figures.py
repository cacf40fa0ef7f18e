"""How figures read: sign, unit, digits, direction."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import flask_babel
import pytest
from copydesk.web import format as figures
from flask import Flask
from site_seed import NOW

D = Decimal
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (lambda: figures.pct(D("0.124")), f"+12.4{NBSP}%"),
        (lambda: figures.pct(D("-0.0815")), f"−8.2{NBSP}%"),
        (lambda: figures.pct(D("0")), f"0.0{NBSP}%"),
        (lambda: figures.pct(D("-0.0001")), f"−0.01{NBSP}%"),
        (lambda: figures.pct(D("0.9"), signed=False), f"90.0{NBSP}%"),
        (lambda: figures.pct(None), "–"),
        (lambda: figures.bps(D("0.607")), f"+0.6{NBSP}bps"),
        (lambda: figures.money(D("32105.056"), "USDT"), f"32,105.06{NBSP}USDT"),
        (lambda: figures.signed_money(D("-4.1"), "USDT"), f"−4.10{NBSP}USDT"),
        (lambda: figures.qty(D("0.004000000000000000")), "0.004"),
        (lambda: figures.qty(D("1E+3")), "1,000"),
        (lambda: figures.px(D("64214.020000000000000000")), "64,214.02"),
        (lambda: figures.px(D("0.000012345678")), "0.00001235"),
        (lambda: figures.px(D("0")), "0.00"),
        (lambda: figures.ms(210), f"210{NBSP}ms"),
        (lambda: figures.ms(12_340), f"12.3{NBSP}s"),
    ],
)
def test_a_figure_carries_sign_and_unit(app: Flask, shown: object, expected: str) -> None:
    assert callable(shown)
    with app.test_request_context(), flask_babel.force_locale("en"):
        assert shown() == expected


def test_digits_follow_the_locale(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("de"):
        assert figures.money(D("32105.056"), "USDT") == f"32.105,06{NBSP}USDT"


def test_a_figure_is_isolated_where_text_runs_right_to_left(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("ar"):
        assert figures.pct(D("0.124")) == f"\u2066+12.4{NBSP}%\u2069"


@pytest.mark.parametrize(
    ("locale", "percent", "euros", "code", "large"),
    [
        ("en", f"+12.4{NBSP}%", "−€4.10", f"32,105.06{NBSP}USDT", "1,234,567.89"),
        ("de", f"+12,4{NBSP}%", f"−4,10{NBSP}€", f"32.105,06{NBSP}USDT", "1.234.567,89"),
        ("es", f"+12,4{NBSP}%", f"−4,10{NBSP}€", f"32.105,06{NBSP}USDT", "1.234.567,89"),
        ("tr", "+%12,4", "−€4,10", f"32.105,06{NBSP}USDT", "1.234.567,89"),
        (
            "ar",
            f"\u2066+12.4{NBSP}%\u2069",
            f"\u2066−4.10{NBSP}EUR\u2069",
            f"\u206632,105.06{NBSP}USDT\u2069",
            "1,234,567.89",
        ),
    ],
)
def test_percent_money_and_grouping_follow_the_custom_of_the_language(
    app: Flask, locale: str, percent: str, euros: str, code: str, large: str
) -> None:
    with app.test_request_context(), flask_babel.force_locale(locale):
        assert figures.pct(D("0.124")) == percent
        assert figures.signed_money(D("-4.1"), "EUR") == euros
        assert figures.money(D("32105.056"), "USDT") == code
        assert figures.qty(D("1234567.89")).strip("\u2066\u2069") == large


@pytest.mark.parametrize(("currency", "shown"), [("TRY", "₺4,10"), ("USD", "$4,10"), ("CHF", f"4,10{NBSP}CHF")])
def test_a_currency_without_a_sign_of_its_own_keeps_its_code_behind(app: Flask, currency: str, shown: str) -> None:
    with app.test_request_context(), flask_babel.force_locale("tr"):
        assert figures.money(D("4.1"), currency) == shown


@pytest.mark.parametrize(
    ("locale", "one", "three", "day"),
    [
        ("de", "vor 1 Minute", "vor 3 Minuten", "01.03.2026"),
        ("es", "hace 1 minuto", "hace 3 minutos", "1 mar 2026"),
        ("tr", "1 dakika önce", "3 dakika önce", "1 Mar 2026"),
        ("ar", "قبل دقيقة واحدة", "قبل 3 دقائق", "01\u200f/03\u200f/2026"),
    ],
)
def test_times_and_days_are_said_in_the_language(app: Flask, locale: str, one: str, three: str, day: str) -> None:
    ago = figures.ago_filter(lambda: NOW)
    with app.test_request_context(), flask_babel.force_locale(locale):
        shown = [str(ago(NOW - timedelta(seconds=passed))) for passed in (80, 180)]
        assert [text.partition(">")[2].partition("<")[0] for text in shown] == [one, three]
        assert figures.date(NOW) == day


@pytest.mark.parametrize(("locale", "begun"), [("tr", "İptal"), ("az", "İptal"), ("es", "Iptal")])
def test_a_sentence_begins_with_the_capital_of_its_language(app: Flask, locale: str, begun: str) -> None:
    with app.test_request_context(), flask_babel.force_locale(locale):
        assert [figures.begun("iptal"), figures.begun(""), figures.begun("éxito")] == [begun, "", "Éxito"]


def test_a_moment_is_relative_with_the_exact_time_on_hover(app: Flask) -> None:
    ago = figures.ago_filter(lambda: NOW)
    with app.test_request_context(), flask_babel.force_locale("en"):
        shown = ago(NOW - timedelta(minutes=3))
        just_now = [str(ago(NOW + timedelta(seconds=ahead))) for ahead in (0, 5)]
    assert ">3 minutes ago</time>" in shown
    assert 'datetime="2026-03-01T11:57:00.000+00:00"' in shown
    assert all(">1 second ago</time>" in one for one in just_now)
    assert ago(None) == "–"
