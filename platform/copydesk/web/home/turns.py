"""What a follower does to one subscription: pause, resume, stop, attach a market again.

Each page names what will happen, with numbers, before anything is stored. Nothing is sent from here: the lane does what
is stored, at once where the engine runs. What is done already is not done again: a form sent twice does it once.
"""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, NotFound
from copydesk.replication import doorway, end_subscription, pause, reattach, resume
from copydesk.replication.own_copying import OwnCopying
from copydesk.trading import EndMode, SubscriptionState
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, transaction
from copydesk.web.clock import current_time
from copydesk.web.home.blueprint import ground, home, note, own
from copydesk.web.home.one import read_one
from copydesk.web.page import render


@home.get("/copying/<int:subscription_id>/pause")
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def pause_page(subscription_id: int) -> str:
    return _page(subscription_id, "home/pause.html", {})


@home.post("/copying/<int:subscription_id>/pause")
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def pause_now(subscription_id: int) -> Response | tuple[str, int]:
    """Open nothing new; what is open is closed with the trader's."""
    try:
        with transaction() as session:
            copying = own(session, subscription_id)
            pause(session, subscription_id)
            note(session, "copying.paused", _subject(copying), before={"state": str(copying.state)})
    except InvalidInput:
        if _is(subscription_id, SubscriptionState.PAUSED):
            return _back(subscription_id, "paused")
        return _page(subscription_id, "home/pause.html", {"": _impossible()}), UNPROCESSABLE
    return _back(subscription_id, "paused")


@home.get("/copying/<int:subscription_id>/resume")
@needs(Permission.SUBSCRIPTIONS_OWN)
def resume_page(subscription_id: int) -> str:
    return _page(subscription_id, "home/resume.html", {})


@home.post("/copying/<int:subscription_id>/resume")
@needs(Permission.SUBSCRIPTIONS_OWN)
def resume_now(subscription_id: int) -> Response | tuple[str, int]:
    """Open again from the trader's next trade on, also after a stop."""
    try:
        with transaction() as session:
            copying = own(session, subscription_id)
            resume(session, subscription_id)
            before = {"state": str(copying.state), "reason": copying.state_reason}
            note(session, "copying.resumed", _subject(copying), before=before)
    except InvalidInput:
        if _is(subscription_id, SubscriptionState.SYNCED, SubscriptionState.CATCHING_UP):
            return _back(subscription_id, "resumed")
        return _page(subscription_id, "home/resume.html", {"": _impossible()}), UNPROCESSABLE
    return _back(subscription_id, "resumed")


@home.get("/copying/<int:subscription_id>/stop")
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def stop_page(subscription_id: int) -> str:
    return _page(subscription_id, "home/stop.html", {})


@home.post("/copying/<int:subscription_id>/stop")
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def stop_now(subscription_id: int) -> Response | tuple[str, int]:
    """End a subscription in the way that was chosen; an ending that has begun may still be turned into another."""
    mode = request.form.get("mode", "")
    if mode not in set(EndMode):
        errors = {"": gettext("Choose what happens to your positions.")}
        return _page(subscription_id, "home/stop.html", errors), UNPROCESSABLE
    try:
        with transaction() as session:
            copying = own(session, subscription_id)
            if copying.end_mode != mode:
                end_subscription(session, subscription_id, EndMode(mode))
                note(session, "copying.ending", _subject(copying), before=_end(copying), after={"mode": mode})
    except InvalidInput:
        return _page(subscription_id, "home/stop.html", {"": _impossible()}), UNPROCESSABLE
    return _back(subscription_id, "ending")


@home.post("/copying/<int:subscription_id>/attach")
@needs(Permission.SUBSCRIPTIONS_OWN)
def attach(subscription_id: int) -> Response:
    """Copy a market again that its owner closed by hand, or that was waited for; asked on the subscription's page."""
    symbol, side = request.form.get("symbol", ""), request.form.get("side", "net")
    with transaction() as session:
        copying = own(session, subscription_id)
        try:
            reason = reattach(session, doorway(subscription_id, symbol.replace("\0", ""), side))
        except (InvalidInput, NotFound):
            # It opened by itself meanwhile, or copying ends: the page tells how it stands.
            return go(f"/copying/{subscription_id}")
        after = {"symbol": symbol, "side": side, "was": str(reason)}
        note(session, "copying.attached", _subject(copying), after=after)
    return _back(subscription_id, "attached")


def _page(subscription_id: int, template: str, errors: dict[str, str]) -> str:
    with transaction() as session:
        copying = own(session, subscription_id)
    if copying.ended_at is not None:
        raise NotFound("This subscription has ended.")
    picture = read_one(subscription_id, current_time())
    values = {"copying": picture.copying, "picture": picture, "own": picture.risk, "currency": ground().currency}
    return render(template, **values, errors=errors)


def _is(subscription_id: int, *states: SubscriptionState) -> bool:
    """Tell whether what was asked for is done already: the form came a second time."""
    with transaction() as session:
        return own(session, subscription_id).state in states


def _subject(copying: OwnCopying) -> str:
    return f"subscription:{copying.id}"


def _end(copying: OwnCopying) -> dict[str, object]:
    return {"state": str(copying.state), "mode": copying.end_mode and str(copying.end_mode)}


def _impossible() -> str:
    return str(
        gettext("That is not possible in this state, or not yet: positions are still being closed. Look again shortly.")
    )


def _back(subscription_id: int, told: str) -> Response:
    return go(f"/copying/{subscription_id}?told={told}")
