"""The brand as passkeys know it, and the questions that pages put to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from copydesk.identity.factors import FactorMissing
from copydesk.web.factors.asking import own_desk
from copydesk.web.site import current_site

if TYPE_CHECKING:
    from copydesk.identity.factors.passkeys import Party


def party() -> Party:
    """Return who asks: this very host, which a browser only signs for where it shows it."""
    from copydesk.identity.factors.passkeys import Party

    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    return Party(rp_id=host, origin=f"{request.scheme}://{request.host}", name=current_site().tenant.config.brand.name)


def passkey_question() -> str | None:
    """Return what the browser is asked, as JSON; None where the visitor has no passkey for this host."""
    from copydesk.identity.factors.passkeys import begin_authentication

    try:
        with own_desk() as desk:
            return begin_authentication(desk, party())
    except FactorMissing:
        return None
