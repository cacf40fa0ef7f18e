"""A brand's own words for mails: what they may name, what they must, and what becomes of a percent sign."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from copydesk.notifications import KINDS, Kind
from copydesk.notifications.own_letters import filled, letter_facts, letter_faults, needed_facts


@dataclass(frozen=True)
class Own:
    subject: str | None = None
    lines: tuple[str, ...] = ()


@pytest.mark.parametrize("kind", Kind)
def test_every_fact_of_a_kind_but_its_link_may_be_named(kind: Kind) -> None:
    words = " ".join(f"%({name})s" for name in letter_facts(kind))
    assert letter_faults(kind, Own(words, (words,))) == ()
    assert set(letter_facts(kind)) == (KINDS[kind] - {"link"}) | {"brand"}


@pytest.mark.parametrize("field", ["subject", "lines"])
def test_a_fact_that_a_kind_does_not_know_is_named(field: str) -> None:
    own = Own("%(code)s") if field == "subject" else Own(None, ("%(code)s",))
    ((place, _, found),) = letter_faults(Kind.INVITED, own)
    assert (place, found) == (field, "%(code)s")


def test_a_code_that_is_missing_from_its_mail_is_asked_for() -> None:
    assert needed_facts(Kind.STEP_UP_CODE) == ("code",)
    assert letter_faults(Kind.STEP_UP_CODE, Own(None, ("Hello",))) == (("lines", "%(code)s", "nothing of it"),)
    assert letter_faults(Kind.STEP_UP_CODE, Own("Only another subject")) == ()


def test_a_kind_that_nobody_sends_is_refused_by_name() -> None:
    ((place, expected, found),) = letter_faults("welcome", Own("Hello"))
    assert (place, found) == ("kind", "welcome")
    assert "verify_email" in expected


def test_more_paragraphs_than_anybody_reads_are_refused() -> None:
    assert letter_faults(Kind.INVITED, Own(None, ("x",) * 21)) == (("lines", "at most 20 paragraphs", "21"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("100 % of %(brand)s", "100 % of Aurora"),
        ("%(hours)s hours", None),
        ("%d and %%", "%d and %%"),
        ("%(brand)s%(brand)s", "AuroraAurora"),
    ],
)
def test_words_are_filled_in_and_a_percent_sign_stays_one(text: str, said: str | None) -> None:
    assert filled(text, {"brand": "Aurora"}) == said
