"""What the rest of the platform knows of an exchange: the trading side, the leader stream, the market stream.

Instruments are named by ccxt symbol ("BTC/USDT", "BTC/USDT:USDT") and quantities are base units everywhere; the
exchange's own names and contract sizes stay behind this seam. There is no withdrawal here and there will be none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderRequest, OrderView
from copydesk.venues.candles import Candle, Interval
from copydesk.venues.model import (
    Amendment,
    Balance,
    Depth,
    FundingPayment,
    FundingRate,
    KeyScope,
    LeaderTrade,
    Liquidity,
    OrderFact,
    Outcome,
    Position,
    PriceEvent,
    StreamEvent,
    Wallet,
)
from copydesk.venues.traits import VenueTraits


def always() -> bool:
    """Let every order be sent."""
    return True


class Venue(Protocol):
    """Trade and read on one exchange, spot and perpetual.

    Every call may raise `VenueRefused` (proved: nothing happened), `Unavailable` (nothing happened, may be
    retried); whatever changes something also `OutcomeUnknown` (never resend: ask what became of it).
    An instrument that is unknown, or was read too long ago to be trusted, is refused before anything is sent.
    """

    @property
    def traits(self) -> VenueTraits: ...

    async def submit(self, credentials: Credentials, order: OrderRequest) -> OrderView: ...

    async def submit_many(
        self,
        orders: Sequence[tuple[Credentials, OrderRequest]],
        *,
        may_send: Callable[[], bool] = always,
    ) -> list[Outcome]:
        """Send closes first, else in the given order; return every outcome, in the given order.

        `may_send` is asked for each order at the moment it is written; from its first no on, orders are `Unavailable`.
        """
        ...

    async def amend(self, credentials: Credentials, change: Amendment) -> OrderView | None:
        """Change an open limit order; None says that no such order is open."""
        ...

    async def query(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Return the order with its fills; None is the exchange's word that it does not exist, or does not any more.

        Exchanges forget orders that ended without a fill, some within hours: then `fills` is the proof.
        """
        ...

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of one plain order, oldest first, also of one that the exchange has forgotten.

        The order was placed at `since_ms` or later. What lies further back than `traits.fills_age_s_max` is not told.
        """
        ...

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Cancel an open order; None says that no such order is open: it is done, or never arrived."""
        ...

    async def cancel_all(self, credentials: Credentials, symbol: str) -> None:
        """Cancel every open order of one instrument, conditional ones included."""
        ...

    async def open_orders(
        self, credentials: Credentials, symbol: str | None = None, *, conditional: bool = False
    ) -> list[OrderView]: ...

    async def resting(self, credentials: Credentials, symbol: str) -> list[OrderFact]:
        """Return an account's open orders of one instrument with their terms, conditional ones among them."""
        ...

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Return one wallet's currencies.

        Where an exchange keeps a FUTURES wallet (`traits.wallets`) for some accounts only, the others have their
        whole purse in SPOT and nothing in FUTURES: both together count every coin once.
        """
        ...

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return the open perpetual positions; flat ones are left out."""
        ...

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return how much leverage a perpetual's position may have by its size, and what must be kept behind it.

        The lowest first. Public on most exchanges; Binance tells them to a key alone. Where an exchange counts
        contracts, the caps are at the price of now.
        """
        ...

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """Set both sides' leverage; that it was so already is success."""
        ...

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the margin mode of one instrument, or of the account where the exchange knows no finer one."""
        ...

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        """Set one-way or hedge mode, of the account or the instrument, as the exchange has it."""
        ...

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between two wallets of the same account; never between accounts."""
        ...

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every spot pair and linear perpetual by ccxt symbol, read anew."""
        ...

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every instrument by ccxt symbol."""
        ...

    async def liquidity(self, symbol: str) -> Liquidity:
        """Return what is offered of one instrument within 1 % of its price, and what was traded of it in 24 hours."""
        ...

    async def depth(self, symbol: str) -> Depth:
        """Return the best levels of one instrument's order book; needs no key."""
        ...

    async def candles(self, symbol: str, interval: Interval) -> Mapping[int, Candle]:
        """Return one instrument's newest candles by their beginning in epoch seconds, oldest first; needs no key.

        The last one is still running.
        """
        ...

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Return what a perpetual's positions pay or receive next, as it stands now; needs no key."""
        ...

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one instrument since that time, oldest first."""
        ...

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return what the account paid and received for perpetuals since that time, oldest first.

        Contracts that we do not list are left out. Exchanges tell of three months at most.
        """
        ...

    async def account_uid(self, credentials: Credentials) -> str:
        """Return the exchange's own number of the account that a key belongs to; the same for each of its keys."""
        ...

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        ...

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        """Prove that a key may trade one instrument, by a request that needs the right and can never place an order.

        The exchange's own test order where it offers one for this account, else the canceling of an order that never
        was. Money is not asked for: an empty account passes. Raises `VenueRefused` in the exchange's words where the
        key may not trade, `Unavailable` or `OutcomeUnknown` where nothing was learned.
        """
        ...

    async def warm(self, connections: int) -> int:
        """Open connections and learn the exchange's clock before they are needed; return how many are open."""
        ...

    async def aclose(self) -> None: ...


class LeaderStream(Protocol):
    """Watch a leader account's executions: a hint in real time, made whole by REST after every `connected` and `probe`.

    Raises `VenueRefused` when the exchange rejects the key; every other trouble is reported and reconnected.
    Close the generator (`aclosing`) to end the connection.
    """

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]: ...


class MarketStream(Protocol):
    """Watch public prices: last trades, and marks of perpetuals. Needs no key and serves every brand at once.

    Of each instrument the newest price, at most every 100 ms. `lost` when a connection breaks or tells nothing any
    more; it is replaced, and the others go on. Instruments that are not listed are left out. Never raises.
    """

    def prices(self, symbols: Collection[str]) -> AsyncGenerator[PriceEvent, None]: ...
