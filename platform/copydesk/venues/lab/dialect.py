"""What the lab asks of a dialect: one exchange's wire format over REST and WebSocket.

A dialect owns how its exchange is spoken: paths, envelopes, signatures, errors, limits, streams, key texts. What
orders do is the engines' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.server import Answer, Request
from copydesk.venues.lab.streams import SessionMaker


class Dialect(Protocol):
    """Speak as one exchange. `venue` is its name; `handles` tells whether a REST path is its own.

    `pair_kinds` are the kinds of public key that an owner may bring instead of sharing a secret.
    What begins with one of the `prefixes` is its own whatever the headers say, and no other dialect's.
    """

    venue: str
    prefixes: tuple[str, ...]
    pair_kinds: frozenset[str]

    def handles(self, request: Request) -> bool: ...

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        ...

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        ...

    def lanes(self) -> Sequence[LightLane]:
        """Return the express lanes of its order endpoints."""
        ...

    def failure(self, status: int) -> bytes:
        """Return the body with which the exchange reports an internal trouble under that HTTP status."""
        ...

    def sessions(self) -> Mapping[str, SessionMaker]:
        """Map WebSocket paths (patterns of aiohttp) to what is spoken there."""
        ...

    def tick(self) -> None:
        """Send what a moved market has to tell; called about every 100 ms."""
        ...

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        ...

    def key_texts(self) -> KeyTexts: ...
