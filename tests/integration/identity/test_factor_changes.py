"""What is stored of second factors: sealed, counted, recorded, told to their owner, and never another person's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pyotp
import pytest
from copydesk.audit import OPERATOR, read_entries
from copydesk.db import Database
from copydesk.identity import Role
from copydesk.identity.factors import (
    Effort,
    FactorMissing,
    FactorNeeded,
    Factors,
    FactorWrong,
    Holder,
    Method,
    Question,
    TextFiles,
    Texting,
    begin_phone,
    begin_totp,
    confirm_phone,
    confirm_totp,
    erase_factors,
    factors_of,
    forgive,
    new_recovery_codes,
    remove_factor,
    take,
    take_try,
    text_code,
    use_recovery_code,
    verify_text,
    verify_totp,
)
from copydesk.identity.factors.challenges import LIFETIME, ask
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import NotFound
from copydesk.notifications.tables import Mail
from factor_people import BEGIN, STEP, FactorPeople
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError


@pytest.fixture(scope="module")
def crowd(database_url: str) -> Iterator[FactorPeople]:
    database = Database.connect(database_url, pool_size=2)
    yield FactorPeople(database)
    database.dispose()


@pytest.fixture
def people(crowd: FactorPeople) -> FactorPeople:
    """The same people for every test of this file, at the first moment, with no messages sent."""
    crowd.at = BEGIN
    crowd.sent.clear()
    return crowd


def factors(people: FactorPeople, holder: Holder) -> Factors:
    with people.database.tenant(holder.tenant_id) as session:
        return factors_of(session, holder.user_id)


def mails(people: FactorPeople, holder: Holder) -> list[str]:
    query = select(Mail.kind, Mail.facts["factor"].astext).where(Mail.recipient == holder.email).order_by(Mail.id)
    with people.database.tenant(holder.tenant_id) as session:
        return [f"{kind} {factor}" for kind, factor in session.execute(query)]


def acts(people: FactorPeople, holder: Holder) -> list[str]:
    with people.database.tenant(holder.tenant_id) as session:
        entries = read_entries(session, holder.tenant_id, subject=f"user:{holder.user_id}")
    return [entry.act for entry in reversed(entries)]


def verify(people: FactorPeople, holder: Holder, code: str) -> None:
    with people.desk(holder) as desk:
        verify_totp(desk, code)


def test_a_secret_counts_only_once_a_code_shows_that_the_app_has_it(people: FactorPeople) -> None:
    holder = people.person("app")
    with people.desk(holder) as desk:
        pending = begin_totp(desk, "Aurora")
    assert pending.uri.startswith("otpauth://totp/Aurora:app%40aurora.example?secret=")
    assert factors(people, holder) == Factors()
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        confirm_totp(desk, "000000")
    with people.desk(holder) as desk:
        assert begin_totp(desk, "Aurora").text == pending.text, "the page loaded again shows another secret"
        confirm_totp(desk, pyotp.TOTP(pending.text).at(people.at))
    assert factors(people, holder) == Factors(totp=True)
    assert (acts(people, holder), mails(people, holder)) == (["factor.added"], ["factor_added totp"])


def test_the_code_that_confirmed_a_secret_signs_nobody_in(people: FactorPeople) -> None:
    holder = people.person("confirmed")
    app = people.with_app(holder)
    with pytest.raises(FactorWrong):
        verify(people, holder, app.at(people.at - STEP))
    verify(people, holder, app.at(people.at))


def test_after_a_newer_code_an_older_one_is_not_taken(people: FactorPeople) -> None:
    holder = people.person("newer")
    app = people.with_app(holder)
    verify(people, holder, app.at(people.at + STEP))
    with pytest.raises(FactorWrong):
        verify(people, holder, app.at(people.at))


def test_a_secret_that_waited_too_long_is_replaced(people: FactorPeople) -> None:
    holder = people.person("late")
    with people.desk(holder) as desk:
        first = begin_totp(desk, "Aurora")
    people.at += timedelta(minutes=16)
    with pytest.raises(FactorMissing), people.desk(holder) as desk:
        confirm_totp(desk, pyotp.TOTP(first.text).at(people.at))
    with people.desk(holder) as desk:
        assert begin_totp(desk, "Aurora").text != first.text


def test_each_session_is_handed_a_secret_of_its_own(people: FactorPeople) -> None:
    holder = people.person("twice")
    elsewhere = replace(holder, session_id=99)
    with people.desk(holder) as desk:
        mine = begin_totp(desk, "Aurora").text
    with people.desk(elsewhere) as desk:
        assert begin_totp(desk, "Aurora").text != mine
    with pytest.raises(FactorWrong), people.desk(elsewhere) as desk:
        confirm_totp(desk, pyotp.TOTP(mine).at(people.at))
    with people.desk(holder) as desk:
        confirm_totp(desk, pyotp.TOTP(mine).at(people.at))
    with pytest.raises(FactorMissing), people.desk(elsewhere) as desk:
        confirm_totp(desk, "000000")


def test_a_new_phone_takes_the_old_ones_place_when_it_is_confirmed(people: FactorPeople) -> None:
    holder = people.person("moving")
    old = people.with_app(holder)
    with people.desk(holder) as desk:
        pending = begin_totp(desk, "Aurora")
    verify(people, holder, old.at(people.at))
    people.at += 2 * STEP
    with people.desk(holder) as desk:
        confirm_totp(desk, pyotp.TOTP(pending.text).at(people.at))
    with pytest.raises(FactorWrong):
        verify(people, holder, old.at(people.at))


def test_nobody_signs_in_with_another_persons_code(people: FactorPeople) -> None:
    mine, theirs = people.person("mine"), people.person("theirs", brand="boreal")
    app = people.with_app(theirs)
    people.with_app(mine)
    with pytest.raises(FactorWrong):
        verify(people, mine, app.at(people.at))


def test_recovery_codes_work_once_each_and_end_with_the_next_set(people: FactorPeople) -> None:
    holder = people.person("lost")
    with people.desk(holder) as desk:
        old = new_recovery_codes(desk)
    assert len(set(old)) == 10
    with people.desk(holder) as desk:
        assert use_recovery_code(desk, old[0].lower()) == 9
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        use_recovery_code(desk, old[0])
    with people.desk(holder) as desk:
        new = new_recovery_codes(desk)
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        use_recovery_code(desk, old[1])
    with people.desk(holder) as desk:
        use_recovery_code(desk, new[9])
    assert acts(people, holder) == ["recovery_codes.renewed", "recovery_code.used"] * 2
    assert mails(people, holder)[1] == "recovery_used None"


def test_a_second_set_of_recovery_codes_waits_for_the_first(people: FactorPeople) -> None:
    holder = people.person("hasty")
    with people.desk(holder) as first:
        new_recovery_codes(first)
        with pytest.raises(OperationalError), people.desk(holder) as second:
            second.session.execute(text("SET LOCAL lock_timeout = '20ms'"))
            new_recovery_codes(second)
    assert factors(people, holder).recovery_left == 10


def test_a_phone_is_confirmed_by_the_code_that_was_sent_to_it_and_signs_in_once(people: FactorPeople) -> None:
    holder, texting = people.person("caller"), Texting(people, lambda code: f"code {code}")
    with people.desk(holder) as desk:
        assert begin_phone(desk, "+49 151 12345678", texting) == "78"
    assert people.sent[0].startswith("+4915112345678: code ")
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        confirm_phone(desk, "12345")
    with people.desk(holder) as desk:
        confirm_phone(desk, people.sent[0][-6:])
    assert factors(people, holder) == Factors(sms=True)
    with people.desk(holder) as desk:
        assert text_code(desk, texting) == "78"
    with people.desk(holder) as desk:
        verify_text(desk, people.sent[1][-6:])
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        verify_text(desk, people.sent[1][-6:])


def test_a_code_confirms_the_number_that_it_was_sent_to_and_no_other(people: FactorPeople) -> None:
    holder, texting = people.person("swapped"), Texting(people, lambda code: code)
    with people.desk(holder) as desk:
        begin_phone(desk, "+4915112345678", texting)
    with people.desk(replace(holder, session_id=99)) as desk:
        begin_phone(desk, "+4915187654321", texting)
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        confirm_phone(desk, people.sent[0][-6:])
    assert factors(people, holder) == Factors()


def test_a_code_that_was_sent_is_too_old_after_five_minutes(people: FactorPeople) -> None:
    holder, texting = people.person("slow"), Texting(people, lambda code: code)
    with people.desk(holder) as desk:
        begin_phone(desk, "+4915112345678", texting)
    people.at += LIFETIME
    with pytest.raises(FactorWrong), people.desk(holder) as desk:
        confirm_phone(desk, people.sent[0][-6:])


def test_nothing_of_a_factor_can_be_read_in_the_database(people: FactorPeople, owner_url: str) -> None:
    holder, texting = people.person("secretive"), Texting(people, lambda code: code)
    secret = people.with_app(holder).secret
    with people.desk(holder) as desk:
        codes = new_recovery_codes(desk)
        begin_phone(desk, "+4915187654321", texting)
    with psycopg.connect(owner_url) as connection:
        tables = ("totp_secret", "recovery_code", "phone", "factor_challenge", "audit_entry", "mail")
        rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}").fetchall()]
    stored = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    sought = [secret, "4915187654321", people.sent[0][-6:], *codes, *(code.replace("-", "") for code in codes)]
    assert [text for text in sought if text.encode() in stored] == []


def test_a_question_is_answered_once_and_only_by_the_session_that_was_asked(people: FactorPeople) -> None:
    holder = people.person("asked")
    elsewhere = Holder(holder.tenant_id, holder.user_id, holder.role, holder.email, 99, holder.ip, "en")
    with people.desk(holder) as desk:
        ask(desk, Question.USE_PASSKEY, b"first")
        ask(desk, Question.USE_PASSKEY, b"second")
    with people.desk(elsewhere) as desk:
        assert take(desk, Question.USE_PASSKEY) is None
    with people.desk(holder) as desk:
        taken = take(desk, Question.USE_PASSKEY)
        assert taken is not None and taken.value == b"second"
        assert take(desk, Question.USE_PASSKEY) is None


def test_after_five_tries_somebody_waits_until_a_proof_holds(people: FactorPeople) -> None:
    holder = people.person("guesser")

    def attempt() -> None:
        with people.desk(holder) as desk:
            take_try(desk.session, holder.tenant_id, holder.user_id, people.at)

    for _ in range(5):
        attempt()
    with pytest.raises(TooManyTries) as refused:
        attempt()
    assert refused.value.wait_s == 300
    people.at += timedelta(minutes=5)
    attempt()
    with pytest.raises(TooManyTries) as refused:
        attempt()
    assert refused.value.wait_s == 600
    with people.desk(holder) as desk:
        forgive(desk.session, holder.user_id, Effort.STEP_UP)
    with pytest.raises(TooManyTries):
        attempt()
    with people.desk(holder) as desk:
        forgive(desk.session, holder.user_id)
    attempt()


def test_messages_are_counted_apart_and_a_proof_that_holds_does_not_forgive_them(people: FactorPeople) -> None:
    holder = people.person("both")
    with people.desk(holder) as desk:
        take_try(desk.session, holder.tenant_id, holder.user_id, people.at, Effort.TEXT)
        take_try(desk.session, holder.tenant_id, holder.user_id, people.at)
        forgive(desk.session, holder.user_id)
    with pytest.raises(TooManyTries), people.desk(holder) as desk:
        take_try(desk.session, holder.tenant_id, holder.user_id, people.at, Effort.TEXT)


def test_staff_keep_their_last_factor_and_a_follower_of_a_brand_that_does_not_ask_may_drop_it(
    people: FactorPeople,
) -> None:
    staff, follower = people.person("staff", Role.STAFF), people.person("free")
    people.with_app(staff)
    people.with_app(follower)
    with people.desk(follower) as desk:
        new_recovery_codes(desk)
    with pytest.raises(FactorNeeded), people.desk(staff) as desk:
        remove_factor(desk, Method.TOTP, required=False)
    with pytest.raises(FactorNeeded), people.desk(follower) as desk:
        remove_factor(desk, Method.TOTP, required=True)
    with people.desk(follower) as desk:
        remove_factor(desk, Method.TOTP, required=False)
    assert factors(people, follower) == Factors(), "codes or a phone were left behind alone"
    assert mails(people, follower)[-1] == "factor_removed totp"


def test_a_passkey_that_is_not_there_is_named_as_missing(people: FactorPeople) -> None:
    holder = people.person("keyless")
    people.with_app(holder)
    with pytest.raises(FactorMissing), people.desk(holder) as desk:
        remove_factor(desk, Method.PASSKEY, passkey_id=7, required=True)


def test_staff_erase_every_factor_of_somebody_who_lost_all(people: FactorPeople) -> None:
    holder = people.person("robbed")
    people.with_app(holder)
    with people.database.tenant(holder.tenant_id) as session:
        assert erase_factors(session, holder.user_id, OPERATOR, people.at) == Factors(totp=True)
    assert factors(people, holder) == Factors()
    assert acts(people, holder)[-1] == "factors.erased"


def test_factors_of_another_brands_person_cannot_be_erased(people: FactorPeople) -> None:
    holder, stranger = people.person("ours"), people.person("yours", brand="boreal")
    people.with_app(stranger)
    with pytest.raises(NotFound), people.database.tenant(holder.tenant_id) as session:
        erase_factors(session, stranger.user_id, OPERATOR, people.at)
    assert factors(people, stranger).totp


def test_the_folder_of_messages_is_read_by_its_owner_only(tmp_path: Path) -> None:
    texter = TextFiles(tmp_path / "sms" / "aurora")
    texter.send("+4915112345678", "first")
    texter.send("+4915112345678", "second")
    files = sorted((tmp_path / "sms" / "aurora").iterdir())
    assert [json.loads(file.read_text())["text"] for file in files] == ["first", "second"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "sms" / "aurora").stat().st_mode & 0o777 == 0o700
