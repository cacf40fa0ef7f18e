"""How one wants to be told: of what by which way, how often, when not, and where."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.notices import ALWAYS, DEFAULTS, Channel, Digest, NoticeKind
from copydesk.notices.preferences import habit_of, keep_habit, may_choose, set_wishes, wishes_of
from copydesk.notices.reaching import connected, devices_of
from copydesk.notices.settings import DIGEST_HOUR, TELEGRAM_BOT
from copydesk.notices.vapid import application_server_key
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.notice_words import kind_words
from copydesk.web.notices.blueprint import SETTINGS, notices
from copydesk.web.notices.delivered import channel_words
from copydesk.web.notices.forms import CLOCKS, TasteForm, switch_name, taste_form, taste_kept
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor


@notices.get("/settings")
@needs(Permission.ACCOUNT_OWN)
def settings_page() -> str:
    typed = typed_before()
    form = taste_form(typed) if typed else None
    return render("notices/settings.html", **settings_values(form, told=request.args.get("told", "")))


@notices.post("/settings")
@needs(Permission.ACCOUNT_OWN)
@keeps(*(switch_name(kind, one) for kind in NoticeKind for one in Channel), *CLOCKS)
def settings_form() -> Response:
    """Store switches, summaries and quiet hours together."""
    form = taste_form(request.form)
    if form.errors:
        return make_response(render("notices/settings.html", **settings_values(form, form.errors)), UNPROCESSABLE)
    offered = _channels()
    with transaction() as session:
        kept = wishes_of(session, own_id())
        wanted = {
            (kind, channel): (kind, channel) in form.wanted if channel in offered else kept.wants(kind, channel)
            for kind in NoticeKind
            for channel in Channel
        }
        set_wishes(session, own_id(), wanted)
        keep_habit(session, own_id(), form.habit())
    return go(f"{SETTINGS}?told=saved")


def settings_values(
    form: TasteForm | None = None, errors: dict[str, str] | None = None, *, told: str = "", url: str = ""
) -> dict[str, Any]:
    """Return what the page shows; `url` is a webhook's address that was typed and not taken."""
    tenant, vault = current_site().tenant, runtime().identity_vault
    with transaction() as session:
        if form is None:
            wishes = wishes_of(session, own_id())
            wanted = frozenset((kind, one) for kind in NoticeKind for one in Channel if wishes.wants(kind, one))
            form = taste_kept(wanted, habit_of(session, own_id()))
        devices, leads = devices_of(session, own_id()), connected(session, vault, own_id())
        push_key = application_server_key(session, runtime().secrets, tenant.slug)
    channels = _channels()
    return {
        "form": form,
        "errors": errors or {},
        "told": _told(told),
        "channels": [(one, channel_words(one)) for one in channels],
        "rows": [(kind_words(kind), [_cell(kind, one, form) for one in channels]) for kind in NoticeKind],
        "digests": [(str(one), words) for one, words in _digests()],
        "zone": (current_visitor().time_zone or tenant.config.time_zone).replace("_", " "),
        "devices": devices,
        "push_key": push_key,
        "telegram": leads.get(Channel.TELEGRAM),
        "telegram_bot": setting_value(tenant, TELEGRAM_BOT, str),
        "webhook": leads.get(Channel.WEBHOOK),
        "url": url,
    }


def _channels() -> tuple[Channel, ...]:
    """Return the ways that this brand has: Telegram takes a bot."""
    has_bot = bool(setting_value(current_site().tenant, TELEGRAM_BOT, str))
    return tuple(one for one in Channel if one is not Channel.TELEGRAM or has_bot)


def _cell(kind: NoticeKind, channel: Channel, form: TasteForm) -> dict[str, object]:
    """Return one switch of the table, or why there is none."""
    label = f"{kind_words(kind)}: {channel_words(channel)}"
    cell: dict[str, object] = {"name": switch_name(kind, channel), "label": label, "channel": channel_words(channel)}
    if may_choose(kind, channel):
        return {**cell, "on": (kind, channel) in form.wanted, "fixed": ""}
    always = kind in ALWAYS and channel in DEFAULTS[kind]
    return {**cell, "on": True, "fixed": str(gettext("always") if always else gettext("a mail of its own"))}


def _digests() -> list[tuple[Digest, str]]:
    hour = f"{setting_value(current_site().tenant, DIGEST_HOUR, int):02}:00"
    return [
        (Digest.NONE, str(gettext("Each at once"))),
        (Digest.HOURLY, str(gettext("Every hour"))),
        (Digest.DAILY, str(gettext("Every day at %(hour)s", hour=hour))),
    ]


def _told(word: str) -> tuple[str, str]:
    """Return title and sentence of what was just done, for who was sent here by it."""
    match word:
        case "saved":
            return str(gettext("Saved")), str(gettext("You are told in this way from now on."))
        case "removed":
            return str(gettext("Removed")), str(gettext("Nothing is sent there any more."))
        case "tested":
            test = gettext("A test message is on its way. The log below says in a moment what came of it.")
            return str(gettext("Test sent")), str(test)
        case _:
            return "", ""
