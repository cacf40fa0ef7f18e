"""Whether a brand that is there is the one that is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from copydesk.cli.tenant_answers import Given
from copydesk.cli.tenant_source import Source
from copydesk.cli.yaml_text import same_values
from copydesk.kernel import InvalidInput
from copydesk.tenancy import Tenant


def differences(tenant: Tenant, given: Given, source: Source) -> list[str]:
    """Name what was answered otherwise than the brand is; what was not answered is as it is."""
    if source.text:
        try:
            alike = same_values(source.text, tenant.path.read_text("utf-8-sig"))
        except (OSError, InvalidInput):
            alike = False
        return [] if alike else ["content of its file"]
    return list(_different(tenant, given.over(source.given)))


def _different(tenant: Tenant, given: Given) -> Iterator[str]:
    config = tenant.config
    brand = config.brand
    told: dict[str, tuple[object, object]] = {
        "name": (given.name, brand.name),
        "tagline": (given.tagline, brand.tagline),
        "theme": (given.theme, brand.theme),
        "color": (_lower(given.color), _lower(brand.colors.brand)),
        "time zone": (given.time_zone, config.time_zone),
        "currency": (given.currency, config.currency),
        "list of hosts": (_all(given.hosts), _all(brand.hosts)),
        "list of locales": (_all(given.locales), _all(config.locales)),
        "list of markets": (_all(given.markets), _all(m for one in config.exchanges for m in one.markets)),
        "list of exchanges": (_venues(given.exchanges), _all(str(one.venue) for one in config.exchanges)),
    }
    for name, (asked, found) in told.items():
        if asked is not None and asked != found:
            yield name


def _all(items: Iterable[str] | None) -> frozenset[str] | None:
    return None if items is None else frozenset(items)


def _venues(named: Iterable[str] | None) -> frozenset[str] | None:
    return None if named is None else frozenset(one.partition("-")[0] for one in named)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()
