"""The log of deliveries: what was sent where and when, how it went, and why not."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.notices import Channel, DeliveryState, Reason
from copydesk.notices.delivery_log import PAGE_ROWS, LogLine, log_of
from copydesk.notices.reaching import TEST_NOTICE_ID
from copydesk.web.access import needs
from copydesk.web.asking import before_asked, own_id, transaction
from copydesk.web.notice_words import kind_words
from copydesk.web.notices.blueprint import notices
from copydesk.web.page import render

CHANNELS: Mapping[Channel, LazyString] = {
    Channel.MAIL: lazy_gettext("E-mail"),
    Channel.PUSH: lazy_gettext("Push"),
    Channel.TELEGRAM: lazy_gettext("Telegram"),
    Channel.WEBHOOK: lazy_gettext("Webhook"),
}
STATES: Mapping[DeliveryState, tuple[LazyString, str]] = {
    DeliveryState.WAITING: (lazy_gettext("Waits"), "busy"),
    DeliveryState.SENT: (lazy_gettext("Sent"), "ok"),
    DeliveryState.FAILED: (lazy_gettext("Not sent"), "bad"),
}
REASONS: Mapping[Reason, LazyString] = {
    Reason.QUIET_HOURS: lazy_gettext("It waits for the end of your quiet hours."),
    Reason.DIGEST: lazy_gettext("It comes with your next summary."),
    Reason.NO_ANSWER: lazy_gettext("Nobody answered at the other end."),
    Reason.REFUSED: lazy_gettext("The other end refused it."),
    Reason.BUSY: lazy_gettext("The other end asked to wait; it is tried again."),
    Reason.GONE: lazy_gettext("The device or chat does not take messages any more."),
    Reason.NO_ADDRESS: lazy_gettext("Nothing was connected to send it to."),
    Reason.NOT_PUBLIC: lazy_gettext("The address does not lead into the public internet."),
    Reason.NOT_SET_UP: lazy_gettext("This site has not set this way of sending up."),
    Reason.TOO_OLD: lazy_gettext("It could not be sent in time to be of use."),
    Reason.GIVEN_UP: lazy_gettext("It was tried as often as allowed."),
}


@notices.get("/log")
@needs(Permission.ACCOUNT_OWN)
def log() -> str:
    before = before_asked()
    with transaction() as session:
        lines = log_of(session, own_id(), before_id=before, most=PAGE_ROWS + 1)
    more, lines = len(lines) > PAGE_ROWS, lines[:PAGE_ROWS]
    return render(
        "notices/log.html",
        lines=[(one, _what(one), channel_words(one.channel), *_state(one)) for one in lines],
        older=f"/notices/log?before={lines[-1].id}" if more else "",
        newer="/notices/log" if before is not None else "",
    )


def channel_words(channel: Channel) -> str:
    """Name a way of sending."""
    return str(CHANNELS[channel])


def _what(line: LogLine) -> str:
    if line.kind is not None:
        return kind_words(line.kind)
    return str(gettext("Test message") if line.notice_id == TEST_NOTICE_ID else gettext("A notice of earlier"))


def _state(line: LogLine) -> tuple[str, str, str]:
    """Return the state in a word, its tone, and why in a sentence."""
    label, tone = STATES[line.state]
    why = "" if line.reason is None else str(REASONS[line.reason])
    if line.answer is not None and line.state is not DeliveryState.SENT:
        why = f"{why} {gettext('It answered %(status)s.', status=line.answer)}".strip()
    return str(label), tone, why
