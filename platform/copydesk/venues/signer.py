"""What every order passes before it is signed, whoever sends it: markets, worth, price and pace.

Asked where a key meets the wire (`client.calls`), on the loop, for each order: no caller hands it over, and none can
leave it out. Closes pass whatever they are worth, at any price and pace: a position must be closed. Pure but for what
it counts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, OrderRequest, PositionSide, Side, quote_currency

# A price older than this is nobody's measure any more; prices are read for each signal that opens.
PRICE_AGE_S_MAX = 30.0
MINUTE_S = 60.0
_SELL, _BUY = Side.SELL, Side.BUY
_NET, _LONG = PositionSide.NET, PositionSide.LONG


class SigningRules(NamedTuple):
    """What one brand's orders are held to on one environment of an exchange.

    `markets` are ccxt symbols; `notional_max` is the worth of one order in the brand's currency; `orders_max` is how
    many orders that open one account gets in a minute; an order that opens may be priced worse than the market's last
    price by `band_ratio` at most. A brand that is `suspended` opens nothing.
    """

    markets: frozenset[str]
    notional_max: Decimal
    orders_max: int
    band_ratio: Decimal
    suspended: bool = False


class OrderPolicy(Protocol):
    """Say of each order whether it may be signed. Must be quick: it stands between an order and its line."""

    def refusal(self, credentials: Credentials, order: OrderRequest, now: float) -> VenueRefused | None:
        """Return why an order may not be signed, None where it may; `now` is epoch seconds."""
        ...

    def signed(self, credentials: Credentials, order: OrderRequest, now: float) -> None:
        """Count an order that is about to be signed."""
        ...


class AnyOrder:
    """Sign whatever comes: for tests, benches and drills, which open an exchange by themselves."""

    def refusal(self, credentials: Credentials, order: OrderRequest, now: float) -> VenueRefused | None:
        del credentials, order, now
        return None

    def signed(self, credentials: Credentials, order: OrderRequest, now: float) -> None:
        """Count nothing."""


class NoOrder:
    """Sign no order: for roles that read, and for commands."""

    def refusal(self, credentials: Credentials, order: OrderRequest, now: float) -> VenueRefused | None:
        del credentials, order, now
        return VenueRefused("not signed: this process sends no orders", code=Denial.SIGNER_UNREADY.value)

    def signed(self, credentials: Credentials, order: OrderRequest, now: float) -> None:
        """Count nothing: nothing is signed."""


ANY_ORDER: OrderPolicy = AnyOrder()
NO_ORDER: OrderPolicy = NoOrder()


class Signer:
    """Hold every order of one environment of an exchange to its brand's rules.

    Rules and prices are told by the composition root, from any thread. An order of a brand without rules is refused,
    unless it closes. Where no price is known, an order that names its own passes the band, and is measured by it.
    """

    def __init__(self) -> None:
        self._rules: dict[int, SigningRules] = {}
        self._prices: dict[str, tuple[float, Decimal]] = {}
        self._signed: dict[int, int] = {}
        self._minute_ends = 0.0

    def learn(self, tenant_id: int, rules: SigningRules | None) -> None:
        """Take over what a brand allows now; None where nobody can tell."""
        if rules is None:
            self._rules.pop(tenant_id, None)
        else:
            self._rules[tenant_id] = rules

    def saw(self, symbol: str, px: Decimal, now: float) -> None:
        """Take over an instrument's last price."""
        self._prices[symbol] = (now, px)

    def refusal(self, credentials: Credentials, order: OrderRequest, now: float) -> VenueRefused | None:
        """Return why an order may not be signed, None where it may."""
        if closes(order):
            return None
        rules = self._rules.get(credentials.tenant_id)
        if rules is None:
            return _refused(Denial.SIGNER_UNREADY, "what the brand allows is not known")
        if rules.suspended:
            return _refused(Denial.STOPPED_BY_SWITCH, "the brand is suspended")
        if order.symbol not in rules.markets:
            return _refused(Denial.MARKET_NOT_ALLOWED, f"{order.symbol} is not a market of the brand")
        seen = self._prices.get(order.symbol)
        last = seen[1] if seen and now - seen[0] <= PRICE_AGE_S_MAX else None
        return self._worth(order, rules, last) or self._pace(credentials, rules, now)

    def signed(self, credentials: Credentials, order: OrderRequest, now: float) -> None:
        """Count an order that opens."""
        if closes(order):
            return
        if now >= self._minute_ends:
            self._minute_ends = now + MINUTE_S
            self._signed.clear()
        self._signed[credentials.account_id] = self._signed.get(credentials.account_id, 0) + 1

    def _worth(self, order: OrderRequest, rules: SigningRules, last: Decimal | None) -> VenueRefused | None:
        px = order.px or order.trigger_px or last
        if px is None:
            return _refused(Denial.SIGNER_PRICE_UNKNOWN, "it has no price, and the market's is not known")
        if order.qty * px > rules.notional_max:
            return _refused(
                Denial.SIGNER_NOTIONAL_MAX, f"it is worth more than {rules.notional_max} {quote_currency(order.symbol)}"
            )
        # What waits for a price is measured by that one, which may be far from today's.
        measure = order.trigger_px or last
        if order.px is None or measure is None or not _worse(order.side, order.px, measure, rules.band_ratio):
            return None
        return _refused(Denial.SIGNER_PRICE_BAND, f"its price {order.px} is too far beyond {measure}")

    def _pace(self, credentials: Credentials, rules: SigningRules, now: float) -> VenueRefused | None:
        if now >= self._minute_ends or self._signed.get(credentials.account_id, 0) < rules.orders_max:
            return None
        return _refused(Denial.SIGNER_ORDERS_MAX, f"the account had {rules.orders_max} orders within a minute")


def closes(order: OrderRequest) -> bool:
    """Tell whether an order brings a position down. What says so, and by its side opens one, does not.

    A purchase on a spot market opens; in hedge mode, where exchanges take no reduce-only, a purchase of a long position
    does, and a sale of a short one. A close that `crosses` is trusted to be no larger than its book.
    """
    if not order.reduces:
        return False
    if ":" not in order.symbol:
        return order.side is _SELL
    held = order.position_side
    return held is _NET or (order.side is _SELL) is (held is _LONG)


def _worse(side: Side, px: Decimal, measure: Decimal, band_ratio: Decimal) -> bool:
    beyond = measure * band_ratio
    return px > measure + beyond if side is _BUY else px < measure - beyond


def _refused(denial: Denial, why: str) -> VenueRefused:
    return VenueRefused(f"not signed: {why}", code=denial.value)
