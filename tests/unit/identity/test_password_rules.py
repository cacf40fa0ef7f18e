"""What makes a password good enough, and in which form it is hashed."""

from __future__ import annotations

from time import thread_time

import pytest
from copydesk.identity.model import Role
from copydesk.identity.passwords import (
    LENGTH_MAX,
    PasswordFault,
    password_fault,
    password_terms,
    plain_password,
)

TERMS = password_terms(10, Role.FOLLOWER, ("Aurora", "ada.moor@post.example", "Ada Moor"))


@pytest.mark.parametrize(
    ("password", "fault"),
    (
        ("", PasswordFault.TOO_SHORT),
        ("a7kq!2zmp", PasswordFault.TOO_SHORT),
        ("a7kq!2zmp4", None),
        ("x" * (LENGTH_MAX + 1), PasswordFault.TOO_LONG),
        ("1234567890", PasswordFault.COMMON),
        ("1Q2W3E4R5T", PasswordFault.COMMON),
        ("password1234", PasswordFault.COMMON),
        ("bananabanana99", PasswordFault.GUESSABLE),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", PasswordFault.GUESSABLE),
        ("Aurora2026!", PasswordFault.PERSONAL),
        ("moor-moor-moor-1", PasswordFault.PERSONAL),
        ("the aurora over brisk herons", None),
        ("correct horse battery staple", None),
        ("только тихие совы ночью", None),
    ),
)
def test_a_password_is_judged_by_how_hard_it_is_to_guess(password: str, fault: PasswordFault | None) -> None:
    assert password_fault(password, TERMS) == fault


def test_no_kinds_of_characters_are_asked_for() -> None:
    assert password_fault("brisk heron willow", TERMS) is None
    assert password_fault("93847561029384", TERMS) is None


@pytest.mark.parametrize("role", (Role.STAFF, Role.OPERATOR))
def test_staff_need_twelve_characters_whatever_a_brand_says(role: Role) -> None:
    assert password_terms(10, role, ()).length_min == 12
    assert password_terms(16, role, ()).length_min == 16


def test_short_words_that_anybody_may_know_do_not_count_as_personal() -> None:
    assert password_terms(10, Role.FOLLOWER, ("Ada", "al@x.example")).words == {"example"}


def test_one_password_from_two_keyboards_is_one_password() -> None:
    assert plain_password("cafe\u0301 au lait 7") == plain_password("caf\u00e9 au lait 7")


def test_what_is_far_too_long_is_cut_before_it_is_composed_and_stays_too_long() -> None:
    """Composing 64 KB of accents takes seconds; four characters at most become one, so none gets in by being cut."""
    assert len(plain_password("e" + "\u0301" * 65_536)) <= 4 * LENGTH_MAX + 1
    for typed in ("\u03b1\u0313\u0300\u0345" * 20_000, "e\u0301" * 20_000):
        assert password_fault(plain_password(typed), TERMS) is PasswordFault.TOO_LONG


def test_judging_a_password_takes_a_fraction_of_a_second_whatever_it_is_made_of() -> None:
    began = thread_time()
    assert password_fault("4@({[<3691!|70$5+%2x" * 6, TERMS) is None
    assert thread_time() - began < 0.8


def test_two_characters_that_look_alike_stay_two() -> None:
    assert plain_password("\uff41\uff42\uff43") != plain_password("abc")
    assert plain_password(" with spaces ") == " with spaces "
