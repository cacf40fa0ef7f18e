"""The terminal's page, the part of it that changes with every order, and what is over."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import request

from copydesk.identity.access import Permission
from copydesk.kernel import decimal_text
from copydesk.terminal import ActState, HandOrder, OrderState
from copydesk.terminal.store import history_of, open_orders_of, recent_acts
from copydesk.terminal.ticket import MARKET_BUY_SLACK, buys_by_limit
from copydesk.venues import TRAITS, Feature
from copydesk.web.access import needs
from copydesk.web.asking import before_asked, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.key_words import place_name
from copydesk.web.page import render
from copydesk.web.terminal import terminal_words
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.market import asked_interval
from copydesk.web.terminal.scene import Scene, scene_of

_TICKET_BYTES = 12
_ACTS_FOR = timedelta(minutes=10)
# An account that somebody looks at is read every few seconds.
_UNREAD_AFTER = timedelta(seconds=30)
_PAGE = 30
_OVER_SHOWN = 5
FIELDS = (
    *("side", "type", "qty", "unit", "px", "stop_px", "take_profit_px", "stop_loss_px", "reduce_only", "force"),
    "ticket",
)


@terminal.get("/<int:account_id>")
@needs(Permission.STRATEGIES_OWN)
def desk(account_id: int) -> str:
    scene = scene_of(account_id, looks=True)
    return show(scene, typed=_begun(scene))


@terminal.get("/<int:account_id>/now")
@needs(Permission.STRATEGIES_OWN)
def now(account_id: int) -> str:
    """Give the page positions and orders as they are now, without the page around them."""
    scene = scene_of(account_id, looks=True)
    return render("terminal/now.html", exit_errors={}, exits_typed=None, **now_values(scene), **common_values(scene))


@terminal.get("/<int:account_id>/history")
@needs(Permission.STRATEGIES_OWN)
def history(account_id: int) -> str:
    """List what is over, with its fills."""
    scene = scene_of(account_id)
    with transaction() as session:
        orders = history_of(session, account_id, before=before_asked(), limit=_PAGE + 1)
    older = orders[_PAGE - 1].id if len(orders) > _PAGE else None
    return render("terminal/history.html", orders=orders[:_PAGE], older=older, **common_values(scene))


def show(
    scene: Scene, *, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, **more: Any
) -> str:
    """Show the terminal, with what was typed and what is wrong with it."""
    kept = {name: (typed or {}).get(name, "") for name in FIELDS}
    kept["ticket"] = kept["ticket"] or secrets.token_urlsafe(_TICKET_BYTES)
    kept["type"] = kept["type"] or "limit"
    values = {
        "estimate": None,
        "below": None,
        "rounded": None,
        "exit_errors": {},
        "exits_typed": None,
        "leverage_typed": {},
        "leverage_errors": {},
    } | more
    return render(
        "terminal/desk.html",
        typed=kept,
        errors=errors or {},
        margin_modes=terminal_words.margin_modes(),
        intervals=terminal_words.intervals(),
        interval=asked_interval(),
        **values,
        **now_values(scene),
        **common_values(scene),
    )


def _begun(scene: Scene) -> dict[str, str]:
    """Return what the ticket begins with: the order that brings a position down, where the address asks for that."""
    held = scene.held
    if request.args.get("reduce") != "yes" or not held:
        return {}
    return {"type": "market", "side": "sell" if held > 0 else "buy", "reduce_only": "yes"}


def now_values(scene: Scene) -> dict[str, Any]:
    """Return what changes with every order."""
    account_id = scene.account.account_id
    with transaction() as session:
        orders, over = open_orders_of(session, account_id), history_of(session, account_id, limit=_PAGE)
        acts = recent_acts(session, account_id, since=current_time() - _ACTS_FOR)
    # What is over may still be listed by a reading of a moment ago.
    named = {one.venue_order_id for one in (*orders, *over)}
    others = [one for one in scene.view.orders if one.venue_order_id not in named] if scene.view else []
    under_way = any(one.state not in (OrderState.OPEN,) and not one.waits for one in orders)
    under_way = under_way or any(one.state in (ActState.PLANNED, ActState.DOING) for one in acts)
    return {
        "orders": orders,
        "over": over[:_OVER_SHOWN],
        "acts": acts,
        "others": others,
        "coins": coins_of(scene),
        "exits": _exits_of(scene, orders),
        "busy": under_way,
    } | {"exits_ticket": secrets.token_urlsafe(_TICKET_BYTES)}


def _exits_of(scene: Scene, orders: Sequence[HandOrder]) -> dict[str, str]:
    """Return at which prices the exits stand that were set here for the position in this market."""
    mine = (one.planned for one in reversed(orders) if one.is_exit and one.planned.symbol == scene.symbol)
    return {f"{one.part}_px": decimal_text(one.stop_px) for one in mine if one.stop_px is not None}


def common_values(scene: Scene) -> dict[str, Any]:
    """Return what every part of the terminal names."""
    traits = TRAITS[scene.account.venue]
    return {
        "scene": scene,
        "account": scene.account,
        "unread": scene.view is not None and current_time() - scene.view.read_at > _UNREAD_AFTER,
        "funding_at": datetime.fromtimestamp(scene.funding.next_at_ms / 1000, UTC) if scene.funding else None,
        "takes_stops": traits.supports(
            Feature.PERPETUAL_CONDITIONAL if ":" in scene.symbol else Feature.SPOT_CONDITIONAL
        ),
        "buys_by_limit": scene.instrument is not None and buys_by_limit(scene.instrument, traits),
        "market_slack": MARKET_BUY_SLACK,
        "place_name": place_name,
        "say": terminal_words,
        "plain": decimal_text,
    }


def coins_of(scene: Scene) -> list[tuple[str, Decimal, str]]:
    """List what is owned on spot of the brand's markets here: coin, how much, and the market that sells it."""
    if scene.view is None:
        return []
    owned = scene.view.coins
    sold = [symbol for symbol in scene.symbols if ":" not in symbol]
    pairs = ((symbol.partition("/")[0], symbol) for symbol in sold)
    return [(coin, owned[coin], symbol) for coin, symbol in pairs if owned.get(coin)]
