"""The list of a person's factors: what there is, since when, and what may be added."""

from __future__ import annotations

from copydesk.identity import Role
from copydesk.identity.access import Permission
from copydesk.identity.factors import overview
from copydesk.web.access import needs
from copydesk.web.database import brand_session
from copydesk.web.factors.asking import holder, required, texter
from copydesk.web.factors.blueprint import factors
from copydesk.web.factors.freshness import may_change_factors
from copydesk.web.page import render


@factors.get("")
@needs(Permission.FACTORS_OWN, enrolled=False)
def listing() -> str:
    person = holder()
    seen = overview(brand_session(), person.user_id)
    return render(
        "factors/list.html",
        seen=seen,
        enough=seen.factors.enough_for(person.role),
        required=required(),
        passkey_only=person.role is Role.OPERATOR,
        phone_offered=phone_offered(),
        fresh=may_change_factors(),
    )


def phone_offered() -> bool:
    """Tell whether the visitor may have a phone beside a stronger factor: no staff, and only where messages go out."""
    return holder().role in {Role.FOLLOWER, Role.TRADER} and texter() is not None
