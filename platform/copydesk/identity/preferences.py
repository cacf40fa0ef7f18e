"""How somebody reads the site: colors, time zone, a coin besides the currency. Kept with their account."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import update

from copydesk.db import TenantSession
from copydesk.identity.tables import User


class Scheme(StrEnum):
    """Colors of pages; the system's are those that the browser asks for."""

    SYSTEM = ""
    LIGHT = "light"
    DARK = "dark"


_REGIONS = (
    *("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"),
    "UTC",
)


@cache
def time_zones() -> Mapping[str, tuple[str, ...]]:
    """Return the zones that people choose from by region, each a name of the IANA data base such as Europe/Berlin."""
    found: dict[str, list[str]] = {region: [] for region in _REGIONS}
    for name in sorted(available_timezones()):
        region = name.partition("/")[0]
        if region in found and ("/" in name or name == region):
            found[region].append(name)
    return {region: tuple(names) for region, names in found.items() if names}


def is_time_zone(name: str) -> bool:
    """Tell whether this is a zone to choose."""
    return name in time_zones().get(name.partition("/")[0], ())


def keep_preferences(session: TenantSession, user_id: int, *, scheme: Scheme, time_zone: str, currency: str) -> None:
    """Store how somebody reads the site; "" as a time zone or a currency is the brand's own."""
    assert not time_zone or is_time_zone(time_zone), "the form lets no other zone through"
    session.execute(
        update(User).where(User.id == user_id).values(scheme=str(scheme), time_zone=time_zone, currency=currency)
    )
