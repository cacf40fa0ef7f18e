"""The account's first page: what there is to look after, and what rests at the moment."""

from __future__ import annotations

from copydesk.identity.access import Permission, holds_of
from copydesk.identity.sessions import open_sessions
from copydesk.identity.settings import session_limits
from copydesk.web.access import needs
from copydesk.web.access_words import hold_sentence
from copydesk.web.account.account_words import factor_words, role_words
from copydesk.web.account.blueprint import account
from copydesk.web.asking import own_id
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor


@account.get("", strict_slashes=False)
@needs(Permission.ACCOUNT_OWN)
def overview() -> str:
    visitor, limits = current_visitor(), session_limits(current_site().tenant)
    return render(
        "account/overview.html",
        role=role_words(visitor.role),
        factor=factor_words(visitor.factor),
        open_count=len(open_sessions(brand_session(), own_id(), idle=limits.idle, at=current_time())),
        holds=[hold_sentence(hold) for hold in holds_of(brand_session(), own_id(), now=current_time())],
    )
