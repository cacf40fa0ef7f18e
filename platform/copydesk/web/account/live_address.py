"""A new address of one's live events, for a page that has been open for longer than its token is valid."""

from __future__ import annotations

from flask import Response, jsonify

from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.account.blueprint import account
from copydesk.web.me_link import live_me


@account.get("/live")
@needs(Permission.ACCOUNT_OWN)
def live_address() -> Response:
    return jsonify({"url": live_me()})
