"""What an exchange implements to be spoken to by `VenueClient`: requests in its bytes, answers in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote

from orjson import JSONDecodeError

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, Instrument, KeyKind, OrderRequest, OrderView
from copydesk.venues.client.budget import Reported
from copydesk.venues.client.signatures import get_ready_to_sign
from copydesk.venues.traits import Endpoint

# What reading an answer of another form may raise; OSError and OverflowError come from impossible timestamps.
MISREAD = (JSONDecodeError, KeyError, IndexError, ValueError, TypeError, ArithmeticError, AttributeError, OSError)

# The head of an answer as it came, which nobody takes apart unless a header is asked for (`header_of`).
Headers = bytes
Failure = VenueRefused | Unavailable | OutcomeUnknown
# More than any order: whatever an order's executions add up to.
EVERY_QTY = Decimal("Infinity")
# A request before it is signed, in any form that the same exchange's `render` takes.
Params = Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | bytes
# Query, extra header lines (each ending in CRLF), body.
Rendered = tuple[str, str, bytes]


class Blocks(Enum):
    """Whom a refusal for too many requests concerns."""

    NOBODY = "nobody"
    KEY = "key"
    ADDRESS = "address"


class Verdict(Enum):
    """What a code in an error table proves where it is no `Denial`."""

    RETRY = "retry"  # It did not reach the engine.
    UNKNOWN = "unknown"


class Wire(Protocol):
    """One origin's dialect. Everything may raise what `MISREAD` lists for answers of another form."""

    @property
    def name(self) -> str:
        """Return the exchange's name as messages have it."""
        ...

    @property
    def key_kinds(self) -> Collection[KeyKind]:
        """Return the kinds of keys that the exchange takes."""
        ...

    def render(
        self, endpoint: Endpoint, params: Params, credentials: Credentials | None, timestamp_ms: int
    ) -> Rendered:
        """Sign one request; without credentials it is public. Runs at the moment a connection is free."""
        ...

    def classify(self, status: int, headers: Headers, body: bytes, now: float) -> Failure | None:
        """Say what an answer proves; None is success. `now` is epoch seconds.

        Called for every answer: success must be told cheaply (HTTP status, or a prefix of the body).
        """
        ...

    def reported(self, endpoint: Endpoint, headers: Headers) -> Reported:
        """Read the usage that an answer's headers tell."""
        ...

    def refuses_time(self, status: int, body: bytes) -> bool:
        """Tell whether a request was refused because its timestamp is outside the receive window."""
        ...

    def blocks(self, status: int, body: bytes) -> Blocks:
        """Tell whom a refusal that says "later" keeps from sending for as long as it says."""
        ...

    def server_time_s(self, answer: Any) -> float:
        """Read the answer to the endpoint "time", in epoch seconds."""
        ...

    def order_endpoint(self, order: OrderRequest) -> Endpoint: ...

    def order_params(self, order: OrderRequest, instrument: Instrument) -> Params:
        """Put an order in the exchange's words; raises `VenueRefused` for one that it cannot express."""
        ...

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        """Read the answer to `order`.

        Where the exchange acknowledges acceptance only: ACCEPTED, `cum_qty` 0, `avg_px` None. A verdict on the
        order inside a batch's envelope is raised as a `Failure`.
        """
        ...


def check_credentials(credentials: Credentials, wire: Wire) -> None:
    """Refuse a key that cannot stand in a header line, or cannot sign; the exchange would reject it as well."""
    if not _KEY_TEXT.fullmatch(credentials.api_key) or not credentials.secret.isascii():
        raise VenueRefused(
            "API key: expected printable ASCII without spaces", code=Denial.KEY_REJECTED.value, venue_code="-"
        )
    if credentials.password and not _PASSPHRASE.fullmatch(credentials.password):
        raise VenueRefused(
            "passphrase: expected printable ASCII", code=Denial.KEY_PASSPHRASE_WRONG.value, venue_code="-"
        )
    if credentials.kind not in wire.key_kinds:
        said = f"API key: {wire.name} takes no keys that sign with {credentials.kind.value}"
        raise VenueRefused(said, code=Denial.KEY_REJECTED.value, venue_code="-")
    get_ready_to_sign(credentials)


_KEY_TEXT = re.compile(r"[!-~]{1,256}")
_PASSPHRASE = re.compile(r"[!-~]([ -~]{0,254}[!-~])?")


@contextmanager
def reading(name: str, *, mutates: bool = False) -> Iterator[None]:
    """Translate an answer that does not have the documented form: for a change it proves nothing."""
    try:
        yield
    except MISREAD as error:
        said = f"{name}'s answer cannot be read: {error!r}"
        raise (OutcomeUnknown(said) if mutates else Unavailable(said)) from error


def query_text(params: Params) -> str:
    """Join named parameters to a query or form."""
    assert isinstance(params, Mapping), "a query takes named parameters"
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())


def number(text: str) -> Decimal:
    """Read an amount; `ValueError` for NaN and infinity, which would poison every sum they enter."""
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"not a number: {text}")
    return value


@lru_cache(maxsize=1024)
def moment(at_ms: int) -> datetime:
    """Turn an exchange's milliseconds into an aware time; many orders of one fan-out have the same."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def header_of(headers: Headers, name: bytes) -> bytes | None:
    """Return one header of an answer; `name` in lower case."""
    at = headers.lower().find(b"\r\n" + name + b":")
    return headers[at + len(name) + 3 :].partition(b"\r\n")[0].strip() if at >= 0 else None
