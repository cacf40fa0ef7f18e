"""Bybit's names of things: order ids, execution ids, user ids, and how they are read back.

Perpetual orders have UUIDs, spot orders and executions 19-digit numbers; a spot order that the client did not name
gets the number after its id as `orderLinkId` (documented examples of `cancel-all`), a perpetual one gets none.
Ids are made from the engine's own numbers, so that they survive a restart without a table.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

from copydesk.venues.lab.model import SPOT, Execution, Order

_ODD = 0x9E3779B97F4A7C15
_INVERSE = pow(_ODD, -1, 1 << 64)
_MASK = (1 << 64) - 1
_UUID_LEN = 36
_SPOT_BASE = 1_900_000_000_000_000_000
_SPOT_STEP = 512
_SPOT_EXEC_BASE = 2_100_000_000_000_000_000
_USER_BASE = 100_000_000
_USER_SPAN = 400_000_000


@lru_cache(maxsize=65_536)
def _uuid_text(number: int) -> str:
    """Write a number as a UUID of version 4; every number has its own."""
    mixed = f"{number * _ODD & _MASK:016x}"
    rest = f"{(number + 1) * _INVERSE & _MASK:016x}"
    return f"{mixed[:8]}-{mixed[8:12]}-4{rest[:3]}-a{rest[3:6]}-{mixed[12:]}{rest[6:14]}"


def _uuid_number(text: str) -> int | None:
    digits = text[:8] + text[9:13] + text[24:28]
    try:
        number = int(digits, 16) * _INVERSE & _MASK
    except ValueError:
        return None
    return number if _uuid_text(number) == text else None


def order_id_text(market: str, order_id: int) -> str:
    """Write an engine's order id as Bybit writes ids of that market."""
    return str(_SPOT_BASE + order_id * _SPOT_STEP) if market == SPOT else _uuid_text(order_id)


def order_id_number(market: str, text: str) -> int | None:
    """Read an order id; None when it is none that this lab has given out on that market."""
    if market != SPOT:
        return _uuid_number(text) if len(text) == _UUID_LEN else None
    if not text.isdecimal() or len(text) > 20:
        return None
    number, rest = divmod(int(text) - _SPOT_BASE, _SPOT_STEP)
    return number if not rest and number > 0 else None


def link_text(market: str, order_id: int, client_order_id: str) -> str:
    """Return the `orderLinkId` to show; the engine names unnamed orders "lab-<id>"."""
    if client_order_id and client_order_id != f"lab-{order_id}":
        return client_order_id
    return str(_SPOT_BASE + order_id * _SPOT_STEP + 1) if market == SPOT else ""


def link_number(market: str, text: str) -> int | None:
    """Read the id of an unnamed spot order out of the `orderLinkId` that it was shown with."""
    if market != SPOT or not text.isdecimal() or len(text) > 20:
        return None
    number, rest = divmod(int(text) - _SPOT_BASE, _SPOT_STEP)
    return number if rest == 1 and number > 0 else None


def order_name(order: Order) -> tuple[str, str]:
    """Return `orderId` and `orderLinkId` of an order."""
    market, order_id = order.market, order.order_id
    return order_id_text(market, order_id), link_text(market, order_id, order.client_order_id)


def trade_id_text(market: str, trade_id: int) -> str:
    """Write the id of a trade, the same on the tape and in both accounts' executions."""
    return str(_SPOT_EXEC_BASE + trade_id) if market == SPOT else _uuid_text(trade_id | 1 << 40)


def execution_id(market: str, execution: Execution) -> str:
    return trade_id_text(market, execution.trade_id)


def user_id(account: str) -> int:
    """Return the UID of an account."""
    return _USER_BASE + crc32(account.encode()) % _USER_SPAN
