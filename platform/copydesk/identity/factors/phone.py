"""Codes by text message: a fallback beside a stronger factor, never for a step-up. Sources: NIST SP 800-63B 3.2.9
(restricted authenticators: numbers are taken over), the WebOTP format that binds a code to a host."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from copydesk.identity.factors.challenges import Question, ask_code, code_matches, take
from copydesk.identity.factors.desk import Change, Desk
from copydesk.identity.factors.model import FactorMissing, FactorWrong, Method
from copydesk.identity.factors.port import Texter
from copydesk.identity.factors.tables import Phone
from copydesk.kernel import InvalidInput

_FIELD = "phone.number"
_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}\Z")
_BETWEEN = str.maketrans(dict.fromkeys(" -.()/\u00a0"))
_HINT_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Texting:
    """How a code gets to a phone: who carries it, and what is written around it, in the reader's language."""

    texter: Texter
    words: Callable[[str], str]


def plain_number(typed: str) -> str:
    """Return a number in the form of E.164; raises `InvalidInput` for what is none."""
    number = typed.strip().translate(_BETWEEN)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not _NUMBER.match(number):
        raise InvalidInput("phone: expected a number with its country code, such as +49 151 12345678")
    return number


def begin_phone(desk: Desk, typed: str, texting: Texting) -> str:
    """Store a number that waits to be confirmed, send a code to it, and return its last digits."""
    number = plain_number(typed)
    waiting = Phone.user_id == desk.holder.user_id, ~Phone.confirmed
    desk.session.execute(delete(Phone).where(*waiting))
    hint = number[-_HINT_DIGITS:]
    stored = insert(Phone).values(desk.own(hint=hint, created_at=desk.at)).returning(Phone.id)
    row_id = desk.session.execute(stored).scalar_one()
    sealed = desk.sealed(row_id, _FIELD, number)
    desk.session.execute(update(Phone).where(Phone.id == row_id).values(sealed=sealed))
    texting.texter.send(number, texting.words(ask_code(desk, Question.CONFIRM_PHONE, row_id)))
    return hint


def confirm_phone(desk: Desk, typed: str) -> None:
    """Take the waiting number into use, in place of an older one; raises `FactorWrong` for another code.

    A code confirms the number that it was sent to, and none that was typed since. Rolled back, so that the code can be
    typed again: `take_try` says how often.
    """
    own = Phone.user_id == desk.holder.user_id
    waiting = desk.session.scalar(select(Phone.id).where(own, ~Phone.confirmed).with_for_update())
    asked = take(desk, Question.CONFIRM_PHONE)
    if waiting is None or not code_matches(desk, asked, typed, waiting):
        raise FactorWrong("The code is wrong or too old.")
    desk.session.execute(delete(Phone).where(own, Phone.id != waiting))
    desk.session.execute(update(Phone).where(Phone.id == waiting).values(confirmed=True))
    desk.tell(Change("factor.added", "factor_added", {"factor": Method.SMS}))


def text_code(desk: Desk, texting: Texting) -> str:
    """Send a sign-in code to the confirmed number and return its last digits; `FactorMissing` where there is none."""
    query = select(Phone).where(Phone.user_id == desk.holder.user_id, Phone.confirmed)
    found = desk.session.scalars(query).one_or_none()
    if found is None or found.sealed is None:
        raise FactorMissing("There is no confirmed number.")
    number = desk.opened(found.id, _FIELD, found.sealed)
    texting.texter.send(number, texting.words(ask_code(desk, Question.USE_PHONE, found.id)))
    return found.hint


def verify_text(desk: Desk, typed: str) -> None:
    """Accept a code that was sent, once; raises `FactorWrong` for any other, which leaves it to be typed again."""
    number = select(Phone.id).where(Phone.user_id == desk.holder.user_id, Phone.confirmed)
    phone_id, asked = desk.session.scalar(number), take(desk, Question.USE_PHONE)
    if phone_id is None or not code_matches(desk, asked, typed, phone_id):
        raise FactorWrong("The code is wrong or too old.")


def drop_phones(desk: Desk) -> None:
    """Forget every number of a person, confirmed or not: none stands without a stronger factor beside it."""
    desk.session.execute(delete(Phone).where(Phone.user_id == desk.holder.user_id))
