"""One-time codes of an authenticator app (RFC 6238): hand a secret over, confirm that it arrived, check codes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from copydesk.identity.factors.codes import matching_step
from copydesk.identity.factors.desk import Change, Desk
from copydesk.identity.factors.model import FactorMissing, FactorWrong, Method, PendingSecret
from copydesk.identity.factors.tables import TotpSecret

_FIELD = "totp.secret"
# 160 bits, as long as the hash that it goes into (RFC 4226, 4).
_SECRET_CHARS = 32
_WAITS_FOR = timedelta(minutes=15)


def begin_totp(desk: Desk, issuer: str) -> PendingSecret:
    """Return the secret that waits for this session to confirm it, so that a page loaded twice shows the same one.

    No other session is ever shown it: whoever only knows the password would keep a copy. One that waited for more than
    a quarter of an hour is replaced. What is confirmed goes on working until then.
    """
    import pyotp

    found = _waiting(desk)
    if found is None or desk.at - found.created_at > _WAITS_FOR:
        late = TotpSecret.user_id == desk.holder.user_id, TotpSecret.created_at < desk.at - _WAITS_FOR
        desk.session.execute(delete(TotpSecret).where(*late, ~TotpSecret.confirmed))
        found = _drawn(desk)
    text = _opened(desk, found)
    uri = pyotp.TOTP(text, name=desk.holder.email, issuer=issuer).provisioning_uri()
    return PendingSecret(text, uri)


def confirm_totp(desk: Desk, typed: str) -> None:
    """Take the waiting secret into use, in place of an older one, for a code that shows that the app has it.

    Raises `FactorMissing` where none waits, `FactorWrong` for another code. The code counts as used. What waits in
    other sessions ends.
    """
    found = _waiting(desk)
    if found is None or desk.at - found.created_at > _WAITS_FOR:
        raise FactorMissing("The secret waited too long. Scan the new one.")
    step = matching_step(_opened(desk, found), typed, desk.at)
    if step is None:
        raise FactorWrong("The code is wrong.")
    others = TotpSecret.user_id == desk.holder.user_id, TotpSecret.id != found.id
    desk.session.execute(delete(TotpSecret).where(*others))
    confirmed = update(TotpSecret).where(TotpSecret.id == found.id, ~TotpSecret.confirmed)
    confirmed = confirmed.values(confirmed=True, session_id=None, last_step=step).returning(TotpSecret.id)
    if desk.session.execute(confirmed).scalar() is None:
        raise FactorMissing("The secret was confirmed already.")
    desk.tell(Change("factor.added", "factor_added", {"factor": Method.TOTP}))


def verify_totp(desk: Desk, typed: str) -> None:
    """Accept a code once, whoever else offers it at the same moment; raises `FactorWrong` for any other.

    One statement moves the last step forward and says whether it did: of two submissions in two processes, the second
    waits for the first one's row and then finds the step taken.
    """
    query = select(TotpSecret).where(TotpSecret.user_id == desk.holder.user_id, TotpSecret.confirmed)
    found = desk.session.scalars(query).one_or_none()
    step = None
    if found is not None and found.sealed is not None:
        step = matching_step(_opened(desk, found), typed, desk.at)
    if found is None or step is None:
        raise FactorWrong("The code is wrong.")
    forward = update(TotpSecret).where(TotpSecret.id == found.id, TotpSecret.last_step < step)
    forward = forward.values(last_step=step).execution_options(synchronize_session=False)
    if desk.session.execute(forward.returning(TotpSecret.id)).scalar() is None:
        raise FactorWrong("The code was used already.")


def _waiting(desk: Desk) -> TotpSecret | None:
    own = TotpSecret.user_id == desk.holder.user_id, TotpSecret.session_id == desk.holder.session_id
    query = select(TotpSecret).where(*own, ~TotpSecret.confirmed)
    return desk.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _opened(desk: Desk, found: TotpSecret) -> str:
    assert found.sealed is not None, "a secret was stored without being sealed"
    return desk.opened(found.id, _FIELD, found.sealed)


def _drawn(desk: Desk) -> TotpSecret:
    """Draw a secret; where another request of the same session does so at the same moment, both show whichever won."""
    assert desk.holder.session_id is not None, "only a session can be shown a secret"
    place = desk.own(session_id=desk.holder.session_id, created_at=desk.at)
    drawn = insert(TotpSecret).values(place).on_conflict_do_nothing()
    row_id = desk.session.execute(drawn.returning(TotpSecret.id)).scalar()
    if row_id is not None:
        sealed = desk.sealed(row_id, _FIELD, _random_secret())
        desk.session.execute(update(TotpSecret).where(TotpSecret.id == row_id).values(sealed=sealed))
    found = _waiting(desk)
    assert found is not None, "a secret that was just stored is not there"
    return found


def _random_secret() -> str:
    import pyotp

    return pyotp.random_base32(_SECRET_CHARS)
