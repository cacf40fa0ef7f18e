"""What the rest of the platform knows of an exchange: two Protocols, the trading side and the leader stream.

There is no withdrawal here and there will be none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from copydesk.trading import Credentials, Instrument, OrderRequest, OrderView
from copydesk.venues.model import Balance, KeyScope, LeaderTrade, Outcome, StreamEvent


def always() -> bool:
    """Let every order be sent."""
    return True


class Venue(Protocol):
    """Trade and read on one exchange.

    Every call may raise `VenueRefused` (proved: nothing happened), `Unavailable` (nothing happened, may be
    retried); `submit` and `cancel` also `OutcomeUnknown` (never resend: `query` decides).
    """

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

    async def query(self, credentials: Credentials, venue_symbol: str, client_order_id: str) -> OrderView | None:
        """Return the order with its fills; None is the exchange's word that it does not exist."""
        ...

    async def cancel(self, credentials: Credentials, venue_symbol: str, client_order_id: str) -> OrderView | None:
        """Cancel an open order; None says that no such order is open: it is done, or never arrived."""
        ...

    async def open_orders(self, credentials: Credentials, venue_symbol: str | None = None) -> list[OrderView]: ...

    async def balances(self, credentials: Credentials) -> dict[str, Balance]: ...

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every spot pair by ccxt symbol, read anew."""
        ...

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every pair by ccxt symbol."""
        ...

    async def trades_since(self, credentials: Credentials, venue_symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one pair since that time, oldest first."""
        ...

    async def key_scope(self, credentials: Credentials) -> KeyScope: ...

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
