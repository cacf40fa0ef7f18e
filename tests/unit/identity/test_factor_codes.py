"""Codes that people type: which step they belong to, what they look like, how long wrong ones make wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from copydesk.identity import Role
from copydesk.identity.factors import Effort, Factors, Method, grouped, plain_number
from copydesk.identity.factors.codes import RECOVERY_BYTES, matching_step, recovery_digest, recovery_text, step_at
from copydesk.identity.factors.patience import wait_after
from copydesk.identity.factors.service import remaining
from copydesk.kernel import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", the key of RFC 6238's examples.
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_the_examples_of_the_standard_hold(second: int, code: str) -> None:
    at = datetime.fromtimestamp(second, UTC)
    assert matching_step(SECRET, code, at) == step_at(at) == second // 30


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_one_step_off_and_no_more(steps: int, taken: bool) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(step_at(AT) + steps)
    assert (matching_step(SECRET, code, AT) is not None) is taken


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34 5", "-12345", "12345\0"])
def test_what_is_not_six_digits_never_matches(typed: str) -> None:
    assert matching_step(SECRET, typed, AT) is None


def test_spaces_between_digits_make_no_difference() -> None:
    code = pyotp.TOTP(SECRET).at(AT)
    assert matching_step(SECRET, f" {code[:3]} {code[3:]}\n", AT) == step_at(AT)


@given(st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES))
def test_a_recovery_code_is_read_however_it_is_typed(chance: bytes) -> None:
    code = recovery_text(chance)
    assert [len(group) for group in code.split("-")] == [4] * 6
    careless = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert recovery_digest(b"salt", careless) == recovery_digest(b"salt", code)


@given(st.lists(st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES), unique=True, max_size=20))
def test_different_chance_gives_different_codes(chances: list[bytes]) -> None:
    assert len({recovery_text(chance) for chance in chances}) == len(chances)


def test_the_same_code_has_another_digest_under_another_salt() -> None:
    assert recovery_digest(b"one", "CODE") != recovery_digest(b"two", "CODE")


def test_a_secret_is_shown_in_groups_of_four() -> None:
    assert grouped("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_five_wrong_proofs_are_free_and_each_further_one_doubles_the_wait_up_to_an_hour() -> None:
    waits = [wait_after(Effort.PROOF, tries) / MINUTE for tries in range(1, 12)]
    assert waits == [0, 0, 0, 0, 5, 10, 20, 40, 60, 60, 60]


def test_text_messages_go_out_once_a_minute_and_then_more_slowly() -> None:
    assert [wait_after(Effort.TEXT, sent) / MINUTE for sent in (1, 2, 3, 7, 99)] == [1, 2, 4, 60, 60]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+49 151 12345678", "+4915112345678"),
        ("0044 (20) 7946-0958", "+442079460958"),
        ("+1.202.555.0143", "+12025550143"),
    ],
)
def test_a_number_is_read_as_people_write_it(typed: str, number: str) -> None:
    assert plain_number(typed) == number


@pytest.mark.parametrize("typed", ["", "0151 12345678", "+0 1234567", "+49 151", "+49151123456789012", "+49 151 x"])
def test_what_is_no_international_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="phone: expected a number with its country code"):
        plain_number(typed)


ALL = Factors(totp=True, passkeys=2, recovery_left=3, sms=True)


@pytest.mark.parametrize(
    ("role", "choices"),
    [
        (Role.FOLLOWER, (Method.PASSKEY, Method.TOTP, Method.SMS, Method.RECOVERY)),
        (Role.TRADER, (Method.PASSKEY, Method.TOTP, Method.SMS, Method.RECOVERY)),
        (Role.STAFF, (Method.PASSKEY, Method.TOTP, Method.RECOVERY)),
        (Role.OPERATOR, (Method.PASSKEY,)),
    ],
)
def test_each_role_signs_in_with_what_is_strong_enough_for_it(role: Role, choices: tuple[Method, ...]) -> None:
    assert ALL.choices(role) == choices


@pytest.mark.parametrize("role", Role)
def test_a_text_message_never_steps_up(role: Role) -> None:
    assert Method.SMS not in ALL.choices(role, stepping_up=True)


def test_an_operator_without_a_passkey_is_not_enrolled_and_proves_what_there_is_to_add_one() -> None:
    app_only = Factors(totp=True, recovery_left=1)
    assert not app_only.enough_for(Role.OPERATOR)
    assert app_only.choices(Role.OPERATOR) == (Method.TOTP, Method.RECOVERY)
    assert app_only.enough_for(Role.STAFF)


def test_a_phone_or_codes_alone_are_no_second_factor() -> None:
    alone = Factors(recovery_left=10, sms=True)
    assert not alone.any
    assert alone.choices(Role.FOLLOWER) == ()


def test_with_the_last_strong_factor_nothing_is_left() -> None:
    assert remaining(Factors(totp=True, recovery_left=10, sms=True), Method.TOTP) == Factors()
    assert remaining(ALL, Method.PASSKEY).passkeys == 1
    assert remaining(ALL, Method.SMS).totp
