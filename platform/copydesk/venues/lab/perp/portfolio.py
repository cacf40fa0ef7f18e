"""The accounts of the perpetuals engine: purses, positions, settings and margin, without orders being matched."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.model import (
    FEES_ACCOUNT,
    INSURANCE_ACCOUNT,
    MAKER_ACCOUNT,
    NET,
    PERP,
    TRANSFER,
    LabInstrument,
    PositionView,
    Reject,
)
from copydesk.venues.lab.perp import settings
from copydesk.venues.lab.perp.margin import margin_view, position_view, valuation
from copydesk.venues.lab.perp.model import Change, MarginView, PerpRules, SymbolSettings
from copydesk.venues.lab.perp.positions import Config, Leg, PerpAccount, PerpMarket
from copydesk.venues.lab.triggers import TriggerDesk


class Portfolio(TriggerDesk):
    """Keep accounts, what they hold, and how they want to hold it.

    One settle currency for all instruments (ValueError).
    """

    def __init__(self, instruments: Iterable[LabInstrument], purses: dict[str, Account], rules: PerpRules) -> None:
        super().__init__(instruments, rules)
        settles = {i.settle for i in self.instruments.values()}
        if len(settles) != 1 or "" in settles:
            raise ValueError(f"perpetuals settle in one currency, found {sorted(settles)}")
        self.settle = settles.pop()
        self.rules = rules
        self.purses = purses
        self.markets = {symbol: PerpMarket(book) for symbol, book in self.books.items()}
        self.account_table: dict[str, PerpAccount] = {}
        self.registries = self.account_table
        for name in (MAKER_ACCOUNT, FEES_ACCOUNT, INSURANCE_ACCOUNT):
            self.open_account(name)

    def open_account(self, account: str) -> None:
        """Let an account trade; one that does already stays as it is. A missing purse is made, empty."""
        if account in self.account_table:
            return
        purse = self.purses.setdefault(account, Account(account))
        opened = self.account_table[account] = PerpAccount(purse, self.settle)

        def revalue() -> None:
            if opened.legs:
                purse.held[self.settle] = valuation(opened).held

        if not opened.house:
            purse.revalue = revalue

    def has_account(self, account: str) -> bool:
        return account in self.account_table

    def leg(self, account: str, symbol: str, position_side: str) -> Leg:
        """Return a position, flat or not; an unknown account or symbol raises KeyError."""
        owner = self.account_table[account]
        leg = owner.legs.get((symbol, position_side))
        if leg is None:
            leg = Leg(owner, self.markets[symbol], self.config(owner, symbol), position_side)
            owner.legs[symbol, position_side] = leg
        return leg

    def config(self, account: PerpAccount, symbol: str) -> Config:
        """Return the account's settings for a symbol."""
        config = account.configs.get(symbol)
        if config is None:
            config = account.configs[symbol] = self.fresh_config(symbol)
        return config

    def fresh_config(self, symbol: str) -> Config:
        """Return the settings that every account starts with."""
        brackets = self.instruments[symbol].brackets
        most = max((b.leverage_max for b in brackets), default=self.rules.leverage_default)
        return Config(self.rules, most)

    def positions(self, account: str, symbol: str | None = None) -> list[PositionView]:
        """Return the positions that are not flat; an unknown account raises KeyError."""
        owner = self.account_table[account]
        legs = [leg for leg in owner.positions() if symbol in (None, leg.symbol)]
        if not legs:
            return []
        value = valuation(owner)
        return [position_view(leg, value) for leg in legs]

    def position(self, account: str, symbol: str, position_side: str = NET) -> PositionView:
        """Return one position, also a flat one."""
        leg = self.leg(account, symbol, position_side)
        return position_view(leg, valuation(leg.owner))

    def settings(self, account: str, symbol: str, position_side: str = NET) -> SymbolSettings:
        config = self.config(self.account_table[account], symbol)
        return SymbolSettings(config.leverage[position_side], config.margin_mode)

    def hedge(self, account: str, symbol: str | None = None) -> bool:
        """Tell whether the account is in hedge mode (on this symbol, where it is set per symbol)."""
        owner = self.account_table[account]
        if symbol is None or not self.rules.position_mode_per_symbol:
            return owner.hedge
        return self.config(owner, symbol).hedge

    def margin(self, account: str) -> MarginView:
        return margin_view(self.account_table[account])

    def set_leverage(
        self, account: str, symbol: str, leverage: int, now_ms: int, *, position_side: str = NET
    ) -> Change:
        """Set leverage; refused as LEVERAGE_INVALID, LEVERAGE_UNCHANGED, POSITION_LIMIT or INSUFFICIENT_MARGIN."""
        known = self._known(account, symbol)
        if isinstance(known, Reject):
            return settings.no(known)
        return settings.set_leverage(self, known, symbol, leverage, now_ms, position_side)

    def set_margin_mode(self, account: str, symbol: str, mode: str, now_ms: int) -> Change:
        """Set "cross" or "isolated"; refused as MARGIN_MODE_UNCHANGED or MARGIN_MODE_IN_USE."""
        known = self._known(account, symbol)
        if isinstance(known, Reject):
            return settings.no(known)
        return settings.set_margin_mode(self, known, symbol, mode, now_ms)

    def set_position_mode(self, account: str, hedge: bool, now_ms: int, symbol: str | None = None) -> Change:
        """Set one-way or hedge mode; refused as POSITION_MODE_UNCHANGED or POSITION_MODE_IN_USE.

        Where it is set per symbol, `symbol` None sets all symbols; elsewhere `symbol` does not matter.
        """
        known = self._known(account, symbol)
        if isinstance(known, Reject):
            return settings.no(known)
        return settings.set_position_mode(self, known, hedge, now_ms, symbol)

    def move_margin(self, account: str, symbol: str, position_side: str, amount: Decimal, now_ms: int) -> Change:
        """Add (or with a negative amount take) isolated margin; refused as NO_POSITION or INSUFFICIENT_MARGIN."""
        known = self._known(account, symbol)
        if isinstance(known, Reject):
            return settings.no(known)
        leg = known.legs.get((symbol, position_side))
        if leg is None:
            return settings.no(Reject.NO_POSITION)
        return settings.move_margin(self, known, leg, amount, now_ms)

    def transfer(self, account: str, asset: str, amount: Decimal, now_ms: int) -> Change:
        """Bring money in from another wallet, or with a negative amount take out what is withdrawable."""
        owner = self.account_table.get(account)
        if owner is None:
            return settings.no(Reject.UNKNOWN_ACCOUNT)
        purse = owner.purse
        if amount < ZERO and purse.available(asset) + amount < ZERO:
            return settings.no(Reject.INSUFFICIENT_BALANCE)
        purse.balances[asset].free += amount
        owner.checked_free = None
        told = purse.update((asset,), now_ms)._replace(change=TRANSFER, delta=amount, market=PERP)
        return Change(None, [told])

    def _known(self, account: str, symbol: str | None) -> PerpAccount | Reject:
        if symbol is not None and symbol not in self.instruments:
            return Reject.UNKNOWN_SYMBOL
        return self.account_table.get(account, Reject.UNKNOWN_ACCOUNT)
