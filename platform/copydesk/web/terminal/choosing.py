"""The door of the terminal: which of one's accounts."""

from __future__ import annotations

from copydesk.identity.access import Permission
from copydesk.keys.store import keys_of
from copydesk.terminal.store import strategy_led
from copydesk.web.access import needs
from copydesk.web.asking import own_id, transaction
from copydesk.web.keys.key_words import place_name
from copydesk.web.page import render
from copydesk.web.terminal.blueprint import terminal


@terminal.get("")
@needs(Permission.STRATEGIES_OWN)
def choose() -> str:
    """List the accounts that can be traded from."""
    with transaction() as session:
        accounts = [(one, strategy_led(session, one.account_id)) for one in keys_of(session, own_id()) if one.connected]
    return render("terminal/choose.html", accounts=accounts, place_name=place_name)
