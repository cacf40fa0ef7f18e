"""What a page of the terminal is about: the account, the market, and everything that is known of both at the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from flask import request

from copydesk.kernel import NotFound
from copydesk.keys import KeyHealth
from copydesk.keys.store import key_of
from copydesk.marks import place_name
from copydesk.terminal import (
    AccountView,
    BelowMinimum,
    Estimate,
    Held,
    Planned,
    Rules,
    below_minimum,
    estimate_of,
    publish_to,
)
from copydesk.terminal.store import Led, followers_of, look_at, seen_of, setup_of, strategy_led
from copydesk.trading import Instrument, MarginMode
from copydesk.venues import TRAITS, FundingRate
from copydesk.web.asking import own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.risk.prices import current_prices
from copydesk.web.site import current_site
from copydesk.web.terminal.window import current_window

_SEEN_LATELY = timedelta(seconds=20)


@dataclass(frozen=True)
class Scene:
    """One account and one market. What is not known is None."""

    account: KeyHealth
    led: Led | None
    symbols: tuple[str, ...]
    symbol: str
    instrument: Instrument | None
    px: Decimal | None
    funding: FundingRate | None
    view: AccountView | None
    trouble: str
    setup: tuple[int | None, MarginMode | None]

    @property
    def place(self) -> str:
        return place_name(self.account.venue, self.account.environment)

    @property
    def leverage(self) -> int | None:
        """Return the perpetual's leverage: that of the position, else what was set here last."""
        held = self.view.position_in(self.symbol) if self.view else None
        return held.leverage if held and held.leverage else self.setup[0]

    @property
    def margin_mode(self) -> MarginMode | None:
        held = self.view.position_in(self.symbol) if self.view else None
        return held.margin_mode if held and held.margin_mode else self.setup[1]

    @property
    def held(self) -> Decimal | None:
        """Return the signed position, or what is owned of the coin; None while the account was not read."""
        if self.view is None or self.instrument is None:
            return None
        if not self.instrument.perpetual:
            return self.view.coins.get(self.instrument.base, Decimal(0))
        position = self.view.position_in(self.symbol)
        return position.qty if position else Decimal(0)

    @property
    def free(self) -> Decimal | None:
        """Return what may be spent of the quote currency on spot."""
        if self.view is None or self.instrument is None or self.instrument.perpetual:
            return None
        return self.view.free.get(self.instrument.quote, Decimal(0))

    def rules(self) -> Rules:
        """Return what a ticket is judged by; there must be an instrument."""
        assert self.instrument is not None, "a ticket is judged by an instrument"
        return Rules(
            self.instrument,
            TRAITS[self.account.venue],
            self.px,
            self.held,
            self.free,
            hedge=self.view.hedge if self.view else False,
            margin_mode=self.margin_mode,
        )

    def estimate(self, order: Planned) -> Estimate:
        """Estimate what an order would cost."""
        assert self.instrument is not None, "an order is of an instrument"
        equity = self.view.equity if self.view else None
        return estimate_of(order, self.instrument, px=self.px, held=Held(self.leverage, self.margin_mode, equity))


def scene_of(account_id: int, *, looks: bool = False) -> Scene:
    """Gather what is known; raises `NotFound` for an account that is not the visitor's, or a market that is not here.

    `looks`: a page shows it, so that the desk is to read the account and the market for a while.
    """
    with transaction() as session:
        account = key_of(session, own_id(), account_id)
        symbols = _symbols(account)
        symbol = wanted_symbol(symbols)
        news = looks and account.connected and look_at(session, account_id, symbol, at=current_time())
        led, setup = strategy_led(session, account_id), setup_of(session, account_id, symbol)
        view, trouble = seen_of(session, account_id)
    if view is not None and current_time() - view.read_at < _SEEN_LATELY:
        trouble = ""  # One reading may find the rate budget spent; the next one comes soon.
    if news:
        publish_to(runtime().redis_url, session.tenant_id)
    place = place_name(account.venue, account.environment)
    instrument = current_window().instruments(place, [symbol]).get(symbol)
    px = current_prices().one(place, symbol)
    funding = current_prices().coming.read(place, [symbol]).get(symbol) if ":" in symbol else None
    return Scene(account, led, symbols, symbol, instrument, px, funding, view, trouble, setup)


def below_of(scene: Scene, order: Planned) -> BelowMinimum | None:
    """Count the followers whom an order that opens would be too small for; None where nobody can tell."""
    px = order.px or scene.px
    if scene.led is None or scene.view is None or px is None or order.reduce_only or scene.view.equity <= 0:
        return None
    with transaction() as session:
        followers = followers_of(session, scene.led.id)
    window, places = current_window(), {one.place for one in followers}
    rules = {place: window.instruments(place, [scene.symbol]).get(scene.symbol) for place in places}
    known = {place: one for place, one in rules.items() if one is not None}
    return below_minimum(followers, known, qty=order.qty, px=px, equity=scene.view.equity)


def wanted_symbol(symbols: tuple[str, ...]) -> str:
    """Return the market that the address or the form names, else the first; raises `NotFound` for another one."""
    asked = _sent().get("symbol", "")
    if asked and asked not in symbols:
        raise NotFound("There is no such market here.")
    if not (asked or symbols):
        raise NotFound("This site has no market on this exchange.")
    return asked or symbols[0]


def _sent() -> Mapping[str, str]:
    """Return what names the market: a form's own field, or the address of a page."""
    return request.form if request.method == "POST" else request.args


def _symbols(account: KeyHealth) -> tuple[str, ...]:
    """List the brand's markets on an account's exchange, as the brand's file has them."""
    here = (account.venue, account.environment)
    exchanges = current_site().tenant.config.exchanges
    return tuple(market for one in exchanges if (one.venue, one.environment) == here for market in one.markets)
