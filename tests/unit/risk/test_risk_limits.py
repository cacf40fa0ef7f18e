"""Which limit holds where several people set one, and which cannot stand together."""

from __future__ import annotations

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import Flaw, contradictions, effective, require_consistent
from copydesk.risk.model import Measure, Scope, Scoped

PLATFORM, TENANT, STRATEGY, ACCOUNT, SUBSCRIPTION = Scope


def said(scope: Scope, *lines: str) -> list[Scoped]:
    return [Scoped(scope, parse(line)) for line in lines]


def held(*limits: Scoped) -> list[tuple[Scope, str]]:
    return [(scoped.scope, text_of(scoped.limit)) for scoped in effective(limits)]


def flaws(*limits: Scoped, currency: str | None = None) -> list[tuple[Flaw, str]]:
    return [(problem.flaw, str(problem)) for problem in contradictions(limits, currency=currency)]


def test_the_tighter_limit_holds_and_remembers_whose_it_is_and_what_it_overrules() -> None:
    wide = said(PLATFORM, "loss > 25 % of equity per day -> close")
    mine = said(SUBSCRIPTION, "loss > 10 % of equity per day -> close")
    brand = said(TENANT, "loss > 15 % of equity per day -> close")
    holding = effective([*mine, *wide, *brand]).holdings
    assert [each.scoped for each in holding] == mine
    assert holding[0].overruled == (*wide, *brand)


def test_a_floor_is_tighter_when_it_is_higher() -> None:
    low, high = "volume < 1000 USDT per day -> block_opens", "volume < 5000 USDT per day -> block_opens"
    assert held(*said(SUBSCRIPTION, low), *said(TENANT, high)) == [(TENANT, high)]


def test_of_equal_limits_the_widest_scope_is_named() -> None:
    line = "positions > 10 -> block_opens"
    assert held(*said(SUBSCRIPTION, line), *said(TENANT, line)) == [(TENANT, line)]


def test_amounts_percentages_windows_bases_and_actions_are_never_compared() -> None:
    lines = (
        "loss > 5 % of equity -> warn",
        "loss > 5 % of equity -> close",
        "loss > 5 % of balance -> close",
        "loss > 5 % of equity per day -> close",
        "loss > 500 USDT of equity -> close",
        "loss > 500 USDC of equity -> close",
    )
    assert len(held(*said(TENANT, *lines))) == len(lines)


def test_a_limit_of_the_account_does_not_tighten_that_of_a_subscription() -> None:
    tight, wide = "loss > 15 % of equity -> close", "loss > 20 % of equity -> close"
    assert len(held(*said(ACCOUNT, tight), *said(SUBSCRIPTION, wide))) == 2


def test_a_measure_of_the_account_alone_is_one_whoever_limits_it() -> None:
    tight, wide = "instrument > 500 USDT -> shrink", "instrument > 900 USDT -> shrink"
    assert held(*said(SUBSCRIPTION, wide), *said(ACCOUNT, tight)) == [(ACCOUNT, tight)]


def test_of_lists_only_what_all_of_them_allow_holds() -> None:
    brand = said(TENANT, "instruments in BTC/USDT, ETH/USDT, SOL/USDT -> block_opens")
    mine = said(ACCOUNT, "instruments in SOL/USDT, ADA/USDT -> block_opens")
    assert held(*brand, *mine) == [(ACCOUNT, "instruments in SOL/USDT -> block_opens")]


def test_limits_of_one_measure_can_be_asked_for() -> None:
    held_set = effective(said(TENANT, "positions > 10 -> block_opens", "leverage > 5 -> shrink"))
    assert [text_of(each.limit) for each in held_set.of(Measure.LEVERAGE)] == ["leverage > 5 -> shrink"]


def test_a_sound_set_has_no_contradictions() -> None:
    own = (
        "drawdown > 10 % of equity -> warn",
        "drawdown > 15 % of equity -> block_opens",
        "drawdown > 20 % of equity -> close",
        "drawdown > 25 % of equity -> close_and_disarm",
        "order > 500 USDT -> shrink",
        "order > 5000 USDT -> block_opens",
        "margin_distance < 20 % -> warn",
        "margin_distance < 10 % -> block_opens",
    )
    assert flaws(*said(SUBSCRIPTION, *own), currency="USDT") == []


