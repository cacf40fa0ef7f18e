"""How each of a strategy's trades fanned out to its followers: how many copied it, how fast, at what price, why not."""

from __future__ import annotations

from flask import request

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.studio.report import signal_report
from copydesk.studio.terms import terms_of
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import mine, studio
from copydesk.web.studio.one import frame

_DIGITS_MAX = 18


@studio.get("/<slug>/signals")
@needs(Permission.STRATEGIES_OWN)
def signals(slug: str) -> str:
    asked = request.args.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= _DIGITS_MAX else None
    with transaction() as session:
        own = mine(session, slug)
        if not own.published:
            raise NotFound("This strategy was not approved yet: it has no signals.")
        shown = frame(session, own, terms_of(session, own.id, current_site().tenant), "/signals")
        report = signal_report(session, own.id, before=before)
    return render(
        "studio/signals.html",
        **shown,
        report=report,
        begun=before is not None,
    )
