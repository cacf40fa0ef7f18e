"""What the owner of a connected key does with it: have it checked now, disconnect it."""

from __future__ import annotations

from flask import Response, request
from flask_babel import ngettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import Refused
from copydesk.keys import WAITS, changed, publish_to
from copydesk.keys.connect import check_again, disconnect
from copydesk.keys.letters import tell_owner
from copydesk.keys.store import holdings_of, key_of, uses_of
from copydesk.notifications import Kind
from copydesk.trading import Denial
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.blueprint import HOME, keys
from copydesk.web.keys.lists import account_values
from copydesk.web.page import render
from copydesk.web.visitor import current_actor


@keys.post("/<int:account_id>/check")
@needs(Permission.KEYS_OWN)
def check(account_id: int) -> Response:
    """Have the exchange asked about a key now."""
    with transaction() as session:
        check_again(session, own_id(), account_id, actor=current_actor(), at=current_time())
    publish_to(runtime().redis_url, WAITS)
    return go(f"{HOME}/{account_id}")


@keys.get("/<int:account_id>/disconnect")
@needs(Permission.KEYS_OWN, fresh=True, agreed=False)
def disconnect_form(account_id: int) -> str:
    return _page(account_id, {})


@keys.post("/<int:account_id>/disconnect")
@needs(Permission.KEYS_OWN, fresh=True, agreed=False)
def disconnect_now(account_id: int) -> Response | tuple[str, int]:
    """Destroy the sealed key of an account; a key that is to be taken away is never held back for safety's sake."""
    confirmed, moment = request.form.get("confirmed") == "yes", current_time()
    try:
        with transaction() as session:
            gone = disconnect(session, own_id(), account_id, confirmed=confirmed, actor=current_actor(), at=moment)
            if gone is not None:
                told = {"venue": gone.venue, "label": gone.label, "reason": Denial.KEY_REMOVED.value}
                tell_owner(session, runtime().identity_vault, gone.user_id, Kind.KEY_DISARMED, at=moment, **told)
    except Refused as refusal:
        if refusal.code != "positions_open":
            raise
        return _page(account_id, {"confirmed": _positions(account_id)}), UNPROCESSABLE
    if gone is not None:
        publish_to(runtime().redis_url, changed(session.tenant_id, [account_id]))
    return go(HOME)


def _positions(account_id: int) -> str:
    with transaction() as session:
        held = holdings_of(session, account_id)
    told = ngettext(
        "%(num)s position is open here. Confirm that you close it yourself.",
        "%(num)s positions are open here. Confirm that you close them yourself.",
        held,
    )
    return str(told)


def _page(account_id: int, errors: dict[str, str]) -> str:
    with transaction() as session:
        health = key_of(session, own_id(), account_id)
        held, (copied, leads) = holdings_of(session, account_id), uses_of(session, account_id)
    uses = {"held": held, "copied": copied, "leads": leads}
    return render("keys/disconnect.html", **account_values(health), **uses, errors=errors)
