"""What is listed, by the exchange's names and codes, and how its order ids are written.

Perpetuals are counted in contracts on the wire and in base units by the engine.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from zlib import crc32

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.params import Params, required, text_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument

INST_TYPES = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"})
# Ids of orders and algo orders are unique over both markets: the engine's number, times four, plus what it is.
_ID_BASE = 2_000_000_000_000_000_000
_KINDS = ((SPOT, False), (PERP, False), (SPOT, True), (PERP, True))
_ORDER_CODE = {SPOT: 0, PERP: 1}
ID_LEN_MAX = 20


class Listed(NamedTuple):
    """One instrument. `size` is what the wire's unit of quantity is worth in base units."""

    market: str
    inst_type: str
    inst_id: str
    code: int
    family: str
    size: Decimal
    instrument: LabInstrument

    def contracts(self, qty: Decimal) -> str:
        """Write a base quantity in the wire's unit."""
        return decimal_text(qty if self.market == SPOT else qty / self.size)


class Catalog:
    """Find instruments by `instId`, `instIdCode`, type or family."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        listed = [_listed(SPOT, i) for i in exchange.spot.instruments.values()]
        listed += [_listed(PERP, i) for i in exchange.perp.instruments.values()]
        self.by_id = {one.inst_id: one for one in listed}
        self.by_code = {one.code: one for one in listed}
        self.known = listed

    @property
    def all(self) -> list[Listed]:
        """Return what can be traded now; what was delisted stays known by its name, for old orders."""
        return [one for one in self.known if self.trades(one)]

    def trades(self, listed: Listed) -> bool:
        """Tell whether an instrument is still listed."""
        return listed.inst_id in self._exchange.engine(listed.market).instruments

    def last_px(self, listed: Listed) -> Decimal:
        """Return the last price, 0 where there is none."""
        return self._exchange.engine(listed.market).ticker(listed.inst_id).last_px if self.trades(listed) else ZERO

    def named(self, params: Params, name: str = "instId") -> Listed:
        """Find the instrument that a parameter must name."""
        listed = self.by_id.get(required(params, name))
        if listed is None or not self.trades(listed):
            raise errors.unknown_instrument()
        return listed

    def ordered(self, inst_id: object, code: object) -> Listed:
        """Find the instrument of an order, named by its id or its code."""
        listed = self.by_id.get(inst_id) if isinstance(inst_id, str) else None
        if listed is None and inst_id in (None, "") and isinstance(code, int | str) and str(code).isdecimal():
            listed = self.by_code.get(int(code))
        if listed is None:
            if inst_id in (None, "") and code in (None, ""):
                raise errors.missing("instId")
            raise errors.unknown_instrument()
        if not self.trades(listed):
            raise errors.unknown_instrument()
        return listed

    def chosen(self, params: Params, *, type_needed: bool = False, past: bool = False) -> list[Listed]:
        """Return what `instType`, `instId`, `uly` and `instFamily` select; all of them when nothing does.

        With `past` what was delisted counts too.
        """
        inst_type = required(params, "instType") if type_needed else text_of(params, "instType")
        if inst_type and inst_type not in INST_TYPES and inst_type != "ANY":
            raise errors.bad_parameter("instType")
        names = text_of(params, "instId").split(",") if params.get("instId") else None
        among = self.known if past else self.all
        if names is not None and not {one.inst_id for one in among}.issuperset(names):
            raise errors.unknown_instrument()
        family = text_of(params, "instFamily") or text_of(params, "uly")
        return [
            one
            for one in among
            if inst_type in ("", "ANY", one.inst_type)
            and (names is None or one.inst_id in names)
            and (not family or (one.family == family and one.market == PERP))
        ]

    def currencies(self) -> list[str]:
        """Name every asset that is traded here."""
        return sorted({asset for one in self.all for asset in (one.instrument.base, one.instrument.quote)})


def _listed(market: str, instrument: LabInstrument) -> Listed:
    inst_id = instrument.venue_symbol
    family = f"{instrument.base}-{instrument.quote}"
    inst_type = "SPOT" if market == SPOT else "SWAP"
    code = crc32(inst_id.encode()) % 1_000_000
    return Listed(market, inst_type, inst_id, code, family, instrument.contract_size, instrument)


def order_text(order_id: int, market: str) -> str:
    """Write an engine's order id as the exchange's `ordId`."""
    return str(_ID_BASE + order_id * 4 + _ORDER_CODE[market])


def algo_text(conditional_id: int, market: str) -> str:
    """Write an engine's conditional id as the exchange's `algoId`."""
    return str(_ID_BASE + conditional_id * 4 + 2 + _ORDER_CODE[market])


def read_id(text: str, *, algo: bool, name: str) -> tuple[int, str] | None:
    """Read an `ordId` (or `algoId`) as the engine's id and market; None when no such id was ever given out."""
    if not text.isdecimal() or len(text) > ID_LEN_MAX:
        raise errors.bad_parameter(name)
    number, code = divmod(int(text) - _ID_BASE, 4)
    market, is_algo = _KINDS[code]
    return (number, market) if number > 0 and is_algo == algo else None


def number_of(*texts: str) -> str:
    """Make a number that stays the same for the same names: user ids, position ids."""
    return str(10**17 + crc32(" ".join(texts).encode()) * 10**7)
