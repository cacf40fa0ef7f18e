"""Reads the facts of a notice for its words: what is missing, or is not what was expected, is simply not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from babel.dates import format_datetime
from flask_babel import get_locale, get_timezone, gettext  # type: ignore[import-untyped]

from copydesk.trading import PositionSide, Side
from copydesk.web.format import figure, isolated, money, pair, px, signed_money

_QTY = "#,##0.########"
_NAME_MAX = 80


@dataclass(frozen=True, slots=True)
class Told:
    """Facts with the words for each: `told.market` is "BTC/USDT", "" where no market is known."""

    facts: Mapping[str, str | int | None]

    def text(self, name: str) -> str:
        """Return a fact as one line of text, "" where there is none."""
        value = self.facts.get(name)
        shown = " ".join(str("" if value is None else value).split())
        return shown if len(shown) <= _NAME_MAX else shown[: _NAME_MAX - 1] + "…"

    def number(self, name: str) -> Decimal | None:
        """Return a fact as a number, None where it is none."""
        try:
            found = Decimal(str(self.facts[name]))
        except (KeyError, InvalidOperation):
            return None
        return found if found.is_finite() else None

    def count(self, name: str) -> int | None:
        """Return a fact as a whole number, None where it is none."""
        found = self.number(name)
        return None if found is None else int(found)

    def moment(self, name: str) -> str:
        """Return a moment in words with its time zone, "" where there is none."""
        try:
            at = datetime.fromisoformat(str(self.facts[name]))
        except (KeyError, ValueError):
            return ""
        return isolated(str(format_datetime(at, "long", tzinfo=get_timezone(), locale=get_locale())))

    @property
    def strategy(self) -> str:
        return self.text("strategy") or str(gettext("a strategy"))

    @property
    def market(self) -> str:
        return isolated(pair(self.text("symbol")))

    @property
    def traded(self) -> str:
        """Return quantity and market: "0.004 BTC/USDT"."""
        qty = self.number("qty")
        market = pair(self.text("symbol"))
        return isolated(market if qty is None else f"{figure(abs(qty), _QTY)} {market}")

    @property
    def price(self) -> str:
        """Return the price with its currency where both are known, "" without a price."""
        price, currency = self.number("px"), self.text("currency")
        if price is None:
            return ""
        return isolated(f"{px(price)} {currency}" if currency else px(price))

    @property
    def result(self) -> str:
        """Return what was won or lost, with sign and currency; "" where it is not known."""
        result = self.number("result")
        return "" if result is None else signed_money(result, self.text("currency"))

    def money(self, name: str) -> str:
        """Return an amount without its sign, in the currency that the notice names."""
        amount = self.number(name)
        return money(None if amount is None else abs(amount), self.text("currency"))

    @property
    def opens_short(self) -> bool:
        """Tell whether an opening trade bets on a falling price."""
        if self.facts.get("position_side") in {PositionSide.LONG, PositionSide.SHORT}:
            return self.facts.get("position_side") == PositionSide.SHORT
        return self.facts.get("side") == Side.SELL
