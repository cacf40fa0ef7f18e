"""Giving orders: the ticket, what it would cost, and the exits of a position."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.kernel import Refused
from copydesk.tenancy import setting_value
from copydesk.terminal import ActKind, HandOrder, Ticket, publish_to, read_exits, read_ticket
from copydesk.terminal.estimate import needs_confirming
from copydesk.terminal.settings import CONFIRM_ABOVE_PERCENT
from copydesk.terminal.store import Placing, ask, open_orders_of, place
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.terminal.addresses import back_to
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.pages import FIELDS, common_values, show
from copydesk.web.terminal.scene import Scene, below_of, scene_of
from copydesk.web.terminal.terminal_words import problem_sentences
from copydesk.web.visitor import current_actor

_TICKET_LEN_MAX = 64
# The ticket on the same page has fields of these names.
_EXIT_FIELDS = {"take_profit_px": "gain_px", "stop_loss_px": "loss_px"}


@terminal.post("/<int:account_id>/estimate")
@needs(Permission.STRATEGIES_OWN)
def estimate(account_id: int) -> str | tuple[str, int]:
    """Say what a ticket would cost, and how many followers it is too small for; sends and stores nothing."""
    scene = scene_of(account_id)
    ticket, wrong = _read(scene)
    if "HX-Request" in request.headers:
        return render("terminal/estimate.html", **_costs(scene, ticket), errors=wrong, **common_values(scene))
    shown = show(scene, typed=request.form, errors=wrong, **_costs(scene, ticket))
    return (shown, UNPROCESSABLE) if wrong else shown


@terminal.post("/<int:account_id>/order")
@needs(Permission.STRATEGIES_OWN, holds=True)
def order(account_id: int) -> Response | str | tuple[str, int]:
    """Store an order for the desk; a large market order is asked about once more."""
    scene = scene_of(account_id)
    ticket, wrong = _read(scene)
    wrong = wrong or _unusable(scene)
    if wrong or ticket.order is None:
        return show(scene, typed=request.form, errors=wrong, **_costs(scene, ticket)), UNPROCESSABLE
    costs = _costs(scene, ticket)
    percent = setting_value(current_site().tenant, CONFIRM_ABOVE_PERCENT, int)
    asked = needs_confirming(ticket.order, scene.estimate(ticket.order), percent_max=percent)
    if asked and request.form.get("confirmed") != "yes":
        kept = {name: request.form.get(name, "") for name in FIELDS}
        shown = {"typed": kept, "order": ticket.order, "errors": {}} | costs
        return render("terminal/confirm.html", **shown, **common_values(scene))
    return _store(scene, ticket, request.form.get("ticket", ""))


@terminal.post("/<int:account_id>/exits")
@needs(Permission.STRATEGIES_OWN, holds=True)
def exits(account_id: int) -> Response | tuple[str, int]:
    """Store take profit and stop loss of a position that is held, in the place of those that it has.

    An exit that the form leaves empty is taken back. The old ones are canceled once the exchange has the new ones.
    """
    scene = scene_of(account_id)
    with transaction() as session:
        old = [one for one in open_orders_of(session, account_id) if one.is_exit and one.planned.symbol == scene.symbol]
    wrong = _unusable(scene) or _unknown(scene)
    ticket, typed = Ticket(), {name: request.form.get(field, "").strip() for name, field in _EXIT_FIELDS.items()}
    if not wrong:
        ticket = Ticket() if old and not any(typed.values()) else read_exits(typed, scene.rules())
        wrong = {_EXIT_FIELDS.get(name, name): words for name, words in problem_sentences(ticket.problems).items()}
    if wrong:
        return show(scene, exit_errors=wrong, exits_typed=typed), UNPROCESSABLE
    return _store(scene, ticket, request.form.get("ticket", ""), instead_of=old)


def _store(
    scene: Scene, ticket: Ticket, name: str, *, instead_of: Sequence[HandOrder] = ()
) -> Response | tuple[str, int]:
    """Store a ticket without problems, tell the desk, and show the terminal with a fresh request."""
    account_id = scene.account.account_id
    placing = Placing(own_id(), account_id, name[:_TICKET_LEN_MAX], scene.led.id if scene.led else None)
    if not placing.ticket:
        told = gettext("This form is too old. Look at it once more and send it again.")
        return show(scene, typed=request.form, errors={"": told}), UNPROCESSABLE
    try:
        with transaction() as session:
            _place(session, placing, ticket, instead_of)
    except Refused as refusal:
        if refusal.code != "too_many":
            raise
        told = gettext("Too many orders are open here. Cancel some first.")
        return show(scene, typed=request.form, errors={"": told}), UNPROCESSABLE
    publish_to(runtime().redis_url, session.tenant_id)
    return go(back_to(account_id, scene.symbol))


def _place(session: TenantSession, placing: Placing, ticket: Ticket, instead_of: Sequence[HandOrder]) -> None:
    """Store the orders of a ticket, and that others are canceled once the exchange has those."""
    actor, at = current_actor(), current_time()
    facts: dict[str, int] = {}
    if ticket.order is not None or ticket.exits:
        stored = place(session, placing, ticket, actor=actor, at=at)
        if stored is None:
            return
        facts = {"after": stored}
    for one in instead_of:
        told = {"order_id": one.id} | facts
        ask(session, placing, ActKind.CANCEL, symbol=one.planned.symbol, facts=told, actor=actor, at=at)


def _read(scene: Scene) -> tuple[Ticket, dict[str, str]]:
    wrong = _unknown(scene)
    if wrong:
        return Ticket(), wrong
    ticket = read_ticket(request.form, scene.rules())
    return ticket, problem_sentences(ticket.problems)


def _costs(scene: Scene, ticket: Ticket) -> dict[str, object]:
    if ticket.order is None:
        return {"estimate": None, "below": None, "rounded": None}
    told = scene.estimate(ticket.order)
    return {"estimate": told, "below": below_of(scene, ticket.order), "rounded": ticket.rounded_from}


def _unknown(scene: Scene) -> dict[str, str]:
    """Say that the exchange's rules are not known, without which no ticket can be judged."""
    if scene.instrument is not None:
        return {}
    return {"": gettext("The exchange's rules of this market are not known at the moment. Try again in a minute.")}


def _unusable(scene: Scene) -> dict[str, str]:
    if scene.account.connected and scene.account.status == "active":
        return {}
    return {"": gettext("This account's key cannot be used. Look at it under exchange keys.")}
