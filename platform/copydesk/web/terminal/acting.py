"""What is done on an account besides orders: cancel, leverage, closing. Each is a row that the desk takes up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput
from copydesk.terminal import ActKind, HandOrder, publish_to, read_leverage
from copydesk.terminal.store import Placing, ask, order_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, row_number, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.terminal.addresses import back_to
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.pages import common_values, show
from copydesk.web.terminal.scene import Scene, scene_of
from copydesk.web.terminal.terminal_words import problem_sentences
from copydesk.web.visitor import current_actor


@terminal.post("/<int:account_id>/cancel")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def cancel(account_id: int) -> Response:
    """Have one order canceled."""
    scene, order = scene_of(account_id), named_order(account_id, request.form)
    return ask_for(scene, ActKind.CANCEL, order.planned.symbol, {"order_id": order.id})


@terminal.post("/<int:account_id>/cancel-all")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def cancel_all(account_id: int) -> Response:
    """Have every order of one market canceled, also those that were not given here."""
    scene = scene_of(account_id)
    _require_market()
    return ask_for(scene, ActKind.CANCEL_ALL, scene.symbol, {})


@terminal.post("/<int:account_id>/leverage")
@needs(Permission.STRATEGIES_OWN, holds=True)
def leverage(account_id: int) -> Response | tuple[str, int]:
    """Have leverage and margin mode of a perpetual set."""
    scene = scene_of(account_id)
    if scene.instrument is None:
        told = gettext("The exchange's rules of this market are not known at the moment. Try again in a minute.")
        return show(scene, leverage_errors={"leverage": told}), UNPROCESSABLE
    number, mode, problems = read_leverage(request.form, scene.instrument)
    if problems or number is None or mode is None:
        return show(scene, leverage_typed=request.form, leverage_errors=problem_sentences(problems)), UNPROCESSABLE
    return ask_for(scene, ActKind.LEVERAGE, scene.symbol, {"leverage": number, "margin_mode": str(mode)})


@terminal.post("/<int:account_id>/close")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def close(account_id: int) -> Response:
    """Have the position in one market closed at the market's price."""
    scene = scene_of(account_id)
    _require_market()
    return ask_for(scene, ActKind.CLOSE_POSITION, scene.symbol, {})


@terminal.post("/<int:account_id>/close-all")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def close_all(account_id: int) -> Response | str:
    """Have every perpetual position closed, once that was confirmed."""
    scene = scene_of(account_id)
    if request.form.get("confirmed") != "yes":
        return render("terminal/close_all.html", **common_values(scene))
    return ask_for(scene, ActKind.CLOSE_ALL, scene.symbol, {})


def named_order(account_id: int, told: Mapping[str, str]) -> HandOrder:
    """Return the order that a form or an address names; raises `NotFound` for one that is not the visitor's."""
    named = row_number(told.get("order", ""))
    if named is None:
        raise InvalidInput(gettext("The order is not named."))
    with transaction() as session:
        return order_of(session, own_id(), account_id, named)


def _require_market() -> None:
    """What is canceled or closed is named: no market is the first one here."""
    if not request.form.get("symbol"):
        raise InvalidInput(gettext("The market is not named."))


def ask_for(scene: Scene, kind: ActKind, symbol: str, facts: Mapping[str, Any]) -> Response:
    """Store an act for the desk, tell it, and show the terminal with a fresh request."""
    placing = Placing(own_id(), scene.account.account_id, "")
    with transaction() as session:
        ask(session, placing, kind, symbol=symbol, facts=facts, actor=current_actor(), at=current_time())
    publish_to(runtime().redis_url, session.tenant_id)
    return go(back_to(scene.account.account_id, scene.symbol))
