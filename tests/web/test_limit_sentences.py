"""Every limit that can be written is told in every language, in words of that language."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import flask_babel
import pytest
from copydesk.risk.grammar import parse
from copydesk.risk.habits import SENTENCES
from copydesk.risk.measures import MEASURES
from copydesk.risk.model import Limit, Scope, Threshold, Unit
from copydesk.risk.profiles import PROFILES, Profile
from copydesk.risk.sentences import CONDITIONS, CONSEQUENCES, english
from copydesk.web import conduct_words, limit_sentences
from copydesk.web.conduct_words import conduct_words as said_of
from copydesk.web.limit_sentences import guard_sentence, limit_sentence, line_sentence, profile_words, scope_words
from flask import Flask
from test_web_locale import LOCALES

D = Decimal
# Words that a language has in common with English.
LOANWORDS = {"tr": {"Platform"}}


def every_limit() -> Iterator[Limit]:
    """Return one limit of every measure, unit, basis, window and action that may be said together."""
    for measure, rule in MEASURES.items():
        for telling in rule.tellings:
            names = frozenset({"BTC/USDT"}) if telling.unit is Unit.NAMES else frozenset()
            currency = "USDT" if telling.unit is Unit.MONEY else ""
            threshold = Threshold(D(1234), telling.unit, currency, names)
            for basis in telling.bases:
                for window in rule.windows:
                    yield from (Limit(measure, threshold, basis, window, action) for action in rule.actions)


def told(app: Flask, locale: str) -> list[str]:
    with app.test_request_context(), flask_babel.force_locale(locale):
        return [limit_sentence(limit) for limit in every_limit()]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_limit_has_a_sentence_and_limits_that_differ_differ_in_words(app: Flask, locale: str) -> None:
    said = told(app, locale)
    assert [one for one in said if "%(" in one or "->" in one] == []
    assert len(set(said)) == len(said)


def test_the_english_is_that_of_the_command_line(app: Flask) -> None:
    with app.test_request_context():
        assert {key: str(text) for key, text in limit_sentences.CONDITIONS.items()} == CONDITIONS
        assert {key: str(text) for key, text in limit_sentences.CONSEQUENCES.items()} == CONSEQUENCES
        assert {key: str(text) for key, text in conduct_words.CONDUCT.items()} == SENTENCES
        plain = [limit_sentence(limit).replace("\xa0", " ").replace("1,234", "1234") for limit in every_limit()]
    assert plain == [english(limit) for limit in every_limit()]


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_no_sentence_is_left_in_english(app: Flask, locale: str) -> None:
    assert not set(told(app, "en")) & set(told(app, locale))
    with app.test_request_context(), flask_babel.force_locale(locale):
        translated = [
            str(text) for text in (*limit_sentences.CONDITIONS.values(), *limit_sentences.CONSEQUENCES.values())
        ]
        others = [scope_words(scope) for scope in Scope] + [profile_words(profile) for profile in Profile]
    english_words = {*CONDITIONS.values(), *CONSEQUENCES.values(), *map(str.title, Scope)}
    assert {*translated, *others} & english_words <= LOANWORDS.get(locale, set())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("profile", Profile)
def test_no_line_of_a_profile_falls_back_to_itself(app: Flask, locale: str, profile: Profile) -> None:
    lines = [line.replace("{currency}", "USDT") for line in PROFILES[profile]]
    with app.test_request_context(), flask_babel.force_locale(locale):
        assert [line for line in lines if line_sentence(line) == line or "->" in line_sentence(line)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_what_a_strategy_is_judged_by_is_told_of_the_strategy(app: Flask, locale: str) -> None:
    windows = ("", " per day", " per week", " per month")
    lines = ["drawdown > 5 % of equity -> warn", *(f"loss > 5 % of equity{window} -> warn" for window in windows)]
    with app.test_request_context(), flask_babel.force_locale(locale):
        said = [guard_sentence(line) for line in lines]
        own = [line_sentence(line) for line in lines]
    assert len({*said, *own}) == 2 * len(lines)


def test_what_says_no_limit_is_its_own_words(app: Flask) -> None:
    with app.test_request_context():
        assert guard_sentence("The trader trades at 20 times.") == "The trader trades at 20 times."
        assert line_sentence("The trader trades at 20 times.") == "The trader trades at 20 times."


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_that_is_seen_of_a_trader_has_words(app: Flask, locale: str) -> None:
    values = dict.fromkeys(("recent", "now", "usual", "times", "steps", "trades", "of", "missing", "worst", "win"), "3")
    with app.test_request_context(), flask_babel.force_locale(locale):
        said = [said_of(values | {"sentence": str(sentence)}) for sentence in SENTENCES]
        assert said_of({"now": "5"}) is None
    assert None not in said
    assert len(set(said)) == len(SENTENCES)


def test_a_figure_keeps_its_direction_in_a_right_to_left_sentence(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("ar"):
        assert "\u20661,000\xa0USDT\u2069" in limit_sentence(parse("order > 1000 USDT -> shrink"))
