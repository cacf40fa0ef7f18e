"""From demo to live: what is done, what is left, and the same terms ready to be copied on an account of one's own."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.guests import DemoCopy, is_guest
from copydesk.guests.standing import checklist
from copydesk.identity.access import Permission
from copydesk.kernel import decimal_text
from copydesk.web.access import needs, second_factor_required
from copydesk.web.asking import own_id
from copydesk.web.copying.asked import Asked
from copydesk.web.database import brand_session
from copydesk.web.guests.blueprint import LIVE, guests
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor


class Carried(NamedTuple):
    """What is copied in the demo, and the address at which the same begins on another account; "" while it cannot."""

    demo: DemoCopy
    begin: str


@guests.get(LIVE)
@needs(Permission.SUBSCRIPTIONS_OWN, enrolled=False)
def live_page() -> str:
    visitor = current_visitor()
    done = checklist(brand_session(), current_site().tenant, own_id(), factor=visitor.enrolled)
    return render(
        "guests/live.html",
        done=done,
        guest=is_guest(visitor),
        factor_required=second_factor_required(visitor),
        carried=[Carried(one, _address(one, done.account_id if done.done else None)) for one in done.copies],
        currency=current_site().tenant.config.currency,
    )


def _address(demo: DemoCopy, account_id: int | None) -> str:
    """Write the address of the form with the terms of the demo filled in."""
    if account_id is None:
        return ""
    same = Asked(
        account=str(account_id),
        amount=decimal_text(demo.allocation),
        profile=demo.profile,
        sizing=demo.sizing_mode,
        value="" if demo.sizing_value is None else decimal_text(demo.sizing_value),
        small=demo.size_policy,
        leverage="" if demo.leverage_max is None else str(demo.leverage_max),
        copies=demo.copies,
    )
    return same.address(f"/strategies/{demo.strategy_slug}/copy")
