"""Questions that wait for one answer: each belongs to one session and one purpose, and is taken at most once."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from copydesk.identity.factors.codes import DIGITS, digits_of
from copydesk.identity.factors.desk import Desk
from copydesk.identity.factors.tables import FactorChallenge

# Long enough for a phone that has to be fetched; OWASP ASVS 5.0 V6.5.5 allows ten minutes.
LIFETIME = timedelta(minutes=5)
_FIELD = "factor.challenge"


class Question(StrEnum):
    """What an answer is awaited to."""

    REGISTER_PASSKEY = "register_passkey"
    USE_PASSKEY = "use_passkey"
    CONFIRM_PHONE = "confirm_phone"
    USE_PHONE = "use_phone"
    CHANGE_FACTORS = "change_factors"  # Answered before it is asked: a recovery code was given. See `recovery`.


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was taken off: nobody can answer it again."""

    id: int
    value: bytes = field(repr=False)


def ask(desk: Desk, question: Question, value: bytes) -> int:
    """Store a question of this session and return its id; an earlier one of the same kind is not answered any more."""
    assert desk.holder.session_id is not None, "only a session can be asked for a factor"
    place = desk.own(session_id=desk.holder.session_id, kind=str(question))
    fresh = {"value": value, "expires_at": desk.at + LIFETIME}
    late = FactorChallenge.user_id == desk.holder.user_id, FactorChallenge.expires_at <= desk.at
    desk.session.execute(delete(FactorChallenge).where(*late))
    asked = insert(FactorChallenge).values({**place, **fresh})
    asked = asked.on_conflict_do_update(index_elements=list(place), set_=fresh)
    return int(desk.session.execute(asked.returning(FactorChallenge.id)).scalar_one())


def take(desk: Desk, question: Question) -> Asked | None:
    """Take a question off; None where none waits, or it waited too long.

    Two that take at the same moment wait for each other, and one finds nothing. What a signature answers is taken and
    committed before the answer is looked at, so that nobody tries a second one on it.
    """
    taken = delete(FactorChallenge).where(
        FactorChallenge.user_id == desk.holder.user_id,
        FactorChallenge.session_id == desk.holder.session_id,
        FactorChallenge.kind == question,
    )
    columns = FactorChallenge.id, FactorChallenge.value, FactorChallenge.expires_at
    found = desk.session.execute(taken.returning(*columns)).one_or_none()
    return Asked(found.id, found.value) if found is not None and desk.at < found.expires_at else None


def ask_code(desk: Desk, question: Question, phone_id: int) -> str:
    """Draw a code of six digits to be sent to one phone, store it sealed, and return it."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    asked = ask(desk, question, b"")
    sealed = desk.sealed(asked, _FIELD, f"{phone_id}:{code}")
    desk.session.execute(update(FactorChallenge).where(FactorChallenge.id == asked).values(value=sealed))
    return code


def code_matches(desk: Desk, asked: Asked | None, typed: str, phone_id: int) -> bool:
    """Tell whether somebody typed the code of a question that was taken, and it was sent to this phone."""
    if asked is None:
        return False
    return hmac.compare_digest(desk.opened(asked.id, _FIELD, asked.value), f"{phone_id}:{digits_of(typed)}")
