"""Changing an order that rests: its quantity and price, on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import decimal_text
from copydesk.terminal import ActKind, HandOrder
from copydesk.terminal.change import changes_in_place, read_change
from copydesk.venues import TRAITS
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE
from copydesk.web.page import render
from copydesk.web.terminal.acting import ask_for, named_order
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.pages import common_values
from copydesk.web.terminal.scene import Scene, scene_of
from copydesk.web.terminal.terminal_words import problem_sentences


@terminal.get("/<int:account_id>/amend")
@needs(Permission.STRATEGIES_OWN)
def change_order(account_id: int) -> str:
    """Ask what an open order is to be from now on."""
    scene, order = scene_of(account_id), named_order(account_id, request.args)
    told = order.planned
    typed = {"qty": decimal_text(told.qty), "px": "" if told.px is None else decimal_text(told.px)}
    return _page(scene, order, typed, {"": over_words()} if not order.amendable else {})


@terminal.post("/<int:account_id>/amend")
@needs(Permission.STRATEGIES_OWN, holds=True)
def amend(account_id: int) -> Response | tuple[str, int]:
    """Have an open order changed."""
    scene, order = scene_of(account_id), named_order(account_id, request.form)
    change, wrong = None, {} if order.amendable else {"": over_words()}
    if not wrong and scene.instrument is None:
        wrong = {"": gettext("The exchange's rules of this market are not known at the moment. Try again in a minute.")}
    if not wrong:
        change, problems = read_change(request.form, order, scene.rules())
        wrong = problem_sentences(problems)
    if change is None:
        kept = {name: request.form.get(name, "") for name in ("qty", "px")}
        return _page(scene, order, kept, wrong), UNPROCESSABLE
    facts = {"order_id": order.id, "qty": decimal_text(change.qty), "px": decimal_text(change.px)}
    return ask_for(scene, ActKind.AMEND, order.planned.symbol, facts)


def over_words() -> str:
    return str(gettext("This order does not rest at the exchange any more, so it cannot be changed."))


def _page(scene: Scene, order: HandOrder, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    in_place = changes_in_place(scene.symbol, TRAITS[scene.account.venue])
    values = {"order": order, "typed": typed, "errors": errors, "in_place": in_place}
    return render("terminal/amend.html", **values, **common_values(scene))
