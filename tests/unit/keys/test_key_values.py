"""Keys as values: what is typed, when an end is told of, and that nothing secret is ever shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from copydesk.keys import Handed, Problem, read_entry
from copydesk.keys.model import notice_due
from copydesk.keys.watch import DISARMS
from copydesk.replication.model import DEAD_KEY
from copydesk.trading import Denial, KeyKind
from copydesk.venues import EXCHANGES
from copydesk.web.keys.guides import GUIDES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = {"label": "Main", "api_key": "k" * 64, "secret": "s" * 64, "passphrase": "a phrase of 3 words"}


def problems(venue: str = "binance", **typed: str) -> dict[str, Problem]:
    return dict(read_entry({**GOOD, **typed}, venue, KeyKind.HMAC).problems)


def test_a_good_entry_is_taken_as_it_is_but_for_spaces_around_the_key() -> None:
    entry = read_entry({**GOOD, "api_key": f"  {'k' * 64}\n", "label": " My   account "}, "okx", KeyKind.HMAC)
    assert entry.problems == {}
    assert entry.label == "My account"
    assert (entry.handed.api_key, entry.handed.passphrase) == ("k" * 64, GOOD["passphrase"])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ({"label": " "}, {"label": Problem.MISSING}),
        ({"label": "x" * 41}, {"label": Problem.TOO_LONG}),
        ({"label": "a\u202eb"}, {"label": Problem.NOT_PLAIN}),
        ({"api_key": ""}, {"api_key": Problem.MISSING}),
        ({"api_key": "short"}, {"api_key": Problem.TOO_SHORT}),
        ({"api_key": "k" * 257}, {"api_key": Problem.TOO_LONG}),
        ({"api_key": "schlüssel-1"}, {"api_key": Problem.NOT_PLAIN}),
        ({"api_key": "two words here"}, {"api_key": Problem.NOT_PLAIN}),
        ({"secret": "k" * 64}, {"secret": Problem.SAME_AS_KEY}),
        ({"secret": "-----BEGIN PRIVATE KEY-----"}, {"secret": Problem.PRIVATE_KEY}),
        ({"api_key": "", "secret": ""}, {"api_key": Problem.MISSING, "secret": Problem.MISSING}),
    ],
)
def test_each_wrong_field_is_named(typed: dict[str, str], found: dict[str, Problem]) -> None:
    assert problems(**typed) == found


def test_a_passphrase_is_asked_for_where_keys_have_one() -> None:
    assert problems("okx", passphrase="") == {"passphrase": Problem.MISSING}
    assert problems("binance", passphrase="") == {}


def test_a_pair_of_ours_has_no_secret_to_enter() -> None:
    entry = read_entry({**GOOD, "secret": ""}, "binance", KeyKind.ED25519)
    assert (entry.problems, entry.handed.secret) == ({}, "")


def test_a_key_on_its_way_shows_nothing_of_itself() -> None:
    assert repr(Handed("the-key", "the-secret", "the-phrase")) == "Handed()"


@pytest.mark.parametrize(
    ("days", "told", "due"),
    [(20, None, None), (13.5, None, 14), (13.5, 14, None), (6.9, 14, 7), (6.9, None, 7), (0.5, 7, 1), (-1, None, 1)],
)
def test_an_end_is_told_of_two_weeks_a_week_and_a_day_before_each_once(
    days: float, told: int | None, due: int | None
) -> None:
    assert notice_due(NOW + timedelta(days=days), NOW, told) == due


def test_a_key_that_does_not_end_is_never_told_of() -> None:
    assert notice_due(None, NOW, None) is None


def test_every_reason_for_which_trading_puts_a_key_aside_disarms_it_at_the_desk_too() -> None:
    assert DEAD_KEY <= DISARMS
    assert {Denial.KEY_CAN_WITHDRAW, Denial.KEY_CAN_TRANSFER, Denial.KEY_RIGHTS_UNKNOWN} <= DISARMS
    assert DISARMS.isdisjoint({Denial.KEY_REMOVED, Denial.KEY_UNBOUND})


def test_every_exchange_has_a_guide_that_names_what_to_tick_and_what_to_leave() -> None:
    assert set(GUIDES) == set(EXCHANGES)
    for guide in GUIDES.values():
        assert len(guide.steps) >= 5 and guide.tick and guide.leave
        assert any("ithdraw" in right.name for right in guide.leave)
