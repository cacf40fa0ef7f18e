"""Looks at the proof of a second factor: counted first, then looked at, then the session is worth more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import request

from copydesk.identity import SignInOutcome
from copydesk.identity.access import HoldReason, place_hold
from copydesk.identity.factors import (
    Asked,
    Desk,
    Effort,
    FactorWrong,
    Method,
    Question,
    forgive,
    take,
    take_try,
    use_recovery_code,
    verify_text,
    verify_totp,
)
from copydesk.identity.history import note_try
from copydesk.web.factors.asking import own_desk
from copydesk.web.factors.parties import party
from copydesk.web.visitor import current_origin

# Six digits. A passkey signs, and a recovery code has 120 bits.
_GUESSABLE = frozenset({Method.TOTP, Method.SMS})


@dataclass(frozen=True, slots=True)
class Proof:
    """What was sent in: which way, and the typed code or the passkey's answer."""

    method: Method
    text: str = field(repr=False)


def sent_proof(choices: tuple[Method, ...]) -> Proof:
    """Read the form: its method where that may be chosen, else the best."""
    method = chosen(choices)
    return Proof(method, request.form.get("credential" if method is Method.PASSKEY else "code", ""))


def chosen(choices: tuple[Method, ...]) -> Method:
    """Return the method that the visitor chose among those that may be, the best one where they chose none."""
    asked = request.values.get("method", "")
    return next((method for method in choices if method == asked), choices[0])


def prove(proof: Proof, effort: Effort, finish: Callable[[Desk], str]) -> str:
    """Return what `finish` makes of a proof that holds, in the proof's own transaction: the session's new token.

    Raises `FactorWrong` or `TooManyTries`. The try is counted and a passkey's question taken off in a transaction of
    their own, which stays whatever comes of the proof. Only what can be guessed has to wait: strangers' tries keep
    nobody from a passkey or a recovery code.
    """
    with own_desk() as desk:
        if proof.method in _GUESSABLE:
            take_try(desk.session, desk.holder.tenant_id, desk.holder.user_id, desk.at, effort)
        asked = take(desk, Question.USE_PASSKEY) if proof.method is Method.PASSKEY else None
    try:
        with own_desk() as desk:
            _look(desk, proof, asked)
            forgive(desk.session, desk.holder.user_id, effort)
            return finish(desk)
    except FactorWrong:
        with own_desk() as desk:
            owner, outcome = desk.holder, SignInOutcome.FACTOR_WRONG
            note_try(desk.session, owner.user_id, current_origin(), outcome, at=desk.at, session_id=owner.session_id)
        raise


def _look(desk: Desk, proof: Proof, asked: Asked | None) -> None:
    match proof.method:
        case Method.TOTP:
            verify_totp(desk, proof.text)
        case Method.RECOVERY:
            use_recovery_code(desk, proof.text)
            place_hold(desk.session, desk.holder.tenant_id, desk.holder.user_id, HoldReason.RECOVERY_USED, at=desk.at)
        case Method.SMS:
            verify_text(desk, proof.text)
        case Method.PASSKEY:
            from copydesk.identity.factors.passkeys import Answer, verify_passkey

            verify_passkey(desk, party(), Answer(asked, proof.text))
