"""What a replay is made of: a past, and the terms on which somebody would have copied it. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from copydesk.kernel import ZERO, InvalidInput
from copydesk.replication.model import Limits, SignalFact
from copydesk.risk.limits import LimitSet
from copydesk.trading import Instrument, SizePolicy, SizingMode

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

# Nobody copies with more.
AMOUNT_MAX = Decimal(10**9)
# Modes that are nothing without a number of their own.
NEEDS_VALUE = frozenset(SizingMode) - {SizingMode.EQUITY_RATIO}


class Fees(NamedTuple):
    """What an exchange takes of each order's worth, as plain ratios."""

    spot: Decimal
    perpetual: Decimal


# Takers of the lowest tier. Sources: the exchanges' fee schedules (binance.com/en/fee, bybit.com/en/help-center
# "Trading Fee Structure", okx.com/fees, bitget.com/fee).
TAKER_FEES: Mapping[str, Fees] = MappingProxyType(
    {
        "binance": Fees(Decimal("0.001"), Decimal("0.0005")),
        "bybit": Fees(Decimal("0.001"), Decimal("0.00055")),
        "okx": Fees(Decimal("0.001"), Decimal("0.0005")),
        "bitget": Fees(Decimal("0.001"), Decimal("0.0006")),
    }
)
_DEAREST = Fees(Decimal("0.001"), Decimal("0.0006"))


def fees_at(venue: str) -> Fees:
    """Return what an exchange takes of a new account; of one that is not known, the dearest."""
    return TAKER_FEES.get(venue, _DEAREST)


class MarkLine(NamedTuple):
    """Prices of one instrument, oldest first: epoch seconds, and the price at each in quote currency."""

    at_s: Whole
    px: Floats


@dataclass(frozen=True, slots=True)
class Past:
    """What happened between two moments, as far as it is stored.

    `signals` are the leader's, in the order in which they were stored. `limits` are the brand's bounds by symbol; an
    instrument that is missing in `instruments` is not listed by the exchange any more. Prices are sought in `marks`,
    and in the signals themselves. `slippage_bps` is by how much real copies were dearer than the leader's fills.
    """

    since: datetime
    until: datetime
    signals: tuple[SignalFact, ...]
    instruments: Mapping[str, Instrument]
    limits: Mapping[str, Limits]
    marks: Mapping[str, MarkLine] = field(default_factory=dict)
    slippage_bps: Decimal = ZERO

    @property
    def perpetual(self) -> bool:
        """Tell whether any perpetual was traded."""
        return any(signal.perpetual for signal in self.signals)


@dataclass(frozen=True, slots=True)
class CopyTerms:
    """How the follower would have copied. The account holds the allocation, and besides it `reserve`, in `currency`.

    `slippage_bps` makes every copy dearer than the leader's fill. `profit_share` is taken of a gain at the end.
    Raises InvalidInput where nothing is allocated, or a mode lacks its number.
    """

    allocation: Decimal
    currency: str
    zone: ZoneInfo
    sizing_mode: SizingMode = SizingMode.EQUITY_RATIO
    sizing_value: Decimal | None = None
    size_policy: SizePolicy = SizePolicy.SKIP
    leverage_max: int | None = None
    fees: Fees = _DEAREST
    slippage_bps: Decimal = ZERO
    profit_share: Decimal = ZERO
    reserve: Decimal = ZERO
    limits: LimitSet = field(default_factory=LimitSet)

    def __post_init__(self) -> None:
        if not (self.allocation.is_finite() and self.allocation > 0):
            raise InvalidInput(f"amount: expected above zero, found {self.allocation}.", code="amount")
        value = self.sizing_value
        if self.sizing_mode in NEEDS_VALUE and not (value is not None and value.is_finite() and value > 0):
            found = "none" if value is None else str(value)
            raise InvalidInput(f"value: expected a number above zero, found {found}.", code="value")
