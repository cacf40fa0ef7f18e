"""What the brand offers, in plain words: what copying costs, and which pairs are traded where."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.identity.access import Permission
from copydesk.replication.settings import LEVERAGE_MAX
from copydesk.tenancy import PLATFORM_RATIO, PROFIT_SHARE_RATIO, PROFIT_SHARE_RATIO_MAX, Tenant, setting_value
from copydesk.web.access import needs
from copydesk.web.page import render
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site
from copydesk.web.words import exchange_name

_EXAMPLE_GAIN = Decimal(200)


@dataclass(frozen=True)
class Cost:
    """What copying costs at this brand, as shares of a gain; and one gain divided up as an example."""

    share: Decimal
    share_max: Decimal
    platform: Decimal
    gain: Decimal = _EXAMPLE_GAIN

    @property
    def paid(self) -> Decimal:
        """Return what of the gain is paid as profit share."""
        return self.gain * self.share

    @property
    def brand_keeps(self) -> Decimal:
        return self.paid * self.platform

    @property
    def trader_gets(self) -> Decimal:
        return self.paid - self.brand_keeps

    @property
    def follower_keeps(self) -> Decimal:
        return self.gain - self.paid


@dataclass(frozen=True)
class Offered:
    """One pair that is on: where, and of a perpetual the most leverage that a copy takes."""

    symbol: str
    exchanges: tuple[str, ...]
    leverage_max: int | None


@public.get("/fees")
@needs(Permission.PUBLIC)
def fees() -> str:
    return render("fees.html", cost=cost_of(current_site().tenant))


@public.get("/markets")
@needs(Permission.PUBLIC)
def markets() -> str:
    offered = offered_of(current_site().tenant)
    spot = [one for one in offered if one.leverage_max is None]
    perpetual = [one for one in offered if one.leverage_max is not None]
    return render("markets.html", spot=spot, perpetual=perpetual)


def cost_of(tenant: Tenant) -> Cost:
    """Return what copying costs at a brand."""
    settings = (PROFIT_SHARE_RATIO, PROFIT_SHARE_RATIO_MAX, PLATFORM_RATIO)
    return Cost(*(setting_value(tenant, setting, Decimal) for setting in settings))


def offered_of(tenant: Tenant) -> list[Offered]:
    """List every pair that is on somewhere, in the order of the brand's exchanges."""
    config = tenant.config
    found: dict[str, list[str]] = {}
    for exchange in config.exchanges:
        for symbol in config.markets_of(exchange):
            found.setdefault(symbol, []).append(str(exchange_name(exchange.venue)))
    return [Offered(symbol, tuple(dict.fromkeys(names)), _leverage(tenant, symbol)) for symbol, names in found.items()]


def _leverage(tenant: Tenant, symbol: str) -> int | None:
    """Return the stricter of the pair's own bound and the brand's; None for spot."""
    if ":" not in symbol:
        return None
    own, usual = tenant.config.terms_of(symbol).leverage_max, setting_value(tenant, LEVERAGE_MAX, int)
    return min(usual, own) if own else usual