@pytest.mark.parametrize(
    ("lines", "flaw", "sentence"),
    [
        (
            ("drawdown > 20 % of equity -> block_opens", "drawdown > 15 % of equity -> close_and_disarm"),
            Flaw.TOO_LATE,
            "drawdown of equity -> block_opens: expected less than the 15 % of close_and_disarm, found 20 %.",
        ),
        (
            ("loss > 5 % of equity per day -> warn", "loss > 5 % of equity per day -> block_opens"),
            Flaw.TOO_LATE,
            "loss of equity per day -> warn: expected less than the 5 % of block_opens, found 5 %.",
        ),
        (
            ("margin_distance < 5 % -> warn", "margin_distance < 10 % -> close"),
            Flaw.TOO_LATE,
            "margin_distance -> warn: expected more than the 10 % of close, found 5 %.",
        ),
        (
            ("order > 5000 USDT -> shrink", "order > 1000 USDT -> block_opens"),
            Flaw.TOO_LATE,
            "order -> shrink: expected less than the 1000 USDT of block_opens, found 5000 USDT.",
        ),
        (
            ("positions > 5 -> block_opens", "positions > 8 -> block_opens"),
            Flaw.TOLD_TWICE,
            "positions -> block_opens: expected one limit (5), found 8.",
        ),
    ],
)
def test_a_contradiction_is_named_with_field_bound_and_value(lines: tuple[str, ...], flaw: Flaw, sentence: str) -> None:
    assert flaws(*said(SUBSCRIPTION, *lines)) == [(flaw, sentence)]


def test_a_milder_limit_of_somebody_else_may_lie_beyond_ones_own() -> None:
    brand = said(TENANT, "drawdown > 20 % of equity -> block_opens")
    assert flaws(*brand, *said(SUBSCRIPTION, "drawdown > 15 % of equity -> close")) == []


def test_a_limit_laxer_than_the_platforms_is_named_with_whose_bound_it_breaks() -> None:
    wide = said(PLATFORM, "drawdown > 30 % of equity -> close_and_disarm", "leverage > 20 -> block_opens")
    mine = said(SUBSCRIPTION, "drawdown > 35 % of equity -> close", "leverage > 50 -> shrink")
    assert flaws(*mine, *wide) == [
        (
            Flaw.BEYOND_MASTER,
            "drawdown of equity -> close: expected at most 30 %, the platform's limit, found 35 %.",
        ),
        (
            Flaw.BEYOND_MASTER,
            "leverage -> shrink: expected at most 20, the platform's limit, found 50.",
        ),
    ]


def test_a_traders_own_limit_overrules_a_followers_and_refuses_nobody() -> None:
    own = said(STRATEGY, "positions > 3 -> block_opens")
    assert flaws(*own, *said(SUBSCRIPTION, "positions > 8 -> block_opens")) == []


def test_lists_that_allow_nothing_together_are_named() -> None:
    brand = said(TENANT, "instruments in BTC/USDT, ETH/USDT -> block_opens")
    mine = said(SUBSCRIPTION, "instruments in SOL/USDT -> block_opens")
    assert flaws(*brand, *mine)[0][0] is Flaw.NOTHING_ALLOWED


def test_an_amount_in_another_currency_is_named_where_one_is_expected() -> None:
    mine = said(SUBSCRIPTION, "order > 1000 USDC -> shrink")
    assert flaws(*mine) == []
    sentence = "order -> shrink: expected an amount in USDT, found 1000 USDC."
    assert flaws(*mine, currency="USDT") == [(Flaw.CURRENCY_FOREIGN, sentence)]


def test_a_limit_that_no_line_could_have_said_is_named() -> None:
    told = parse("profit > 50 % of equity -> close")
    nothing = type(told)(told.measure, type(told.threshold)(), told.basis, told.window, told.action)
    sentence = "profit of equity -> close: expected from 0.1 to 10000 %, found 0 %."
    assert flaws(Scoped(SUBSCRIPTION, nothing)) == [(Flaw.OUT_OF_BOUNDS, sentence)]


def test_a_contradiction_is_refused_with_its_place_and_code() -> None:
    lines = said(TENANT, "positions > 5 -> block_opens", "positions > 8 -> block_opens")
    with pytest.raises(InvalidInput) as refusal:
        require_consistent(lines, where="tenant.yaml:9")
    assert str(refusal.value).startswith("tenant.yaml:9: positions -> block_opens: expected one limit (5)")
    assert refusal.value.code == "limit_told_twice"
