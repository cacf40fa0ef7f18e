"""Keeps a brand from leaving markets in which somebody holds a copied position.

Whoever leads there is watched no more once the market is gone, and so nobody would copy their close. A market that is
switched off stays watched: nothing is opened there, and everything is closed.
"""

from __future__ import annotations

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import Refused
from copydesk.replication.held_markets import held_markets
from copydesk.tenancy import Tenant
from copydesk.web.asking import transaction
from copydesk.web.panel.desk import current_brand

_NAMED_MAX = 5


def require_unheld(candidate: Tenant) -> None:
    """Raise `Refused` (code "held") where the brand as it would be has left a market that somebody holds."""
    left = _offered(current_brand()) - _offered(candidate)
    if not left:
        return
    with transaction() as session:
        held = sorted({symbol for place, symbol in left & held_markets(session)})
    if held:
        told = gettext(
            "Somebody holds %(markets)s there. Switch it off instead: nothing is opened then, and what is held can be "
            "closed. Leave it when nobody holds it any more.",
            markets=", ".join(held[:_NAMED_MAX]),
        )
        raise Refused(told, code="held")


def _offered(tenant: Tenant) -> frozenset[tuple[str, str]]:
    exchanges = tenant.config.exchanges
    return frozenset((f"{one.venue}-{one.environment}", symbol) for one in exchanges for symbol in one.markets)
