"""Rows of trades as arrays, and the fills that a record is folded from. Pure.

An instrument is named by its symbol; the two sides of hedge mode are instruments of their own ("BTC/USDT:USDT#long").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np

from copydesk.analytics import Fills
from copydesk.analytics.record import Floats, Whole
from copydesk.analytics.rows import REST_RATIO


class Held(NamedTuple):
    """What is held of an instrument, and the most that was since its position was opened."""

    qty: float
    qty_max: float


_NOTHING = Held(0.0, 0.0)


class Fee(IntEnum):
    """In what a fee was taken."""

    QUOTE = 0
    BASE = 1
    OTHER = 2


class Line(Protocol):
    """Prices of one instrument, oldest first."""

    @property
    def at_s(self) -> Whole: ...
    @property
    def px(self) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Trades of one account or subscription in the order of arrival, arrays of one length.

    `which` are places in `names`, `coin` places in `coins`: the symbols that fees in a third coin are valued by.
    """

    names: tuple[str, ...]
    coins: tuple[str, ...]
    seq: Whole
    which: Whole
    at_ms: Whole
    qty: Floats
    px: Floats
    fee: Floats
    fee_kind: Whole
    coin: Whole

    def __len__(self) -> int:
        return len(self.seq)

    @property
    def at_s(self) -> Whole:
        """Return the second that each trade counts in."""
        return self.at_ms // 1000

    def part(self, chosen: object) -> Ledger:
        """Return some of the rows."""
        columns = (self.seq, self.which, self.at_ms, self.qty, self.px, self.fee, self.fee_kind, self.coin)
        return Ledger(self.names, self.coins, *(column[chosen] for column in columns))  # type: ignore[call-overload]

    def after(self, at_s: int) -> Ledger:
        """Return what happened after a second."""
        return self.part(self.at_s > at_s)


def named(symbol: str, position_side: str) -> str:
    """Name an instrument: a symbol, or one side of it in hedge mode."""
    return symbol if position_side == "net" else f"{symbol}#{position_side}"


def symbol_of(name: str) -> str:
    """Return the symbol of an instrument."""
    return name.partition("#")[0]


def quote_of(symbol: str) -> str:
    """Return the currency that an instrument is settled in."""
    pair, _, settled = symbol.partition(":")
    return settled or pair.partition("/")[2]


def fee_kind(symbol: str, currency: str) -> Fee:
    """Tell in what a fee was taken: in quote, in base (spot alone), or in a coin of its own."""
    if currency == quote_of(symbol) or not currency:
        return Fee.QUOTE
    return Fee.BASE if ":" not in symbol and currency == symbol.partition("/")[0] else Fee.OTHER


def fills_of(ledger: Ledger, lines: Mapping[str, Line], *, held: Mapping[str, Held] | None = None) -> Fills:
    """Make fills of trades. A fee in base is taken off the quantity, and paid for at the trade's price.

    A fee in a third coin costs what that coin was worth in that minute; where nobody knows, it costs nothing here and
    shows as unexplained. With `held` (what a leader held before, by instrument) spot never falls below nothing: what
    somebody sells of earlier holdings is not part of the record.
    """
    in_base = ledger.fee_kind == Fee.BASE
    qty = ledger.qty - np.where(in_base, ledger.fee, 0.0)
    cost = np.where(in_base, ledger.fee * ledger.px, np.where(ledger.fee_kind == Fee.QUOTE, ledger.fee, 0.0))
    for place, symbol in enumerate(ledger.coins):
        paid = np.flatnonzero((ledger.fee_kind == Fee.OTHER) & (ledger.coin == place))
        cost[paid] = ledger.fee[paid] * _worth(lines.get(symbol), ledger.at_s[paid])
    fills = Fills(ledger.seq, ledger.which, ledger.at_ms, qty, ledger.px, cost)
    return fills if held is None else _never_short(ledger.names, fills, held)


def _worth(line: Line | None, at_s: Whole) -> Floats:
    if line is None or not len(line.at_s):
        return np.zeros(len(at_s))
    place = np.searchsorted(line.at_s, at_s, "right") - 1
    return np.where(place >= 0, line.px[np.maximum(place, 0)], 0.0)


def _never_short(names: Sequence[str], fills: Fills, held: Mapping[str, Held]) -> Fills:
    """Cut sales of spot at what is held; fees of what is cut are cut with it."""
    qty, cost = fills.qty.copy(), fills.cost.copy()
    for place, name in enumerate(names):
        own = np.flatnonzero(fills.instrument == place)
        if ":" in name or not len(own):
            continue
        own = own[np.lexsort((fills.trade[own], fills.at_ms[own]))]
        moved = qty[own]
        cut = np.array(_cut(moved.tolist(), held.get(name, _NOTHING)))
        cost[own] *= np.divide(cut, moved, out=np.ones(len(own)), where=moved != 0)
        qty[own] = cut
    return Fills(fills.trade, fills.instrument, fills.at_ms, qty, fills.px, cost)


def _cut(moved: list[float], held: Held) -> list[float]:
    """Cut sales at what is held; a rest of next to nothing counts as sold with its position, as the fold has it."""
    level, most = held
    # What is left by counting in binary is nothing.
    dust = max(map(abs, moved)) * 1e-12
    cut = []
    for change in moved:
        told = change if level + change > -dust else -level
        reached = level + told
        if told < 0 and reached < max(most * REST_RATIO, dust):
            reached = 0.0
        most = max(most, reached) if level > 0 and reached > 0 else reached
        level = reached
        cut.append(told)
    return cut
