"""Giving a fresh factor before an act that asks for one; a text message never counts.

A recovery code counts on the way to the pages of factors only, and for these alone: the session is as stale as before.
"""

from __future__ import annotations

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.identity.factors import Change, Desk, Effort, Method, allow_changes
from copydesk.identity.sessions import step_up as renewed_session
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import Refused
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go
from copydesk.web.factors.asking import holder, own_factors
from copydesk.web.factors.blueprint import HOME, factors
from copydesk.web.factors.factor_words import refusal_sentence
from copydesk.web.factors.parties import passkey_question
from copydesk.web.factors.proof import chosen, prove, sent_proof
from copydesk.web.page import render
from copydesk.web.redirects import safe_next
from copydesk.web.visitor import remember_session


@factors.get("/step-up")
@needs(Permission.FACTORS_OWN, enrolled=False)
def step_up() -> Response | str:
    choices = _choices()
    return _page(chosen(choices), {}) if choices else go(HOME)


@factors.post("/step-up")
@needs(Permission.FACTORS_OWN, enrolled=False)
def step_up_proof() -> Response | tuple[str, int]:
    choices = _choices()
    if not choices:
        return go(HOME)
    proof = sent_proof(choices)

    def renew(desk: Desk) -> str:
        assert desk.holder.session_id is not None
        if proof.method is Method.RECOVERY:
            allow_changes(desk)
            return ""
        desk.tell(Change("session.stepped_up", "", {"factor": proof.method}))
        return renewed_session(desk.session, desk.holder.session_id, at=desk.at)

    try:
        token = prove(proof, Effort.STEP_UP, renew)
    except Refused as refusal:
        field = "" if proof.method is Method.PASSKEY or isinstance(refusal, TooManyTries) else "code"
        words = refusal_sentence(refusal, proof.method)
        return _page(proof.method, {field: words}), max(refusal.http_status, UNPROCESSABLE)
    response = go(_next())
    if token:
        remember_session(response, token)
    return response


def _choices() -> tuple[Method, ...]:
    choices = own_factors().choices(holder().role, stepping_up=True)
    if _next().partition("?")[0].startswith(HOME):
        return choices
    return tuple(method for method in choices if method is not Method.RECOVERY)


def _page(method: Method, errors: dict[str, str]) -> str:
    return render(
        "factors/step_up.html",
        method=str(method),
        others=[str(other) for other in _choices() if other is not method],
        options=passkey_question() if method is Method.PASSKEY else None,
        errors=errors,
        next=_next(),
    )


def _next() -> str:
    return safe_next(request.values.get("next"), HOME)
