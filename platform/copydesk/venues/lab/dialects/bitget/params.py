"""Reading Bitget requests: one flat object of query or JSON body, and the error answer where it does not fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.model import LabInstrument

# The texts of 40304 and 40305 speak of 50 and 64 characters; the unified account's reference gives its pattern.
CLASSIC_ID_LEN_MAX: Final = 64
_CLASSIC_ID = re.compile(r"[\x21-\x7e]+")
_UNIFIED_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,32}")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(slots=True)
class Call:
    """One request: who asks, from where, when, with which parameters; `items` holds a body that is a bare list."""

    exchange: Exchange
    params: dict[str, Any]
    ip: str
    now_ms: int
    key: ApiKey | None = None
    items: list[Any] = field(default_factory=list)
    client_order_id: str = ""

    @property
    def account(self) -> str:
        assert self.key is not None, "a handler that needs an account has a signed route"
        return self.key.account


def success(now_ms: int, data: bytes) -> bytes:
    """Write the body of an answer around its data."""
    return b'{"code":"00000","msg":"success","requestTime":%d,"data":%b}' % (now_ms, data)


def read_query(query: str) -> dict[str, Any]:
    """Read `a=1&b=2`, percent-decoded; of a name given twice the last counts."""
    if not query:
        return {}
    pairs = [part.partition("=") for part in query.split("&") if part]
    if "%" in query or "+" in query:
        return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    return {name: value for name, _, value in pairs}


def read_body(body: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Read a JSON body: an object, or a bare list as the unified account's batches are."""
    if not body:
        return {}, []
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.ApiError(*errors.BODY_INVALID) from None
    if isinstance(found, dict):
        return found, []
    if isinstance(found, list):
        return {}, found
    raise errors.ApiError(*errors.BODY_INVALID)


def text_of(params: dict[str, Any], name: str) -> str:
    """Read a text, "" when it was not sent; numbers are read as their text."""
    value = params.get(name)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        raise errors.invalid(name)
    return str(value)


def required(params: dict[str, Any], name: str) -> str:
    text = text_of(params, name)
    if not text:
        raise errors.empty(name)
    return text


def word_of(params: dict[str, Any], name: str, words: frozenset[str], default: str = "") -> str:
    """Read one of some words, in lower case; without a default it must be there."""
    text = text_of(params, name).lower() or default
    if not text:
        raise errors.empty(name)
    if text not in words:
        raise errors.invalid(name)
    return text


@lru_cache(maxsize=16_384)
def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if _DECIMAL.fullmatch(text) else None
    except InvalidOperation:
        return None


def decimal_of(params: dict[str, Any], name: str) -> Decimal | None:
    """Read a decimal; None when it was not sent or empty."""
    text = text_of(params, name)
    if not text:
        return None
    value = _decimal(text)
    if value is None:
        raise errors.invalid(name)
    return value


def amount_of(params: dict[str, Any], name: str) -> Decimal:
    """Read a decimal above 0 that must be there."""
    value = decimal_of(params, name)
    if value is None:
        raise errors.empty(name)
    if value <= 0:
        raise errors.ApiError("01001", f"{name} must be greater than 0")
    return value


def integer_of(params: dict[str, Any], name: str) -> int | None:
    """Read a whole number; None when it was not sent."""
    text = text_of(params, name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 19:
        raise errors.invalid(name)
    return int(text)


def limit_of(params: dict[str, Any], default: int, most: int) -> int:
    """Read `limit`; one out of range is refused."""
    limit = integer_of(params, "limit")
    if limit is None:
        return default
    if not 1 <= limit <= most:
        raise errors.ApiError("40053", f"Value range verification failed: limit should be between 1-{most}")
    return limit


def client_id_of(params: dict[str, Any], name: str = "clientOid") -> str:
    """Read a classic client order id, "" when it was not sent."""
    text = text_of(params, name)
    if text and (len(text) > CLASSIC_ID_LEN_MAX or _CLASSIC_ID.fullmatch(text) is None):
        raise errors.ApiError(
            "40305", "clientOid or clientOrderId length cannot greater than 64, and cannot be Martian characters"
        )
    return text


def unified_id_of(params: dict[str, Any]) -> str:
    """Read a unified account's client order id, "" when it was not sent."""
    text = text_of(params, "clientOid")
    if text and _UNIFIED_ID.fullmatch(text) is None:
        raise errors.ApiError("25200", "clientOid validation error")
    return text


def within(params: dict[str, Any], at_ms: int) -> bool:
    """Tell whether a time lies between `startTime` and `endTime`."""
    start, end = integer_of(params, "startTime"), integer_of(params, "endTime")
    if start is not None and end is not None and start > end:
        raise errors.ApiError("40707", "Start time is greater than end time")
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def listed(instruments: dict[str, LabInstrument], symbol: str) -> LabInstrument:
    """Find an instrument by Bitget's name, of either case."""
    instrument = instruments.get(symbol) or instruments.get(symbol.upper())
    if instrument is None:
        raise errors.not_listed(symbol)
    return instrument


def objects_of(value: Any, name: str, most: int) -> list[dict[str, Any]]:
    """Read a list of objects, at least one and at most `most`."""
    if not isinstance(value, list) or not value:
        raise errors.empty(name)
    if len(value) > most:
        raise errors.ApiError("40306", f"Batch processing orders can only process up to {most}")
    if not all(isinstance(one, dict) for one in value):
        raise errors.invalid(name)
    return value
