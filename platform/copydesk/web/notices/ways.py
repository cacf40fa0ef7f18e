"""Connecting a Telegram chat and a webhook, trying the webhook out, and taking both away again."""

from __future__ import annotations

from flask import Response, make_response
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, NotFound
from copydesk.notices import Channel
from copydesk.notices.channels.webhook import SIGNATURE
from copydesk.notices.reaching import CODE_LASTS, ask_for_test, begin_telegram, connect_webhook, disconnect
from copydesk.notices.settings import TELEGRAM_BOT
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.account.forms import typed
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.notices.blueprint import SETTINGS, notices, private_targets
from copydesk.web.notices.settings import settings_values
from copydesk.web.page import render
from copydesk.web.site import current_site


@notices.post("/telegram")
@needs(Permission.ACCOUNT_OWN)
def telegram_begin() -> str:
    """Show the link that connects a chat, once."""
    bot = setting_value(current_site().tenant, TELEGRAM_BOT, str)
    if not bot:
        raise NotFound("This site does not have that page.")
    with transaction() as session:
        code = begin_telegram(session, own_id(), at=current_time())
    minutes = int(CODE_LASTS.total_seconds()) // 60
    return render("notices/telegram.html", link=f"https://t.me/{bot}?start={code}", bot=bot, minutes=minutes)


@notices.post("/webhook")
@needs(Permission.ACCOUNT_OWN, guests=False)
def webhook_connect() -> Response:
    """Connect an address and show the secret that its messages are signed with, once."""
    url = typed("url")
    try:
        with transaction() as session:
            secret = connect_webhook(
                *(session, runtime().identity_vault, own_id(), url), at=current_time(), private=private_targets()
            )
    except InvalidInput as refusal:
        errors = {"url": _address_fault(refusal.code, url)}
        return make_response(render("notices/settings.html", **settings_values(None, errors, url=url)), UNPROCESSABLE)
    return make_response(render("notices/webhook.html", url=url, secret=secret, header=SIGNATURE))


@notices.post("/webhook/test")
@needs(Permission.ACCOUNT_OWN, guests=False)
def webhook_test() -> Response:
    with transaction() as session:
        ask_for_test(session, own_id(), at=current_time())
    return go(f"{SETTINGS}?told=tested#webhook")


@notices.post("/webhook/disconnect")
@needs(Permission.ACCOUNT_OWN)
def webhook_disconnect() -> Response:
    return _disconnect(Channel.WEBHOOK)


@notices.post("/telegram/disconnect")
@needs(Permission.ACCOUNT_OWN)
def telegram_disconnect() -> Response:
    return _disconnect(Channel.TELEGRAM)


def _disconnect(channel: Channel) -> Response:
    with transaction() as session:
        gone = disconnect(session, own_id(), channel)
    return go(f"{SETTINGS}?told=removed" if gone else SETTINGS)


def _address_fault(code: str, url: str) -> str:
    if not url:
        return str(gettext("Address: enter where messages are to be sent, such as https://example.com/notices."))
    if code == "address_not_public":
        return str(gettext("Address: one in the public internet is expected; this one does not lead there."))
    return str(gettext("Address: https:// with a name, on port 443 and without a user name, is expected."))
