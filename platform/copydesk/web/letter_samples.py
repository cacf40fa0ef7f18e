"""Letters with made-up facts, for previews and tests: what a brand's own words look like before anybody gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask_babel import force_locale  # type: ignore[import-untyped]

from copydesk.notices import Notice, NoticeKind
from copydesk.notices.letters import letter_facts
from copydesk.notifications import KINDS, Kind, Letter, Waiting
from copydesk.notifications.own_letters import OwnLetter
from copydesk.tenancy import Tenant
from copydesk.web.letters import written
from copydesk.web.site import current_site

_NOTICE = Notice(
    1,
    NoticeKind.COPY_CLOSED,
    0,
    datetime(2026, 3, 1, 12, tzinfo=UTC),
    {
        **{"strategy": "Steady", "symbol": "BTC/USDT", "position_side": "long", "side": "sell"},
        **{"qty": "0.004", "px": "64214", "result": "3.10", "currency": "USDT"},
    },
)
# Addresses of RFC 5737 and codes that open nothing.
_FACTS: Mapping[str, str] = {
    "ip": "203.0.113.7",
    "agent": "Firefox, Linux",
    "hours": "24",
    "minutes": "10",
    "days": "7",
    "left": "9",
    "code": "123456",
    "who": "mara@example.com",
    "role": "support",
    "factor": "totp",
    "exchange": "binance",
    "label": "Main account",
    "right": "withdraw",
    "change": "allowlist.added 203.0.113.0/24",
    "reason": "withdrawal_allowed",
    "count": "1",
    "notices": letter_facts([_NOTICE])["notices"],
}


def sample_letter(
    tenant: Tenant, kind: Kind, locale: str, own: OwnLetter | None, *, to: str, origin: str, at: datetime
) -> Letter:
    """Return a letter of a kind with made-up facts; its button leads to the brand's first page."""
    facts = {**_FACTS, "at": at.isoformat(), "held_until": (at + timedelta(days=1)).isoformat()}
    told = {name: facts[name] for name in KINDS[kind] if name in facts}
    waiting = Waiting(0, 0, to, kind, locale, told, {"link": "/"}, at, 1)
    site = replace(current_site(), tenant=tenant, locale=locale)
    with force_locale(locale):
        return written(waiting, site, origin, own)
