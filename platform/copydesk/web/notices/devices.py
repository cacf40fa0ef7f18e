"""The browsers that take push messages: each adds itself when its owner asks it to, and is taken off here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.identity.access.networks import agent_family
from copydesk.kernel import InvalidInput
from copydesk.notices.reaching import Browser, add_device, remove_browser, remove_device
from copydesk.notices.settings import DEVICES_MAX
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.asking import go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.notices.blueprint import SETTINGS, known_id, notices, private_targets
from copydesk.web.site import current_site

_TEXT_MAX = 4_000


@notices.post("/devices")
@needs(Permission.ACCOUNT_OWN)
def device_add() -> tuple[Response, HTTPStatus] | Response:
    """Take a browser's subscription, as its own `PushSubscription.toJSON` says it."""
    told = _json()
    keys = told.get("keys")
    keys = keys if isinstance(keys, dict) else {}
    browser = Browser(_text(told, "endpoint"), _text(keys, "p256dh"), _text(keys, "auth"))
    try:
        with transaction() as session:
            number = add_device(
                *(session, runtime().identity_vault, own_id(), browser),
                name=agent_family(request.headers.get("User-Agent", "")) or str(gettext("A browser")),
                at=current_time(),
                devices_max=setting_value(current_site().tenant, DEVICES_MAX, int),
                private=private_targets(),
            )
    except InvalidInput:
        sentence = gettext("This browser did not say where messages are to be sent. Try again, or use another one.")
        return jsonify(error=sentence), HTTPStatus.UNPROCESSABLE_ENTITY
    return jsonify(id=number), HTTPStatus.CREATED


@notices.post("/devices/forget")
@needs(Permission.ACCOUNT_OWN)
def device_forget() -> Response:
    """Take off the browser that asks; done twice, it changes nothing."""
    with transaction() as session:
        gone = remove_browser(session, own_id(), _text(_json(), "endpoint"))
    return jsonify(removed=gone)


@notices.post("/devices/<int:device_id>/remove")
@needs(Permission.ACCOUNT_OWN)
def device_remove(device_id: int) -> Response:
    """Take a browser off the list; somebody else's does not exist here."""
    with transaction() as session:
        remove_device(session, own_id(), known_id(device_id))
    return go(f"{SETTINGS}?told=removed")


def _json() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value[:_TEXT_MAX] if isinstance(value, str) else ""
