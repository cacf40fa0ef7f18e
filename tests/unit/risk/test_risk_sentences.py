"""Every limit that can be written has plain words, and every word is used."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from copydesk.risk.grammar import parse
from copydesk.risk.measures import MEASURES
from copydesk.risk.model import Limit, Scope, Scoped, Threshold, Unit
from copydesk.risk.sentences import AMOUNTS, CONDITIONS, CONSEQUENCES, describe, english, limit_facts


def every_limit() -> Iterator[Limit]:
    for measure, rule in MEASURES.items():
        for telling in rule.tellings:
            names = frozenset({"BTC/USDT"}) if telling.unit is Unit.NAMES else frozenset()
            threshold = Threshold(Decimal(7), telling.unit, "USDT" if telling.unit is Unit.MONEY else "", names)
            for basis in telling.bases:
                for window in rule.windows:
                    yield from (Limit(measure, threshold, basis, window, action) for action in rule.actions)


def test_every_limit_has_words_and_limits_that_differ_differ_in_words() -> None:
    limits = list(every_limit())
    said = [english(limit) for limit in limits]
    assert [sentence for sentence in said if "%(" in sentence or not sentence.endswith(".")] == []
    assert len(set(said)) == len(limits)


def test_no_word_is_there_for_nothing() -> None:
    used = [describe(limit) for limit in every_limit()]
    assert {sentence.condition for sentence in used} == set(CONDITIONS)
    assert {sentence.amount for sentence in used} == set(AMOUNTS)
    assert {sentence.consequence for sentence in used} == set(CONSEQUENCES)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "drawdown > 20 % of equity -> close_and_disarm",
            "Your equity falls more than 20 % of equity from its highest value: everything that was copied is closed, "
            "and copying stops until you start it again.",
        ),
        (
            "loss > 5 % of equity per day -> block_opens",
            "You lose more than 5 % of equity in a day: nothing new is opened; what is open is still closed when the "
            "trader closes it.",
        ),
        (
            "loss > 500 USDT of realised per week -> warn",
            "Closed trades lose more than 500 USDT in a week: you are told.",
        ),
        ("order > 1000 USDT -> shrink", "An order is worth more than 1000 USDT: it is made smaller."),
        ("leverage > 5 -> shrink", "An order comes with a leverage above 5×: it is copied with less leverage."),
        (
            "instruments in ETH/USDT, BTC/USDT -> block_opens",
            "An order is for a market other than BTC/USDT, ETH/USDT: it is not copied.",
        ),
    ],
)
def test_a_limit_is_told_in_one_english_sentence(line: str, sentence: str) -> None:
    assert english(parse(line)) == sentence


def test_the_facts_of_a_denial_tell_the_limit_and_whose_it_is() -> None:
    facts = limit_facts(Scoped(Scope.TENANT, parse("order > 1000 USDT -> shrink")))
    assert facts == {"limit": "1000", "limit_unit": "money", "limit_scope": "tenant", "currency": "USDT"}
    facts = limit_facts(Scoped(Scope.PLATFORM, parse("leverage > 5 -> shrink")))
    assert facts == {"limit": "5", "limit_unit": "times", "limit_scope": "platform"}
