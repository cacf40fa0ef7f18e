"""Recovery codes: ten at a time, shown once, each good for one sign-in when everything else is out of reach.

In a whole session one confirms changes of second factors and nothing else, so that somebody who lost their phone can
set up the next one: for five minutes a question of this session waits, and that it waits is the answer.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from copydesk.identity.factors.challenges import Question, ask
from copydesk.identity.factors.codes import RECOVERY_BYTES, RECOVERY_CODES, recovery_digest, recovery_text
from copydesk.identity.factors.desk import Change, Desk
from copydesk.identity.factors.model import FactorWrong, Method
from copydesk.identity.factors.service import lock_owner
from copydesk.identity.factors.tables import FactorChallenge, RecoveryCode

_SALT_BYTES = 16


def new_recovery_codes(desk: Desk) -> tuple[str, ...]:
    """Draw a new set and return it, the only time that anybody sees it; earlier codes end.

    Of two at once one waits for the other, so that there is one set afterwards.
    """
    lock_owner(desk.session, desk.holder.user_id)
    desk.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == desk.holder.user_id))
    codes = tuple(recovery_text(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))
    salt = secrets.token_bytes(_SALT_BYTES)
    rows = [desk.own(salt=salt, digest=recovery_digest(salt, code), created_at=desk.at) for code in codes]
    desk.session.execute(insert(RecoveryCode), rows)
    desk.tell(Change("recovery_codes.renewed", "factor_added", {"factor": Method.RECOVERY}))
    return codes


def use_recovery_code(desk: Desk, typed: str) -> int:
    """Use a code up and return how many are left; raises `FactorWrong` for a wrong or a used one.

    Its owner is told by mail. One statement uses it up and says whether it did.
    """
    own = RecoveryCode.user_id == desk.holder.user_id, RecoveryCode.used_at.is_(None)
    salt = desk.session.scalar(select(RecoveryCode.salt).where(*own).limit(1))
    if salt is None:
        raise FactorWrong("The code is wrong.")
    used = update(RecoveryCode).where(*own, RecoveryCode.digest == recovery_digest(salt, typed))
    used = used.values(used_at=desk.at).execution_options(synchronize_session=False)
    if desk.session.execute(used.returning(RecoveryCode.id)).scalar() is None:
        raise FactorWrong("The code is wrong.")
    left = desk.session.scalar(select(func.count()).select_from(RecoveryCode).where(*own)) or 0
    desk.tell(Change("recovery_code.used", "recovery_used", {"left": str(left)}))
    return left


def allow_changes(desk: Desk) -> None:
    """Let this session change second factors for five minutes, on a recovery code that was just used."""
    ask(desk, Question.CHANGE_FACTORS, b"")


def changes_allowed(session: Session, user_id: int, session_id: int, at: datetime) -> bool:
    """Tell whether a session may change second factors, on a recovery code of the last five minutes."""
    query = select(FactorChallenge.id).where(
        FactorChallenge.user_id == user_id,
        FactorChallenge.session_id == session_id,
        FactorChallenge.kind == Question.CHANGE_FACTORS,
        FactorChallenge.expires_at > at,
    )
    return session.scalar(query) is not None
