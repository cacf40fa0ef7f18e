"""Takes a factor away on its owner's word, and ends the sessions elsewhere."""

from __future__ import annotations

from copydesk.identity import EndReason
from copydesk.identity.factors import FactorMissing, FactorNeeded, Method, remove_factor
from copydesk.identity.sessions import end_sessions
from copydesk.web.factors.asking import own_desk, required
from copydesk.web.factors.factor_words import refusal_sentence


def removed(method: Method, *, passkey_id: int | None = None) -> None:
    """Remove a factor; refusals are told in the visitor's language."""
    try:
        with own_desk() as desk:
            remove_factor(desk, method, passkey_id=passkey_id, required=required())
            keep = desk.holder.session_id
            end_sessions(desk.session, desk.holder.user_id, reason=EndReason.REVOKED, at=desk.at, keep=keep)
    except (FactorNeeded, FactorMissing) as refusal:
        raise type(refusal)(refusal_sentence(refusal, method)) from None
