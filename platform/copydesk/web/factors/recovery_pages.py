"""The page of recovery codes: how many are left, and a new set that is shown once."""

from __future__ import annotations

from flask import Response

from copydesk.identity.factors import new_recovery_codes, overview
from copydesk.web.asking import go
from copydesk.web.database import brand_session
from copydesk.web.factors.asking import holder, own_desk, own_factors
from copydesk.web.factors.blueprint import HOME, factors
from copydesk.web.factors.freshness import changes_factors
from copydesk.web.page import render


@factors.get("/recovery")
@changes_factors(enrolled=False)
def recovery() -> Response | str:
    if not own_factors().any:
        return go(HOME)
    return render("factors/recovery.html", seen=overview(brand_session(), holder().user_id))


@factors.post("/recovery")
@changes_factors(enrolled=False)
def recovery_renew() -> Response | str:
    if not own_factors().any:
        return go(HOME)
    with own_desk() as desk:
        codes = new_recovery_codes(desk)
    return render("factors/codes.html", codes=codes)
