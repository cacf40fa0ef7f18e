"""The two kinds of Bitget account, and which one a key belongs to.

A classic key is answered by v2 alone and a unified one by v3 alone. The kind is learned once for each key: the
account settings are v3's, so an answer tells a unified account, and "you are in classic account mode" (40084) a
classic one. An account can be changed to the other kind; the refusal that follows makes us ask again.
Source: Bitget API guide, Get account settings; Error codes 40084, 40085.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderView
from copydesk.venues.bitget import errors
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import Failure
from copydesk.venues.model import Balance, FundingPayment, KeyScope, LeaderTrade, OrderFact, Position, Wallet

KEYS_KNOWN_MAX = 50_000


class Kind(Protocol):
    """What the port asks of one account, in the words of its kind. Instruments come already looked up."""

    @property
    def client(self) -> VenueClient: ...

    async def query(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None: ...

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]: ...

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None: ...

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None: ...

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool, conditional: bool
    ) -> list[OrderView]: ...

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]: ...

    async def balances(self, credentials: Credentials, wallet: Wallet) -> dict[str, Balance]: ...

    async def positions(self, credentials: Credentials, instrument: Instrument | None) -> list[Position]: ...

    async def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]: ...

    async def set_leverage(
        self, credentials: Credentials, instrument: Instrument, leverage: int, margin_mode: MarginMode
    ) -> None: ...

    async def set_margin_mode(
        self, credentials: Credentials, instrument: Instrument, margin_mode: MarginMode, leverage: int
    ) -> None: ...

    async def set_position_mode(self, credentials: Credentials, *, hedge: bool) -> None: ...

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None: ...

    async def trades_since(
        self, credentials: Credentials, instrument: Instrument, since_ms: int
    ) -> list[LeaderTrade]: ...

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]: ...

    async def account_uid(self, credentials: Credentials) -> str: ...

    async def key_scope(self, credentials: Credentials) -> KeyScope: ...


C = TypeVar("C", bound=Kind)
U = TypeVar("U", bound=Kind)


class Kinds(Generic[C, U]):
    """Remember each key's kind of account, the keys used last; nothing else of a key is kept."""

    def __init__(self, classic: C, unified: U, *, keys_max: int = KEYS_KNOWN_MAX) -> None:
        self.classic = classic
        self.unified = unified
        self._keys_max = keys_max
        self._known: OrderedDict[str, C | U] = OrderedDict()

    def known(self, credentials: Credentials) -> C | U | None:
        """Return a key's kind if it was asked for before."""
        kind = self._known.get(credentials.api_key)
        if kind is not None:
            self._known.move_to_end(credentials.api_key)
        return kind

    async def of(self, credentials: Credentials) -> C | U:
        """Return a key's kind; what else the exchange says of the key is raised."""
        kind = self.known(credentials)
        if kind is None:
            kind = await self._ask(credentials)
            self.remember(credentials, kind)
        return kind

    def remember(self, credentials: Credentials, kind: C | U) -> None:
        """Take a key's kind as known."""
        self._known[credentials.api_key] = kind
        while len(self._known) > self._keys_max:
            self._known.popitem(last=False)

    async def learn(self, keys: Iterable[Credentials]) -> dict[str, Failure]:
        """Ask for the kinds of all keys that are not known, side by side; return what stopped which key."""
        strangers = list({c.api_key: c for c in keys if c.api_key not in self._known}.values())
        if not strangers:
            return {}
        answers = await asyncio.gather(*(self._try(credentials) for credentials in strangers))
        told = zip(strangers, answers, strict=True)
        return {credentials.api_key: failure for credentials, failure in told if failure is not None}

    def forget(self, credentials: Credentials) -> None:
        """Ask again next time: the account is not of the kind that we knew."""
        self._known.pop(credentials.api_key, None)

    async def _try(self, credentials: Credentials) -> Failure | None:
        try:
            await self.of(credentials)
        except (VenueRefused, Unavailable, OutcomeUnknown) as failure:
            return failure
        return None

    async def _ask(self, credentials: Credentials) -> C | U:
        try:
            await self.unified.client.ask("settings", credentials, {}, lambda answer: answer["data"]["holdMode"])
        except VenueRefused as refusal:
            if refusal.venue_code in errors.OTHER_KIND:
                return self.classic
            raise
        return self.unified


def changed() -> Unavailable:
    """Say that nothing happened because the account has become one of the other kind."""
    return Unavailable(
        "Bitget: the account has changed between classic and unified; it is asked again", retry_after_s=0
    )
